//! `GET /apps/{app_id}`

use super::body::Whole;
use crate::ApiState;
use crate::chartboost::schema::NoSuchObject;
use crate::chartboost::{Answer, Client, Failure, Params};
use crate::etag::etag;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use std::sync::Arc;
use tollgate_catalog::{Object, Stored};
use tollgate_domain::App;

/// Get an app
#[utoipa::path(
    get,
    path = "/apps/{app_id}",
    operation_id = "get_app",
    tag = "Apps",
    params(("app_id" = String, Path, description = "The app's id.")),
    responses(
        (status = 200, description = "The app.", body = Whole,
         headers(("ETag" = String, description = "The app's version."))),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    let app = find(&client, &id)?;
    let body = Whole::of(app, client.organization(), state.catalog.now());
    Ok((etag(app.meta.version), Json(body)).into_response())
}

/// The caller's app of an id; that of another organization does not exist.
pub(in crate::chartboost) fn find<'a>(client: &'a Client, id: &str) -> Result<&'a Arc<Stored<App>>, Failure> {
    client.organization().get::<App>(id).ok_or_else(|| Failure::no_such(App::KIND, id))
}
