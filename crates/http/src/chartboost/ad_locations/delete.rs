//! `DELETE /apps/{app_id}/ad-locations/{ad_location_id}`: the location is gone, its reports and its history stay.

use super::find;
use crate::ApiState;
use crate::chartboost::schema::{Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params, apps};
use crate::etag::IfMatch;
use crate::native::schema::IfMatchParams;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tollgate_domain::{AdLocation, App};

/// Delete an ad location
#[utoipa::path(
    delete,
    path = "/apps/{app_id}/ad-locations/{ad_location_id}",
    operation_id = "delete_ad_location",
    tag = "Ad locations",
    params(
        ("app_id" = String, Path, description = "The app's id."),
        ("ad_location_id" = String, Path, description = "The location's UUID."),
        IfMatchParams,
    ),
    responses(
        (status = 204, description = "The ad location was deleted."),
        (status = 400, description = "If-Match cannot be read.", body = Detail),
        (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
        (status = 412, description = "The location is at another version than If-Match names.", body = Detail),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(path): Params<(String, String)>,
    if_match: IfMatch,
) -> Answer {
    let known = find(&client, &path)?;
    apps::require_disclosures(&client)?;
    state
        .catalog
        .write(client.organization_id(), &client.actor(), |draft| {
            draft.require::<App>(known.id.app().as_str(), None)?;
            if_match.require::<AdLocation>(draft, known.id.as_str())?;
            draft.delete::<AdLocation>(known.id.as_str(), None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
