//! What judging stands on: configuration, signals, shards and ledger, opened together and closed in order.

use crate::checkpoint::{self, CheckpointError};
use crate::draft::Draft;
use crate::keys::Known;
use crate::live::{Live, LiveIntegration};
use crate::pricing;
use crate::shard::{SHARDS, Shards, shard_of};
use crate::traffic::Pending;
use crate::worker::Judged;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_catalog::{Catalog, Snapshot};
use tollgate_domain::{
    Clock, Entropy, Event, EventKind, IntegrationId, Invalid, Number, Status, Text, Timestamp, TxIdKey,
};
use tollgate_ledger::disk::Disk;
use tollgate_ledger::row::RowView;
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::{Ledger, LedgerError, Opened, Options};
use tollgate_screening::{Counters, Verdict};
use tollgate_signals::Signals;

/// Sizes of an intake.
#[derive(Debug, Clone)]
pub struct IntakeOptions {
    /// The ledger's.
    pub ledger: Options,
    /// Bytes that screening counters may take.
    pub counter_bytes: usize,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self { ledger: Options::default(), counter_bytes: 1 << 30 }
    }
}

/// What an intake is opened with.
pub struct Parts {
    /// The ledger's folder.
    pub disk: Arc<dyn Disk>,
    /// The configuration.
    pub catalog: Arc<Catalog>,
    /// Facts from data files.
    pub signals: Signals,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// An intake could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A checkpoint or secret.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// Events by what became of them, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntakeStats {
    /// Approved.
    pub approved: u64,
    /// Rejected and enforced.
    pub rejected: u64,
    /// Rejected under monitoring mode.
    pub monitored: u64,
    /// Judgements in which a filter lacked a fact.
    pub abstained: u64,
    /// Keys held by the counters.
    pub counter_keys: u64,
    /// Bytes held by the counters.
    pub counter_bytes: u64,
    /// Keys that gave way to the budget.
    pub counter_evictions: u64,
}

#[derive(Default)]
struct Tallies {
    approved: AtomicU64,
    rejected: AtomicU64,
    monitored: AtomicU64,
    abstained: AtomicU64,
}

/// The way in for all events.
pub struct Intake {
    ledger: Ledger,
    disk: Arc<dyn Disk>,
    catalog: Arc<Catalog>,
    signals: Signals,
    clock: Arc<dyn Clock>,
    shards: Shards,
    live: ArcSwap<Live>,
    counter_secret: [u8; 16],
    shard_bytes: usize,
    tallies: Tallies,
    news: Pending,
    checkpointing: Mutex<()>,
    imports_end: AtomicBool,
}

/// Counters as a restart rebuilds them.
struct Fold {
    live: Live,
    counters: Vec<Counters>,
    /// The `seq` up to which each shard's checkpoint counted.
    from: Vec<u64>,
    keys: Vec<(u128, IntegrationId, Known)>,
    event: Option<Event>,
}

impl Fold {
    fn row(&mut self, row: &RowView<'_>) {
        let integration = row.integration();
        if row.key() != 0 {
            let known = Known {
                seq: row.seq(),
                id: row.id(),
                body: row.number(Number::BodyHash).unwrap_or_default(),
                arrived: Timestamp::from_millis(row.number(Number::ArrivalTime).unwrap_or_default()),
            };
            self.keys.push((row.key(), integration, known));
        }
        let shard = shard_of(integration);
        let Some(live) = self.live.get(integration) else { return };
        if row.seq() > self.from[shard] {
            let event = self.event.get_or_insert_with(|| Event::new(row.kind(), integration));
            row.read_into(event);
            let counters = &mut self.counters[shard];
            if !row.amends() {
                live.plan.fold(event, counters);
            } else if event.flag(Number::LateRejection) {
                live.plan.count_late_rejection(event, counters);
            }
        }
    }
}

impl Intake {
    /// Opens the ledger on `parts.disk` and brings the counters to where they were.
    pub fn open(parts: Parts, options: IntakeOptions) -> Result<(Arc<Self>, Opened), IntakeError> {
        let Parts { disk, catalog, signals, clock, entropy } = parts;
        let (id_secret, counter_secret) = checkpoint::secrets(&*disk, &*entropy)?;
        let shard_bytes = options.counter_bytes / SHARDS;
        let mut counters: Vec<_> = (0..SHARDS).map(|_| Counters::new(&counter_secret, shard_bytes)).collect();
        let mut from = Vec::with_capacity(SHARDS);
        for (shard, counters) in counters.iter_mut().enumerate() {
            from.push(checkpoint::read(&*disk, shard, counters)?);
        }
        let checkpointed = from.iter().copied().min().unwrap_or(0);
        let live = Live::compile(&catalog.snapshot(), &Live::default());
        let mut fold = Fold { live, counters, from, keys: Vec::new(), event: None };
        let id_key = TxIdKey(id_secret);
        let (ledger, opened) =
            Ledger::open(disk.clone(), entropy, id_key, options.ledger, checkpointed, &mut |row| {
                fold.row(row)
            })?;
        let shards = Shards::new(fold.counters);
        for (key, integration, known) in fold.keys {
            shards.of(integration).keys.insert(key, known, ledger.sealed());
        }
        let intake = Self {
            ledger,
            disk,
            catalog,
            signals,
            clock,
            shards,
            live: ArcSwap::from_pointee(fold.live),
            counter_secret,
            shard_bytes,
            tallies: Tallies::default(),
            news: Pending::default(),
            checkpointing: Mutex::new(()),
            imports_end: AtomicBool::new(false),
        };
        Ok((Arc::new(intake), opened))
    }

