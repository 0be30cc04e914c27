//! Every error of every dialect, in one table: its stable code, its status, what it means. A dialect decides the body.
//!
//! What is internal goes to the log and never to the caller.

use crate::oauth;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tollgate_catalog::{CatalogError, Refused, Scope, WriteError};
use tollgate_domain::Invalid;

macro_rules! errors {
    ($($variant:ident = $code:literal, $status:ident, $about:literal;)+) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $about] $variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text of the code.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// What it means, in one sentence: also the message when there is nothing more to say.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }
        }
    };
}

errors! {
    InvalidParameters = "invalid_parameters", BAD_REQUEST, "One or more parameters are missing or not legal.";
    MalformedBody = "malformed_body", BAD_REQUEST, "The body cannot be read as what its content type says.";
    MalformedQuery = "malformed_query", BAD_REQUEST, "The query string cannot be read.";
    RuleBroken = "rule_broken", BAD_REQUEST, "The request breaks a rule about the whole.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "No valid API key was provided.";
    RequestFailed = "request_failed", PAYMENT_REQUIRED, "The parameters were valid but the request failed.";
    MissingScope = "missing_scope", FORBIDDEN, "The API key does not have permission to perform the request.";
    InsufficientRole = "insufficient_role", FORBIDDEN, "The user's role does not allow this.";
    CsrfRefused = "csrf_refused", FORBIDDEN, "A session's request must have the X-CSRF-Token that GET /tollgate/v1/session answers.";
    DisclosureNotAccepted = "disclosure_not_accepted", FORBIDDEN, "The organization has to accept the disclosures first: POST /tollgate/v1/disclosures/accept.";
    LinkRefused = "link_refused", FORBIDDEN, "The link was not signed for this, or has expired: ask for a new one.";
    NotFound = "not_found", NOT_FOUND, "The requested resource does not exist.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The resource does not have this method.";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The body did not arrive in time.";
    Conflict = "conflict", CONFLICT, "The object is not in a state in which this can be done.";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "The object is at another version than the request asks for: someone else changed it since it was read.";
    KeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request within the last 24 hours.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is larger than is taken here.";
    RangeOutside = "range_outside", RANGE_NOT_SATISFIABLE, "The file has no such part.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json or application/x-www-form-urlencoded.";
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests hit the API too quickly.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on the server's end.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The server cannot do this at the moment; try again.";
    InvalidRequest = "invalid_request", BAD_REQUEST, "The request is missing a required parameter, repeats one or is otherwise malformed.";
    InvalidClient = "invalid_client", UNAUTHORIZED, "Client authentication failed.";
    UnauthorizedClient = "unauthorized_client", BAD_REQUEST, "The client may not use this endpoint.";
    UnsupportedGrantType = "unsupported_grant_type", BAD_REQUEST, "The grant type must be client_credentials.";
    InvalidScope = "invalid_scope", BAD_REQUEST, "No scopes can be asked for.";
}

/// Whose bodies are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"code","message","errors":[{"field","message"}]}`
    Clickshield,
    /// `{"detail":[{"msg","type"}]}`
    Chartboost,
    /// RFC 6749 5.2: `{"error","error_description"}`
    Oauth,
    /// RFC 9457: `{"type","title","status","detail","code","errors":[{"field","message","code"}]}`
    Native,
}

impl Dialect {
    /// The dialect of a path.
    pub fn of(path: &str) -> Self {
        match path {
            "/oauth/token" | "/v5/oauth/token" | "/v4/token" => Self::Oauth,
            _ if path.starts_with("/api/v2/") || path == "/api/v2" => Self::Clickshield,
            _ if path.starts_with("/tollgate/") => Self::Native,
            _ => Self::Chartboost,
        }
    }
}

