//! Merging seen from outside: what files there are, what is read, and what happens beside it.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::sync::Arc;
use tollgate_domain::{
    Amendment, Entropy, Event, EventKind, IntegrationId, Number, Text, Timestamp, TxIdKey,
};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::query::{Cursor, PageQuery};
use tollgate_ledger::sim::SimDisk;
use tollgate_ledger::view::View;
use tollgate_ledger::{Ledger, Merged, Options, Record};

const DAY_MS: i64 = 86_400_000;
const START: i64 = 20_000 * DAY_MS;

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn integration() -> IntegrationId {
    "aaaaaaaaaa".parse().unwrap()
}

fn open(disk: &Arc<dyn Disk>) -> Ledger {
    let options = Options { log_file_bytes: 1 << 20, ..Options::default() };
    let opened =
        Ledger::open(disk.clone(), Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
    let (ledger, _) = opened.unwrap();
    ledger.keep().unwrap();
    ledger
}

/// Stores events with these numbers and seals them.
fn seal(ledger: &Ledger, numbers: std::ops::Range<i64>) -> Vec<Event> {
    let mut stored = Vec::new();
    for n in numbers {
        let mut event = Event::new(EventKind::Conversion, integration());
        event.set_number(Number::RequestTime, START + n * 7919 % DAY_MS);
        event.set_text(Text::Publisher, ["p", "q"][n as usize % 2]);
        event.set_text(Text::ExternalTransactionId, &format!("external {n}"));
        if n % 10 == 0 {
            event.set_text(Text::Goal, "install");
        }
        event.key = n as u128 + 1;
        let promise = ledger.promise(1, event.text_bytes() as u64).unwrap();
        ledger.append(&promise, &mut event, |_| {});
        stored.push(event);
        if n % 50 == 49 {
            ledger.commit().unwrap();
            ledger.keep().unwrap();
        }
    }
    ledger.commit().unwrap();
    ledger.seal(u64::MAX / 2).unwrap().unwrap();
    stored
}

fn amend(ledger: &Ledger, event: &Event, word: &str) {
    let mut amendment = Amendment::of(event, Timestamp::from_millis(START));
    amendment.record.set_text(Text::ThirdPartyStatus, word);
    let promise = ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
    ledger.amend(&promise, &mut amendment);
    ledger.commit().unwrap();
}

/// How many segments there are in the folder, and how many overlays: each of them with its sums.
fn files(disk: &Arc<dyn Disk>) -> (usize, usize) {
    let names = disk.list("segments").unwrap();
    let (sums, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.ends_with(".rollup"));
    assert!(names.iter().all(|name| sums.contains(&format!("{name}.rollup"))) && sums.len() == names.len());
    let overlays = names.iter().filter(|name| name.contains(".overlay-")).count();
    (names.len() - overlays, overlays)
}

/// Everything that can be asked: history, all pages, the look-ups of some events.
fn answers(view: &View, events: &[Event]) -> (Vec<Record>, Vec<Event>, Vec<Option<Event>>) {
    let history: Vec<Record> = view.scan_seq_from(0).map(Result::unwrap).collect();
    let (from, to) = (Timestamp::from_millis(START), Timestamp::from_millis(START + DAY_MS));
    let mut query = PageQuery::new(EventKind::Conversion, integration(), from, to);
    let mut rows: Vec<Event> = Vec::new();
    loop {
        let page = view.page(&query).unwrap();
        rows.extend(page.rows);
        match rows.last() {
            Some(last) if page.has_more_older => query.cursor = Cursor::After(last.id),
            _ => break,
        }
    }
    let look_ups = events.iter().step_by(7).flat_map(|event| {
        let external = event.text(Text::ExternalTransactionId).unwrap();
        let kind = EventKind::Conversion;
        [
            view.find(integration(), None, event.id).unwrap(),
            view.find_external(integration(), kind, from, to, external).unwrap(),
            view.find_key(integration(), event.key, Timestamp::from_millis(0)).unwrap(),
            view.clone().amended_to(event.seq).find(integration(), None, event.id).unwrap(),
        ]
    });
    let look_ups = look_ups.collect();
    (history, rows, look_ups)
}

#[test]
fn everything_is_answered_as_before_and_a_view_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    let ledger = open(&disk);
    let mut events = Vec::new();
    for lot in 0..5 {
        events.extend(seal(&ledger, lot * 1200..(lot + 1) * 1200 - lot * 200));
        amend(&ledger, &events[lot as usize * 600], &format!("word {lot}"));
    }
    ledger.seal(u64::MAX / 2).unwrap();
    let view = ledger.view();
    let before = answers(&view, &events);
    assert_eq!(files(&disk), (5, 3));

    let merged = ledger.merge(&mut || true).unwrap();
    let Some(Merged { sources: 5, rows, bytes }) = merged else { panic!("{merged:?}") };
    assert_eq!(rows, events.len() as u64);
    let stats = ledger.stats();
    assert_eq!((stats.merges, stats.merged_rows, stats.merged_bytes), (1, rows, bytes));
    assert_eq!((stats.segments, stats.segment_bytes), (1, bytes));
    assert_eq!(files(&disk), (6, 4), "the view has its files");
    assert!(answers(&view, &events) == before, "a view is what it was");
    drop(view);
    assert_eq!(files(&disk), (1, 1));
    assert!(answers(&ledger.view(), &events) == before, "so is the ledger");
    assert!(ledger.merge(&mut || true).unwrap().is_none(), "nothing is left to merge");

    drop(ledger);
    let ledger = open(&disk);
    assert!(answers(&ledger.view(), &events) == before, "and after a restart");
    let found = Ledger::inspect(disk.clone(), true).unwrap();
    assert_eq!((found.segments, found.segment_rows, found.damaged), (1, rows, vec![]));
}

