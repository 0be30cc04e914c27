//! `GET /reports/v2/grouped`: how many events of some days there are by up to three keys, what became of them, and what
//! they paid; beside the days of the same number before, when that is asked for.

mod answer;
mod schema;
#[cfg(test)]
mod tests;

use self::answer::{Order, Report};
use self::schema::{GroupedParams, GroupedReport};
use super::super::Answer;
use super::super::query::{Condition, Page, Query};
use super::{History, busy, day, days_in_zone, filterable, predicates};
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::schema::{HistoryProblem, MissingProblem, QueryProblem};
use crate::error::{ApiError, Code};
use crate::places::{Place, Waiting};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;
use tollgate_catalog::IntegrationEntry;
use tollgate_domain::row::Field;
use tollgate_domain::{Day, EventKind, IntegrationId, Invalid, TxId};
use tollgate_ledger::group::{Bounds, GroupError, GroupQuery, GroupSource, Key};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::view::View;

/// Threads that one report is counted on at most.
const THREADS: usize = 4;

/// What is asked for.
struct Request {
    entries: Vec<Arc<IntegrationEntry>>,
    days: (Day, Day),
    kind: EventKind,
    keys: Vec<Key>,
    predicates: Vec<Predicate>,
    /// What conversions must satisfy that are counted beside clicks.
    conversions: Option<Vec<Predicate>>,
    order: Vec<Order>,
    page: Page,
    compare: bool,
    as_of: Option<u64>,
}

