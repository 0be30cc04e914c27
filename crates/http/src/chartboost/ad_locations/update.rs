//! `PATCH /apps/{app_id}/ad-locations/{ad_location_id}`: another name, other prices.

use super::body::Body;
use super::find;
use super::model::{ChangeRequest, LocationChange};
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params, apps};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::native::schema::IfMatchParams;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_catalog::update_ad_location;
use tollgate_domain::{AdLocation, App};

/// Update an ad location
///
/// Prices that are sent replace all that there were. What else a location has cannot be changed; it may be sent as it is.
#[utoipa::path(
    patch,
    path = "/apps/{app_id}/ad-locations/{ad_location_id}",
    operation_id = "update_ad_location",
    tag = "Ad locations",
    params(
        ("app_id" = String, Path, description = "The app's id."),
        ("ad_location_id" = String, Path, description = "The location's UUID."),
        IfMatchParams,
    ),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "The ad location as it is now.", body = Body,
         headers(("ETag" = String, description = "The location's version."))),
        (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
        (status = 412, description = "The location is at another version than If-Match names.", body = Detail),
        NoSuchObject,
        BodyError,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(path): Params<(String, String)>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let known = find(&client, &path)?;
    apps::require_disclosures(&client)?;
    let change = LocationChange::read(read_json_object(request).await?, known).map_err(ApiError::invalid)?;
    let location = state
        .catalog
        .write(client.organization_id(), &client.actor(), |draft| {
            draft.require::<App>(known.id.app().as_str(), None)?;
            let location = if_match.require::<AdLocation>(draft, known.id.as_str())?;
            update_ad_location(draft, change.apply(&location))?;
            draft.require::<AdLocation>(known.id.as_str(), None)
        })
        .await?;
    Ok((etag(location.meta.version), Json(Body::of(&location))).into_response())
}
