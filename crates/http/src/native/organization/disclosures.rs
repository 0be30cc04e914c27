//! `POST /disclosures/accept`: from then on the organization may make and change apps. It cannot be taken back.

use crate::ApiState;
use crate::native::Answer;
use crate::native::auth::Principal;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_catalog::Organization;
use utoipa::ToSchema;

/// Whether the disclosures were accepted.
#[derive(Debug, Serialize, ToSchema)]
struct Disclosures {
    disclosures_accepted: bool,
}

/// Accept the app disclosures
///
/// Until then creating or changing apps and ad locations is refused. Accepting them again changes nothing.
#[utoipa::path(
    post,
    path = "/disclosures/accept",
    operation_id = "accept_disclosures",
    responses((status = 200, description = "The disclosures are accepted.", body = Disclosures)),
)]
pub(super) async fn handle(principal: Principal, State(state): State<ApiState>) -> Answer {
    let id = principal.organization_id();
    state
        .catalog
        .write(id, principal.actor(), |draft| {
            let organization = draft.require::<Organization>(id.as_str(), None)?.value.clone();
            draft.update(Organization { disclosures_accepted: true, ..organization }, None)
        })
        .await?;
    Ok(Json(Disclosures { disclosures_accepted: true }).into_response())
}
