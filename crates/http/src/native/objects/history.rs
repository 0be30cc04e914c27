//! `GET /objects/{kind}/{id}/history`: everything that ever happened to one object, newest first.

use super::body::Entry;
use super::{ObjectParams, kind_named, missing};
use crate::ApiState;
use crate::chartboost::query::Query;
use crate::native::auth::Principal;
use crate::native::paging::{Cursor, CursorParams, Entries};
use crate::native::schema::{MissingProblem, QueryProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use tollgate_catalog::AuditFilter;

/// Read an object's history
///
/// Also of an object that is deleted. Who changed which fields, when, and from what to what.
#[utoipa::path(
    get,
    path = "/objects/{kind}/{id}/history",
    operation_id = "read_history",
    params(
        ObjectParams,
        CursorParams,
    ),
    responses(
        (status = 200, description = "A page of the history.", body = Entries<Entry>),
        MissingProblem,
        QueryProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((kind, id)): Params<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let kind = kind_named(&kind)?;
    let mut query = Query::parse(raw.as_deref())?;
    let cursor = Cursor::take(&mut query);
    query.finish_strict()?;
    let filter = AuditFilter {
        kind: Some(kind),
        id: Some(&id),
        before: cursor.before,
        limit: cursor.reads(),
        ..AuditFilter::default()
    };
    let entries = state.catalog.audit(principal.organization_id(), &filter).await?;
    // Every object has a first revision, so nothing on the first page means that it never was.
    if entries.is_empty() && cursor.before.is_none() {
        return Err(missing());
    }
    let entries = entries.into_iter().map(Entry::of).collect();
    Ok(Json(cursor.page(entries, Entry::seq)).into_response())
}
