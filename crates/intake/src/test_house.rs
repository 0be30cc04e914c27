//! A whole intake on a simulated disk, for tests.

use crate::{Draft, GivenBy, Intake, IntakeOptions, Outcome, Parameters, Parts, Rejection, Rejudged, Worker};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Actor, Catalog, FILE_NAME};
use tollgate_domain::{Clock, Entropy, EventKind, FilterGroup, IntegrationId, Timestamp};
use tollgate_ledger::Options;
use tollgate_ledger::sim::{SimDisk, SimRng};
use tollgate_signals::Signals;

pub(crate) struct Hands(pub(crate) AtomicI64);
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}
impl Entropy for Hands {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = SimRng::new(self.0.fetch_add(1, Ordering::Relaxed) as u64);
        bytes.iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
    }
}

pub(crate) struct House {
    pub(crate) intake: Arc<Intake>,
    pub(crate) worker: Worker,
    pub(crate) clock: Arc<Hands>,
    pub(crate) integration: IntegrationId,
    disk: SimDisk,
    _dir: tempfile::TempDir,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn open(disk: &SimDisk, catalog: Arc<Catalog>, clock: &Arc<Hands>) -> Arc<Intake> {
    let parts = Parts {
        disk: Arc::new(disk.clone()),
        catalog,
        signals: Signals::builtin(clock.clone()),
        clock: clock.clone(),
        entropy: clock.clone(),
    };
    let ledger = Options { log_file_bytes: 4 << 20, ..Options::default() };
    Intake::open(parts, IntakeOptions { ledger, counter_bytes: 64 << 20 }).unwrap().0
}

impl House {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = runtime();
        let clock = Arc::new(Hands(AtomicI64::new(1_700_000_000_000)));
        let options = InitOptions::default();
        let made = runtime.block_on(initialise(dir.path(), &options, clock.clone(), clock.clone())).unwrap();
        let path = dir.path().join(FILE_NAME);
        let catalog = Catalog::open(&path, clock.clone(), clock.clone());
        let disk = SimDisk::new(1, 1 << 30);
        let intake = open(&disk, Arc::new(runtime.block_on(catalog).unwrap()), &clock);
        let worker = Worker::new(intake.clone());
        Self { intake, worker, clock, integration: made.integration_id, disk, _dir: dir }
    }

    /// Begins anew with what is on the disk.
    pub(crate) fn restart(&mut self) {
        self.intake = open(&self.disk, self.intake.catalog().clone(), &self.clock);
        self.worker = Worker::new(self.intake.clone());
    }

    /// Gives the Default group these filters, by type and parameters.
    pub(crate) fn set_filters(&self, filters: &[(&str, Value)]) {
        let live = self.intake.live().get(self.integration).cloned().unwrap();
        let mut group =
            FilterGroup::clone(live.entry.groups.iter().find(|group| group.is_default()).unwrap());
        let spec = |(name, params): &(&str, Value)| json!({"type": name, "params": params});
        group.filters = serde_json::from_value(filters.iter().map(spec).collect()).unwrap();
        let catalog = self.intake.catalog().clone();
        let (owner, actor) = (live.entry.organization, Actor::command_line());
        runtime().block_on(catalog.write(owner, &actor, |draft| draft.update(group.clone(), None))).unwrap();
        self.intake.reconfigure(&catalog.snapshot());
    }

    /// Judges again what was committed.
    pub(crate) fn rejudge(&self) -> Rejudged {
        let (runtime, catalog) = (runtime(), self.intake.catalog());
        self.intake.rejudge(|version| runtime.block_on(catalog.as_of(version))).unwrap()
    }

    pub(crate) fn draft(&self, kind: EventKind, parameters: &[(&str, &str)]) -> Draft {
        let mut draft = Draft::new(kind, self.integration);
        for (name, value) in parameters {
            draft.set(name, value);
        }
        draft.finish(self.intake.now()).unwrap();
        draft
    }

    /// Asks history as long as that is needed, completes, and returns what is left to do.
    pub(crate) fn ready(&mut self, draft: &mut Draft) {
        if let Some(lookup) = self.worker.ask(draft) {
            lookup.run().unwrap().tell(draft);
        }
        let live = self.intake.live().get(self.integration).cloned().unwrap();
        self.worker.complete(&live, draft);
    }

    pub(crate) fn judge(&mut self, draft: &mut Draft) -> Outcome {
        let live = self.intake.live().get(self.integration).cloned().unwrap();
        let promise = self.intake.ledger().promise(1, draft.event.text_bytes() as u64).unwrap();
        self.worker.judge(&live, &promise, draft, None)
    }

    pub(crate) fn submit(&mut self, mut draft: Draft) -> (Outcome, Draft) {
        self.ready(&mut draft);
        (self.judge(&mut draft), draft)
    }

    /// Says of the conversion with this id of the caller's that it is rejected.
    pub(crate) fn reject(&mut self, external: &str, reason: &str) -> Outcome {
        let mut rejection = self.rejection(external, reason);
        self.tell(&mut rejection)
    }

    /// What that is, once history was asked about it.
    pub(crate) fn rejection(&self, external: &str, reason: &str) -> Rejection {
        let mut rejection = Rejection::new(self.integration, GivenBy::ApiKey);
        rejection.set("external_transaction_id", external);
        rejection.set("new_rejected_reason", reason);
        rejection.finish(self.intake.now()).unwrap();
        self.worker.ask_of_rejection(&mut rejection).run().unwrap().tell_rejection(&mut rejection);
        rejection
    }

    pub(crate) fn tell(&mut self, rejection: &mut Rejection) -> Outcome {
        let live = self.intake.live().get(self.integration).cloned().unwrap();
        let promise = self.intake.ledger().promise(1, rejection.text_bytes() as u64).unwrap();
        self.worker.reject(&live, &promise, rejection)
    }

    pub(crate) fn commit(&self) {
        assert!(self.intake.ledger().commit().unwrap());
    }

    pub(crate) fn seal(&self) {
        assert!(self.intake.ledger().commit().unwrap());
        assert!(self.intake.ledger().seal(1_000).unwrap().is_some());
    }

    pub(crate) fn prune(&self) {
        let mut shard = self.intake.shards().of(self.integration);
        shard.keys.prune(self.intake.ledger().sealed(), self.intake.now());
    }

    pub(crate) fn stored(&self) -> usize {
        self.intake.ledger().view().scan_seq_from(1).count()
    }
}
