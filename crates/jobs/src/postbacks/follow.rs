//! From the ledger to what has to be sent: every conversion and every late rejection, in the order of `seq`, is shown to
//! the postbacks of its integration.
//!
//! Lines of imported files are history and tell nobody. What is to be sent is made here, once: a URL that is changed
//! later changes nothing about deliveries that wait.

use super::delivery::{Message, NewDelivery, delivery_id};
use super::store::StoreError;
use super::{Postbacks, REST};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use tollgate_catalog::{Snapshot, Stored};
use tollgate_domain::{
    Amendment, Event, EventKind, IntegrationId, Macros, Number, OrganizationId, Postback, PostbackTrigger,
    Status, Template,
};
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::view::View;
use tollgate_ledger::{Ledger, Record, SeqScan};

/// How often the ledger is looked at.
const TICK: Duration = Duration::from_millis(100);
/// Conversions that are taken up in one transaction.
const BATCH: usize = 1000;
/// How often it is written down how far the ledger was looked at, while nothing has to be sent.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// Bytes of a URL, and of a body, once macros are filled in.
const MESSAGE_BYTES: usize = 8 << 10;

/// How far the ledger was looked at.
pub(super) struct Follower {
    cursor: u64,
    saved: u64,
    saved_at: Instant,
    routes: Arc<Routes>,
}

/// The active postbacks of every integration, as of one revision of the catalog.
#[derive(Default)]
struct Routes {
    seq: u64,
    by_integration: HashMap<IntegrationId, Vec<Owned>>,
}

/// A postback and whose it is.
type Owned = (OrganizationId, Arc<Stored<Postback>>);

/// The ledger could not be followed; it is tried again.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the history cannot be read: {0}")]
    Scan(#[from] ScanError),
    #[error("reading the history ended badly: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl Follower {
    pub(super) fn new(cursor: u64) -> Self {
        Self { cursor, saved: cursor, saved_at: Instant::now(), routes: Arc::default() }
    }
}

impl Routes {
    fn of(snapshot: &Snapshot) -> Self {
        let mut routes = Self { seq: snapshot.seq(), ..Self::default() };
        for organization in snapshot.organizations() {
            for postback in organization.table::<Postback>().iter().filter(|postback| postback.active) {
                let theirs = routes.by_integration.entry(postback.integration).or_default();
                theirs.push((organization.id(), postback.clone()));
            }
        }
        routes
    }

    /// What has to be sent because of what the ledger says of `event` since `record`.
    fn deliveries(&self, event: &Event, record: &Event) -> impl Iterator<Item = NewDelivery> {
        let postbacks = self.by_integration.get(&event.integration).map_or(&[][..], Vec::as_slice);
        let wanted = postbacks.iter().filter(|(_, postback)| postback.wants(event));
        wanted.map(move |(organization, postback)| delivery(*organization, postback, event, record))
    }
}

impl Postbacks {
    /// Follows the ledger until it is dropped.
    pub(super) async fn keep_following(self: Arc<Self>) {
        let mut failing = false;
        loop {
            tokio::time::sleep(TICK).await;
            match self.follow().await {
                Ok(()) if failing => tracing::info!("conversions are followed again"),
                Ok(()) => {}
                Err(error) => {
                    if !failing {
                        tracing::error!(
                            error,
                            "conversions cannot be followed; postbacks wait until they can"
                        );
                    }
                    tokio::time::sleep(REST).await;
                    failing = true;
                    continue;
                }
            }
            failing = false;
        }
    }

    /// Takes up what the ledger holds beyond the place that was reached. The error is for the log.
    pub async fn follow(&self) -> Result<(), String> {
        let mut follower = self.follower.lock().await;
        self.follow_on(&mut follower).await.map_err(|error| error.to_string())
    }

    async fn follow_on(&self, follower: &mut Follower) -> Result<(), FollowError> {
        if self.ledger.committed() <= follower.cursor {
            return self.save(follower).await;
        }
        let view = self.ledger.view();
        let mut scan = view.scan_seq_of(EventKind::Conversion, follower.cursor + 1);
        loop {
            // After the view: a postback that was made before a conversion is seen with it.
            let snapshot = self.catalog.snapshot();
            if snapshot.seq() != follower.routes.seq {
                follower.routes = Arc::new(Routes::of(&snapshot));
            }
            if follower.routes.by_integration.is_empty() {
                self.reach(follower, view.cut());
                return self.save(follower).await;
            }
            let (ledger, routes) = (self.ledger.clone(), follower.routes.clone());
            let of = view.clone();
            let reading = tokio::task::spawn_blocking(move || read(scan, &of, &ledger, &routes));
            let batch = reading.await??;
            let reached = batch.reached.unwrap_or_else(|| view.cut());
            if !batch.deliveries.is_empty() {
                let added = self.store.add(&batch.deliveries, reached, self.clock.now()).await?;
                (follower.saved, follower.saved_at) = (reached, Instant::now());
                self.tallies.failed.fetch_add(added.failed, Ordering::Relaxed);
                tracing::debug!(added = added.deliveries, seq = reached, "postbacks are to be sent");
                if self.catalog.snapshot().seq() != follower.routes.seq {
                    // Whoever looked at what waits for inactive postbacks may have done so before these were added.
                    self.cancel_the_inactive().await?;
                }
                self.news.notify_one();
            }
            self.reach(follower, reached);
            if batch.reached.is_none() {
                return self.save(follower).await;
            }
            scan = batch.rest;
        }
    }

