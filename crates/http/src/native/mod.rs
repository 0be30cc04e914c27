//! The house's own API, under `/tollgate/v1`: what neither vendor has. Its errors are those of RFC 9457.

pub(crate) mod account;
mod analytics_jobs;
mod app_ads_txt;
mod apps;
mod audit_log;
pub(crate) mod auth;
mod campaigns;
mod category_lists;
mod data_files;
mod domain_name;
pub mod events;
mod exports;
mod filter_group_order;
pub mod health;
pub mod imports;
pub mod live;
mod objects;
mod organization;
mod overlaps;
mod paging;
mod postbacks;
mod prices;
mod privacy_requests;
pub(crate) mod schema;
mod session;
mod users;

use self::auth::Principal;
use crate::error::{ApiError, Code, Dialect};
use crate::{ApiState, openapi};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tollgate_catalog::{CatalogError, WriteError};
use tollgate_domain::{Integration, IntegrationId};
use utoipa::IntoResponses;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every documented route of the dialect. What holds for all of them is added to the document here: the ways to prove
/// who calls, and what may be answered because of them.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    let mut routes = OpenApiRouter::new()
        .merge(objects::routes())
        .merge(prices::routes())
        .merge(category_lists::routes())
        .merge(apps::routes())
        .merge(organization::routes())
        .merge(postbacks::routes())
        .merge(campaigns::routes())
        .merge(account::routes())
        .merge(privacy_requests::routes())
        .merge(exports::routes())
        .merge(analytics_jobs::routes())
        .merge(users::routes())
        .routes(routes!(app_ads_txt::handle))
        .routes(routes!(imports::create))
        .routes(routes!(events::explanation::handle))
        .routes(routes!(overlaps::handle))
        .routes(routes!(filter_group_order::handle))
        .routes(routes!(data_files::handle))
        .routes(routes!(live::handle))
        .routes(routes!(health::handle))
        .routes(routes!(audit_log::handle));
    for operation in routes.get_openapi_mut().paths.paths.values_mut().flat_map(openapi::operations) {
        operation.tags = Some(vec!["Native".to_owned()]);
        operation.security = Some(openapi::by_any());
        for (status, answer) in schema::AnyProblem::responses() {
            operation.responses.responses.entry(status).or_insert(answer);
        }
    }
    OpenApiRouter::new().nest("/tollgate/v1", routes.merge(session::routes()))
}

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

/// The integration of an id, if it is of the caller's organization.
fn find_integration(principal: &Principal, id: &str) -> Result<IntegrationId, Failure> {
    let found = principal.organization().get::<Integration>(id);
    let missing = || ApiError::because(Code::NotFound, "There is no such integration.");
    Ok(found.ok_or_else(missing)?.id)
}

/// What handlers of this dialect answer.
pub(crate) type Answer = Result<Response, Failure>;
