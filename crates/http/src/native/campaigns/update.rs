//! `PATCH /campaigns/{campaign_id}`: changes what the body names.

use super::find;
use super::model::{CampaignBody, Change};
use super::schema::CampaignChange;
use crate::ApiState;
use crate::body::read_json_object;
use crate::etag::{IfMatch, etag};
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_catalog::update_campaign;
use tollgate_domain::Campaign;

/// Update a campaign
///
/// Changes what the body names; null clears. What events were paid before stays as it is.
#[utoipa::path(
    patch,
    path = "/campaigns/{campaign_id}",
    operation_id = "update_campaign",
    params(("campaign_id" = String, Path, description = "The campaign's id."), IfMatchParams),
    request_body = CampaignChange,
    responses(
        (status = 200, description = "The campaign as it is now.", body = CampaignBody,
         headers(("ETag" = String, description = "The campaign's version."))),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let known = find(&principal, &id)?;
    let change = Change::read(read_json_object(request).await?, Some(&known))?;
    let campaign = state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            let campaign = if_match.require::<Campaign>(draft, &id)?;
            update_campaign(draft, change.apply(&campaign)?, None)?;
            draft.require::<Campaign>(&id, None)
        })
        .await?;
    Ok((etag(campaign.meta.version), Json(CampaignBody::of(&campaign))).into_response())
}