/// An error on its way to the caller.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// Its row of the table.
    pub code: Code,
    /// One sentence for the caller.
    pub message: String,
    /// Every violated rule, by field.
    pub errors: Vec<Invalid>,
    /// Where the fields of `errors` stand.
    pub place: Place,
    /// The stable code of a broken business rule, for dialects that tell it.
    pub rule: Option<&'static str>,
    /// Of a 401: what `WWW-Authenticate` says.
    pub challenge: &'static str,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
}

/// The part of a request that holds the fields of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The body.
    Body,
    /// The query string.
    Query,
    /// The headers.
    Header,
}

impl ApiError {
    /// An error that says what its row of the table says.
    pub fn new(code: Code) -> Self {
        Self::because(code, code.about())
    }

    /// An error with a message of its own.
    pub fn because(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            errors: Vec::new(),
            place: Place::Body,
            rule: None,
            challenge: "Bearer",
            retry_after: None,
        }
    }

    /// Parameters that are not legal, every one of them.
    pub fn invalid(errors: Vec<Invalid>) -> Self {
        Self { errors, ..Self::new(Code::InvalidParameters) }
    }

    /// Fields that cannot be read, and rules that the others break. A rule that misses a field which was given but cannot
    /// be read says nothing new.
    pub(crate) fn together(unread: Vec<Invalid>, broken: Vec<Invalid>) -> Self {
        let new = |one: &Invalid| !unread.iter().any(|known| known.field.starts_with(&one.field));
        let broken: Vec<Invalid> = broken.into_iter().filter(new).collect();
        Self::invalid(unread.into_iter().chain(broken).collect())
    }

    /// A key that does not allow what was asked for.
    pub(crate) fn missing_scope(scope: Scope) -> Self {
        let name = match scope {
            Scope::Read => "read",
            Scope::Write => "write",
        };
        Self::because(Code::MissingScope, format!("The API key lacks the scope {name}."))
    }

    /// An error of our own: `what` failed because of `cause`, which is for the log alone.
    pub fn internal(what: &str, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(what, cause = %cause, "a request failed");
        Self::new(Code::Internal)
    }

    /// The answer in a dialect.
    pub fn respond(&self, dialect: Dialect) -> Response {
        let body = match dialect {
            Dialect::Clickshield => self.clickshield(),
            Dialect::Chartboost => self.chartboost(),
            Dialect::Oauth => self.oauth(),
            Dialect::Native => self.native(),
        };
        let mut response = (self.code.status(), axum::Json(body)).into_response();
        let headers = response.headers_mut();
        match dialect {
            Dialect::Native => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            }
            Dialect::Oauth => oauth::mark_unstored(headers),
            Dialect::Clickshield | Dialect::Chartboost => {}
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        response
    }

    fn clickshield(&self) -> Value {
        let errors: Vec<Value> =
            self.errors.iter().map(|one| json!({"field": one.field, "message": one.message})).collect();
        json!({"code": self.code.text(), "message": self.message, "errors": errors})
    }

    fn chartboost(&self) -> Value {
        if self.errors.is_empty() {
            return json!({"detail": [{"msg": self.message, "type": self.rule.unwrap_or(self.code.text())}]});
        }
        let detail: Vec<Value> = self
            .errors
            .iter()
            .map(|one| json!({"loc": self.location(&one.field), "msg": one.message, "type": one.code}))
            .collect();
        json!({"detail": detail})
    }

    /// `["body", "country_targeting", 0, "price"]` for `country_targeting[0].price`.
    fn location(&self, field: &str) -> Vec<Value> {
        let place = match self.place {
            Place::Body => "body",
            Place::Query => return vec!["query".into(), field.into()],
            Place::Header => return vec!["header".into(), field.into()],
        };
        let parts = field.split(['.', '[']).filter(|part| !part.is_empty());
        let part = |part: &str| match part.strip_suffix(']').and_then(|index| index.parse::<usize>().ok()) {
            Some(index) => Value::from(index),
            None => Value::from(part),
        };
        std::iter::once(Value::from(place)).chain(parts.map(part)).collect()
    }

    /// RFC 9457. The type is the line of our page of errors that tells more.
    pub(crate) fn native(&self) -> Value {
        let errors: Vec<Value> = self
            .errors
            .iter()
            .map(|one| json!({"field": one.field, "message": one.message, "code": one.code}))
            .collect();
        json!({
            "type": format!("/docs/errors#{}", self.code.text()),
            "title": self.code.about(),
            "status": self.code.status().as_u16(),
            "detail": self.message,
            "code": self.rule.unwrap_or(self.code.text()),
            "errors": errors,
        })
    }

    fn oauth(&self) -> Value {
        let code = match self.code {
            Code::InvalidClient
            | Code::UnauthorizedClient
            | Code::UnsupportedGrantType
            | Code::InvalidScope => self.code.text(),
            _ if self.code.status().is_server_error() => "server_error",
            _ => "invalid_request",
        };
        // RFC 6749 5.2 allows printable ASCII without quotes and backslashes.
        let legal = |c: char| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '\'' };
        let description: String = self.message.chars().map(legal).collect();
        json!({"error": code, "error_description": description})
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::NotFound { .. } => Self::new(Code::NotFound),
            Refused::Exists { kind, .. } => Self::invalid(vec![Invalid::new(kind, message)]),
            Refused::VersionConflict { actual, .. } => Self::because(
                Code::PreconditionFailed,
                format!("The object is at version {actual}, which is not the one that If-Match names."),
            ),
            Refused::Invalid(errors) => Self::invalid(errors),
            Refused::Rule { code, .. } => {
                Self { rule: Some(code), ..Self::because(Code::RuleBroken, message) }
            }
        }
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        match &error {
            // A full disk, a file held too long by another process: it may pass.
            CatalogError::Storage(cause) => {
                tracing::error!(%cause, "the catalog failed");
                Self { retry_after: Some(1), ..Self::new(Code::Unavailable) }
            }
            _ => Self::internal("the catalog", &error),
        }
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(refused) => refused.into(),
            WriteError::Catalog(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_errors() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.text()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(
            Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error())
        );
    }

    #[test]
    fn details_say_where_and_rules_say_which() {
        let field = Invalid::coded("country_targeting[0].price", "must be given", "missing");
        let mut error = ApiError::invalid(vec![field]);
        let expected = json!({"detail": [
            {"loc": ["body", "country_targeting", 0, "price"], "msg": "must be given", "type": "missing"}
        ]});
        assert_eq!(error.chartboost(), expected);
        error.place = Place::Query;
        error.errors = vec![Invalid::new("page", "must be a number")];
        assert_eq!(error.chartboost()["detail"][0]["loc"], json!(["query", "page"]));
        let rule = Refused::Rule { code: "existing_fixed_cpm", message: "There is one".to_owned() };
        let expected = json!({"detail": [{"msg": "There is one", "type": "existing_fixed_cpm"}]});
        assert_eq!(ApiError::from(rule).chartboost(), expected);
    }

    #[test]
    fn every_dialect_has_its_body() {
        let error = ApiError::invalid(vec![Invalid::new("name", "must be given")]);
        assert_eq!(
            error.clickshield(),
            json!({"code": "invalid_parameters", "message": "One or more parameters are missing or not legal.",
                   "errors": [{"field": "name", "message": "must be given"}]})
        );
        assert_eq!(
            error.chartboost(),
            json!({"detail": [{"loc": ["body", "name"], "msg": "must be given", "type": "value_error"}]})
        );
        let error = ApiError::new(Code::NotFound);
        assert_eq!(
            error.chartboost(),
            json!({"detail": [{"msg": "The requested resource does not exist.", "type": "not_found"}]})
        );
        assert_eq!(
            error.native(),
            json!({"type": "/docs/errors#not_found", "title": "The requested resource does not exist.",
                   "status": 404, "detail": "The requested resource does not exist.", "code": "not_found",
                   "errors": []})
        );
        assert_eq!(error.oauth()["error"], "invalid_request");
        assert_eq!(ApiError::new(Code::Unavailable).oauth()["error"], "server_error");
    }
}
