//! The whole ledger against a disk that loses, tears, reorders, fails and fills up (invariants L1 to L6): every
//! acknowledged event is there once, whatever sealing, crashing and restarting goes on; what was refused is not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tollgate_domain::{Amendment, Entropy, Event, EventKind, Number, Status, Text, Timestamp, TxId, TxIdKey};
use tollgate_ledger::group::{Bounds, GroupSource, Key, KeyValue};
use tollgate_ledger::query::{PageQuery, Predicate};
use tollgate_ledger::rollup::{RollupQuery, Step};
use tollgate_ledger::sim::{SimDisk, SimRng};
use tollgate_ledger::view::View;
use tollgate_ledger::{Deletion, Ledger, LedgerError, Options, Record};

const FILE: u64 = 256 << 10;
const PLENTY: u64 = 64 << 20;
const DAY: i64 = 86_400_000;

/// Whether an event is among those that are meant.
type Meaning = Box<dyn Fn(&Event) -> bool>;

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
    /// Acknowledged records by their number.
    kept: BTreeMap<u64, Record>,
    /// Admitted, appended, not acknowledged: they may be there after a crash.
    unsure: BTreeMap<u64, Record>,
    /// What a deletion that failed may have deleted: all of it, or nothing.
    doomed: BTreeSet<u64>,
    /// What that counted.
    doomed_revenue: i128,
    /// What everything counted that was deleted.
    carried: i128,
    next: u64,
    sealing: bool,
}

