//! Judging on a simulated disk: keys that history knows, clicks that it has, whatever sealing does in between.

use crate::test_house::House;
use crate::{Judged, Outcome};
use serde_json::json;
use std::sync::atomic::Ordering;
use tollgate_domain::{EventKind, Number, Status, Text};

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

/// Sub ids that are too many are renamed before they are stored, and judging history again says the same.
#[test]
fn renamed_sub_ids_are_stored_and_judged_again_as_they_were() {
    let mut house = House::new();
    house.set_filters(&[
        ("sub_id_validity", json!({"max_unique": 2})),
        ("click_flooding", json!({"scope": "sub_id", "threshold": 2})),
    ]);
    let mut rows = Vec::new();
    for n in 0..8 {
        let sub_id = format!("s{n}");
        let draft = house.draft(EventKind::Click, &[("publisher", "p"), ("sub_id", &sub_id)]);
        let (outcome, draft) = house.submit(draft);
        judged(outcome);
        let event = draft.event;
        let invalid = event.text(Text::InvalidSubId).map(str::to_owned);
        rows.push((event.text_or_empty(Text::SubId).to_owned(), invalid, event.status().unwrap()));
    }
    assert_eq!(rows[1], ("s1".to_owned(), None, Status::Approved));
    let renamed = |n: u32| ("TOO_MANY_UNIQUE_SUB_ID".to_owned(), Some(format!("s{n}")));
    for (n, (name, sent, status)) in rows.into_iter().enumerate().skip(2) {
        assert_eq!((name, sent), renamed(n as u32));
        // The first three of the name pass: at most two came before.
        assert_eq!(status == Status::Rejected, n > 4, "{n}");
    }
    house.seal();
    let found = house.rejudge();
    assert_eq!((found.judged, found.different), (8, 0), "{:?}", found.first);
}
