//! Analytics: figures by campaign, app and country, installs, and the jobs behind the larger ones. The same handlers answer
//! under `/v3/metrics` and `/metrics`, for a user id and its signature, and under `/v5/analytics`, for a token.

mod asked;
mod failure;
mod file;
mod jobs;
mod params;
mod reports;
mod schema;
mod streamed;
#[cfg(test)]
mod tests;

pub(crate) use asked::Asked;
pub(crate) use failure::Failure;
pub(crate) use schema::{JobProblem, Refusal, RefusalMessage, ReportProblem, Unauthenticated, Unproven};

use self::schema::AnyRefusal;
use crate::ApiState;
use crate::chartboost::ApiVersion;
use crate::openapi::{by_signature, by_token, operations};
use axum::Extension;
use axum::response::Response;
use utoipa::IntoResponses;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How a caller of these routes proves who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a user id and its signature, among the parameters.
    Signature,
    /// By a token.
    Token,
}

/// What handlers answer.
pub(crate) type Answer = Result<Response, Failure>;

/// The paths that the routes stand under, how a caller proves who he is there, and what ends their operations' ids.
const PLACES: [(&str, Proof, &str); 3] = [
    ("/v3/metrics", Proof::Signature, "v3"),
    ("/metrics", Proof::Signature, "unversioned"),
    ("/v5/analytics", Proof::Token, "v5"),
];

/// Every route, once under each path.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    PLACES.into_iter().fold(OpenApiRouter::new(), |router, (path, proof, name)| {
        let routes = OpenApiRouter::new()
            .routes(routes!(reports::campaign))
            .routes(routes!(reports::app))
            .routes(routes!(reports::appcountry))
            .routes(routes!(reports::install))
            .routes(routes!(jobs::job))
            .routes(routes!(jobs::split_job));
        router.nest(path, proven(routes, proof, name))
    })
}

/// Routes for callers who prove themselves in this way, with what the document says of that.
pub(crate) fn proven(
    mut routes: OpenApiRouter<ApiState>,
    proof: Proof,
    name: &str,
) -> OpenApiRouter<ApiState> {
    for operation in routes.get_openapi_mut().paths.paths.values_mut().flat_map(operations) {
        let id = operation.operation_id.take().unwrap_or_default();
        operation.operation_id = Some(format!("{id}_{name}"));
        let (security, unproven) = match proof {
            Proof::Signature => (by_signature(), Unproven::responses()),
            Proof::Token => (by_token(), ApiVersion::unproven()),
        };
        operation.security = Some(security);
        for (status, answer) in unproven.into_iter().chain(AnyRefusal::responses()) {
            operation.responses.responses.entry(status).or_insert(answer);
        }
    }
    routes.layer(Extension(proof))
}
