//! Deletion seen from outside: no reader finds what is deleted, everything else stays, and in the end no file has it.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::path::Path;
use std::sync::Arc;
use tollgate_domain::{
    Amendment, Entropy, Event, EventKind, IntegrationId, Number, Status, Text, Timestamp, TxIdKey,
};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::query::{Cursor, PageQuery, Predicate};
use tollgate_ledger::sim::SimDisk;
use tollgate_ledger::{Deleted, Deletion, Ledger, Options, Record};

const DAY_MS: i64 = 86_400_000;
const START: i64 = 20_000 * DAY_MS;
const SECRET: &str = "0f3c9a7e-device-of-one-person";

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn integration(n: i64) -> IntegrationId {
    ["aaaaaaaaaa", "bbbbbbbbbb"][n as usize % 2].parse().unwrap()
}

struct House {
    disk: Arc<dyn Disk>,
    ledger: Ledger,
    events: Vec<Event>,
}

fn open(disk: &Arc<dyn Disk>) -> Ledger {
    let options = Options { log_file_bytes: 128 << 10, ..Options::default() };
    let opened =
        Ledger::open(disk.clone(), Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
    let (ledger, _) = opened.unwrap();
    ledger.keep().unwrap();
    ledger
}

impl House {
    /// Ninety conversions of two integrations over three days, every tenth of one device, sealed in three lots; the last
    /// thirty are open.
    fn new(folder: &Path) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder).unwrap());
        let ledger = open(&disk);
        let mut house = Self { disk, ledger, events: Vec::new() };
        for n in 0..120 {
            let mut event = Event::new(EventKind::Conversion, integration(n));
            event.set_number(Number::RequestTime, START + n % 3 * DAY_MS + n * 1000);
            event.set_number(Number::ArrivalTime, START);
            event.set_text(Text::ExternalTransactionId, &format!("external {n}"));
            event.set_text(Text::DeviceId, if n % 10 < 2 { SECRET } else { "another" });
            event.key = n as u128 + 1;
            let promise = house.ledger.promise(1, event.text_bytes() as u64).unwrap();
            house.ledger.append(&promise, &mut event, |_| {});
            house.events.push(event);
            if n % 30 == 29 {
                house.ledger.commit().unwrap();
                house.amend(n as usize - 19);
                house.amend(n as usize - 15);
                if n < 90 {
                    house.ledger.seal(u64::MAX / 2).unwrap();
                }
                house.ledger.keep().unwrap();
            }
        }
        house
    }

    fn amend(&self, at: usize) {
        let mut amendment = Amendment::of(&self.events[at], Timestamp::from_millis(START));
        amendment.record.set_text(Text::ThirdPartyStatus, "late");
        let promise = self.ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
        self.ledger.amend(&promise, &mut amendment);
        self.ledger.commit().unwrap();
    }

    fn delete(&self, which: &Deletion) -> Deleted {
        self.ledger.delete(which).unwrap().unwrap()
    }

    /// Every way of reading finds the events that `stays` and no others.
    fn check(&self, stays: &dyn Fn(&Event) -> bool) {
        let view = self.ledger.view();
        let (from, to) = (Timestamp::from_millis(START), Timestamp::from_millis(START + 9 * DAY_MS));
        let kind = EventKind::Conversion;
        let mut seqs = Vec::new();
        for record in view.scan_seq_from(0) {
            match record.unwrap() {
                Record::Event(event) => seqs.push(event.seq),
                Record::Amendment(amendment) => {
                    let target = self.events.iter().find(|event| event.id == amendment.target()).unwrap();
                    assert!(stays(target), "the amendments of what is deleted are gone too");
                }
            }
        }
        let staying: Vec<&Event> = self.events.iter().filter(|event| stays(event)).collect();
        assert!(seqs.iter().copied().eq(staying.iter().map(|event| event.seq)));
        for event in &self.events {
            let owner = event.integration;
            let external = event.text(Text::ExternalTransactionId).unwrap();
            let found = [
                view.find(owner, None, event.id).unwrap(),
                view.find_all(owner, kind, &[event.id]).unwrap().pop(),
                view.find_external(owner, kind, from, to, external).unwrap(),
                view.find_key(owner, event.key, from).unwrap(),
            ];
            for found in found {
                assert_eq!(found.map(|found| found.id), stays(event).then_some(event.id));
            }
        }
        for owner in [integration(0), integration(1)] {
            let mut expected: Vec<_> = staying.iter().filter(|event| event.integration == owner).collect();
            let earlier = view.earlier(owner, from, u64::MAX).unwrap().events().unwrap();
            let earlier = earlier.filter_map(|record| record.unwrap().into_event()).map(|event| event.seq);
            assert!(earlier.eq(expected.iter().map(|event| event.seq)));
            expected.sort_by_key(|event| std::cmp::Reverse(event.id));
            for filter in [None, Some(("publisher", "ne"))] {
                let mut query = PageQuery::new(kind, owner, from, to);
                let parse = |(name, operator)| Predicate::parse(kind, name, Some(operator), "x").unwrap();
                query.predicates.extend(filter.map(parse));
                query.limit = 7;
                let mut rows: Vec<Event> = Vec::new();
                loop {
                    let page = view.page(&query).unwrap();
                    rows.extend(page.rows);
                    match rows.last() {
                        Some(last) if page.has_more_older => query.cursor = Cursor::After(last.id),
                        _ => break,
                    }
                }
                assert!(rows.iter().map(|event| event.id).eq(expected.iter().map(|event| event.id)));
            }
        }
    }
}

