//! The house's own API, under `/tollgate/v1`: what neither vendor has. Its errors are those of RFC 9457.

pub(crate) mod auth;
pub mod imports;

use crate::error::{ApiError, Code, Dialect};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tollgate_catalog::{CatalogError, WriteError};

/// An error in this dialect's body.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) ApiError);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.respond(Dialect::Native)
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

/// What handlers of this dialect answer.
pub(crate) type Answer = Result<Response, Failure>;
