//! `GET /apps/{app_id}/monetization_settings`

use super::model::SettingsBody;
use crate::chartboost::schema::NoSuchObject;
use crate::chartboost::{Answer, Client, Failure, Params};
use crate::etag::etag;
use axum::Json;
use axum::response::IntoResponse;
use tollgate_catalog::{Object, monetization_settings};
use tollgate_domain::App;

/// Get an app's monetization settings
#[utoipa::path(
    get,
    path = "/apps/{app_id}/monetization_settings",
    operation_id = "get_monetization_settings",
    tag = "Monetization settings",
    params(("app_id" = String, Path, description = "The app's id.")),
    responses(
        (status = 200, description = "The settings.", body = SettingsBody,
         headers(("ETag" = String, description = "The settings' version."))),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(client: Client, Params(id): Params<String>) -> Answer {
    let app = client.organization().get::<App>(&id).ok_or_else(|| Failure::no_such(App::KIND, &id))?;
    let (settings, version) = monetization_settings(client.organization(), app.id);
    Ok((etag(version), Json(SettingsBody::of(&settings, app))).into_response())
}
