//! Reading while others write, and filters that look for rows of several segments.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use tollgate_domain::{Amendment, Entropy, Event, EventKind, Number, Text, Timestamp, TxIdKey};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::query::{PageQuery, Predicate};
use tollgate_ledger::{Deletion, Ledger, Options};

const START: i64 = 1_700_000_000_000;

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn open(folder: &std::path::Path) -> Ledger {
    let disk = Arc::new(RealDisk::new(folder).unwrap());
    let options = Options { log_file_bytes: 128 << 10, ..Options::default() };
    let opened = Ledger::open(disk, Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
    let (ledger, _) = opened.unwrap();
    ledger.keep().unwrap();
    ledger
}

fn store(ledger: &Ledger, n: i64) -> Event {
    let mut event = Event::new(EventKind::Conversion, "abcdefghij".parse().unwrap());
    event.set_number(Number::RequestTime, START + n);
    event.set_number(Number::ArrivalTime, START + n);
    event.set_text(Text::ExternalTransactionId, &format!("external {n}"));
    let promise = ledger.promise(1, event.text_bytes() as u64).unwrap();
    ledger.append(&promise, &mut event, |_| {});
    ledger.commit().unwrap();
    event
}

fn amend(ledger: &Ledger, event: &Event) {
    let mut amendment = Amendment::of(event, Timestamp::from_millis(START));
    amendment.record.set_text(Text::ThirdPartyStatus, "late");
    let promise = ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
    ledger.amend(&promise, &mut amendment);
    ledger.commit().unwrap();
}

fn seal(ledger: &Ledger) {
    ledger.seal(u64::MAX / 2).unwrap();
    ledger.keep().unwrap();
}

/// Whoever asks for figures holds one lock at a time; the order of two was the other way round than that of writers.
#[test]
fn figures_can_be_asked_for_while_rows_are_committed_and_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let (asking, over) = (ledger.clone(), Arc::new(AtomicBool::new(false)));
    let (writer, stop) = (ledger.clone(), over.clone());
    let asker = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            asking.stats();
        }
    });
    let (done, ended) = channel();
    std::thread::spawn(move || {
        for n in 0..200 {
            store(&writer, n);
            seal(&writer);
        }
        // Nobody listens any more when this took too long.
        let _ = done.send(());
    });
    assert!(
        ended.recv_timeout(Duration::from_secs(60)).is_ok(),
        "the writer and the asker wait for each other"
    );
    stop.store(true, Ordering::Relaxed);
    asker.join().unwrap();
    assert_eq!(ledger.stats().sealed_seq, 200);
}

#[test]
fn several_values_are_found_each_in_its_own_segment() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    for n in 0..4 {
        store(&ledger, n);
        seal(&ledger);
    }
    for operator in ["eq", "in"] {
        let values = ["external 3", "external 0", "external 9"];
        let mut query = PageQuery::new(
            EventKind::Conversion,
            "abcdefghij".parse().unwrap(),
            Timestamp::from_millis(START),
            Timestamp::from_millis(START + 10),
        );
        query.predicates =
            Predicate::parse_all(EventKind::Conversion, "external_transaction_id", operator, values).unwrap();
        let rows = ledger.view().page(&query).unwrap().rows;
        let found: Vec<_> = rows.iter().map(|row| row.text(Text::ExternalTransactionId).unwrap()).collect();
        assert_eq!(found, ["external 3", "external 0"], "{operator}");
    }
}

/// The file of a deleted overlay lives as long as the view that has it, and its end must not take a newer one along.
#[test]
fn an_overlay_outlives_the_view_that_holds_a_deleted_one() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let events: Vec<Event> = (0..3).map(|n| store(&ledger, n)).collect();
    amend(&ledger, &events[0]);
    seal(&ledger);
    let view = ledger.view();
    let which = Deletion::Naming {
        integrations: vec![events[0].integration],
        column: Text::ExternalTransactionId,
        text: "external 0".into(),
    };
    ledger.delete(&which).unwrap().unwrap();
    amend(&ledger, &events[1]);
    seal(&ledger);
    let held = view.find(events[0].integration, None, events[0].id).unwrap().unwrap();
    assert_eq!(held.text(Text::ThirdPartyStatus), Some("late"), "the view sees what it saw");
    drop(view);
    drop(ledger);
    let ledger = open(folder.path());
    let found = |event: &Event| ledger.view().find(event.integration, None, event.id).unwrap();
    assert_eq!(found(&events[0]), None);
    assert_eq!(found(&events[1]).unwrap().text(Text::ThirdPartyStatus), Some("late"));
    assert_eq!(found(&events[2]).unwrap().text(Text::ThirdPartyStatus), None);
}