    fn reach(&self, follower: &mut Follower, seq: u64) {
        follower.cursor = seq;
        self.tallies.reached.store(seq, Ordering::Relaxed);
    }

    /// Writes down now and then how far the ledger was looked at, so that a start does not begin too far back.
    async fn save(&self, follower: &mut Follower) -> Result<(), FollowError> {
        if follower.cursor > follower.saved && follower.saved_at.elapsed() >= SAVE_EVERY {
            self.store.add(&[], follower.cursor, self.clock.now()).await?;
            (follower.saved, follower.saved_at) = (follower.cursor, Instant::now());
        }
        Ok(())
    }
}

/// Some records, and what has to be sent because of them.
struct Batch {
    rest: SeqScan,
    deliveries: Vec<NewDelivery>,
    /// The `seq` of the last record; `None` at the end.
    reached: Option<u64>,
}

/// Reads on for one batch. Blocks.
fn read(mut scan: SeqScan, view: &View, ledger: &Ledger, routes: &Routes) -> Result<Batch, ScanError> {
    let mut deliveries = Vec::new();
    let mut reached = None;
    for record in scan.by_ref().take(BATCH) {
        let record = record?;
        reached = Some(record.seq());
        match record {
            Record::Event(event) if ledger.is_imported(&event) => {}
            Record::Event(event) => deliveries.extend(routes.deliveries(&event, &event)),
            Record::Amendment(amendment) => {
                if let Some(event) = rejected_late(&amendment, view, ledger)? {
                    deliveries.extend(routes.deliveries(&event, &amendment.record));
                }
            }
        }
    }
    Ok(Batch { rest: scan, deliveries, reached })
}

/// The event that `amendment` rejects, as it is then; `None` when it says something else, or of an imported line.
fn rejected_late(amendment: &Amendment, view: &View, ledger: &Ledger) -> Result<Option<Event>, ScanError> {
    if amendment.record.status() != Some(Status::Rejected) {
        return Ok(None);
    }
    let event = view.find(amendment.integration(), Some(amendment.record.kind), amendment.target())?;
    Ok(event.filter(|event| !ledger.is_imported(event)).map(|mut event| {
        // What was amended still later has its own turn.
        amendment.apply_to(&mut event);
        event
    }))
}

/// What `postback` sends for what the ledger says of `event` since `record`, which is the event or an amendment of it.
fn delivery(
    organization: OrganizationId,
    postback: &Stored<Postback>,
    event: &Event,
    record: &Event,
) -> NewDelivery {
    let id = delivery_id(postback.id, event.id, record.seq);
    let message = message(postback, event, &id);
    let unsendable = message.is_none().then_some("too_long");
    NewDelivery {
        organization,
        integration: postback.integration,
        postback: postback.id,
        conversion: event.id,
        verdict: PostbackTrigger::of(event),
        message: message.unwrap_or_else(|| Message {
            method: postback.method,
            url: postback.url.clone(),
            body: postback.body.clone(),
        }),
        judged_at: record.time(Number::ArrivalTime).unwrap_or_else(|| record.at()),
        delay: i64::from(postback.delay_seconds) * 1000,
        unsendable,
        id,
    }
}

/// The postback with its macros filled in; `None` when that becomes too long.
pub(super) fn message(postback: &Postback, event: &Event, delivery: &str) -> Option<Message> {
    let more = [("delivery_id", delivery), ("postback_id", postback.id.as_str())];
    let macros = Macros::of(event).with(&more);
    // What was saved was a URL then, and the rules do not change.
    let url = Template::url(&postback.url).ok()?.expand(&macros, MESSAGE_BYTES)?;
    let body = match &postback.body {
        Some(form) => Some(Template::form(form).expand(&macros, MESSAGE_BYTES)?),
        None => None,
    };
    Some(Message { method: postback.method, url, body })
}
