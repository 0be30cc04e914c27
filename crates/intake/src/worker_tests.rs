//! Judging on a simulated disk: keys that history knows, clicks that it has, whatever sealing does in between.

use crate::{Draft, Intake, IntakeOptions, Judged, Outcome, Parts, Worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Catalog, FILE_NAME};
use tollgate_domain::{Clock, Entropy, EventKind, IntegrationId, Number, Text, Timestamp};
use tollgate_ledger::Options;
use tollgate_ledger::sim::{SimDisk, SimRng};
use tollgate_signals::Signals;

struct Hands(AtomicI64);
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

struct House {
    intake: Arc<Intake>,
    worker: Worker,
    clock: Arc<Hands>,
    integration: IntegrationId,
    _dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = Arc::new(Hands(AtomicI64::new(1_700_000_000_000)));
        let options = InitOptions::default();
        let made = runtime.block_on(initialise(dir.path(), &options, clock.clone(), clock.clone())).unwrap();
        let path = dir.path().join(FILE_NAME);
        let catalog = Catalog::open(&path, clock.clone(), clock.clone());
        let parts = Parts {
            disk: Arc::new(SimDisk::new(1, 1 << 30)),
            catalog: Arc::new(runtime.block_on(catalog).unwrap()),
            signals: Signals::builtin(clock.clone()),
            clock: clock.clone(),
            entropy: clock.clone(),
        };
        let ledger = Options { log_file_bytes: 4 << 20, ..Options::default() };
        let (intake, _) = Intake::open(parts, IntakeOptions { ledger, counter_bytes: 1 << 20 }).unwrap();
        let worker = Worker::new(intake.clone());
        Self { intake, worker, clock, integration: made.integration_id, _dir: dir }
    }

    fn draft(&self, kind: EventKind, parameters: &[(&str, &str)]) -> Draft {
        let mut draft = Draft::new(kind, self.integration);
        for (name, value) in parameters {
            draft.set(name, value);
        }
        draft.finish(self.intake.now()).unwrap();
        draft
    }

    /// Asks history as long as that is needed, completes, and returns what is left to do.
    fn ready(&mut self, draft: &mut Draft) {
        if let Some(lookup) = self.worker.ask(draft) {
            lookup.run().unwrap().tell(draft);
        }
        let live = self.intake.live().get(self.integration).cloned().unwrap();
        self.worker.complete(&live, draft);
    }

    fn judge(&mut self, draft: &mut Draft) -> Outcome {
        let live = self.intake.live().get(self.integration).cloned().unwrap();
        let promise = self.intake.ledger().promise(1, draft.event.text_bytes() as u64).unwrap();
        self.worker.judge(&live, &promise, draft, |_, _| {})
    }

    fn submit(&mut self, mut draft: Draft) -> (Outcome, Draft) {
        self.ready(&mut draft);
        (self.judge(&mut draft), draft)
    }

    fn seal(&self) {
        assert!(self.intake.ledger().commit().unwrap());
        assert!(self.intake.ledger().seal(1_000).unwrap().is_some());
    }

    fn prune(&self) {
        let mut shard = self.intake.shards().of(self.integration);
        shard.keys.prune(self.intake.ledger().sealed(), self.intake.now());
    }

    fn stored(&self) -> usize {
        self.intake.ledger().view().scan_seq_from(1).count()
    }
}

fn judged(outcome: Outcome) -> Judged {
    match outcome {
        Outcome::Judged(judged) => judged,
        other => panic!("{other:?}"),
    }
}

const KEYED: &[(&str, &str)] = &[("offer", "1"), ("event_key", "k")];

#[test]
fn a_key_is_found_in_memory_and_in_segments() {
    let mut house = House::new();
    let first = judged(house.submit(house.draft(EventKind::Click, KEYED)).0);
    assert_eq!(house.submit(house.draft(EventKind::Click, KEYED)).0, Outcome::Repeated(first));
    house.seal();
    house.prune();
    assert_eq!(house.submit(house.draft(EventKind::Click, KEYED)).0, Outcome::Repeated(first));
    let mut other = house.draft(EventKind::Click, KEYED);
    other.body_hash = 7;
    assert_eq!(house.submit(other).0, Outcome::Conflict);
    assert_eq!(house.stored(), 1);
}

