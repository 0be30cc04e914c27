//! The traffic-quality dialect, under `/api/v2`: integrations, filter groups, API keys, reports and the Download Center.

mod api_keys;
mod check;
pub(crate) mod download_center;
mod entity;
mod filter_groups;
mod filter_presets;
mod integrations;
mod list;
pub mod query;
pub(crate) mod reports;
mod schema;
#[cfg(test)]
mod tests;

use crate::error::{ApiError, Code, Dialect};
use crate::{ApiState, openapi};
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;
use tollgate_catalog::{CatalogError, WriteError};
use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Required};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of the dialect. What holds for all of them is added to the document here: the key, and what may be answered
/// because of it.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    let mut routes = OpenApiRouter::new()
        .merge(integrations::routes())
        .merge(filter_groups::routes())
        .routes(routes!(filter_presets::handle))
        .merge(api_keys::routes())
        .merge(reports::routes())
        .merge(download_center::routes());
    for (path, item) in &mut routes.get_openapi_mut().paths.paths {
        // A change of one object may say nothing.
        let change = item.patch.as_mut().filter(|_| path.ends_with('}'));
        if let Some(RefOr::T(body)) = change.and_then(|change| change.request_body.as_mut()) {
            body.required = Some(Required::False);
        }
        for operation in openapi::operations(item) {
            operation.security = Some(openapi::by_key());
            for (status, answer) in schema::AnyProblem::responses() {
                operation.responses.responses.entry(status).or_insert(answer);
            }
        }
    }
    // Who has a link to a file needs no key.
    OpenApiRouter::new().nest("/api/v2", routes.merge(download_center::files()))
}

/// An error in this dialect's body.
#[derive(Debug, Clone)]
pub struct Failure(pub ApiError);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.respond(Dialect::Clickshield)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self(error.into())
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self(error.into())
    }
}

/// The parameters of a path. What cannot be decoded names nothing, so it is 404 like any other unknown id.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(parameters)) => Ok(Self(parameters)),
            Err(_) => Err(ApiError::new(Code::NotFound).into()),
        }
    }
}

/// What handlers of this dialect answer.
pub type Answer = Result<Response, Failure>;

/// 201 with the id of what was made.
fn created(id: &str) -> Response {
    (StatusCode::CREATED, axum::Json(json!({"created_item_id": id}))).into_response()
}

/// 200 with the empty object that updates and deletions answer.
fn done() -> Response {
    axum::Json(json!({})).into_response()
}
