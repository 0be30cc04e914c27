//! `POST /oauth/token`, `POST /v5/oauth/token`, `POST /v4/token`: a token for a client that proves itself.
//!
//! Judged in this order: grant type, client, version, audience, scope. Every answer is marked not to be stored.

use super::request::TokenRequest;
use super::schema::{HeaderClientForm, TokenAnswer, TokenAnswers, TokenBody, TokenForm};
use crate::ApiState;
use crate::error::{ApiError, Code, Dialect};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tollgate_catalog::{ClientVersion, TOKEN_LIFETIME_SECONDS};

/// The only audience there is.
const AUDIENCE: &str = "https://public.api.gateway.chartboost.com";

/// Get a token
///
/// For a client of version 5, which stands in the body or in the Authorization header, not in both.
#[utoipa::path(
    post,
    path = "/oauth/token",
    operation_id = "get_token",
    tag = "Tokens",
    request_body(content(
        (TokenBody = "application/json"),
        (TokenForm = "application/x-www-form-urlencoded"),
    )),
    responses(TokenAnswers),
    security((), ("client_v5" = [])),
)]
pub(super) async fn plain(State(state): State<ApiState>, request: Request) -> Response {
    answer(&state, request, ClientVersion::V5).await
}

/// Get a token
///
/// The same under the version's prefix.
#[utoipa::path(
    post,
    path = "/v5/oauth/token",
    operation_id = "get_token_v5",
    tag = "Tokens",
    request_body(content(
        (TokenBody = "application/json"),
        (TokenForm = "application/x-www-form-urlencoded"),
    )),
    responses(TokenAnswers),
    security((), ("client_v5" = [])),
)]
pub(super) async fn v5(State(state): State<ApiState>, request: Request) -> Response {
    answer(&state, request, ClientVersion::V5).await
}

/// Get a token
///
/// For a client of version 4, which stands in the Authorization header.
#[utoipa::path(
    post,
    path = "/v4/token",
    operation_id = "get_token_v4",
    tag = "Tokens",
    request_body(content = HeaderClientForm, content_type = "application/x-www-form-urlencoded"),
    responses(TokenAnswers),
    security(("client_v4" = [])),
)]
pub(super) async fn v4(State(state): State<ApiState>, request: Request) -> Response {
    answer(&state, request, ClientVersion::V4).await
}

async fn answer(state: &ApiState, request: Request, version: ClientVersion) -> Response {
    let used_header = request.headers().contains_key(header::AUTHORIZATION);
    match issue(state, request, version).await {
        Ok(mut response) => {
            mark_unstored(response.headers_mut());
            response
        }
        Err(error) => {
            let mut response = error.respond(Dialect::Oauth);
            if error.code == Code::InvalidClient && used_header {
                let challenge = HeaderValue::from_static("Basic realm=\"tollgate\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
    }
}

/// What RFC 6749, 5.1 asks of every answer about tokens.
pub(crate) fn mark_unstored(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
}

async fn issue(state: &ApiState, request: Request, version: ClientVersion) -> Result<Response, ApiError> {
    let request = TokenRequest::read(request).await?;
    match request.grant_type.as_deref() {
        None => return Err(ApiError::because(Code::InvalidRequest, "grant_type must be given.")),
        Some("client_credentials") => {}
        Some(_) => return Err(ApiError::new(Code::UnsupportedGrantType)),
    }
    let snapshot = state.catalog.snapshot();
    let proven = request
        .client
        .and_then(|client| snapshot.oauth_client(&client.id, &client.secret))
        .ok_or_else(|| ApiError::new(Code::InvalidClient))?;
    state.limits.count(&proven.object.meta.id)?;
    if proven.object.version != version {
        return Err(ApiError::because(
            Code::UnauthorizedClient,
            "These credentials belong to another version of the API.",
        ));
    }
    if request.audience.is_some_and(|audience| audience != AUDIENCE) {
        return Err(ApiError::because(Code::InvalidRequest, format!("audience must be {AUDIENCE}.")));
    }
    if request.scope.is_some() {
        return Err(ApiError::new(Code::InvalidScope));
    }
    let token = state.catalog.issue_token(proven.organization.id(), &proven.object).await?;
    let answer = TokenAnswer {
        access_token: token.expose().to_owned(),
        token_type: "Bearer",
        expires_in: TOKEN_LIFETIME_SECONDS,
    };
    Ok(Json(answer).into_response())
}
