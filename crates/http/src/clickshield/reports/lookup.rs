//! `GET /reports/v2/click` and `/reports/v2/conversion`: the one event that some facts name.

use super::super::Answer;
use super::super::query::Query;
use super::History;
use super::schema::{ClickParams, ClickRow, ConversionParams, ConversionRow};
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::schema::{HistoryProblem, MissingProblem, QueryProblem};
use crate::error::{ApiError, Code};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tollgate_domain::row;
use tollgate_domain::{Event, EventKind, IntegrationId, OrganizationId, Text, Timestamp, TxId};
use tollgate_ledger::query::PageQuery;
use tollgate_ledger::query::Predicate;
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::view::View;

/// What names an event besides its day.
struct Facts {
    integration: IntegrationId,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
    offer: String,
    publisher: String,
    name: String,
}

/// Find a click
#[utoipa::path(
    get,
    path = "/reports/v2/click",
    operation_id = "find_click",
    tag = "Reports",
    params(ClickParams),
    responses(
        (status = 200, description = "The click.", body = ClickRow),
        QueryProblem,
        HistoryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn click(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    RawQuery(raw): RawQuery,
) -> Answer {
    let history = History::of(&state, &caller);
    let facts = facts(&history, raw.as_deref(), "tx_id")?;
    let (view, organization) = (history.ledger.view(), facts.organization);
    if let Some(event) = at_once(&view, &facts) {
        return answer(Some(event), organization);
    }
    let found = super::scan(&history, move || find_click(&view, &facts)).await?;
    answer(found, organization)
}

/// Find a conversion
#[utoipa::path(
    get,
    path = "/reports/v2/conversion",
    operation_id = "find_conversion",
    tag = "Reports",
    params(ConversionParams),
    responses(
        (status = 200, description = "The conversion.", body = ConversionRow),
        QueryProblem,
        HistoryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn conversion(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    RawQuery(raw): RawQuery,
) -> Answer {
    let history = History::of(&state, &caller);
    let facts = facts(&history, raw.as_deref(), "hash")?;
    let (view, organization) = (history.ledger.view(), facts.organization);
    let found = super::scan(&history, move || find_conversion(&view, &facts)).await?;
    answer(found, organization)
}

fn facts(history: &History, raw: Option<&str>, name: &'static str) -> Result<Facts, ApiError> {
    let mut query = Query::parse(raw)?;
    let entry = super::integration(&mut query, history)?;
    let day = super::day(&mut query, "request_date");
    let (offer, publisher) = (query.required("offer"), query.required("publisher"));
    let name = query.required(name);
    query.finish()?;
    let (Some(entry), Some(day), Some(offer), Some(publisher), Some(name)) =
        (entry, day, offer, publisher, name)
    else {
        return Err(ApiError::internal("reading a lookup's parameters", &"a missing one went unnoticed"));
    };
    let (from, to) = super::days_in_zone(&entry, day, day)?;
    Ok(Facts {
        integration: entry.integration.id,
        organization: entry.organization,
        from,
        to,
        offer,
        publisher,
        name,
    })
}

/// By our id, without a thread of its own, when the click is in memory. What goes wrong here is met again and told by
/// [`find_click`].
fn at_once(view: &View, facts: &Facts) -> Option<Event> {
    let id = facts.name.parse().ok()?;
    let found = view.find_at_once(facts.integration, EventKind::Click, id).ok()?;
    found.filter(|event| is_meant(event, facts))
}

/// By the caller's id or by ours.
fn find_click(view: &View, facts: &Facts) -> Result<Option<Event>, ScanError> {
    if let Ok(id) = facts.name.parse::<TxId>() {
        let found = view.find(facts.integration, Some(EventKind::Click), id)?;
        if let Some(event) = found.filter(|event| is_meant(event, facts)) {
            return Ok(Some(event));
        }
    }
    let found = view.find_external(facts.integration, EventKind::Click, facts.from, facts.to, &facts.name)?;
    Ok(found.filter(|event| is_of(event, facts)))
}

fn find_conversion(view: &View, facts: &Facts) -> Result<Option<Event>, ScanError> {
    let kind = EventKind::Conversion;
    let mut page = PageQuery::new(kind, facts.integration, facts.from, facts.to);
    page.limit = 1;
    for (field, value) in [("hash", &facts.name), ("offer_id", &facts.offer), ("publisher", &facts.publisher)]
    {
        // These are text fields of conversions, and any text is legal for them.
        page.predicates.extend(Predicate::parse(kind, field, None, value));
    }
    Ok(view.page(&page)?.rows.pop())
}

/// Whether an event that was found by its id is of the day, offer and publisher that were given.
fn is_meant(event: &Event, facts: &Facts) -> bool {
    (facts.from..facts.to).contains(&event.at()) && is_of(event, facts)
}

fn is_of(event: &Event, facts: &Facts) -> bool {
    event.text(Text::OfferId) == Some(&facts.offer) && event.text(Text::Publisher) == Some(&facts.publisher)
}

fn answer(found: Option<Event>, organization: OrganizationId) -> Result<Response, super::super::Failure> {
    let Some(event) = found else {
        return Err(ApiError::because(Code::NotFound, "No event matches these parameters.").into());
    };
    let mut body = Vec::with_capacity(2048);
    row::write(&event, organization, &mut body);
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
