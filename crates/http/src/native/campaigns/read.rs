//! `GET /campaigns/{campaign_id}`: one campaign.

use super::find;
use super::model::CampaignBody;
use crate::etag::etag;
use crate::native::auth::Principal;
use crate::native::schema::MissingProblem;
use crate::native::{Answer, Params};
use axum::Json;
use axum::response::IntoResponse;

/// Get a campaign
#[utoipa::path(
    get,
    path = "/campaigns/{campaign_id}",
    operation_id = "get_campaign",
    params(("campaign_id" = String, Path, description = "The campaign's id.")),
    responses(
        (status = 200, description = "The campaign.", body = CampaignBody,
         headers(("ETag" = String, description = "The campaign's version."))),
        MissingProblem,
    ),
)]
pub(super) async fn handle(principal: Principal, Params(id): Params<String>) -> Answer {
    let campaign = find(&principal, &id)?;
    Ok((etag(campaign.meta.version), Json(CampaignBody::of(&campaign))).into_response())
}
