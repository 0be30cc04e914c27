//! `PATCH /apps/{app_id}/monetization_settings`: merges what the body names into what is stored.

use super::model::{self, SettingsBody};
use super::schema::SettingsRequest;
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Failure, Params};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::native::schema::IfMatchParams;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_catalog::{Draft, Object, Refused, change_monetization_settings, monetization_settings_version};
use tollgate_domain::App;

/// Update an app's monetization settings
///
/// Objects merge field by field, a list replaces a list. The answer is the settings as they are now.
#[utoipa::path(
    patch,
    path = "/apps/{app_id}/monetization_settings",
    operation_id = "update_monetization_settings",
    tag = "Monetization settings",
    params(("app_id" = String, Path, description = "The app's id."), IfMatchParams),
    request_body = SettingsRequest,
    responses(
        (status = 200, description = "The settings as they are now.", body = SettingsBody,
         headers(("ETag" = String, description = "The settings' version."))),
        (status = 412, description = "The settings are at another version than If-Match names.", body = Detail),
        NoSuchObject,
        BodyError,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    client.organization().get::<App>(&id).ok_or_else(|| Failure::no_such(App::KIND, &id))?;
    let (patch, unread) = model::read(read_json_object(request).await?);
    let (organization, actor) = (client.organization_id(), client.actor());
    let change = |draft: &mut Draft<'_>| {
        let app = draft.require::<App>(&id, None)?;
        if_match.check(monetization_settings_version(draft, app.id))?;
        let (settings, version) = change_monetization_settings(draft, app.id, &patch)?;
        Ok((SettingsBody::of(&settings, &app), version))
    };
    if !unread.is_empty() {
        return match state.catalog.rehearse(organization, &actor, change) {
            Err(Refused::Invalid(broken)) => Err(ApiError::together(unread, broken).into()),
            Err(other) => Err(other.into()),
            Ok(_) => Err(ApiError::invalid(unread).into()),
        };
    }
    let (body, version) = state.catalog.write(organization, &actor, change).await?;
    Ok((etag(version), Json(body)).into_response())
}
