//! What the document says of the native API's errors (RFC 9457), and of the headers of conditional requests. The bodies
//! themselves are made in [`crate::error`].

use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// An object's schema without any other fields: bodies are read strictly.
pub(crate) fn closed(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// Names for the schemas of structs that are read strictly: a struct's fields, and no others.
macro_rules! strict_bodies {
    ($($(#[$doc:meta])* $name:ident of $fields:ident;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::native::schema::closed(<$fields as utoipa::PartialSchema>::schema())
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(all: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                <$fields as utoipa::ToSchema>::schemas(all);
            }
        }
    )+};
}
pub(crate) use strict_bodies;

/// What went wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct NativeProblem {
    /// Where to read more: a line of the page of errors.
    #[schema(pattern = "^/docs/errors#[a-z][a-z0-9_]*$")]
    r#type: String,
    /// What kind of problem it is, for people.
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, for people.
    detail: String,
    /// What is wrong, for programs: a stable snake_case code.
    #[schema(pattern = "^[a-z][a-z0-9_]*$")]
    code: String,
    /// Every value that is not legal.
    errors: Vec<NativeFieldProblem>,
}

/// A value that is not legal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct NativeFieldProblem {
    /// Where it stands, such as `version`, or `lines[7].price` for a line and column of a CSV file.
    field: String,
    /// What is wrong with it and what would be right.
    message: String,
    /// The same for programs: a stable snake_case code.
    #[schema(pattern = "^[a-z][a-z0-9_]*$")]
    code: String,
}

/// What every request may be answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum AnyProblem {
    /// No API key, token or session, or one that is malformed, expired or revoked.
    #[response(status = 401, content_type = "application/problem+json",
               headers(("WWW-Authenticate" = String, description = "RFC 6750, 3")))]
    Unauthorized(NativeProblem),
    /// The API key lacks the scope that the method needs: read for GET, else write; or the user's role does not allow it, or
    /// a session's request is without its `X-CSRF-Token`.
    #[response(status = 403, content_type = "application/problem+json")]
    MissingScope(NativeProblem),
    /// The credential's request limit is reached.
    #[response(status = 429, content_type = "application/problem+json",
               headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(NativeProblem),
    /// Something went wrong on the server's end.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(NativeProblem),
    /// The server cannot do this at the moment.
    #[response(status = 503, content_type = "application/problem+json",
               headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(NativeProblem),
}

/// What a request with a body may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum BodyProblem {
    /// The body cannot be read, has values that are not legal, or breaks a rule.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(NativeProblem),
    /// The body did not arrive in time.
    #[response(status = 408, content_type = "application/problem+json")]
    Timeout(NativeProblem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(NativeProblem),
    /// The body is of another type than is taken here.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(NativeProblem),
}

/// What a request with parameters may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum QueryProblem {
    /// A parameter that is not legal.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(NativeProblem),
}

/// What a request that names an object may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum MissingProblem {
    /// The caller's organization has no such object.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(NativeProblem),
}

/// What a request with `If-Match` may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum ConflictProblem {
    /// Someone changed it since it was read.
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(NativeProblem),
}

/// The condition of a change.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(crate) struct IfMatchParams {
    /// Entity tags of the versions that may be changed, as `ETag` told them; or `*`.
    #[param(rename = "If-Match", pattern = r#"^(\*|"[0-9]{1,20}")$"#, nullable = false)]
    if_match: Option<String>,
}