/// Count events by keys
///
/// What became of the events of some days, by up to three keys.
#[utoipa::path(
    get,
    path = "/reports/v2/grouped",
    operation_id = "group_events",
    tag = "Reports",
    params(GroupedParams),
    responses(
        (status = 200, description = "A page of groups, and all of them together.", body = GroupedReport),
        QueryProblem,
        HistoryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn groups(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    RawQuery(raw): RawQuery,
) -> Answer {
    answer(&History::of(&state, &caller), raw.as_deref()).await
}

pub(super) async fn answer(history: &History, raw: Option<&str>) -> Answer {
    let request = read(history, raw)?;
    let place = history.limits.groups.take(history.organization).await;
    let place = place.ok_or_else(|| busy("grouped reports"))?;
    let bounds = Bounds { rows: history.limits.group_rows, ..bounds() };
    let body = count(history.ledger.view(), request, place, bounds).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn read(history: &History, raw: Option<&str>) -> Result<Request, ApiError> {
    let mut query = Query::parse(raw)?;
    let entries = integrations(&mut query, history)?;
    let days = day(&mut query, "start_date").zip(day(&mut query, "end_date"));
    let kind = kind(&mut query);
    let keys = keys(&mut query);
    let page = query.page();
    let compare = query.text("compare");
    if compare.as_deref().is_some_and(|compare| compare != "previous") {
        query.refuse(Invalid::new("compare", "must be previous"));
    }
    let as_of = query.text("as_of").and_then(|text| {
        query.check(text.parse().map_err(|_| Invalid::new("as_of", "must be the seq of an earlier cut")))
    });
    let sortable = Order::names(&keys);
    let order = query.sort(&sortable).iter().filter_map(|key| Order::of(key, &keys)).collect();
    let known: Vec<&str> = filterable(kind).map(Field::name).collect();
    let conditions = query.filters(|field| known.contains(&field), &known);
    let of_kind = predicates(kind, &mut query, &conditions);
    query.finish()?;
    let conversions = conversions(kind, &conditions);
    let Some(days) = days else {
        return Err(ApiError::internal("reading a report's parameters", &"a missing one went unnoticed"));
    };
    let compare = compare.is_some();
    Ok(Request { entries, days, kind, keys, predicates: of_kind, conversions, order, page, compare, as_of })
}

/// Takes `integration_id`: some of the caller's own; without any, all of them.
fn integrations(query: &mut Query, history: &History) -> Result<Vec<Arc<IntegrationEntry>>, ApiError> {
    let mut names = query.list("integration_id");
    names.sort_unstable();
    names.dedup();
    let snapshot = history.catalog.snapshot();
    let own = |entry: &&Arc<IntegrationEntry>| entry.organization == history.organization;
    if names.is_empty() {
        return Ok(snapshot.integrations().filter(own).cloned().collect());
    }
    let missing = || ApiError::because(Code::NotFound, "There is no integration of this id.");
    let entry = |name: &String| {
        let id: Option<IntegrationId> = name.parse().ok();
        id.and_then(|id| snapshot.integration(id)).filter(own).cloned().ok_or_else(missing)
    };
    names.iter().map(entry).collect()
}

fn kind(query: &mut Query) -> EventKind {
    let Some(name) = query.text("kind") else { return EventKind::Click };
    let refuse = || Invalid::new("kind", "must be click, conversion or impression");
    query.check(EventKind::from_name(&name).ok_or_else(refuse)).unwrap_or(EventKind::Click)
}

fn keys(query: &mut Query) -> Vec<Key> {
    let names = query.list("group_by");
    let mut keys = Vec::new();
    if names.is_empty() || names.len() > GroupQuery::MAX_KEYS {
        query.refuse(Invalid::new("group_by", "must have one to three keys"));
        return keys;
    }
    for name in &names {
        match Key::from_name(name) {
            Some(key) if keys.contains(&key) => {
                query.refuse(Invalid::new("group_by", format!("names {name} twice")));
            }
            Some(key) => keys.push(key),
            None => {
                let known: Vec<&str> = Key::all().map(Key::name).collect();
                let message = format!("{name:?} is not a key; known are {}", known.join(", "));
                query.refuse(Invalid::new("group_by", message));
            }
        }
    }
    keys
}

/// What conversions must satisfy beside clicks: the same. A filter that conversions cannot be asked leaves them out.
fn conversions(kind: EventKind, conditions: &[Condition]) -> Option<Vec<Predicate>> {
    if kind != EventKind::Click {
        return None;
    }
    let mut all = Vec::new();
    for Condition { field, op, values } in conditions {
        let values = values.iter().map(String::as_str);
        all.extend(Predicate::parse_all(EventKind::Conversion, field, op.name(), values).ok()?);
    }
    Some(all)
}

fn bounds() -> Bounds {
    Bounds::threads(std::thread::available_parallelism().map_or(1, usize::from).min(THREADS))
}

/// The answer's bytes, made where blocking is allowed: there may be hundreds of thousands of groups to join and sort. The
/// place is taken until that ends, which is soon when nobody waits for it.
async fn count(view: View, request: Request, place: Place, bounds: Bounds) -> Result<Vec<u8>, ApiError> {
    let (first, last) = request.days;
    let length = last.number() - first.number() + 1;
    let now = request.query(first, last)?;
    let before = |day: Day| Day::from_number(day.number() - length);
    let previous = request.compare.then(|| request.query(before(first), before(last))).transpose()?;
    let _waiting = Waiting(bounds.stop.clone());
    let counted = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, GroupError> {
        let _place = place;
        let previous = previous.map(|query| view.group(&query, &bounds)).transpose()?;
        let (now, previous) = (view.group(&now, &bounds)?, previous.map(|grouped| (grouped, length)));
        let Request { keys, order, page, conversions, .. } = request;
        Ok(Report::new(keys, now, previous, &order, page, conversions.is_some()).body())
    });
    match counted.await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error @ (GroupError::TooMany | GroupError::TooWide { .. }))) => {
            Err(ApiError::because(Code::RequestFailed, error.to_string()))
        }
        Ok(Err(error)) => Err(ApiError::internal("counting events", &error)),
        Err(error) => Err(ApiError::internal("counting events", &error)),
    }
}

impl Request {
    /// The same of other days.
    fn query(&self, first: Day, last: Day) -> Result<GroupQuery, ApiError> {
        let source = |entry: &Arc<IntegrationEntry>| {
            let (from, to) = days_in_zone(entry, first, last)?;
            let zone = jiff::tz::TimeZone::get(&entry.integration.time_zone)
                .map_err(|cause| ApiError::internal("finding a time zone", &cause))?;
            let integration = entry.integration.id;
            Ok(GroupSource { integration, from: TxId::first_at(from), to: TxId::first_at(to), zone })
        };
        Ok(GroupQuery {
            sources: self.entries.iter().map(source).collect::<Result<_, ApiError>>()?,
            counted: (self.kind, self.predicates.clone()),
            conversions: self.conversions.clone(),
            keys: self.keys.clone(),
            as_of: self.as_of,
        })
    }
}