#[test]
fn an_amendment_that_is_sealed_during_a_merge_is_not_lost() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1, 64 << 20));
    let ledger = open(&disk);
    let mut events = seal(&ledger, 0..20);
    amend(&ledger, &events[3], "early");
    events.extend(seal(&ledger, 20..40));
    let mut meanwhile = true;
    let merged = ledger.merge(&mut || {
        if std::mem::take(&mut meanwhile) {
            amend(&ledger, &events[3], "late");
            amend(&ledger, &events[30], "first");
            ledger.seal(u64::MAX / 2).unwrap();
            events.extend(seal(&ledger, 40..50));
        }
        true
    });
    assert!(matches!(merged, Ok(Some(Merged { sources: 2, rows: 40, .. }))), "{merged:?}");
    let seen = |ledger: &Ledger, at: usize| {
        let found = ledger.view().find(integration(), None, events[at].id).unwrap().unwrap();
        found.text(Text::ThirdPartyStatus).map(str::to_owned)
    };
    for _ in 0..2 {
        let ledger = open(&disk);
        assert_eq!(seen(&ledger, 3).as_deref(), Some("late"));
        assert_eq!(seen(&ledger, 30).as_deref(), Some("first"));
        assert_eq!(seen(&ledger, 45), None);
        assert_eq!(ledger.view().scan_seq_from(0).count(), 53);
        ledger.merge(&mut || true).unwrap();
    }
}

#[test]
fn a_merge_that_is_stopped_or_meets_a_full_disk_changes_nothing_and_may_be_tried_again() {
    let sim = SimDisk::new(1, 64 << 20);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let ledger = open(&disk);
    let events = [seal(&ledger, 0..300), seal(&ledger, 300..600)].concat();
    let before = (answers(&ledger.view(), &events), disk.list("segments").unwrap().len());
    let unchanged = |ledger: &Ledger| {
        assert!(answers(&ledger.view(), &events) == before.0);
        assert_eq!(disk.list("segments").unwrap().len(), before.1, "nothing is left behind");
    };
    assert!(ledger.merge(&mut || false).unwrap().is_none());
    unchanged(&ledger);
    let full = ledger.merge(&mut || {
        sim.set_capacity(0);
        true
    });
    assert!(full.as_ref().is_err_and(|error| error.is_full_disk()), "{full:?}");
    unchanged(&ledger);
    assert!(ledger.merge(&mut || true).unwrap().is_none(), "a full disk is not made fuller");
    sim.set_capacity(64 << 20);
    assert!(ledger.merge(&mut || true).unwrap().is_some());
    assert!(answers(&ledger.view(), &events) == before.0);
}

#[test]
fn a_source_that_is_damaged_stays_and_is_named() {
    let sim = SimDisk::new(1, 64 << 20);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let ledger = open(&disk);
    seal(&ledger, 0..300);
    seal(&ledger, 300..600);
    let name = ledger.view().segments()[1].meta().name.clone();
    for at in 40..600 {
        assert!(sim.damage(&format!("segments/{name}"), at));
    }
    let error = ledger.merge(&mut || true).unwrap_err().to_string();
    assert!(error.contains(&name), "{error}");
    assert_eq!(files(&disk), (2, 0));
}
