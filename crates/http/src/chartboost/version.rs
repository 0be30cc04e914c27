//! The versions of the dialect. They share their handlers; where an answer differs, the handler asks for the version.

use super::schema::AnyError;
use crate::ApiState;
use crate::openapi::{by_token, operations};
use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{self, RefOr};
use utoipa_axum::router::OpenApiRouter;

/// The version whose path was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    /// Under `/v4`.
    V4,
    /// Under `/v5`.
    V5,
}

impl ApiVersion {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::V4, Self::V5];

    /// Its name: the prefix of its paths and the suffix of its operations' ids.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V5 => "v5",
        }
    }

    /// What may be answered because of a token.
    pub(super) fn unproven() -> BTreeMap<String, RefOr<openapi::Response>> {
        AnyError::responses().into_iter().filter(|(status, _)| status == "401").collect()
    }

    /// Puts routes under this version's prefix, in the router and in the document. What holds for every operation of the
    /// dialect is added to the document here: the token, and what may be answered because of it.
    pub(super) fn mount(self, mut routes: OpenApiRouter<ApiState>) -> OpenApiRouter<ApiState> {
        let operations = routes.get_openapi_mut().paths.paths.values_mut().flat_map(operations);
        for operation in operations {
            let id = operation.operation_id.take().unwrap_or_default();
            operation.operation_id = Some(format!("{id}_{}", self.name()));
            operation.security = Some(by_token());
            for (status, answer) in AnyError::responses() {
                operation.responses.responses.entry(status).or_insert(answer);
            }
        }
        OpenApiRouter::new().nest(&format!("/{}", self.name()), routes.layer(Extension(self)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ApiVersion {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        // `mount` lays it on every route of the dialect.
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self::V5))
    }
}