fn person(integrations: &[i64]) -> Deletion {
    let integrations = integrations.iter().map(|n| integration(*n)).collect();
    Deletion::Naming { integrations, column: Text::DeviceId, text: SECRET.to_owned() }
}

fn is_person(event: &Event) -> bool {
    event.text(Text::DeviceId) == Some(SECRET)
}

#[test]
fn a_persons_rows_are_found_by_nobody_from_that_moment_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(folder.path());
    let before = house.ledger.view();
    let one = house.delete(&person(&[0]));
    assert_eq!(one.rows.iter().map(|rows| rows.rows).sum::<u64>(), 12);
    assert!(one.rows.iter().all(|rows| rows.integration == integration(0)));
    let stays = |event: &Event| !(is_person(event) && event.integration == integration(0));
    house.check(&stays);
    assert_eq!(house.ledger.stats().deleted_rows, 12);
    assert_eq!(before.scan_seq_from(0).count(), 128, "a view of before is what it was");
    drop(before);

    let two = house.delete(&person(&[0, 1]));
    assert_eq!(two.rows.iter().map(|rows| rows.rows).sum::<u64>(), 12, "nothing is deleted twice");
    house.check(&|event| !is_person(event));
    assert_eq!(house.delete(&person(&[0, 1])).rows, []);
    house.ledger = open(&house.disk);
    house.check(&|event| !is_person(event));
    while house.ledger.merge(&mut || true).unwrap().is_some() {}
    assert_eq!((house.ledger.stats().deleted_rows, house.ledger.stats().segments), (0, 3));
    house.check(&|event| !is_person(event));
    let found = Ledger::inspect(house.disk.clone(), true).unwrap();
    assert_eq!((found.segment_rows, found.damaged), (96, vec![]));
}

#[test]
fn what_is_too_old_goes_and_whole_segments_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path());
    let day = Timestamp::from_millis(START + DAY_MS);
    let kind = EventKind::Conversion;
    house.delete(&Deletion::Older(vec![(integration(0), kind, day)]));
    house.check(&|event| event.at() >= day || event.integration == integration(1));
    let both = Deletion::Older(vec![(integration(0), kind, day), (integration(1), kind, day)]);
    let deleted = house.delete(&both);
    house.check(&|event| event.at() >= day);
    assert_eq!((deleted.dropped, deleted.pending.len()), (4, 0), "no row of that day is left");
    assert_eq!(house.ledger.stats().deleted_rows, 0);
    let clicks = Deletion::Older(vec![(integration(0), EventKind::Click, day.plus_millis(9 * DAY_MS))]);
    assert_eq!(house.delete(&clicks).rows, [], "the other kinds stay");
}

