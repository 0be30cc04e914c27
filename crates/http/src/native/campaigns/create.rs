//! `POST /campaigns`: a new campaign.

use super::model::{CampaignBody, Change};
use super::schema::NewCampaign;
use crate::ApiState;
use crate::body::read_json_object;
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, NativeProblem};
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tollgate_catalog::{Draft, Refused, new_campaign, random_object_id};
use tollgate_domain::{Campaign, CampaignId, Invalid};

/// Create a campaign
///
/// From now on events that name it are paid as it says, and reports tell its name.
#[utoipa::path(
    post,
    path = "/campaigns",
    operation_id = "create_campaign",
    params(OnceParams),
    request_body = NewCampaign,
    responses(
        (status = 201, description = "The campaign was created.", body = CampaignBody,
         headers(("ETag" = String, description = "The campaign's version."))),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = NativeProblem,
         content_type = "application/problem+json"),
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    once: Once,
    request: Request,
) -> Answer {
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let change = Change::read(body, None)?;
    once.write(
        &state,
        principal.organization_id(),
        principal.actor(),
        |draft| {
            let id = match change.id() {
                Some(id) if draft.get::<Campaign>(id.as_str()).is_some() => {
                    let taken = Invalid::new("id", "is that of another campaign");
                    return Err(Refused::Invalid(vec![taken]));
                }
                Some(id) => id.clone(),
                None => unused(draft)?,
            };
            let campaign = change.create(id.clone())?;
            new_campaign(draft, campaign)?;
            Ok(id)
        },
        |id, organization| {
            let stored = organization.get::<Campaign>(id.as_str());
            Reply::stored(StatusCode::CREATED, stored, CampaignBody::of)
        },
    )
    .await
}

fn unused(draft: &Draft<'_>) -> Result<CampaignId, Refused> {
    loop {
        // What is made up is a legal id.
        let id: CampaignId =
            random_object_id(draft.entropy()).parse().map_err(|error| Refused::Invalid(vec![error]))?;
        if draft.get::<Campaign>(id.as_str()).is_none() {
            return Ok(id);
        }
    }
}
