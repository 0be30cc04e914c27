//! Streams that are open: so many in all and for an organization, each ended when its credential is, when its reader
//! takes nothing for a while, or when the server stops. A place is free when its connection is done with it.

use super::feed::{Feed, News};
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::places::{NoPlace, Place, Places};
use axum::http::request::Parts;
use axum::response::sse::Event;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tollgate_domain::{Integration, IntegrationId, OrganizationId};

/// Streams in all, and of one organization.
const STREAMS: (usize, usize) = (64, 16);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Time that a reader may take nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time after which a reader that was cut off is to come again.
const COME_AGAIN: Duration = Duration::from_secs(2);
/// Seconds after which somebody who found no place may ask again.
const RETRY_AFTER: u32 = 5;
/// Pieces that wait for a reader: what came, and that this was all.
pub(super) const WAITING: usize = 2;

/// The streams of a server.
pub struct Streams {
    places: Places,
    /// One looks at a time: all of them together take no more than one thread.
    looking: Arc<Semaphore>,
    closing: watch::Sender<bool>,
    patience: Duration,
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Streams {
    /// Streams whose readers may take nothing for so long.
    pub(crate) fn with_patience(patience: Duration) -> Self {
        let (all, each) = STREAMS;
        let closing = watch::Sender::new(false);
        Self { places: Places::new(all, each), looking: Arc::new(Semaphore::new(1)), closing, patience }
    }

    /// Ends every stream, those to come included.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// A place for a stream of this organization.
    pub(super) fn place(&self, organization: OrganizationId) -> Result<Place, ApiError> {
        self.places.try_take(organization).map_err(|none| {
            let (code, whose) = match none {
                NoPlace::Own => (Code::TooManyRequests, "The organization follows"),
                NoPlace::Shared => (Code::Unavailable, "The server's readers follow"),
            };
            let message = format!("{whose} as many streams as there may be at the same time; end one first.");
            ApiError { retry_after: Some(RETRY_AFTER), ..ApiError::because(code, message) }
        })
    }

    async fn closed(&self) {
        // The sender is ours and lives as long as this.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}

/// Why a stream ends before its reader wants it to.
#[derive(Debug, Clone, Copy)]
enum End {
    Credential,
    Shutdown,
    Slow,
    Error,
}

impl End {
    fn event(self) -> Event {
        let reason = match self {
            Self::Credential => "credential",
            Self::Shutdown => "shutdown",
            Self::Slow => "slow",
            Self::Error => "error",
        };
        Event::default().event("end").data(format!("{{\"reason\":\"{reason}\"}}"))
    }
}

/// A stream of a caller.
pub(super) struct Stream {
    pub(super) state: ApiState,
    /// The request, whose credential is looked at again and again.
    pub(super) parts: Parts,
    pub(super) feed: Feed,
}

impl Stream {
    /// Tells what comes until somebody ends it. `out` has room for [`WAITING`] pieces.
    pub(super) async fn run(self, out: Sender<Vec<Event>>) {
        let begin = Event::default().retry(COME_AGAIN);
        if out.send(vec![begin]).await.is_err() {
            return;
        }
        if let Err(Some(end)) = self.follow(&out).await {
            // There is room for it: where there was none, the reader is not there to be told.
            let _ = out.try_send(vec![end.event()]);
        }
    }

    /// Ends with the reason, if there is somebody to be told.
    async fn follow(self, out: &Sender<Vec<Event>>) -> Result<(), Option<End>> {
        let Self { state, parts, mut feed } = self;
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = state.live.closed() => return Err(Some(End::Shutdown)),
                () = out.closed() => return Err(None),
                _ = ticks.tick() => {}
            }
            let room = tokio::select! {
                biased;
                () = state.live.closed() => return Err(Some(End::Shutdown)),
                room = timeout(state.live.patience, out.reserve_many(WAITING)) => room,
            };
            let mut room = room.map_err(|_| Some(End::Slow))?.map_err(|_| None::<End>)?;
            Principal::still(&parts, &state).map_err(|_| Some(End::Credential))?;
            if feed.has_news() {
                let looked = tokio::select! {
                    biased;
                    () = state.live.closed() => return Err(Some(End::Shutdown)),
                    () = out.closed() => return Err(None),
                    looked = look(&state, feed, &parts) => looked,
                };
                let events;
                (feed, events) = looked?;
                if let Some((place, events)) = room.next().zip(events) {
                    place.send(events);
                }
            }
        }
    }
}

/// The integrations of the caller's organization, as long as the credential is in force.
fn own(parts: &Parts, state: &ApiState) -> Option<HashSet<IntegrationId>> {
    let principal = Principal::still(parts, state).ok()?;
    let integrations = principal.organization().table::<Integration>().iter();
    Some(integrations.map(|integration| integration.id).collect())
}

/// Looks where blocking is allowed, and makes what came ready to be sent. Who gives up meanwhile keeps the others waiting
/// until this look is over, so that there is never more than one.
async fn look(
    state: &ApiState,
    mut feed: Feed,
    parts: &Parts,
) -> Result<(Feed, Option<Vec<Event>>), Option<End>> {
    let failed = |error: &dyn fmt::Display| {
        tracing::error!(%error, "a live stream could not read what came");
        Some(End::Error)
    };
    let turn = state.live.looking.clone().acquire_owned().await.map_err(|error| failed(&error))?;
    let own = own(parts, state).ok_or(Some(End::Credential))?;
    let looking = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        feed.look(&own).map(|news| (feed, told(news)))
    });
    looking.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

/// What came, as it is sent; `None` where nothing did.
fn told(news: News) -> Option<Vec<Event>> {
    let News { told, lost, more } = news;
    let mut events = Vec::with_capacity(told.len() + 1);
    if lost > 0 || more {
        let data = format!("{{\"count\":{lost},\"exact\":{}}}", !more);
        events.push(Event::default().event("lost").data(data));
    }
    events.extend(told.into_iter().map(|one| {
        let event = Event::default().event(one.name).data(one.data);
        match one.id {
            Some(id) => event.id(id.to_string()),
            None => event,
        }
    }));
    (!events.is_empty()).then_some(events)
}