fn number(record: &Record) -> u64 {
    let text = match record {
        Record::Event(event) => event.text(Text::SubId),
        Record::Amendment(amendment) => amendment.record.text(Text::ThirdPartyStatus),
    };
    text.and_then(|text| text.parse().ok()).expect("every record carries its number")
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
        if self.doomed.iter().any(|number| !found.contains_key(number)) {
            self.carried += self.doomed_revenue;
        }
        // What survived unacknowledged is part of history from now on.
        self.unsure.clear();
        self.doomed.clear();
        self.kept = found;
        ledger
    }

    /// Everything in the ledger, having checked it against what was promised.
    fn check(&self, ledger: &Ledger) -> BTreeMap<u64, Record> {
        let mut found = BTreeMap::new();
        let mut last_seq = 0;
        for record in ledger.view().scan_seq_from(0) {
            let record = record.expect("history can be read");
            assert!(record.seq() > last_seq, "seq rises strictly");
            last_seq = record.seq();
            let number = number(&record);
            let sure = self.kept.get(&number).or_else(|| self.unsure.get(&number));
            assert_eq!(Some(&record), sure, "a record is what was appended");
            assert!(found.insert(number, record).is_none(), "a record is there once");
        }
        let is_gone = |number: &u64| self.doomed.contains(number) && !found.contains_key(number);
        for (number, record) in self.kept.iter().filter(|(number, _)| !is_gone(number)) {
            assert_eq!(found.get(number), Some(record), "an acknowledged record is there");
        }
        let gone = self.doomed.iter().filter(|number| is_gone(number)).count();
        assert!([0, self.doomed.len()].contains(&gone), "rows are deleted together");
        found
    }

    /// The acknowledged events as amendments left them.
    fn amended(&self) -> BTreeMap<TxId, Event> {
        let mut events = BTreeMap::new();
        let mut records: Vec<&Record> = self.kept.values().collect();
        records.sort_by_key(|record| record.seq());
        for record in records {
            match record {
                Record::Event(event) => drop(events.insert(event.id, event.clone())),
                Record::Amendment(amendment) => {
                    amendment.apply_to(events.get_mut(&amendment.target()).expect("it amends an event"));
                }
            }
        }
        events
    }

    /// Amends some acknowledged event, often one of the same few.
    fn amend(&mut self, ledger: &Ledger) -> bool {
        let events = self.kept.values().filter_map(|record| record.clone().into_event());
        let events: Vec<Event> = events.collect();
        if events.is_empty() {
            return true;
        }
        let among = if self.rng.one_in(2) { events.len() as u64 } else { events.len().min(3) as u64 };
        let event = &events[self.rng.below(among) as usize];
        let mut amendment = Amendment::of(event, Timestamp::from_millis(20_000 * DAY));
        amendment.record.set_text(Text::ThirdPartyStatus, &self.next.to_string());
        if self.rng.one_in(2) {
            amendment.record.set_number(Number::Revenue, -(self.rng.below(1000) as i64));
        }
        if self.rng.one_in(2) {
            amendment.record.set_status(Status::Rejected);
            amendment.record.set_text(Text::Evidence, &"e".repeat(self.rng.below(2000) as usize));
        }
        self.next += 1;
        let bytes = amendment.record.text_bytes() as u64;
        let Ok(promise) = ledger.promise(1, bytes) else { return true };
        ledger.amend(&promise, &mut amendment);
        let record = Record::Amendment(amendment);
        self.unsure.insert(number(&record), record);
        true
    }

    fn event(&mut self) -> Event {
        let kinds = [EventKind::Click, EventKind::Conversion];
        let mut event = Event::new(kinds[self.rng.below(2) as usize], "abcdefghij".parse().expect("an id"));
        event.set_text(Text::SubId, &self.next.to_string());
        event.set_text(Text::Publisher, &format!("publisher {}", self.rng.below(3)));
        event.set_number(Number::Revenue, self.rng.below(1000) as i64);
        if self.rng.one_in(2) {
            event.set_status(Status::Approved);
        }
        event.set_text(Text::DeviceId, &format!("device {}", self.rng.below(4)));
        event.set_text(Text::UserAgent, &"x".repeat(self.rng.below(600) as usize));
        event.set_number(Number::RequestTime, 20_000 * DAY + (self.rng.below(3) as i64) * DAY);
        self.next += 1;
        event
    }

    fn life(&mut self, ledger: &Ledger) {
        for _ in 0..self.rng.below(60) {
            let going_on = match self.rng.below(21) {
                0 => survived(ledger.keep()),
                1 | 18 if self.sealing => survived(ledger.seal(1 + self.rng.below(50))),
                19 if self.sealing => self.merge(ledger),
                20 if self.sealing => self.commit(ledger) && self.delete(ledger),
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
                14 | 15 => self.amend(ledger),
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
            let record = Record::Event(event);
            self.unsure.insert(number(&record), record);
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

    /// Deletes one device's events, with what amends them, or all of one kind before some day.
    fn delete(&mut self, ledger: &Ledger) -> bool {
        let integration = "abcdefghij".parse().expect("an id");
        let (which, is_meant): (_, Meaning) = if self.rng.one_in(2) {
            let text = format!("device {}", self.rng.below(4));
            let (column, integrations) = (Text::DeviceId, vec![integration]);
            let which = Deletion::Naming { integrations, column, text: text.clone() };
            (which, Box::new(move |event| event.text(Text::DeviceId) == Some(&text)))
        } else {
            let before = Timestamp::from_millis((20_000 + self.rng.below(3) as i64) * DAY + 1);
            let which = Deletion::Older(vec![(integration, EventKind::Click, before)]);
            (which, Box::new(move |event| event.kind == EventKind::Click && event.at() < before))
        };
        let events = self.kept.values().filter_map(|record| record.clone().into_event());
        let ids: BTreeSet<TxId> = events.filter(|event| is_meant(event)).map(|event| event.id).collect();
        let amended = self.amended();
        self.doomed_revenue = ids.iter().filter_map(|id| amended.get(id)).map(counted_revenue).sum();
        let is_doomed = |record: &Record| match record {
            Record::Event(event) => ids.contains(&event.id),
            Record::Amendment(amendment) => ids.contains(&amendment.target()),
        };
        self.doomed = self.kept.iter().filter(|(_, record)| is_doomed(record)).map(|(n, _)| *n).collect();
        let view = ledger.view();
        let before = view.scan_seq_from(0).count();
        match ledger.delete(&which) {
            Ok(None) => self.doomed.clear(),
            Ok(Some(deleted)) => {
                let rows: u64 = deleted.rows.iter().map(|rows| rows.rows).sum();
                assert_eq!(rows, ids.len() as u64, "as many are deleted as there were");
                let doomed = std::mem::take(&mut self.doomed);
                self.kept.retain(|number, _| !doomed.contains(number));
                self.carried += self.doomed_revenue;
                self.look(ledger);
                self.check(ledger);
            }
            Err(error) if error.is_full_disk() => self.doomed.clear(),
            Err(_) => return false,
        }
        assert_eq!(view.scan_seq_from(0).count(), before, "a view that was there before is what it was");
        true
    }

    /// Merges, while more may be amended and sealed, and the disk may fill up. A view of before sees what it saw.
    fn merge(&mut self, ledger: &Ledger) -> bool {
        let view = ledger.view();
        let before: Vec<Record> =
            view.scan_seq_from(0).map(|record| record.expect("it can be read")).collect();
        let mut alive = true;
        let merged = ledger.merge(&mut || {
            match self.rng.below(6) {
                0 => self.disk.set_capacity(self.rng.below(8) * FILE),
                1 => self.disk.fail_in(self.rng.below(12)),
                2 => alive = self.amend(ledger) && self.commit(ledger) && survived(ledger.seal(1000)),
                3 => return false,
                _ => {}
            }
            alive
        });
        let after = view.scan_seq_from(0).map(|record| record.expect("a view can be read after a merge"));
        assert!(after.eq(before), "a view is what it was, whatever was merged");
        alive && survived(merged)
    }

    fn look(&mut self, ledger: &Ledger) {
        let (view, events) = (ledger.view(), self.amended());
        for kind in [EventKind::Click, EventKind::Conversion] {
            let integration = "abcdefghij".parse().expect("an id");
            let (from, to) = (Timestamp::from_millis(0), Timestamp::from_millis(30_000 * DAY));
            let page = view.page(&PageQuery::new(kind, integration, from, to)).expect("a page");
            let newest = events.values().rev().filter(|event| event.kind == kind);
            assert!(page.rows.iter().eq(newest.take(100)), "a page shows the newest acknowledged events");
            let mut query = PageQuery::new(kind, integration, from, to);
            query.predicates.extend(Predicate::parse(kind, "status", None, "rejected"));
            let page = view.page(&query).expect("a page");
            let rejected = events.values().rev().filter(|event| event.kind == kind && is_rejected(event));
            assert!(page.rows.iter().eq(rejected.take(100)), "filters see what amendments set");
        }
        self.figures(&view, &events);
        if let Some(event) = events.values().nth(self.rng.below(events.len().max(1) as u64) as usize) {
            let found = view.find(event.integration, None, event.id).expect("a look-up");
            assert_eq!(found.as_ref(), Some(event), "an event is found as it was amended");
        }
    }
}

impl Model {
    /// Sums are those of the events, whatever the disk did to the files that keep them.
    fn figures(&self, view: &View, events: &BTreeMap<TxId, Event>) {
        let from = TxId::first_at(Timestamp::from_millis(0));
        let to = TxId::first_at(Timestamp::from_millis(30_000 * DAY));
        let integration = "abcdefghij".parse().expect("an id");
        let kinds = vec![EventKind::Click, EventKind::Conversion];
        let query = RollupQuery {
            sources: vec![GroupSource { integration, from, to, zone: jiff::tz::TimeZone::UTC }],
            kinds: kinds.clone(),
            predicates: Vec::new(),
            keys: vec![Key::Text(Text::Publisher)],
            step: Step::Day,
            as_of: None,
        };
        let mut expected: BTreeMap<(EventKind, String), (i64, i64, i128)> = BTreeMap::new();
        for event in events.values() {
            let publisher = event.text_or_empty(Text::Publisher).to_owned();
            let sums = expected.entry((event.kind, publisher)).or_default();
            sums.0 += 1;
            sums.1 += i64::from(is_rejected(event));
            sums.2 += i128::from(event.number(Number::Revenue).unwrap_or(0));
        }
        let rows = view.rollup(&query, &Bounds::threads(1)).expect("figures");
        let key = |value: &KeyValue| match value {
            KeyValue::Text(text) => text.clone(),
            _ => String::new(),
        };
        let found = rows.into_iter().map(|row| {
            ((row.kind, key(&row.keys[0])), (row.sums.total, row.sums.rejected, row.sums.revenue))
        });
        assert!(found.eq(expected), "sums are those of the events");
        let carried = view.carried(integration).revenue;
        assert_eq!(carried, self.carried, "what deleted events counted is carried, once");
    }
}

fn counted_revenue(event: &Event) -> i128 {
    let revenue = event.number(Number::Revenue).unwrap_or(0);
    if event.status() == Some(Status::Approved) { revenue.into() } else { 0 }
}

fn is_rejected(event: &Event) -> bool {
    event.status() == Some(Status::Rejected)
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
    let mut model = Model {
        disk,
        rng,
        kept: BTreeMap::new(),
        unsure: BTreeMap::new(),
        doomed: BTreeSet::new(),
        doomed_revenue: 0,
        carried: 0,
        next: 1,
        sealing,
    };
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
    let ledger = model.open(seed);
    model.look(&ledger);
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