/// The map had the key when it was asked, so segments were not; then the event was sealed and the map forgot it.
#[test]
fn a_key_that_is_sealed_and_forgotten_meanwhile_is_looked_up_again() {
    let mut house = House::new();
    let first = judged(house.submit(house.draft(EventKind::Click, KEYED)).0);
    let mut again = house.draft(EventKind::Click, KEYED);
    house.ready(&mut again);
    house.seal();
    house.prune();
    assert_eq!(house.judge(&mut again), Outcome::LookAgain);
    house.worker.ask_again(&again).run().unwrap().tell(&mut again);
    assert_eq!(house.judge(&mut again), Outcome::Repeated(first));
}

/// The look-up saw segments of before; an equal event came, was sealed and forgotten since.
#[test]
fn a_look_up_of_before_the_sealing_does_not_count() {
    let mut house = House::new();
    judged(house.submit(house.draft(EventKind::Click, &[])).0);
    house.seal();
    let mut slow = house.draft(EventKind::Click, KEYED);
    house.ready(&mut slow);
    let first = judged(house.submit(house.draft(EventKind::Click, KEYED)).0);
    house.seal();
    house.prune();
    assert_eq!(house.judge(&mut slow), Outcome::LookAgain);
    house.worker.ask_again(&slow).run().unwrap().tell(&mut slow);
    assert_eq!(house.judge(&mut slow), Outcome::Repeated(first));
    // A look-up of after it does.
    judged(house.submit(house.draft(EventKind::Click, &[("event_key", "new")])).0);
}

#[test]
fn a_key_is_free_again_after_a_day() {
    let mut house = House::new();
    let first = judged(house.submit(house.draft(EventKind::Click, KEYED)).0);
    house.clock.0.fetch_add(24 * 3_600_000 - 1_000, Ordering::Relaxed);
    assert_eq!(house.submit(house.draft(EventKind::Click, KEYED)).0, Outcome::Repeated(first));
    house.clock.0.fetch_add(2_000, Ordering::Relaxed);
    let second = judged(house.submit(house.draft(EventKind::Click, KEYED)).0);
    assert_ne!(first.id, second.id);
    assert_eq!(house.submit(house.draft(EventKind::Click, KEYED)).0, Outcome::Repeated(second));
}

#[test]
fn a_conversion_takes_from_its_click_what_it_leaves_out() {
    let mut house = House::new();
    let click =
        [("external_transaction_id", "e"), ("offer", "o"), ("publisher", "p"), ("click_ip", "1.2.3.4")];
    let click = judged(house.submit(house.draft(EventKind::Click, &click)).0);
    house.seal();
    for by in [("external_transaction_id", "e"), ("transaction_id", &*click.id.to_string())] {
        let (outcome, draft) = house.submit(house.draft(EventKind::Conversion, &[by, ("publisher", "own")]));
        judged(outcome);
        let text = |column| draft.event.text(column);
        assert_eq!((text(Text::Publisher), text(Text::OfferId)), (Some("own"), Some("o")));
        assert_eq!(text(Text::ClickRealTxId), Some(&*click.id.to_string()));
        assert!(text(Text::Hash).is_some() && draft.event.number(Number::ClickTime).is_some());
    }
}

#[test]
fn most_events_ask_history_nothing() {
    let house = House::new();
    assert!(
        house.worker.ask(&mut house.draft(EventKind::Click, &[("external_transaction_id", "e")])).is_none()
    );
    assert!(house.worker.ask(&mut house.draft(EventKind::Conversion, &[("offer", "o")])).is_none());
    assert!(house.worker.ask(&mut house.draft(EventKind::Click, KEYED)).is_some());
}
