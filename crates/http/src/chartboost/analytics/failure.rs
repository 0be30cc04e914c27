//! What these routes answer when something is wrong. Callers with a token are told about that in the bodies of the other
//! routes of version 5.

use super::Proof;
use crate::error::{ApiError, Code, Dialect};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error on its way to a caller of these routes.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(super) error: ApiError,
    pub(super) proof: Proof,
}

/// What a wrong signature is answered, to the letter.
const UNPROVEN: &str =
    "{\"code\":401,\"message\":\"401 Unauthorized: Invalid authentication\",\"status\":\"Unauthorized\"}\n";

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { error, proof } = self;
        match (error.code, proof) {
            (Code::Unauthorized, Proof::Token) => error.respond(Dialect::Chartboost),
            (Code::Unauthorized, Proof::Signature) => {
                (StatusCode::UNAUTHORIZED, [(header::CONTENT_TYPE, "application/json")], UNPROVEN)
                    .into_response()
            }
            _ => {
                let body = json!({"error": {"message": message(&error)}});
                let mut response = (error.code.status(), Json(body)).into_response();
                if let Some(seconds) = error.retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
        }
    }
}

/// Everything that was wrong in one sentence, each with its field.
fn message(error: &ApiError) -> String {
    if error.errors.is_empty() {
        return error.message.clone();
    }
    error.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
