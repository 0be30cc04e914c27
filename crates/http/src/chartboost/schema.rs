//! What the document says of this dialect's errors. The bodies themselves are made in [`crate::error`].

use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// Everything that was wrong with a request.
#[derive(ToSchema)]
#[schema(as = Detail)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct Detail {
    /// One entry for every problem.
    #[schema(min_items = 1)]
    detail: Vec<Problem>,
}

/// One problem.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct Problem {
    /// Where it stands: `body` or `query`, then names and indexes. Absent when it is about the whole request.
    #[schema(required = false)]
    loc: Option<Vec<Location>>,
    /// What is wrong, for people.
    msg: String,
    /// What is wrong, for programs: a stable snake_case code.
    #[schema(pattern = "^[a-z][a-z0-9_]*$")]
    r#type: String,
}

/// A name, or an index of a list.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
enum Location {
    Name(String),
    Index(u32),
}

/// What every request may be answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum AnyError {
    /// No token, or one that is malformed, expired or revoked.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "RFC 6750, 3")))]
    Unauthorized(Detail),
    /// The user's role does not allow it, or a session's request is without its `X-CSRF-Token`.
    #[response(status = 403)]
    Forbidden(Detail),
    /// The credential's request limit is reached.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(Detail),
    /// Something went wrong on the server's end.
    #[response(status = 500)]
    Internal(Detail),
    /// The server cannot do this at the moment.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(Detail),
}

/// What a request with a body may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum BodyError {
    /// Malformed JSON, fields that are not legal, or a broken rule.
    #[response(status = 400)]
    Invalid(Detail),
    /// The body did not arrive in time.
    #[response(status = 408)]
    Timeout(Detail),
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(Detail),
    /// The body is not `application/json`.
    #[response(status = 415)]
    MediaType(Detail),
}

/// What a request that names an object may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum NoSuchObject {
    /// The caller's organization has no such object.
    #[response(status = 404)]
    NotFound(Detail),
}
