//! `PATCH /apps/{app_id}`: changes what the body names; the result is judged as a whole, like a creation.

use super::body::Updated;
use super::schema::AppChangeRequest;
use super::{find, model, require_disclosures};
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::native::schema::IfMatchParams;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_catalog::update_app;
use tollgate_domain::App;

/// Update an app
///
/// What is absent stays as it is. The result must keep the rules of a creation; a live app stays live, and what is known of
/// the store does not become null.
#[utoipa::path(
    patch,
    path = "/apps/{app_id}",
    operation_id = "update_app",
    tag = "Apps",
    params(("app_id" = String, Path, description = "The app's id."), IfMatchParams),
    request_body = AppChangeRequest,
    responses(
        (status = 200, description = "The app as it is now.", body = Updated,
         headers(("ETag" = String, description = "The app's version."))),
        (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
        (status = 412, description = "The app is at another version than If-Match names.", body = Detail),
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
    let known = find(&client, &id)?;
    require_disclosures(&client)?;
    let (change, unread) = model::read_change(read_json_object(request).await?);
    if !unread.is_empty() {
        let broken = change.violations(Some(known));
        return Err(ApiError::together(unread, broken).into());
    }
    let organization = client.organization_id();
    let app = state
        .catalog
        .write(organization, &client.actor(), |draft| {
            let app = if_match.require::<App>(draft, &id)?;
            update_app(draft, &app, &change)?;
            draft.require::<App>(&id, None)
        })
        .await?;
    let body = Updated::of(&app, client.organization(), state.catalog.now());
    Ok((etag(app.meta.version), Json(body)).into_response())
}
