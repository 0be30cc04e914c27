//! `/account/entries`: payouts, deposits and transfers. An entry is never changed and never deleted.

use super::schema::{NewAccountEntry, kind};
use super::sums::{add, totals};
use crate::ApiState;
use crate::body::{Encoding, read_json_object};
use crate::chartboost::query::Query;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, NativeProblem, QueryProblem};
use crate::once::{Once, OnceParams, Reply};
use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_catalog::Stored;
use tollgate_domain::{AccountEntry, EntryKind, Money};
use utoipa::{IntoParams, ToSchema};

/// Entries of an answer, at most.
const MOST: u32 = 1000;

/// Which entries are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct EntryParams {
    /// Only entries of this kind.
    #[param(schema_with = kind)]
    kind: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
}

/// An entry of the account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountEntry)]
pub(crate) struct EntryBody<'a> {
    id: &'a str,
    #[schema(schema_with = kind)]
    kind: &'static str,
    /// In USD.
    amount: f64,
    #[schema(required)]
    note: Option<&'a str>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Who made it.
    created_by: &'a str,
}

/// Entries of the account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountEntries<'a> {
    /// The entries, newest first.
    items: Vec<EntryBody<'a>>,
}

impl<'a> EntryBody<'a> {
    pub(crate) fn of(stored: &'a Stored<AccountEntry>) -> Self {
        Self {
            id: &stored.id,
            kind: stored.kind.name(),
            amount: stored.amount.to_f64(),
            note: stored.note.as_deref(),
            created_at: stored.meta.created_at.to_string(),
            created_by: &stored.meta.updated_by,
        }
    }
}

/// List payouts, deposits and transfers
#[utoipa::path(
    get,
    path = "/account/entries",
    operation_id = "list_account_entries",
    params(EntryParams),
    responses((status = 200, description = "The newest entries.", body = AccountEntries), QueryProblem),
)]
pub(super) async fn list(principal: Principal, RawQuery(raw): RawQuery) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    let wanted = query.choice("kind", EntryKind::NAMES);
    let limit = query.integer("limit", 1..=MOST).unwrap_or(MOST) as usize;
    query.finish_strict()?;
    let all = principal.organization().table::<AccountEntry>().iter();
    let mut found: Vec<_> = all.filter(|one| wanted.is_none_or(|kind| one.kind == kind)).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.meta.seq));
    let items = found.into_iter().take(limit).map(|entry| EntryBody::of(entry)).collect();
    Ok(Json(AccountEntries { items }).into_response())
}

/// Enter a transfer
///
/// It makes funds for campaigns of what was earned and is left. Payouts and deposits are entered by whoever runs Tollgate
/// (`tollgate account enter`). Entries stay for ever: what was wrong is put right outside.
#[utoipa::path(
    post,
    path = "/account/entries",
    operation_id = "create_account_entry",
    params(OnceParams),
    request_body = NewAccountEntry,
    responses(
        (status = 201, description = "It was entered.", body = EntryBody,
         headers(("ETag" = String, description = "The entry's version."))),
        (status = 402, description = "Too many events would have to be read.", body = NativeProblem,
         content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = NativeProblem,
         content_type = "application/problem+json"),
        BodyProblem,
    ),
)]
pub(super) async fn create(
    principal: Principal,
    State(state): State<ApiState>,
    once: Once,
    request: Request,
) -> Answer {
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let (kind, amount, note) = read_entry(body, EntryKind::OF_CALLERS)?;
    let totals = totals((&state).into(), principal.organization_id()).await?;
    once.write(
        &state,
        principal.organization_id(),
        principal.actor(),
        |draft| add(draft, (kind, amount, note.as_deref()), totals),
        |id, organization| {
            let stored = organization.get::<AccountEntry>(&id);
            Reply::stored(StatusCode::CREATED, stored, EntryBody::of)
        },
    )
    .await
}

/// What a body says of an entry of one of these kinds.
pub(crate) fn read_entry(
    body: Map<String, Value>,
    kinds: &[(&str, EntryKind)],
) -> Result<(EntryKind, Money, Option<String>), ApiError> {
    let mut fields = Fields::new(body, Encoding::Json);
    let kind = fields.required("kind", |f| f.choice("kind", kinds));
    let least = Money::from_micros(1);
    let amount = fields.required("amount", |f| f.money("amount", least..=AccountEntry::MOST));
    let note = fields.text("note", 1..=255).value();
    let errors = fields.finish();
    match (kind, amount) {
        (Some(kind), Some(amount)) if errors.is_empty() => Ok((kind, amount, note)),
        _ => Err(ApiError::invalid(errors)),
    }
}
