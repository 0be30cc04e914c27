//! The publisher management dialect: apps, ad locations, lists of blocked categories, monetization settings, and analytics,
//! which have paths of their own. The same handlers answer under `/v4` and `/v5`; a client written for the vendor changes its host and nothing else.

pub(crate) mod ad_locations;
pub(crate) mod analytics;
pub(crate) mod apps;
mod auth;
mod keyword;
mod legacy;
pub(crate) mod lists;
mod monetization_settings;
pub(crate) mod paging;
pub(crate) mod query;
mod schema;
#[cfg(test)]
pub(crate) mod testing;
mod version;

pub(crate) use auth::Client;
pub(crate) use schema::Detail;
pub(crate) use version::ApiVersion;

use crate::ApiState;
use crate::error::{ApiError, Code, Dialect};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tollgate_catalog::{CatalogError, Refused, WriteError};
use utoipa_axum::router::OpenApiRouter;

/// Every route of the dialect, once for each version of it.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    let all = ApiVersion::ALL.into_iter();
    let versions = all
        .fold(OpenApiRouter::new(), |router, version| router.merge(version.mount(version_routes(version))));
    versions.merge(analytics::routes()).merge(legacy::routes())
}

/// The routes of one version, without its prefix. Each folder adds its own here.
fn version_routes(version: ApiVersion) -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(apps::routes())
        .merge(ad_locations::routes(version))
        .merge(lists::routes())
        .merge(monetization_settings::routes())
}

/// An error in this dialect's body.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) ApiError);

impl Failure {
    /// What is answered for an id that names nothing the caller can see, whether it exists or not.
    pub(crate) fn no_such(kind: &str, id: &str) -> Self {
        let kind = kind.replace('_', " ");
        Self(ApiError::because(Code::NotFound, format!("There is no {kind} with ID {id}")))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.respond(Dialect::Chartboost)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound { kind, id } => Self::no_such(kind, &id),
            other => Self(other.into()),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(refused) => refused.into(),
            WriteError::Catalog(error) => error.into(),
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self(error.into())
    }
}

/// What handlers of this dialect answer.
pub(crate) type Answer = Result<Response, Failure>;

/// The parameters of a path. What cannot be decoded names nothing, so it is 404 like any other unknown id.
#[derive(Debug, Clone)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(parameters)) => Ok(Self(parameters)),
            Err(_) => Err(ApiError::new(Code::NotFound).into()),
        }
    }
}
