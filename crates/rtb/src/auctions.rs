//! Auctions: one bidder, one answer, within the time and the number that an integration may have.

use crate::answer::{Winner, winner};
use crate::request;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tollgate_domain::{Auction, AuctionOutcome, Entropy, Event, Integration, IntegrationId, hex};
use tollgate_outbound::{Outbound, OutboundError, Post};

/// Auctions of one integration that may be under way.
pub const MAX_AUCTIONS: usize = 128;
/// Milliseconds that an answer may take when the integration does not say.
const DEFAULT_TMAX: u32 = 200;
/// Says which OpenRTB is spoken, as its section on transport has it.
const VERSION: &[(&str, &str)] = &[("x-openrtb-version", "2.6")];
/// Bytes of an answer.
const ANSWER_BYTES: usize = 64 << 10;
/// Notices that may be under way; beyond them they are dropped.
const MAX_NOTICES: usize = 256;

/// Holds auctions, and keeps count of how they ended.
pub struct Auctions {
    outbound: Outbound,
    entropy: Arc<dyn Entropy>,
    running: Mutex<HashMap<IntegrationId, usize>>,
    notices: Arc<Semaphore>,
    outcomes: [AtomicU64; AuctionOutcome::ALL.len()],
    notices_lost: Arc<AtomicU64>,
}

impl fmt::Debug for Auctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auctions").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// An auction that is over, and whom to tell if the user goes to the winner.
#[derive(Debug)]
pub struct Held {
    /// How it ended.
    pub auction: Auction,
    notices: Vec<String>,
}

/// Figures for metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuctionStats {
    /// Auctions by how they ended, since the start.
    pub outcomes: Vec<(AuctionOutcome, u64)>,
    /// Winners' notices that could not be delivered.
    pub notices_lost: u64,
}

impl Auctions {
    /// Auctions over `outbound`.
    pub fn new(outbound: Outbound, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            outbound,
            entropy,
            running: Mutex::default(),
            notices: Arc::new(Semaphore::new(MAX_NOTICES)),
            outcomes: Default::default(),
            notices_lost: Arc::default(),
        }
    }

    /// Offers a completed click to the integration's bidder; `None` when it has none. Takes no longer than the
    /// integration's `rtb_tmax_ms`.
    pub async fn hold(&self, integration: &Integration, event: &Event) -> Option<Held> {
        let endpoint = integration.rtb_endpoint.as_deref()?;
        let since = Instant::now();
        let won = match self.place(integration.id) {
            Some(_place) => self.ask(endpoint, integration, event).await,
            None => Err(AuctionOutcome::Busy),
        };
        let millis = since.elapsed().as_millis().try_into().unwrap_or(u32::MAX);
        let held = match won {
            Ok(Winner { price, location, notices }) => {
                let (price, location) = (Some(price), Some(location));
                Held { auction: Auction { outcome: AuctionOutcome::Won, millis, price, location }, notices }
            }
            Err(outcome) => {
                let auction = Auction { outcome, millis, price: None, location: None };
                Held { auction, notices: Vec::new() }
            }
        };
        self.outcomes[held.auction.outcome as usize].fetch_add(1, Ordering::Relaxed);
        Some(held)
    }

    async fn ask(
        &self,
        endpoint: &str,
        integration: &Integration,
        event: &Event,
    ) -> Result<Winner, AuctionOutcome> {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let id = hex(&random);
        let tmax = integration.rtb_tmax_ms.unwrap_or(DEFAULT_TMAX);
        let post = Post {
            url: endpoint,
            content_type: "application/json",
            headers: VERSION,
            body: request::body(&id, tmax, integration, event).into(),
            time: Duration::from_millis(tmax.into()),
            answer_bytes: ANSWER_BYTES,
        };
        let answer = self.outbound.post(post).await.map_err(|error| match error {
            OutboundError::TooSlow(_) => AuctionOutcome::Timeout,
            OutboundError::HeadTooLong(_)
            | OutboundError::BodyTooLong { .. }
            | OutboundError::Encoded(_)
            | OutboundError::Broken { .. } => AuctionOutcome::Malformed,
            _ => {
                tracing::debug!(integration = %integration.id, %error, "a bidder cannot be asked");
                AuctionOutcome::Error
            }
        })?;
        match answer.status.as_u16() {
            200 => winner(&id, &answer.body),
            204 => Err(AuctionOutcome::NoBid),
            _ => Err(AuctionOutcome::Error),
        }
    }

    /// Tells the winner, without anybody waiting for it. To be called on a thread with a runtime.
    pub fn tell(&self, held: Held) {
        for url in held.notices {
            let Ok(place) = self.notices.clone().try_acquire_owned() else {
                self.notices_lost.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (outbound, lost) = (self.outbound.clone(), self.notices_lost.clone());
            tokio::spawn(async move {
                let told = outbound.get(&url).await;
                if !told.is_ok_and(|answer| answer.status.is_success()) {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
                drop(place);
            });
        }
    }

    /// Figures for metrics.
    pub fn stats(&self) -> AuctionStats {
        let outcomes = AuctionOutcome::ALL.iter().zip(&self.outcomes);
        AuctionStats {
            outcomes: outcomes.map(|(outcome, count)| (*outcome, count.load(Ordering::Relaxed))).collect(),
            notices_lost: self.notices_lost.load(Ordering::Relaxed),
        }
    }

    /// A place for one more auction of the integration, unless all are taken.
    fn place(&self, integration: IntegrationId) -> Option<Place<'_>> {
        let mut running = self.running();
        let count = running.entry(integration).or_default();
        if *count >= MAX_AUCTIONS {
            return None;
        }
        *count += 1;
        Some(Place { auctions: self, integration })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<IntegrationId, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One auction under way; it is over when this is dropped, also when nobody waits for it any more.
struct Place<'a> {
    auctions: &'a Auctions,
    integration: IntegrationId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut running = self.auctions.running();
        if let Some(count) = running.get_mut(&self.integration) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.integration);
            }
        }
    }
}