#[test]
fn up_to_when_events_were_too_old_is_known_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(folder.path());
    let kind = EventKind::Conversion;
    let take_back = |house: &House, at: usize, days: i64| {
        let when = Timestamp::from_millis(START + days * DAY_MS);
        let mut amendment = Amendment::of(&house.events[at], when);
        amendment.record.set_number(Number::Restated, 1);
        let promise = house.ledger.promise(1, 0).unwrap();
        house.ledger.amend(&promise, &mut amendment);
        house.ledger.commit().unwrap();
    };
    // One of the other day and one of the other integration, which stay.
    for (at, days) in [(6, 5), (2, 7), (3, 8)] {
        take_back(&house, at, days);
    }
    house.ledger.seal(u64::MAX / 2).unwrap();
    let expired = |house: &House, n: i64| {
        let expired = house.ledger.view().expired(integration(n), kind)?;
        Some((expired.happened.millis() - START, (expired.known.millis() - START) / DAY_MS))
    };
    house.delete(&person(&[0, 1]));
    assert_eq!(expired(&house, 0), None, "a person's events were not too old");
    let day = Timestamp::from_millis(START + DAY_MS);
    house.delete(&Deletion::Older(vec![(integration(0), kind, day)]));
    assert_eq!((expired(&house, 0), expired(&house, 1)), (Some((114_000, 5)), None));
    take_back(&house, 9, 9);
    house.delete(&Deletion::Older(vec![(integration(1), kind, day)]));
    house.ledger = open(&house.disk);
    assert_eq!((expired(&house, 0), expired(&house, 1)), (Some((114_000, 5)), Some((117_000, 9))));
}

/// Whether any file below `folder` has these bytes.
fn has_bytes(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_bytes(&path, bytes);
        }
        std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn in_the_end_no_file_has_what_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(folder.path());
    // Bytes that no compression hides.
    let log = folder.path().join("log");
    assert!(has_bytes(&log, SECRET.as_bytes()));
    house.delete(&person(&[0, 1]));
    assert!(house.ledger.is_erasing());
    // A start in between goes on with it.
    house.ledger = open(&house.disk);
    assert!(house.ledger.is_erasing());
    for _ in 0..3 {
        house.ledger.keep().unwrap();
    }
    assert!(!house.ledger.is_erasing());
    assert!(!has_bytes(&log, SECRET.as_bytes()), "the log has given it up");
    while house.ledger.merge(&mut || true).unwrap().is_some() {}
    assert_eq!(house.ledger.stats().deleted_rows, 0);
    assert!(!has_bytes(folder.path(), SECRET.as_bytes()));
    house.check(&|event| !is_person(event));
}

#[test]
fn a_deletion_during_a_merge_is_not_undone_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path());
    house.ledger.seal(u64::MAX / 2).unwrap();
    let merged = house.ledger.merge(&mut || {
        house.delete(&person(&[0, 1]));
        true
    });
    assert_eq!(merged.unwrap(), None, "what was merged had rows that are deleted now");
    house.check(&|event| !is_person(event));
    assert!(house.ledger.merge(&mut || true).unwrap().is_some());
    house.check(&|event| !is_person(event));
}

#[test]
fn what_amends_a_row_is_carried_with_it_or_refused_once_it_is_deleted() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1, 64 << 20));
    let ledger = open(&disk);
    let [event, other] = [0, 1].map(|n| {
        let mut event = Event::new(EventKind::Conversion, integration(n));
        event.set_number(Number::RequestTime, START);
        event.set_status(Status::Approved);
        event.set_number(Number::Payout, 1_000_000);
        ledger.append(&ledger.promise(1, 100).unwrap(), &mut event, |_| {});
        event
    });
    ledger.commit().unwrap();
    let rejection = |of: &Event| {
        let mut amendment = Amendment::of(of, Timestamp::from_millis(START));
        amendment.record.set_status(Status::Rejected);
        amendment
    };
    let amend =
        |of: &Event, seen| ledger.amend_since(&ledger.promise(1, 100).unwrap(), &mut rejection(of), seen);
    let day = Timestamp::from_millis(START + DAY_MS);
    let which = |n| Deletion::Older(vec![(integration(n), EventKind::Conversion, day)]);
    let seen = ledger.view().deletions();
    // It was appended, is not durable yet, and will be acknowledged.
    let seq = amend(&event, seen).unwrap();
    ledger.delete(&which(0)).unwrap().unwrap();
    assert!(ledger.committed() >= seq);
    assert_eq!(ledger.view().carried(integration(0)).payout, 0, "it had been taken back");

    // By the word of a view of before nothing is amended, deleted or not; by a newer one what is there still is.
    assert_eq!((amend(&event, seen), amend(&other, seen)), (None, None));
    let seen = ledger.view().deletions();
    ledger.delete(&which(1)).unwrap().unwrap();
    assert_eq!(amend(&other, seen), None);
    assert_eq!(ledger.view().carried(integration(1)).payout, 1_000_000);
    // A deletion that deletes nothing changes nothing.
    let seen = ledger.view().deletions();
    ledger.delete(&which(1)).unwrap().unwrap();
    assert_eq!(ledger.view().deletions(), seen);
}
