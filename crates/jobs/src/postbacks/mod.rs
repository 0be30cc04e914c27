//! Outgoing postbacks: whoever is to learn of a verdict about a conversion is told, at least once, under an id that stays
//! the same.
//!
//! A follower reads the ledger in the order of `seq` and writes down what has to be sent ([`follow`]); a sender takes what
//! is due and tries until it is taken ([`send`]). Between the two stands a file of their own ([`store`]). An
//! acknowledged conversion stands in the ledger, so it is followed however often the process dies in between.

mod backoff;
mod delivery;
mod follow;
mod log;
mod send;
mod store;
mod target;

pub use delivery::{Attempt, Delivery, DeliveryState};
pub use log::{LogFilter, RetryError, read_log};
pub use store::StoreError;
pub use target::{Sample, SampleError};

use follow::Follower;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use store::Store;
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::task::{JoinError, JoinHandle};
use tollgate_catalog::Catalog;
use tollgate_domain::{Clock, Entropy};
use tollgate_ledger::Ledger;
use tollgate_outbound::{self as outbound, Destinations, Limits, Outbound};

/// The file within a data directory.
pub const FILE_NAME: &str = "postbacks.sqlite";
/// Bytes of an answer's body that a receiver may send; nobody looks at them.
const ANSWER_BYTES: usize = 64 << 10;
/// How long to rest after a failure.
const REST: Duration = Duration::from_secs(5);
/// Samples that are sent at a time because someone asked for it.
const SAMPLES_AT_ONCE: usize = 16;

/// What postbacks work with.
pub struct Parts {
    /// Where postbacks are configured.
    pub catalog: Arc<Catalog>,
    /// Where conversions come from.
    pub ledger: Ledger,
    /// How receivers are reached; the limits are set here.
    pub outbound: outbound::Options,
    /// When things are due.
    pub clock: Arc<dyn Clock>,
    /// Spreads what is tried again.
    pub entropy: Arc<dyn Entropy>,
}

/// Outgoing postbacks.
pub struct Postbacks {
    catalog: Arc<Catalog>,
    ledger: Ledger,
    outbound: Outbound,
    destinations: Destinations,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    store: Store,
    follower: Mutex<Follower>,
    samples: Semaphore,
    /// Rings when something may have become due.
    news: Notify,
    tallies: Tallies,
}

/// Counts since the start, and what waits.
#[derive(Default)]
struct Tallies {
    delivered: AtomicU64,
    failed: AtomicU64,
    canceled: AtomicU64,
    attempts: AtomicU64,
    pending: AtomicU64,
    /// When the longest-waiting delivery was due first, in milliseconds; `i64::MAX` when nothing waits.
    oldest: AtomicI64,
    /// The `seq` of the ledger up to which it is known what has to be sent.
    reached: AtomicU64,
}

/// Figures for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostbackStats {
    /// Deliveries that arrived, since the start.
    pub delivered: u64,
    /// Deliveries that were given up, since the start.
    pub failed: u64,
    /// Deliveries that were canceled, since the start.
    pub canceled: u64,
    /// Attempts, since the start.
    pub attempts: u64,
    /// Deliveries that wait.
    pub pending: u64,
    /// Milliseconds since the longest-waiting delivery was due first; 0 when none is overdue.
    pub oldest_millis: u64,
    /// Rows of the ledger that were not looked at yet.
    pub behind: u64,
}

/// Postbacks cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Their file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A further authority is no certificate.
    #[error("a certificate authority cannot be used: {0}")]
    Authority(String),
}

impl fmt::Debug for Postbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postbacks").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Postbacks {
    /// Opens the file at `path`. On the first start nothing is sent for what the ledger holds already.
    pub async fn open(path: &Path, parts: Parts) -> Result<Arc<Self>, OpenError> {
        let Parts { catalog, ledger, outbound, clock, entropy } = parts;
        let destinations = Destinations::from(&outbound);
        let limits = Limits { body_bytes: ANSWER_BYTES, ..Limits::default() };
        let outbound = Outbound::new(outbound::Options { limits, heads_only: true, ..outbound })
            .map_err(|error| OpenError::Authority(error.to_string()))?;
        let store = Store::open(path).await?;
        let end = ledger.committed();
        let cursor = match store.cursor().await? {
            Some(cursor) if cursor <= end => cursor,
            // A ledger that ends earlier was put back from a backup: what it takes in from now on is new.
            _ => {
                store.add(&[], end, clock.now()).await?;
                end
            }
        };
        let tallies = Tallies {
            oldest: AtomicI64::new(i64::MAX),
            reached: AtomicU64::new(cursor),
            ..Tallies::default()
        };
        let postbacks = Self {
            follower: Mutex::new(Follower::new(cursor)),
            catalog,
            ledger,
            outbound,
            destinations,
            clock,
            entropy,
            store,
            samples: Semaphore::new(SAMPLES_AT_ONCE),
            news: Notify::new(),
            tallies,
        };
        postbacks.look_at_what_waits().await?;
        Ok(Arc::new(postbacks))
    }

    /// Follows the ledger and sends what is due until `stop` says so. Attempts under way get up to `grace` to end; those
    /// that do not are made again after the next start.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>, grace: Duration) {
        let follow = || self.clone().keep_following();
        let send = || self.clone().keep_sending(stop.clone());
        let (mut following, mut sending) = (tokio::spawn(follow()), tokio::spawn(send()));
        let mut stopped = stop.clone();
        loop {
            tokio::select! {
                biased;
                // A sender of the signal that is gone says the same.
                _ = stopped.wait_for(|stop| *stop) => break,
                ended = &mut following => following = again("followed", ended, follow()),
                ended = &mut sending => sending = again("sent", ended, send()),
            }
        }
        following.abort();
        if tokio::time::timeout(grace, &mut sending).await.is_err() {
            sending.abort();
        }
    }

    /// Closes the file in good order.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Figures of this moment.
    pub fn stats(&self) -> PostbackStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let overdue = self.clock.now().millis().saturating_sub(self.tallies.oldest.load(Ordering::Relaxed));
        PostbackStats {
            delivered: read(&self.tallies.delivered),
            failed: read(&self.tallies.failed),
            canceled: read(&self.tallies.canceled),
            attempts: read(&self.tallies.attempts),
            pending: read(&self.tallies.pending),
            oldest_millis: u64::try_from(overdue).unwrap_or(0),
            behind: self.ledger.committed().saturating_sub(read(&self.tallies.reached)),
        }
    }

    /// Brings the figures about what waits up to date.
    async fn look_at_what_waits(&self) -> Result<(), StoreError> {
        let waiting = self.store.waiting().await?;
        let oldest = waiting.oldest.map_or(i64::MAX, |at| at.millis());
        self.tallies.pending.store(waiting.pending, Ordering::Relaxed);
        self.tallies.oldest.store(oldest, Ordering::Relaxed);
        Ok(())
    }
}

/// Does work again, a while after it ended by itself, which only a fault makes it do.
fn again(
    what: &'static str,
    ended: Result<(), JoinError>,
    work: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    tracing::error!(?ended, "postbacks were {what} until a fault ended it; that begins again");
    tokio::spawn(async move {
        tokio::time::sleep(REST).await;
        work.await;
    })
}
