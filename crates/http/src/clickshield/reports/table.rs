//! `GET /reports/v2/{click,conversion,impression}-table`: rows of some days, newest first, by cursor.

use super::super::Answer;
use super::super::query::{Condition, Query};
use super::History;
use super::schema::{ClickTable, ConversionTable, ImpressionTable};
use super::schema::{ClickTableParams, ConversionTableParams, ImpressionTableParams};
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::schema::{HistoryProblem, MissingProblem, QueryProblem};
use crate::error::ApiError;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::IntoResponse;
use tollgate_domain::row::{self, Field};
use tollgate_domain::{EventKind, Invalid, OrganizationId, TxId};
use tollgate_ledger::query::{Cursor, PageQuery, Predicate};
use tollgate_ledger::view::Page;

/// List clicks
///
/// Those of some days, the newest first, by cursor.
#[utoipa::path(
    get,
    path = "/reports/v2/click-table",
    operation_id = "list_clicks",
    tag = "Reports",
    params(ClickTableParams),
    responses(
        (status = 200, description = "A page of clicks.", body = ClickTable),
        QueryProblem,
        HistoryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn clicks(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    RawQuery(raw): RawQuery,
) -> Answer {
    answer(EventKind::Click, &History::of(&state, &caller), raw.as_deref()).await
}

/// List conversions
///
/// Those of some days, the newest first, by cursor.
#[utoipa::path(
    get,
    path = "/reports/v2/conversion-table",
    operation_id = "list_conversions",
    tag = "Reports",
    params(ConversionTableParams),
    responses(
        (status = 200, description = "A page of conversions.", body = ConversionTable),
        QueryProblem,
        HistoryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn conversions(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    RawQuery(raw): RawQuery,
) -> Answer {
    answer(EventKind::Conversion, &History::of(&state, &caller), raw.as_deref()).await
}

/// List impressions
///
/// Those of some days, the newest first, by cursor.
#[utoipa::path(
    get,
    path = "/reports/v2/impression-table",
    operation_id = "list_impressions",
    tag = "Reports",
    params(ImpressionTableParams),
    responses(
        (status = 200, description = "A page of impressions.", body = ImpressionTable),
        QueryProblem,
        HistoryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn impressions(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    RawQuery(raw): RawQuery,
) -> Answer {
    answer(EventKind::Impression, &History::of(&state, &caller), raw.as_deref()).await
}

pub(super) async fn answer(kind: EventKind, history: &History, raw: Option<&str>) -> Answer {
    let mut query = Query::parse(raw)?;
    let entry = super::integration(&mut query, history)?;
    let first = super::day(&mut query, "start_date");
    let last = super::day(&mut query, "end_date");
    let size = query.required_page_size();
    let cursor = cursor(&mut query);
    let as_of = query.text("as_of").and_then(|text| {
        query.check(text.parse().map_err(|_| Invalid::new("as_of", "must be the seq of an earlier cut")))
    });
    if query.text("sort").is_some() {
        let message =
            "Sorting is NOT SUPPORTED. Objects are always are sorted in reverse chronological order.";
        query.refuse(Invalid::new("sort", message));
    }
    let known: Vec<&str> = super::filterable(kind).map(Field::name).collect();
    let conditions = query.filters(|field| known.contains(&field), &known);
    let predicates = predicates(kind, &mut query, &conditions);
    query.finish()?;
    let (Some(entry), Some(first), Some(last), Some(size)) = (entry, first, last, size) else {
        return Err(
            ApiError::internal("reading a table's parameters", &"a missing one went unnoticed").into()
        );
    };
    let (from, to) = super::days_in_zone(&entry, first, last)?;
    let mut page = PageQuery::new(kind, entry.integration.id, from, to);
    (page.cursor, page.limit, page.predicates, page.as_of) = (cursor, size as u16, predicates, as_of);
    let (view, organization) = (history.ledger.view(), entry.organization);
    // Written where it was read: the threads that take events do not stop for 100 kB of JSON.
    let body = super::scan(history, move || Ok(body(&view.page(&page)?, organization))).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Takes `page[after]` and `page[before]`, of which one may be given.
fn cursor(query: &mut Query) -> Cursor {
    let id = |query: &mut Query, name: &'static str| {
        let text = query.text(name)?;
        let wrong = |_| Invalid::new(name, "must be a real_tx_id, as startCursor or endCursor gives it");
        query.check(text.parse::<TxId>().map_err(wrong))
    };
    let (after, before) = (id(query, "page[after]"), id(query, "page[before]"));
    match (after, before) {
        (Some(_), Some(_)) => {
            query.refuse(Invalid::new("page[before]", "cannot be given together with page[after]"));
            Cursor::Newest
        }
        (Some(id), None) => Cursor::After(id),
        (None, Some(id)) => Cursor::Before(id),
        (None, None) => Cursor::Newest,
    }
}

/// What rows must satisfy, from the conditions of a query.
pub(in crate::clickshield) fn predicates(
    kind: EventKind,
    query: &mut Query,
    conditions: &[Condition],
) -> Vec<Predicate> {
    let mut predicates = Vec::new();
    for condition in conditions {
        let values = condition.values.iter().map(String::as_str);
        match Predicate::parse_all(kind, &condition.field, condition.op.name(), values) {
            Ok(parsed) => predicates.extend(parsed),
            Err(errors) => {
                errors.into_iter().for_each(|error| query.refuse(condition.invalid(error.message)))
            }
        }
    }
    predicates
}

fn body(page: &Page, organization: OrganizationId) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + page.rows.len() * 2048);
    out.extend_from_slice(b"{\"data\":{\"data\":[");
    for (n, event) in page.rows.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        row::write(event, organization, &mut out);
    }
    let cursor = |event: Option<&tollgate_domain::Event>| match event {
        Some(event) => format!("\"{}\"", event.id),
        None => "null".to_owned(),
    };
    let info = format!(
        "],\"pageInfo\":{{\"startCursor\":{},\"endCursor\":{},\"hasPreviousPage\":{},\"hasNextPage\":{}}}}}}}",
        cursor(page.rows.first()),
        cursor(page.rows.last()),
        page.has_more_newer,
        page.has_more_older,
    );
    out.extend_from_slice(info.as_bytes());
    out
}
