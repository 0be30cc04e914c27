//! `POST /apps`: a new app, reviewed at once unless the organization reviews by hand.

use super::body::Created;
use super::schema::NewAppRequest;
use super::{model, require_disclosures};
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail};
use crate::chartboost::{Answer, Client};
use crate::error::ApiError;
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tollgate_catalog::new_app;
use tollgate_domain::App;

/// Create an app
#[utoipa::path(
    post,
    path = "/apps",
    operation_id = "create_app",
    tag = "Apps",
    params(OnceParams),
    request_body = NewAppRequest,
    responses(
        (status = 200, description = "The app was created.", body = Created,
         headers(("ETag" = String, description = "The app's version."))),
        (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = Detail),
        BodyError,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    once: Once,
    request: Request,
) -> Answer {
    require_disclosures(&client)?;
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let (change, unread) = model::read_new(body);
    if !unread.is_empty() {
        let broken = change.violations(None);
        return Err(ApiError::together(unread, broken).into());
    }
    let now = state.catalog.now();
    once.write(
        &state,
        client.organization_id(),
        &client.actor(),
        |draft| new_app(draft, &change),
        |id, organization| {
            Reply::stored(StatusCode::OK, organization.get::<App>(id.as_str()), |app| {
                Created::of(app, organization, now)
            })
        },
    )
    .await
}
