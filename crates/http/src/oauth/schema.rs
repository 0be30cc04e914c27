//! What the document says of token requests and their answers. They are read and written by hand beside this.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{IntoResponses, ToSchema};

/// A token request in JSON. `null` counts as absent, and so does an empty text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct TokenBody {
    #[schema(inline)]
    grant_type: GrantType,
    /// The client, unless it stands in the Authorization header.
    client_id: Option<String>,
    /// Its secret, unless it stands in the Authorization header.
    client_secret: Option<String>,
    /// The one audience there is.
    #[schema(pattern = "^(https://public[.]api[.]gateway[.]chartboost[.]com)?$")]
    audience: Option<String>,
    /// No scopes can be asked for.
    #[schema(max_length = 0)]
    scope: Option<String>,
}

/// A token request as a form.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenForm {
    #[schema(inline)]
    grant_type: GrantType,
    /// The client, unless it stands in the Authorization header.
    #[schema(required = false)]
    client_id: String,
    /// Its secret, unless it stands in the Authorization header.
    #[schema(required = false)]
    client_secret: String,
    /// The one audience there is.
    #[schema(required = false, pattern = "^(https://public[.]api[.]gateway[.]chartboost[.]com)?$")]
    audience: String,
    /// No scopes can be asked for.
    #[schema(required = false, max_length = 0)]
    scope: String,
    /// Whatever else is sent is ignored, but no parameter may be given more than once.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// A token request whose client stands in the Authorization header.
#[derive(Serialize, ToSchema)]
pub(super) struct HeaderClientForm {
    #[schema(inline)]
    grant_type: GrantType,
    /// The one audience there is.
    #[schema(required = false, pattern = "^(https://public[.]api[.]gateway[.]chartboost[.]com)?$")]
    audience: String,
    /// No scopes can be asked for.
    #[schema(required = false, max_length = 0)]
    scope: String,
    /// Whatever else is sent is ignored, but no parameter may be given more than once.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// The one grant there is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what is read by hand")]
enum GrantType {
    ClientCredentials,
}

/// A token, RFC 6749, 5.1.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// 256 random bits in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub(super) access_token: String,
    /// Always `Bearer`.
    #[schema(pattern = "^Bearer$")]
    pub(super) token_type: &'static str,
    /// Seconds the token lives.
    pub(super) expires_in: i64,
}

/// Why there is no token: RFC 6749, 5.2.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct TokenError {
    #[schema(inline)]
    error: ErrorCode,
    /// The same for people.
    error_description: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    ServerError,
}

/// What a token request may be answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) enum TokenAnswers {
    /// A token.
    #[response(status = 200, headers(
        ("Cache-Control" = String, description = "`no-store`, on every answer"),
        ("Pragma" = String, description = "`no-cache`, on every answer"),
    ))]
    Token(TokenAnswer),
    /// `invalid_request`, `unauthorized_client` (credentials of the other version), `unsupported_grant_type` or
    /// `invalid_scope`.
    #[response(status = 400)]
    Invalid(TokenError),
    /// `invalid_client`.
    #[response(status = 401, headers(
        ("WWW-Authenticate" = String, description = "`Basic`, when the client used the Authorization header")
    ))]
    InvalidClient(TokenError),
    /// The body did not arrive in time.
    #[response(status = 408)]
    Timeout(TokenError),
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(TokenError),
    /// The body is neither JSON nor a form.
    #[response(status = 415)]
    MediaType(TokenError),
    /// The client's request limit is reached.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(TokenError),
    /// Something went wrong on the server's end.
    #[response(status = 500)]
    Internal(TokenError),
    /// The server cannot do this at the moment.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(TokenError),
}
