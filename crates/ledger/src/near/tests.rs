//! The newest rows are found in memory: as they were, without a file being read, and not once they are deleted.

use super::Near;
use crate::disk::{Disk, RealDisk};
use crate::ledger::{Ledger, Options};
use crate::segment::DIR;
use crate::{Deletion, row};
use std::cell::RefCell;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tollgate_domain::{
    Amendment, Entropy, Event, EventKind, IntegrationId, Number, Text, Timestamp, TxId, TxIdKey,
};

const START: i64 = 20_000 * 86_400_000;

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn owner(n: i64) -> IntegrationId {
    ["aaaaaaaaaa", "cccccccccc"][n as usize / 7 % 2].parse().unwrap()
}

fn open(disk: &Arc<dyn Disk>, near_bytes: usize) -> Ledger {
    let options = Options { log_file_bytes: 1 << 20, near_bytes, ..Options::default() };
    let opened =
        Ledger::open(disk.clone(), Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
    let (ledger, _) = opened.unwrap();
    ledger.keep().unwrap();
    ledger
}

/// Stores some clicks a second apart, from second `from` on, and seals them.
fn store(ledger: &Ledger, from: i64, count: i64) -> Vec<Event> {
    let mut events = Vec::new();
    for n in from..from + count {
        let mut event = Event::new(EventKind::Click, owner(n));
        event.set_number(Number::RequestTime, START + n * 1000);
        event.set_text(Text::DeviceId, &format!("device {}", n % 10));
        event.set_text(Text::UserAgent, &"agent ".repeat((n % 90) as usize));
        let promise = ledger.promise(1, event.text_bytes() as u64).unwrap();
        ledger.append(&promise, &mut event, |_| {});
        ledger.commit().unwrap();
        events.push(event);
    }
    ledger.seal(u64::MAX / 2).unwrap();
    events
}

fn at_once(ledger: &Ledger, event: &Event) -> Option<Event> {
    ledger.view().find_at_once(event.integration, EventKind::Click, event.id).unwrap()
}

/// Takes the files away, so that nothing can be read from them.
fn hide(folder: &tempfile::TempDir, hidden: bool) {
    let (there, away) = (folder.path().join(DIR), folder.path().join("away"));
    if hidden { std::fs::rename(there, away) } else { std::fs::rename(away, there) }.unwrap();
}

#[test]
fn what_is_sealed_is_found_without_its_file_and_again_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    let mut ledger = open(&disk, 1 << 20);
    let mut events = store(&ledger, 0, 300);
    events.extend(store(&ledger, 300, 5));
    for restarted in [false, true] {
        if restarted {
            drop(ledger);
            ledger = open(&disk, 1 << 20);
            assert_eq!(at_once(&ledger, &events[0]), None);
            ledger.fill_near(&|| true);
        }
        hide(&folder, true);
        for event in &events {
            assert_eq!(at_once(&ledger, event).as_ref(), Some(event));
            assert_eq!(ledger.view().find(event.integration, None, event.id).unwrap().as_ref(), Some(event));
        }
        let other = "bbbbbbbbbb".parse().unwrap();
        assert_eq!(ledger.view().find_at_once(other, EventKind::Click, events[0].id).unwrap(), None);
        let unknown = TxId::from_u128(events[7].id.to_u128() ^ 1 << 90);
        assert_eq!(ledger.view().find_at_once(owner(0), EventKind::Click, unknown).unwrap(), None);
        hide(&folder, false);
    }
}

#[test]
fn events_are_stored_while_the_newest_rows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    store(&open(&disk, 1 << 20), 0, 50);
    let ledger = open(&disk, 1 << 20);
    let (storing, stored) = mpsc::channel();
    let other = ledger.clone();
    let asked = RefCell::new(Some(move || {
        store(&other, 50, 3);
        storing.send(()).unwrap();
    }));
    let filling = || {
        if let Some(store) = asked.take() {
            std::thread::spawn(store);
            stored.recv_timeout(Duration::from_secs(20)).expect("it waits for the reading to end");
        }
        true
    };
    ledger.fill_near(&filling);
    assert!(asked.take().is_none(), "nothing was read");
}

#[test]
fn a_view_does_not_see_what_was_sealed_after_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    let ledger = open(&disk, 1 << 20);
    store(&ledger, 0, 3);
    let before = ledger.view();
    let later = store(&ledger, 3, 1);
    assert_eq!(before.find(later[0].integration, None, later[0].id).unwrap(), None);
    assert!(at_once(&ledger, &later[0]).is_some());
}

#[test]
fn amendments_show_and_deleted_rows_are_gone_also_when_they_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    let ledger = open(&disk, 1 << 20);
    let events = store(&ledger, 0, 100);
    let mut amendment = Amendment::of(&events[11], Timestamp::from_millis(START));
    amendment.record.set_text(Text::ThirdPartyStatus, "late");
    let promise = ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
    ledger.amend(&promise, &mut amendment);
    ledger.commit().unwrap();
    let status = || {
        let found = ledger.view().find(events[11].integration, None, events[11].id).unwrap().unwrap();
        found.text(Text::ThirdPartyStatus).map(str::to_owned)
    };
    assert_eq!(status().as_deref(), Some("late"), "open");
    ledger.seal(u64::MAX / 2).unwrap();
    assert_eq!(status().as_deref(), Some("late"), "in an overlay");
    assert_eq!(at_once(&ledger, &events[11]), None, "its overlay may have to be read");

    let which = Deletion::Naming {
        integrations: vec![owner(0), owner(7)],
        column: Text::DeviceId,
        text: "device 3".to_owned(),
    };
    ledger.delete(&which).unwrap().unwrap();
    for filled in [false, true] {
        if filled {
            ledger.fill_near(&|| true);
            assert!(ledger.0.near.bytes() > 0);
        }
        for (n, event) in events.iter().enumerate() {
            let found = ledger.view().find(event.integration, None, event.id).unwrap();
            assert_eq!(found.is_some(), n % 10 != 3, "{n}");
        }
    }
}

#[test]
fn the_oldest_give_way_and_what_was_read_before_a_deletion_does_not_come_in_after_it() {
    let near = Near::new(1_500_000);
    let event = |n: u64| {
        let mut event = Event::new(EventKind::Click, owner(0));
        event.id = TxId::new(
            Timestamp::from_millis(START + n as i64),
            u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        );
        event.set_text(Text::UserAgent, &format!("{n:0400}"));
        event
    };
    let encoded = |events: std::ops::Range<u64>| -> Vec<Vec<u8>> {
        let encode = |n| {
            let mut bytes = Vec::new();
            row::encode(&event(n), &mut bytes);
            bytes
        };
        events.map(encode).collect()
    };
    for lot in 0..60 {
        near.add(encoded(lot * 1000..lot * 1000 + 1000).iter().map(Vec::as_slice));
        assert!(near.bytes() <= 1_500_000, "{}", near.bytes());
    }
    assert!(near.find(event(59_999).id).is_some());
    assert!(near.find(event(0).id).is_none());

    let mut packer = super::Packer::default();
    encoded(0..10).iter().zip(0..).for_each(|(row, n)| packer.push(event(n).id, row));
    let cleared = near.cleared();
    drop(near.clear());
    assert_eq!(near.bytes(), 0);
    assert!(!near.add_older(cleared, packer.take()));
    assert!(near.find(event(3).id).is_none());
}