    /// The history.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The configuration.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Facts from data files.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The configuration that judges now.
    pub fn live(&self) -> arc_swap::Guard<Arc<Live>> {
        self.live.load()
    }

    /// Takes over a new configuration for all events from now on.
    pub fn reconfigure(&self, snapshot: &Snapshot) {
        let next = Live::compile(snapshot, &self.live.load());
        self.live.store(Arc::new(next));
    }

    /// Notes on the draft of an impression that its app is not known here. To be asked before the draft is finished.
    pub fn check_app(&self, live: &LiveIntegration, draft: &mut Draft) {
        if draft.event.kind == EventKind::Impression
            && let Err(refused) =
                pricing::check(&self.catalog.snapshot(), live.entry.organization, &draft.event)
        {
            draft.refuse(refused);
        }
    }

    /// Notes on the draft of a conversion that its integration is inactive: it takes none. Its clicks and impressions are
    /// rejected instead, so that the user still gets somewhere. To be asked before the draft is finished.
    pub fn check_active(&self, live: &LiveIntegration, draft: &mut Draft) {
        if draft.event.kind == EventKind::Conversion && !live.entry.integration.active {
            draft.refuse(Invalid::new("integration", "is inactive: it takes no conversions"));
        }
    }

    /// Prices an impression by the newest configuration, which learns later what the event told of the app.
    pub(crate) fn price(&self, live: &LiveIntegration, event: &mut Event) {
        if let Some(news) = pricing::price(&self.catalog.snapshot(), live.entry.organization, event) {
            self.news.tell(news);
        }
    }

    /// Writes onto an event what its campaign pays for it, and what its app does not earn, by the newest configuration.
    pub(crate) fn charge(&self, live: &LiveIntegration, event: &mut Event) {
        if event.text(Text::Campaign).is_some() || event.number(Number::Payout).is_some() {
            pricing::charge(&self.catalog.snapshot(), live.entry.organization, event);
        }
    }

    /// What traffic told and the configuration has still to learn.
    pub(crate) fn news(&self) -> &Pending {
        &self.news
    }

    /// The stored event that was answered, once it is durable: as it was then, whatever amended it later.
    pub fn stored(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        answered: Judged,
    ) -> Result<Option<Event>, ScanError> {
        let Judged { seq, id } = answered;
        self.ledger.view().amended_to(seq).find(integration, Some(kind), id)
    }

    /// Writes all counters to their checkpoints and lets the log files go that nothing needs any more.
    pub fn checkpoint(&self) -> Result<(), CheckpointError> {
        let _one_at_a_time = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = checkpoint::write(&*self.disk, &self.ledger, &self.shards)?;
        self.ledger.set_checkpointed(seq);
        Ok(())
    }

    /// Keeps checkpoints and other imports away while rows are appended whose counts are merged afterwards. A
    /// checkpoint taken in between would claim to hold them.
    pub(crate) fn hold_checkpoints(&self) -> std::sync::MutexGuard<'_, ()> {
        self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends imports that are under way, and waits until what they stored is counted. To be called before the ledger stops.
    pub fn end_imports(&self) {
        self.imports_end.store(true, Ordering::Release);
        drop(self.hold_checkpoints());
    }

    /// Whether imports are to end.
    pub(crate) fn imports_end(&self) -> bool {
        self.imports_end.load(Ordering::Acquire)
    }

    /// Empty counters with the same keys, for an import's private state.
    pub fn empty_counters(&self) -> Counters {
        Counters::new(&self.counter_secret, self.shard_bytes)
    }

    /// Adds what an import counted apart for `integration`.
    pub fn merge(&self, integration: IntegrationId, counters: Counters) {
        if self.shards.of(integration).counters.merge(counters).is_err() {
            tracing::error!("counters of an import were made with another key; they are dropped");
        }
    }

    pub(crate) fn shards(&self) -> &Shards {
        &self.shards
    }

    pub(crate) fn key_secret(&self) -> &[u8; 16] {
        &self.counter_secret
    }

    pub(crate) fn count_verdict(&self, event: &Event, verdict: &Verdict) {
        let tally = match (event.status(), verdict.monitoring_mode()) {
            (Some(Status::Rejected), true) => &self.tallies.monitored,
            (Some(Status::Rejected), false) => &self.tallies.rejected,
            _ => &self.tallies.approved,
        };
        tally.fetch_add(1, Ordering::Relaxed);
        if verdict.abstained() != 0 {
            self.tallies.abstained.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Figures for metrics.
    pub fn stats(&self) -> IntakeStats {
        let read = |tally: &AtomicU64| tally.load(Ordering::Relaxed);
        let mut stats = IntakeStats {
            approved: read(&self.tallies.approved),
            rejected: read(&self.tallies.rejected),
            monitored: read(&self.tallies.monitored),
            abstained: read(&self.tallies.abstained),
            ..IntakeStats::default()
        };
        for shard in 0..SHARDS {
            let shard = self.shards.lock(shard);
            stats.counter_keys += shard.counters.len() as u64;
            stats.counter_bytes += shard.counters.bytes() as u64;
            stats.counter_evictions += shard.counters.evicted();
        }
        stats
    }
}
