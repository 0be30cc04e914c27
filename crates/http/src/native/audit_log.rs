//! `GET /audit-log`: who changed what in the caller's organization, newest first.

use super::Answer;
use super::auth::Principal;
use super::objects::body::Entry;
use super::objects::kind_schema;
use super::paging::{Cursor, CursorParams, Entries, take_time};
use super::schema::QueryProblem;
use crate::ApiState;
use crate::chartboost::query::Query;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use tollgate_catalog::{AuditFilter, KINDS};
use utoipa::IntoParams;

/// What the log is filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct AuditParams {
    /// Objects of this kind only.
    #[param(schema_with = kind_schema)]
    kind: Option<String>,
    /// The object of this id only.
    id: Option<String>,
    /// What this actor did only, as entries name it: `api_key:ID`.
    actor: Option<String>,
    /// At this time or later.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this time.
    #[param(format = DateTime)]
    to: Option<String>,
}

/// Read the audit log
///
/// Every change of every object of the organization, with whose credential made it.
#[utoipa::path(
    get,
    path = "/audit-log",
    operation_id = "read_audit_log",
    params(AuditParams, CursorParams),
    responses(
        (status = 200, description = "A page of the log.", body = Entries<Entry>),
        QueryProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    let cursor = Cursor::take(&mut query);
    let kinds: Vec<_> = KINDS.iter().map(|kind| (*kind, *kind)).collect();
    let kind = query.choice("kind", &kinds);
    let (id, actor) = (query.text("id"), query.text("actor"));
    let (from, to) = (take_time(&mut query, "from"), take_time(&mut query, "to"));
    query.finish_strict()?;
    let filter = AuditFilter {
        kind,
        id: id.as_deref(),
        actor: actor.as_deref(),
        from,
        to,
        before: cursor.before,
        limit: cursor.reads(),
    };
    let entries = state.catalog.audit(principal.organization_id(), &filter).await?;
    let entries = entries.into_iter().map(Entry::of).collect();
    Ok(Json(cursor.page(entries, Entry::seq)).into_response())
}
