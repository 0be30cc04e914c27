//! `GET /account`: what there is; `POST /account/transfer`: earnings become funds for campaigns.

use crate::ApiState;
use crate::chartboost::analytics::{Answer, Asked, Refusal, ReportProblem};
use crate::error::{ApiError, Code};
use crate::native::account::{Sums, add, sums, totals};
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tollgate_catalog::Actor;
use tollgate_domain::{EntryKind, Money};
use tollgate_jobs::analytics::Millionths;
use utoipa::ToSchema;

/// The smallest transfer: the vendor's.
const LEAST: Money = Money::from_micros(100_000_000);

/// What there is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered by hand")]
pub(super) struct LegacyAccount {
    /// The organization's name.
    company: String,
    /// What campaigns can still spend, in USD.
    balance: f64,
    /// What was earned and neither paid out nor transferred, in USD.
    earnings: f64,
}

/// A transfer that is asked for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct NewTransfer {
    /// In USD, at least 100, at most what was earned.
    #[schema(minimum = 100)]
    amount: f64,
}

/// A transfer that was done.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered by hand")]
pub(super) struct Transferred {
    amount: f64,
    balance: f64,
    earnings: f64,
    /// `success`
    status: String,
    message: String,
}

/// Get the account
#[utoipa::path(
    get,
    path = "/account",
    operation_id = "get_account",
    tag = "Account",
    responses((status = 200, description = "What there is.", body = LegacyAccount), ReportProblem),
)]
pub(super) async fn read(State(state): State<ApiState>, asked: Asked) -> Answer {
    let sums = sums((&state).into(), asked.organization.id()).await.map_err(|error| asked.refuse(error))?;
    let stored = asked.organization.organization();
    let company = stored.map(|one| serde_json::Value::from(one.name.as_str())).unwrap_or_default();
    Ok(written(format!("{{\"company\":{company},{}}}", money(&sums))))
}

/// Transfer earnings to the balance
#[utoipa::path(
    post,
    path = "/account/transfer",
    operation_id = "transfer",
    tag = "Account",
    params(OnceParams),
    request_body = NewTransfer,
    responses(
        (status = 200, description = "It was done.", body = Transferred),
        (status = 422, description = "The Idempotency-Key was used for another amount.", body = Refusal),
        ReportProblem,
    ),
)]
pub(super) async fn transfer(State(state): State<ApiState>, request: Request) -> Answer {
    let once = Once::of_request(&request);
    let mut asked = Asked::from_request(request, &state).await?;
    let once = once.map_err(|error| asked.refuse(error))?;
    let given = asked.query.required("amount");
    let amount = given.and_then(|text| asked.query.check(Money::parse("amount", &text)));
    if amount.is_some_and(|amount| amount < LEAST) {
        asked.query.refuse("amount", "must be at least 100");
    }
    asked.finish()?;
    let amount = amount.ok_or_else(|| asked.refuse(ApiError::new(Code::InvalidParameters)))?;
    let actor = Actor::legacy_credential(&asked.credential);
    let organization = asked.organization.id();
    let totals = totals((&state).into(), organization).await.map_err(|error| asked.refuse(error))?;
    // The signature is the caller's, not the transfer's.
    let once = once.of_text(&amount.micros().to_string());
    let done = once.write(
        &state,
        organization,
        &actor,
        |draft| add(draft, (EntryKind::Transfer, amount, None), totals),
        |_, organization| transferred(amount, &Sums::of(totals, organization)),
    );
    done.await.map_err(|error: ApiError| asked.refuse(error))
}

fn transferred(amount: Money, sums: &Sums) -> Reply {
    let amount = Millionths(amount.micros().into());
    let message = "The amount was transferred from earnings to balance.";
    let body =
        format!("{{\"amount\":{amount},{},\"status\":\"success\",\"message\":\"{message}\"}}", money(sums));
    Reply::written(StatusCode::OK, body)
}

/// Both amounts as members of an object: whole millionths, never floats.
fn money(sums: &Sums) -> String {
    format!("\"balance\":{},\"earnings\":{}", sums.balance(), sums.earnings())
}

fn written(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
