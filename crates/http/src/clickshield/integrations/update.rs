//! `PATCH /integrations/{integrationID}`: changes what the body names; `null` clears what can be empty.

use super::super::{Answer, done};
use super::model::IntegrationChange;
use super::read::find;
use super::schema;
use crate::ApiState;
use crate::auth::Writer;
use crate::body::read_object;
use crate::clickshield::Params;
use crate::clickshield::schema::{BodyProblem, Done, FormFields, MissingProblem};
use crate::error::ApiError;
use crate::fields::Fields;
use axum::extract::{Request, State};
use tollgate_domain::Integration;

/// Update an integration
///
/// Changes what the body names; `null` clears what can be empty.
#[utoipa::path(
    patch,
    path = "/integrations/{integration_id}",
    operation_id = "update_integration",
    tag = "Integrations",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    request_body(content((schema::IntegrationChange = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The integration was changed.", body = Done),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(id): Params<String>,
    request: Request,
) -> Answer {
    find(&caller, &id)?;
    let (body, encoding) = read_object(request).await?;
    let organization = caller.organization_id();
    let change =
        IntegrationChange::read(Fields::new(body, encoding), Some(&id), organization, &state.bidders);
    if !change.errors().is_empty() {
        return Err(ApiError::invalid(change.errors().to_vec()).into());
    }
    state
        .catalog
        .write(organization, &caller.actor(), |draft| {
            let mut integration = draft.require::<Integration>(&id, None)?.value.clone();
            change.apply(&mut integration)?;
            draft.update(integration, None)?;
            change.apply_key(draft, &id)
        })
        .await?;
    Ok(done())
}
