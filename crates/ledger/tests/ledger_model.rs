//! The whole ledger against a disk that loses, tears, reorders, fails and fills up (invariants L1 to L6): every
//! acknowledged event is there once, whatever sealing, crashing and restarting goes on; what was refused is not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tollgate_domain::{Entropy, Event, EventKind, Number, Text, Timestamp, TxIdKey};
use tollgate_ledger::query::PageQuery;
use tollgate_ledger::sim::{SimDisk, SimRng};
use tollgate_ledger::{Ledger, LedgerError, Options};

const FILE: u64 = 256 << 10;
const PLENTY: u64 = 64 << 20;
const DAY: i64 = 86_400_000;

struct SimEntropy(Mutex<SimRng>);

impl Entropy for SimEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.0.lock().unwrap();
        bytes.iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
    }
}

struct Model {
    disk: SimDisk,
    rng: SimRng,
    /// Acknowledged events by their number.
    kept: BTreeMap<u64, Event>,
    /// Admitted, appended, not acknowledged: they may be there after a crash.
    unsure: BTreeMap<u64, Event>,
    next: u64,
    sealing: bool,
}

fn number(event: &Event) -> u64 {
    event.text(Text::SubId).and_then(|text| text.parse().ok()).expect("every event carries its number")
}

impl Model {
    fn open(&mut self, seed: u64) -> Ledger {
        let options = Options { log_file_bytes: FILE, spare_files: 1, ..Options::default() };
        let entropy = Arc::new(SimEntropy(Mutex::new(SimRng::new(seed))));
        let disk = Arc::new(self.disk.clone());
        let (ledger, opened) = Ledger::open(disk, entropy, TxIdKey([7; 16]), options, u64::MAX, &mut |_| {})
            .unwrap_or_else(|error| panic!("a crash is no reason to refuse: {error}"));
        let found = self.check(&ledger);
        assert_eq!(opened.last_seq, ledger.committed());
        // What survived unacknowledged is part of history from now on.
        self.unsure.clear();
        self.kept = found;
        ledger
    }

    /// Everything in the ledger, having checked it against what was promised.
    fn check(&self, ledger: &Ledger) -> BTreeMap<u64, Event> {
        let mut found = BTreeMap::new();
        let mut last_seq = 0;
        for event in ledger.view().scan_seq_from(0) {
            let event = event.expect("history can be read");
            assert!(event.seq > last_seq, "seq rises strictly");
            last_seq = event.seq;
            let number = number(&event);
            let sure = self.kept.get(&number).or_else(|| self.unsure.get(&number));
            assert_eq!(Some(&event), sure, "an event is what was appended");
            assert!(found.insert(number, event).is_none(), "an event is there once");
        }
        for (number, event) in &self.kept {
            assert_eq!(found.get(number), Some(event), "an acknowledged event is there");
        }
        found
    }

    fn event(&mut self) -> Event {
        let kinds = [EventKind::Click, EventKind::Conversion];
        let mut event = Event::new(kinds[self.rng.below(2) as usize], "abcdefghij".parse().expect("an id"));
        event.set_text(Text::SubId, &self.next.to_string());
        event.set_text(Text::UserAgent, &"x".repeat(self.rng.below(600) as usize));
        event.set_number(Number::RequestTime, 20_000 * DAY + (self.rng.below(3) as i64) * DAY);
        self.next += 1;
        event
    }

    fn life(&mut self, ledger: &Ledger) {
        for _ in 0..self.rng.below(60) {
            let going_on = match self.rng.below(16) {
                0 => survived(ledger.keep()),
                1 if self.sealing => survived(ledger.seal(1 + self.rng.below(50))),
                2 => {
                    self.disk.fail_in(self.rng.below(20));
                    true
                }
                3 => {
                    let capacity = if self.rng.one_in(2) { PLENTY } else { self.rng.below(8) * FILE };
                    self.disk.set_capacity(capacity);
                    true
                }
                4..=9 => self.append(ledger),
                10..=13 => self.commit(ledger),
                _ => {
                    self.look(ledger);
                    true
                }
            };
            if !going_on {
                return;
            }
        }
    }

    fn append(&mut self, ledger: &Ledger) -> bool {
        for _ in 0..=self.rng.below(8) {
            let mut event = self.event();
            // A refusal is a promise too: the event must never appear.
            let Ok(promise) = ledger.promise(1, event.text_bytes() as u64) else { return true };
            // Judging makes rows longer, up to what is promised beside their text.
            let evidence = "e".repeat(self.rng.below(4096) as usize);
            ledger.append(&promise, &mut event, |event| event.set_text(Text::Evidence, &evidence));
            self.unsure.insert(number(&event), event);
        }
        true
    }

    fn commit(&mut self, ledger: &Ledger) -> bool {
        match ledger.commit() {
            Ok(_) => {
                self.kept.append(&mut self.unsure);
                true
            }
            Err(_) => false,
        }
    }

    fn look(&self, ledger: &Ledger) {
        let view = ledger.view();
        for kind in [EventKind::Click, EventKind::Conversion] {
            let integration = "abcdefghij".parse().expect("an id");
            let (from, to) = (Timestamp::from_millis(0), Timestamp::from_millis(30_000 * DAY));
            let page = view.page(&PageQuery::new(kind, integration, from, to)).expect("a page");
            let mut newest: Vec<&Event> = self.kept.values().filter(|event| event.kind == kind).collect();
            newest.sort_by_key(|event| std::cmp::Reverse(event.id));
            newest.truncate(100);
            assert!(page.rows.iter().eq(newest), "a page shows the newest acknowledged events");
        }
    }
}

/// After a full disk life goes on; after any other failure the process stops.
fn survived<T>(result: Result<T, LedgerError>) -> bool {
    result.map_or_else(|error| error.is_full_disk(), |_| true)
}

fn run(seed: u64) {
    let mut rng = SimRng::new(!seed);
    // Sealing costs a hundred times what the rest does: one seed in eight exercises it.
    let sealing = rng.one_in(8);
    let disk = SimDisk::new(seed, PLENTY);
    let mut model = Model { disk, rng, kept: BTreeMap::new(), unsure: BTreeMap::new(), next: 1, sealing };
    for restart in 0..4 {
        model.disk.set_capacity(PLENTY);
        let ledger = model.open(seed * 7 + restart);
        ledger.keep().expect("there is space");
        model.life(&ledger);
        if model.rng.one_in(3) {
            model.disk.kill();
        } else {
            model.disk.crash();
        }
    }
    model.disk.set_capacity(PLENTY);
    model.open(seed);
}

/// `TOLLGATE_SEEDS` sets how many; `make torture` runs 100,000.
#[test]
fn every_acknowledged_event_is_there_once() {
    #[allow(clippy::disallowed_methods, reason = "how long a test runs is its runner's choice")]
    let seeds = std::env::var("TOLLGATE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    for seed in 0..seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("failed with seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
