//! `GET /account`: what an account adds up to.

use super::schema::Account;
use super::sums;
use crate::ApiState;
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::schema::NativeProblem;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

/// Get the account
///
/// What apps earned and campaigns spent, over all events that ever counted, and what was paid.
#[utoipa::path(
    get,
    path = "/account",
    operation_id = "get_account",
    responses(
        (status = 200, description = "What it adds up to.", body = Account),
        (status = 402, description = "Too many events would have to be read.", body = NativeProblem,
         content_type = "application/problem+json"),
    ),
)]
pub(super) async fn handle(principal: Principal, State(state): State<ApiState>) -> Answer {
    let sums = sums((&state).into(), principal.organization_id()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], sums.json()).into_response())
}
