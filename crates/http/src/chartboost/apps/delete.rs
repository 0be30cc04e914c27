//! `DELETE /apps/{app_id}`: the app is marked as deleted. Its reports stay, and its history.

use super::require_disclosures;
use crate::ApiState;
use crate::chartboost::schema::{Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params};
use crate::etag::IfMatch;
use crate::native::schema::IfMatchParams;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tollgate_domain::App;

/// Delete an app
///
/// A soft deletion: the app is only marked as deleted.
#[utoipa::path(
    delete,
    path = "/apps/{app_id}",
    operation_id = "delete_app",
    tag = "Apps",
    params(("app_id" = String, Path, description = "The app's id."), IfMatchParams),
    responses(
        (status = 204, description = "The app was deleted."),
        (status = 400, description = "If-Match cannot be read.", body = Detail),
        (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
        (status = 412, description = "The app is at another version than If-Match names.", body = Detail),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
) -> Answer {
    super::find(&client, &id)?;
    require_disclosures(&client)?;
    state
        .catalog
        .write(client.organization_id(), &client.actor(), |draft| {
            if_match.require::<App>(draft, &id)?;
            draft.delete::<App>(&id, None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
