//! `GET /live`: the newest events as they come, as server-sent events. Nothing is copied or counted for it where nobody
//! looks, and whoever takes events in never waits for a reader.

mod amended;
mod feed;
mod streams;
#[cfg(test)]
mod tests;

pub use streams::Streams;

use super::auth::Principal;
use super::schema::{MissingProblem, QueryProblem};
use super::{Answer, find_integration};
use crate::ApiState;
use crate::chartboost::query::Query;
use crate::places::Place;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use feed::{Feed, Outcome, Wanted};
use futures_util::{StreamExt, stream};
use std::convert::Infallible;
use streams::{Stream, WAITING};
use tokio::sync::mpsc::{Receiver, channel};
use tollgate_domain::KINDS_ALL;
use utoipa::IntoParams;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

/// Where a reader was that comes again.
const LAST_EVENT: &str = "last-event-id";
/// Tells a proxy on the way whether to gather what it passes on.
const BUFFERING: &str = "x-accel-buffering";

/// Which events are told.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct LiveParams {
    #[param(schema_with = integrations)]
    integration_id: Option<Vec<String>>,
    #[param(schema_with = kinds)]
    kind: Option<Vec<String>>,
    #[param(schema_with = outcomes)]
    verdict: Option<Vec<String>>,
}

/// Where a reader goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct LastEventParams {
    /// The `real_tx_id` of the last event that was received.
    #[param(rename = "Last-Event-ID", nullable = false)]
    last_event_id: Option<String>,
}

fn integrations() -> Array {
    let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9]{10}$"));
    list(id, "Those of these integrations of the organization; without it those of all.")
}

fn kinds() -> Array {
    let kind = ObjectBuilder::new().schema_type(Type::String);
    let kind = kind.enum_values(Some(KINDS_ALL.iter().map(|kind| kind.name())));
    list(kind, "Those of these kinds.")
}

fn outcomes() -> Array {
    let outcome = ObjectBuilder::new().schema_type(Type::String);
    let outcome = outcome.enum_values(Some(Outcome::ALL.map(|(name, _)| name)));
    list(outcome, "Those that came out like this.")
}

/// A list that is given: the parameter repeats, or its value is comma-separated.
fn list(item: ObjectBuilder, about: &str) -> Array {
    ArrayBuilder::new().items(item).description(Some(about)).min_items(Some(1)).build()
}

/// Follow events as they come
///
/// Server-sent events, until one side ends it. `row` is an event as it was judged, with the fields that tables have, and with its
/// `real_tx_id` as its `id`. `amended` says that an event's verdict changed later, a late rejection: `real_tx_id`, `kind`, `integration_id`, `at` (when it was
/// said), `status`, `monitoring_mode`, `rejection`, `rejections`, and of its source `advertiser`, `publisher`, `offer_id`, `sub_id`, `event_name`; it has no `id`, and
/// may be told again to somebody who comes again. `lost` says how many of both that fit are not told, `{"count": 37, "exact": true}`: they came faster than
/// 100 each quarter second, or faster than they were read; where `exact` is false, there were more. `end` says why the server ends it, `{"reason": "credential"}`: the
/// key or session is no longer in force; `shutdown`: the server stops; `slow`: nothing was read for 30 seconds; `error`: events
/// could not be read. While nothing happens, a comment comes every 15 seconds.
///
/// With the `Last-Event-ID` of the last event that was received it goes on there, as far as the last 1,000 events that fit among the server's last
/// 16,384. An organization may follow 16 streams at a time (429), the server has places for 64 (503).
#[utoipa::path(
    get,
    path = "/live",
    operation_id = "follow_events",
    params(LiveParams, LastEventParams),
    responses(
        (status = 200, description = "What comes.", body = String, content_type = "text/event-stream",
         headers(("Cache-Control" = String, description = "no-store"))),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn handle(principal: Principal, State(state): State<ApiState>, parts: Parts) -> Answer {
    let mut query = Query::parse(parts.uri.query())?;
    let integrations = query.list("integration_id");
    let known: Vec<_> = KINDS_ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let kinds = query.choices("kind", &known);
    let outcomes = query.choices("verdict", &Outcome::ALL);
    query.finish_strict()?;
    let integrations = integrations.iter().map(|id| find_integration(&principal, id));
    let organization = principal.organization_id();
    let wanted =
        Wanted { organization, integrations: integrations.collect::<Result<_, _>>()?, kinds, outcomes };
    let last = parts.headers.get(LAST_EVENT);
    let after = last.map(|id| id.to_str().ok().and_then(|id| id.trim().parse().ok()));
    let place = state.live.place(organization)?;
    let feed = Feed::new(state.ledger.clone(), wanted, after);
    let (out, told) = channel(WAITING);
    tokio::spawn(Stream { state, parts, feed }.run(out));
    let headers = [(CACHE_CONTROL, "no-store"), (HeaderName::from_static(BUFFERING), "no")];
    Ok((headers, Sse::new(events(told, place)).keep_alive(KeepAlive::default())).into_response())
}

/// The events of the pieces that come. The place is taken until the connection has let go of them.
fn events(told: Receiver<Vec<Event>>, place: Place) -> impl stream::Stream<Item = Result<Event, Infallible>> {
    let pieces =
        stream::unfold((told, place), async |(mut told, place)| Some((told.recv().await?, (told, place))));
    pieces.flat_map(|piece| stream::iter(piece.into_iter().map(Ok)))
}
