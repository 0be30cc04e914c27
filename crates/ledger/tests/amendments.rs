//! Amendments compared with a plain list of what happened, whatever is open, sealed, or both, and across restarts.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_domain::{
    Amendment, Entropy, Event, EventKind, IntegrationId, Number, Status, Text, Timestamp, TxId, TxIdKey,
};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::query::{Cursor, PageQuery, Predicate};
use tollgate_ledger::{Ledger, Options, Record};

const DAY_MS: i64 = 86_400_000;
const START: i64 = 20_000 * DAY_MS;
const INTEGRATIONS: [&str; 2] = ["aaaaaaaaaa", "bbbbbbbbbb"];

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Both {
    ledger: Ledger,
    disk: Arc<dyn Disk>,
    folder: tempfile::TempDir,
    records: Vec<Record>,
}

fn open(disk: &Arc<dyn Disk>) -> Ledger {
    let options = Options { log_file_bytes: 256 << 10, ..Options::default() };
    let (ledger, _) =
        Ledger::open(disk.clone(), Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {})
            .unwrap();
    ledger.keep().unwrap();
    ledger
}

impl Both {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
        Self { ledger: open(&disk), disk, folder, records: Vec::new() }
    }

    fn store(&mut self, n: usize) {
        let kinds = [EventKind::Click, EventKind::Conversion, EventKind::Conversion];
        let mut event = Event::new(kinds[n % 3], INTEGRATIONS[n / 2 % 2].parse().unwrap());
        event.set_number(Number::RequestTime, START + (n as i64 * 7_919_000) % (3 * DAY_MS));
        event.set_status(if n.is_multiple_of(5) { Status::Rejected } else { Status::Approved });
        event.set_text(Text::ExternalTransactionId, &format!("x{}", n % 7));
        event.set_text(Text::ClickRealTxId, &TxId::from_u128(n as u128 % 5).to_string());
        event.set_text(Text::Publisher, ["p", "q"][n % 2]);
        let promise = self.ledger.promise(1, event.text_bytes() as u64).unwrap();
        self.ledger.append(&promise, &mut event, |_| {});
        self.ledger.commit().unwrap();
        self.records.push(Record::Event(event));
    }

    fn amend(&mut self, at: usize, what: u8, key: u128) {
        let events: Vec<Event> = self.records.iter().filter_map(|r| r.clone().into_event()).collect();
        if events.is_empty() {
            return;
        }
        let mut amendment = Amendment::of(&events[at % events.len()], Timestamp::from_millis(START + 1));
        let record = &mut amendment.record;
        record.key = key;
        match what % 4 {
            0 => {
                record.set_status(Status::Rejected);
                record.set_text(Text::Rejections, &format!(r#"["R{what}"]"#));
            }
            1 => record.set_text(Text::ThirdPartyStatus, &format!("t{what}")),
            2 => record.set_number(Number::Payout, i64::from(what) * 500_000),
            _ => record.set_status(Status::Approved),
        }
        let promise = self.ledger.promise(1, record.text_bytes() as u64).unwrap();
        self.ledger.amend(&promise, &mut amendment);
        self.ledger.commit().unwrap();
        self.records.push(Record::Amendment(amendment));
    }

    /// The events as amendments up to `cut` left them, those that were stored by then, newest first.
    fn amended(&self, cut: u64) -> Vec<Event> {
        let mut events: BTreeMap<TxId, Event> = BTreeMap::new();
        for record in self.records.iter().filter(|record| record.seq() <= cut) {
            match record {
                Record::Event(event) => drop(events.insert(event.id, event.clone())),
                Record::Amendment(amendment) => {
                    amendment.apply_to(events.get_mut(&amendment.target()).unwrap());
                }
            }
        }
        events.into_values().rev().collect()
    }

    fn check_lookups(&self) {
        let (view, events) = (self.ledger.view(), self.amended(u64::MAX));
        let history: Vec<Record> = view.scan_seq_from(0).map(Result::unwrap).collect();
        assert!(history == self.records, "history is what happened, in its order");
        let span = (Timestamp::from_millis(START), Timestamp::from_millis(START + 9 * DAY_MS));
        for event in &events {
            let owner = event.integration;
            assert_eq!(view.find(owner, None, event.id).unwrap().as_ref(), Some(event));
            let all = view.find_all(owner, event.kind, &[event.id]).unwrap();
            assert!(all.iter().eq([event]), "{all:?}");
            let judged = view.clone().amended_to(event.seq).find(owner, Some(event.kind), event.id).unwrap();
            let stored = self.records.iter().find(|record| record.seq() == event.seq).unwrap();
            assert_eq!(judged, stored.clone().into_event(), "as it was judged");
            let external = event.text(Text::ExternalTransactionId).unwrap();
            let same = |e: &&Event| e.integration == owner && e.kind == event.kind;
            let newest =
                events.iter().filter(same).find(|e| e.text(Text::ExternalTransactionId) == Some(external));
            let found = view.find_external(owner, event.kind, span.0, span.1, external).unwrap();
            assert_eq!(found.as_ref(), newest);
            if event.kind == EventKind::Conversion {
                let click = event.text(Text::ClickRealTxId).unwrap();
                let is_p = |e: &Event| e.text(Text::Publisher) == Some("p");
                let mut of_click = events.iter().filter(same);
                let newest = of_click.find(|e| e.text(Text::ClickRealTxId) == Some(click) && is_p(e));
                let found = view.find_of_click(owner, click.parse().unwrap(), span, &is_p).unwrap();
                assert_eq!(found.as_ref(), newest);
            }
        }
    }

    fn check_pages(&self, cut: Option<u64>) {
        let (view, events) = (self.ledger.view(), self.amended(cut.unwrap_or(u64::MAX)));
        type Meaning = fn(&Event) -> bool;
        let filters: [(&str, &str, &str, Meaning); 7] = [
            ("publisher", "ne", "nobody", |_| true),
            ("status", "eq", "rejected", |e| e.status() == Some(Status::Rejected)),
            ("rejection", "eq", "R4", |e| e.text(Text::Rejections) == Some(r#"["R4"]"#)),
            ("third_party_status", "eq", "t5", |e| e.text(Text::ThirdPartyStatus) == Some("t5")),
            ("third_party_status", "ne", "t5", |e| e.text(Text::ThirdPartyStatus) != Some("t5")),
            ("payout", "gte", "3", |e| e.number(Number::Payout).is_some_and(|payout| payout >= 3_000_000)),
            ("external_transaction_id", "eq", "x3", |e| e.text(Text::ExternalTransactionId) == Some("x3")),
        ];
        for integration in INTEGRATIONS {
            let integration: IntegrationId = integration.parse().unwrap();
            for (name, operator, text, meaning) in filters {
                let kind = EventKind::Conversion;
                let to = Timestamp::from_millis(START + 9 * DAY_MS);
                let mut query = PageQuery::new(kind, integration, Timestamp::from_millis(START), to);
                query.predicates.push(Predicate::parse(kind, name, Some(operator), text).unwrap());
                (query.as_of, query.limit) = (cut, 4);
                let mut rows: Vec<Event> = Vec::new();
                loop {
                    let page = view.page(&query).unwrap();
                    rows.extend(page.rows);
                    match rows.last() {
                        Some(last) if page.has_more_older => query.cursor = Cursor::After(last.id),
                        _ => break,
                    }
                }
                let expected = events
                    .iter()
                    .filter(|e| e.kind == kind && e.integration == integration && meaning(e))
                    .cloned()
                    .collect::<Vec<_>>();
                assert_eq!(rows, expected, "{name} {operator} {text} as of {cut:?}");
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Store,
    Amend(usize, u8),
    Seal(u64),
    Merge,
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Store),
        4 => (any::<usize>(), 0u8..12).prop_map(|(at, what)| Step::Amend(at, what)),
        1 => (1u64..30).prop_map(Step::Seal),
        1 => Just(Step::Merge),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rows_are_seen_as_they_were_amended(
        steps in proptest::collection::vec(any_step(), 1..60),
        cut in proptest::option::of(1u64..60),
    ) {
        let mut both = Both::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Store => both.store(n),
                Step::Amend(at, what) => both.amend(at, what, 0),
                Step::Seal(rows) => drop(both.ledger.seal(rows).unwrap()),
                Step::Merge => while both.ledger.merge(&mut || true).unwrap().is_some() {},
                Step::Restart => both.ledger = open(&both.disk),
            }
        }
        both.check_lookups();
        both.check_pages(None);
        both.check_pages(cut);
    }
}

fn overlays(both: &Both) -> Vec<String> {
    let names = both.disk.list("segments").unwrap();
    let mut names: Vec<String> = names.into_iter().collect();
    names.retain(|name| name.contains(".overlay-") && !name.ends_with(".rollup"));
    names.sort();
    names
}

#[test]
fn a_replaced_overlay_goes_with_the_last_view_that_has_it() {
    let mut both = Both::new();
    both.store(1);
    both.ledger.seal(10).unwrap();
    both.amend(0, 0, 0);
    both.ledger.seal(10).unwrap();
    let [one] = &overlays(&both)[..] else { panic!("{:?}", overlays(&both)) };
    assert!(one.ends_with(".overlay-1"), "{one}");
    let view = both.ledger.view();
    both.amend(0, 5, 0);
    both.ledger.seal(10).unwrap();
    assert_eq!(overlays(&both).len(), 2, "a view has the former one");
    let seen = view.find(INTEGRATIONS[0].parse().unwrap(), None, both.amended(2)[0].id).unwrap();
    assert_eq!(seen.as_ref(), both.amended(2).first());
    drop(view);
    let [two] = &overlays(&both)[..] else { panic!("{:?}", overlays(&both)) };
    assert!(two.ends_with(".overlay-2"), "{two}");
    both.check_lookups();
}

#[test]
fn the_key_of_a_sealed_amendment_is_found() {
    let mut both = Both::new();
    both.store(1);
    both.amend(0, 1, 99);
    both.ledger.seal(10).unwrap();
    let view = both.ledger.view();
    let find = |key, since| {
        view.find_key(INTEGRATIONS[0].parse().unwrap(), key, Timestamp::from_millis(since)).unwrap()
    };
    let Record::Amendment(amendment) = &both.records[1] else { panic!("it was amended") };
    assert_eq!(find(99, START).as_ref(), Some(&amendment.record));
    assert_eq!((find(98, START), find(99, START + 2)), (None, None));
}

#[test]
fn a_damaged_overlay_is_told_and_strays_are_removed() {
    let mut both = Both::new();
    both.store(1);
    both.amend(0, 1, 0);
    both.ledger.seal(10).unwrap();
    let name = overlays(&both).remove(0);
    let path = both.folder.path().join("segments").join(&name);
    let stray = path.with_file_name(name.replace("overlay-1", "overlay-2"));
    std::fs::copy(&path, &stray).unwrap();
    both.ledger = open(&both.disk);
    assert!(path.exists() && !stray.exists());
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    both.ledger = open(&both.disk);
    let Record::Event(event) = &both.records[0] else { panic!("it was stored") };
    let error = both.ledger.view().find(event.integration, None, event.id).unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("not those that were written"), "{error}");
    let found = Ledger::inspect(both.disk.clone(), true).unwrap();
    assert_eq!((found.amendments, found.damaged.len()), (1, 1), "{found:?}");
}
