//! `GET /apps/` and `GET /apps/{app_id}`: the organization's apps, keyed by their ids.

use crate::chartboost::Params;
use crate::chartboost::analytics::{Answer, Asked, JobProblem};
use crate::error::{ApiError, Code};
use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use std::collections::BTreeMap;
use tollgate_catalog::Stored;
use tollgate_domain::App;
use tollgate_jobs::analytics::platform_name;
use utoipa::ToSchema;

/// An app.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LegacyApp<'a> {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: &'a str,
    /// Its name in the store; else its nickname.
    name: &'a str,
    nickname: &'a str,
    /// Unix seconds.
    date_created: i64,
    #[schema(required)]
    store_id: Option<&'a str>,
    #[schema(required)]
    store_url: Option<&'a str>,
    #[schema(required)]
    bundle_id: Option<&'a str>,
    platform: &'static str,
}

impl<'a> LegacyApp<'a> {
    fn of(stored: &'a Stored<App>) -> Self {
        Self {
            id: stored.id.as_str(),
            name: stored.name.as_deref().unwrap_or(&stored.nickname),
            nickname: &stored.nickname,
            date_created: stored.meta.created_at.seconds(),
            store_id: stored.store_app_id.as_deref(),
            store_url: stored.store_app_url.as_deref(),
            bundle_id: stored.store_bundle_id.as_deref(),
            platform: platform_name(stored.platform),
        }
    }
}

/// List apps, with a user id
#[utoipa::path(
    get,
    path = "/apps/",
    operation_id = "list_apps",
    tag = "Account",
    responses((status = 200, description = "The apps by their ids.", body = BTreeMap<String, LegacyApp>)),
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let apps = asked.organization.table::<App>();
    let body: BTreeMap<&str, LegacyApp<'_>> =
        apps.iter().map(|app| (app.id.as_str(), LegacyApp::of(app))).collect();
    Ok(Json(body).into_response())
}

/// Get an app, with a user id
#[utoipa::path(
    get,
    path = "/apps/{app_id}",
    operation_id = "get_app",
    tag = "Account",
    params(("app_id" = String, Path, description = "The app's id.")),
    responses((status = 200, description = "The app.", body = LegacyApp), JobProblem),
)]
pub(super) async fn one(path: Result<Params<String>, crate::chartboost::Failure>, asked: Asked) -> Answer {
    let id = path.map(|Params(id)| id).unwrap_or_default();
    match asked.organization.get::<App>(&id) {
        Some(app) => Ok(Json(LegacyApp::of(app)).into_response()),
        None => {
            let missing = ApiError::because(Code::NotFound, format!("There is no app with ID {id}"));
            Err(asked.refuse(missing))
        }
    }
}
