//! Reports: the three tables, the two single lookups and the grouped report, from the ledger.

mod grouped;
mod lookup;
pub(super) mod schema;
mod table;
#[cfg(test)]
mod tests;

use super::Answer;
use super::query::Query;
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::{ApiState, Limits};
use std::sync::Arc;
use tollgate_catalog::{Catalog, IntegrationEntry};
use tollgate_domain::row::Field;
use tollgate_domain::{Day, EventKind, Invalid, OrganizationId, Timestamp};
use tollgate_ledger::Ledger;
use tollgate_ledger::query::FieldRef;
use tollgate_ledger::scan::ScanError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use table::predicates;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(table::clicks))
        .routes(routes!(table::conversions))
        .routes(routes!(table::impressions))
        .routes(routes!(lookup::click))
        .routes(routes!(lookup::conversion))
        .routes(routes!(grouped::groups))
}

/// What reports are made from, and the organization whose they are.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// Configuration.
    pub(crate) catalog: Arc<Catalog>,
    /// The history.
    pub(crate) ledger: Ledger,
    /// How much may be asked for at a time.
    pub(crate) limits: Arc<Limits>,
    /// Another organization's integrations do not exist.
    pub(crate) organization: OrganizationId,
}

impl History {
    fn of(state: &ApiState, caller: &Caller) -> Self {
        let ApiState { catalog, ledger, limits, .. } = state.clone();
        Self { catalog, ledger, limits, organization: caller.organization_id() }
    }
}

/// The answer to the query of a table.
pub(crate) async fn table(kind: EventKind, history: &History, raw: Option<&str>) -> Answer {
    table::answer(kind, history, raw).await
}

/// The answer to the query of a grouped report.
pub(crate) async fn groups(history: &History, raw: Option<&str>) -> Answer {
    grouped::answer(history, raw).await
}

/// Takes `integration_id`: one of the caller's own. Another organization's does not exist.
fn integration(query: &mut Query, history: &History) -> Result<Option<Arc<IntegrationEntry>>, ApiError> {
    let Some(text) = query.required("integration_id") else { return Ok(None) };
    let snapshot = history.catalog.snapshot();
    let entry = text.parse().ok().and_then(|id| snapshot.integration(id).cloned());
    let own = entry.filter(|entry| entry.organization == history.organization);
    own.map(Some).ok_or_else(|| ApiError::because(Code::NotFound, "There is no integration of this id."))
}

/// The fields of rows of a kind that a table can be filtered by.
pub(super) fn filterable(kind: EventKind) -> impl Iterator<Item = Field> {
    FieldRef::names(kind).filter_map(Field::from_name)
}

/// Takes a required day.
fn day(query: &mut Query, name: &'static str) -> Option<Day> {
    let text = query.required(name)?;
    query.check(Day::parse(name, &text))
}

/// The instants of the days `first` to `last`, inclusive, in the integration's time zone.
pub(super) fn days_in_zone(
    entry: &IntegrationEntry,
    first: Day,
    last: Day,
) -> Result<(Timestamp, Timestamp), ApiError> {
    if last < first {
        let error = Invalid::new("end_date", "must not be before start_date");
        return Err(ApiError::invalid(vec![error]));
    }
    let name = entry.integration.time_zone.as_str();
    let zone =
        jiff::tz::TimeZone::get(name).map_err(|cause| ApiError::internal("finding a time zone", &cause))?;
    match (first.in_zone(&zone), last.in_zone(&zone)) {
        (Some((from, _)), Some((_, to))) => Ok((from, to)),
        _ => Err(ApiError::invalid(vec![Invalid::new("end_date", "must be a day before the year 9999")])),
    }
}

/// The day that it is in the integration's time zone.
pub(super) fn today(entry: &IntegrationEntry, now: Timestamp) -> Day {
    let zone = jiff::tz::TimeZone::get(&entry.integration.time_zone);
    let now_there = zone.ok().zip(jiff::Timestamp::from_millisecond(now.millis()).ok());
    let date = now_there.map(|(zone, now)| now.to_zoned(zone).date());
    let day =
        date.and_then(|date| Day::from_civil(date.year().into(), date.month().into(), date.day().into()));
    // A zone that was checked when it was stored is there.
    day.unwrap_or_else(|| now.day())
}

/// There was no place for a request.
fn busy(others: &str) -> ApiError {
    let busy =
        ApiError::because(Code::Unavailable, format!("Other {others} are being made; try again soon."));
    ApiError { retry_after: Some(1), ..busy }
}

/// Runs a scan of an organization's history where blocking is allowed, when there is a place for it: each takes some
/// memory, and more at a time than the cores can work on would only wait for each other.
async fn scan<T: Send + 'static>(
    history: &History,
    work: impl FnOnce() -> Result<T, ScanError> + Send + 'static,
) -> Result<T, ApiError> {
    let place = history.limits.reads.take(history.organization).await.ok_or_else(|| busy("reports"))?;
    let work = move || {
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error @ ScanError::TooWide { .. })) => {
            Err(ApiError::because(Code::RequestFailed, error.to_string()))
        }
        Ok(Err(error)) => Err(ApiError::internal("reading history", &error)),
        Err(error) => Err(ApiError::internal("reading history", &error)),
    }
}
