//! `/session`: signing in and out, who is signed in, and the password. These routes are for the console's pages; programs use API keys
//! and tokens.

mod create;
mod delete;
mod password;
mod read;
#[cfg(test)]
mod tests;

use crate::ApiState;
use crate::error::ApiError;
use crate::native::schema::AnyProblem;
use crate::openapi;
use crate::session::csrf_token;
use axum::Json;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::ops::RangeInclusive;
use tollgate_catalog::{LONGEST_PASSWORD, OrganizationSnapshot, SHORTEST_PASSWORD, Session, StoredSecret};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::{IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, with what holds for all of them: a session proves who calls, and signing in needs nothing.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    let routes = OpenApiRouter::new().routes(routes!(read::handle, create::handle, delete::handle));
    let mut routes = routes.routes(routes!(password::handle));
    for item in routes.get_openapi_mut().paths.paths.values_mut() {
        if let Some(signing_in) = &mut item.post {
            signing_in.security = Some(vec![SecurityRequirement::default()]);
        }
        for operation in openapi::operations(item) {
            operation.tags = Some(vec!["Native".to_owned()]);
            operation.security.get_or_insert_with(openapi::by_session);
            for (status, answer) in AnyProblem::responses() {
                operation.responses.responses.entry(status).or_insert(answer);
            }
        }
    }
    routes
}

/// Characters of a password that a user chooses.
const CHOSEN_PASSWORD: RangeInclusive<usize> = SHORTEST_PASSWORD..=LONGEST_PASSWORD;

/// The hash of a password that a user chose, made where waiting does no harm.
async fn hashed(state: &ApiState, password: String) -> Result<StoredSecret, ApiError> {
    let (place, catalog) = (state.limits.place_for_password().await?, state.catalog.clone());
    let failed = |error: &dyn std::fmt::Display| ApiError::internal("a password could not be hashed", error);
    let hashing = tokio::task::spawn_blocking(move || {
        let _place = place;
        catalog.hash_password(&password)
    });
    hashing.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

/// A session, and who has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionBody {
    user: SessionUser,
    organization: SessionOrganization,
    /// What every request of the session must have in `X-CSRF-Token`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    csrf_token: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The user of a session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: String,
    email: String,
    /// `owner`: everything; `manager`: all but users and API keys; `analyst`: reading.
    #[schema(pattern = "^(owner|manager|analyst)$")]
    role: &'static str,
}

/// The organization of a session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionOrganization {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: String,
    name: String,
}

impl SessionOrganization {
    fn of(organization: &OrganizationSnapshot) -> Self {
        let name = organization.organization().map(|stored| stored.name.clone()).unwrap_or_default();
        Self { id: organization.id().to_string(), name }
    }
}

impl SessionBody {
    fn of(session: &Session, text: &str) -> Self {
        let Session { user, organization, expires_at } = session;
        Self {
            user: SessionUser { id: user.id.clone(), email: user.email.clone(), role: user.role.name() },
            organization: SessionOrganization::of(organization),
            csrf_token: csrf_token(text),
            expires_at: expires_at.to_string(),
        }
    }

    /// The answer, which is for this browser only.
    fn respond(&self, cookie: Option<String>) -> Response {
        let mut response = ([(CACHE_CONTROL, "no-store")], Json(self)).into_response();
        // It is made of hex digits and our own words.
        if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }
}
