//! What every ledger promises, as checks that any backend's tests call. A second backend is a second caller.

use crate::query::{Cursor, PageQuery, Predicate};
use crate::{Ledger, Record, Sealed};
use tollgate_domain::{Amendment, Event, EventKind, IntegrationId, Number, Status, Text, Timestamp, TxId};

const DAY_MS: i64 = 86_400_000;
const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

/// Runs every check. `open` gives the ledger, the same one each time; what it gave before is gone by then.
///
/// # Panics
/// With what was promised and does not hold.
pub fn check(open: &mut dyn FnMut() -> Ledger) {
    let ledger = open();
    assert_eq!(ledger.committed(), 0, "a contract is checked on an empty ledger");
    ledger.keep().unwrap_or_else(|error| panic!("room for the log: {error}"));
    let mut stored = nothing_is_seen_before_it_is_durable(&ledger);
    stored.extend(store(&ledger, (1..40).map(click)));
    everything_is_found_once(&ledger, &stored);
    seal(&ledger);
    everything_is_found_once(&ledger, &stored);
    stored.extend(store(&ledger, (40..60).map(click).chain((60..80).map(conversion))));
    everything_is_found_once(&ledger, &stored);
    drop(ledger);
    let ledger = open();
    everything_is_found_once(&ledger, &stored);
    seal(&ledger);
    merge(&ledger);
    everything_is_found_once(&ledger, &stored);
    drop(ledger);
    let ledger = open();
    everything_is_found_once(&ledger, &stored);
    a_view_is_a_cut(&ledger, &mut stored);
    pages_join_to_the_whole(&ledger, &stored);
    predicates_leave_out(&ledger, &stored);
    keys_are_found_in_what_is_sealed(&ledger, &mut stored);
    another_integration_sees_nothing(&ledger, &stored);
    amendments_are_seen_with_their_events(&ledger, &mut stored);
    merge(&ledger);
    seen_as_amended(&ledger, &stored);
    drop(ledger);
    let ledger = open();
    assert!(history(&ledger) == stored, "events stay as they were judged");
    seen_as_amended(&ledger, &stored);
}

fn integration() -> IntegrationId {
    "abcdefghij".parse().unwrap_or_else(|error| panic!("{error}"))
}

fn event(kind: EventKind, n: i64) -> Event {
    let mut event = Event::new(kind, integration());
    event.set_number(Number::RequestTime, NOON + n * 3_600_000);
    event.set_number(Number::ArrivalTime, NOON);
    event.set_status(if n % 3 == 0 { Status::Rejected } else { Status::Approved });
    event.set_text(Text::ExternalTransactionId, &format!("external-{n}"));
    event
}

fn click(n: i64) -> Event {
    event(EventKind::Click, n)
}

fn conversion(n: i64) -> Event {
    event(EventKind::Conversion, n)
}

fn append(ledger: &Ledger, events: impl Iterator<Item = Event>) -> Vec<Event> {
    let mut events: Vec<Event> = events.collect();
    let promise = ledger.promise(events.len() as u64, 100 * events.len() as u64);
    let promise = promise.unwrap_or_else(|error| panic!("an idle ledger admits: {error}"));
    for event in &mut events {
        let before = ledger.assigned();
        let seq =
            ledger.append(&promise, event, |event| assert_ne!(event.id, TxId::default(), "ids come first"));
        assert!(seq > before && event.seq == seq, "seq rises strictly");
        assert_eq!(event.id.time(), event.at(), "an id carries its event's time");
    }
    events
}

fn store(ledger: &Ledger, events: impl Iterator<Item = Event>) -> Vec<Event> {
    let events = append(ledger, events);
    assert!(ledger.commit().unwrap_or_else(|error| panic!("{error}")), "there was something to commit");
    events
}

fn seal(ledger: &Ledger) {
    let sealed = ledger.seal(u64::MAX / 2).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(sealed, Some(Sealed { rows: 1.., segments: 1.. })), "{sealed:?}");
    assert_eq!(ledger.stats().unsealed_rows, 0);
}

/// Merges until no kind and day has several segments.
fn merge(ledger: &Ledger) {
    let before = ledger.stats().segments;
    while ledger.merge(&mut || true).unwrap_or_else(|error| panic!("{error}")).is_some() {}
    assert!(ledger.stats().segments < before, "several segments of a day became one");
}

fn history(ledger: &Ledger) -> Vec<Event> {
    let records =
        ledger.view().scan_seq_from(0).map(|record| record.unwrap_or_else(|error| panic!("{error}")));
    records.filter_map(Record::into_event).collect()
}

fn nothing_is_seen_before_it_is_durable(ledger: &Ledger) -> Vec<Event> {
    let events = append(ledger, std::iter::once(click(0)));
    assert!(history(ledger).is_empty() && ledger.committed() < events[0].seq);
    assert!(ledger.commit().is_ok_and(|committed| committed));
    assert_eq!(ledger.committed(), events[0].seq);
    assert!(ledger.commit().is_ok_and(|committed| !committed), "nothing is left");
    events
}

fn everything_is_found_once(ledger: &Ledger, stored: &[Event]) {
    assert!(history(ledger) == stored, "history is what was stored, in its order");
    let view = ledger.view();
    for event in stored {
        let found = view.find(integration(), Some(event.kind), event.id);
        assert!(found.is_ok_and(|found| found.as_ref() == Some(event)), "{} is found by its id", event.id);
        let external = event.text_or_empty(Text::ExternalTransactionId);
        let (from, to) = (event.at(), event.at().plus_millis(1));
        let found = view.find_external(integration(), event.kind, from, to, external);
        assert!(found.is_ok_and(|found| found.as_ref() == Some(event)), "{external} is found");
    }
}

fn a_view_is_a_cut(ledger: &Ledger, stored: &mut Vec<Event>) {
    let before = ledger.view();
    stored.extend(store(ledger, (80..90).map(click)));
    seal(ledger);
    let seen = before.scan_seq_from(0).filter_map(Result::ok).count();
    assert_eq!(seen + 10, stored.len(), "a view does not see what came later, nor lose what was sealed");
    assert_eq!(before.cut() + 10, ledger.view().cut());
}

fn all(kind: EventKind) -> PageQuery {
    let (from, to) = (Timestamp::from_millis(0), Timestamp::from_millis(NOON + 90 * DAY_MS));
    PageQuery { limit: 7, ..PageQuery::new(kind, integration(), from, to) }
}

/// All rows of a query by pages, newest first.
fn pages(ledger: &Ledger, mut query: PageQuery) -> Vec<Event> {
    let view = ledger.view();
    let mut rows: Vec<Event> = Vec::new();
    loop {
        let page = view.page(&query).unwrap_or_else(|error| panic!("{error}"));
        rows.extend(page.rows);
        match rows.last() {
            Some(last) if page.has_more_older => query.cursor = Cursor::After(last.id),
            _ => return rows,
        }
    }
}

fn pages_join_to_the_whole(ledger: &Ledger, stored: &[Event]) {
    for kind in [EventKind::Click, EventKind::Conversion, EventKind::Impression] {
        let mut expected: Vec<Event> = stored.iter().filter(|event| event.kind == kind).cloned().collect();
        expected.sort_by_key(|event| std::cmp::Reverse(event.id));
        assert!(pages(ledger, all(kind)) == expected, "pages join to the whole");
    }
}

fn predicates_leave_out(ledger: &Ledger, stored: &[Event]) {
    let predicate = Predicate::parse(EventKind::Click, "status", None, "rejected");
    let query = PageQuery { predicates: predicate.into_iter().collect(), ..all(EventKind::Click) };
    let rejected =
        stored.iter().filter(|e| e.kind == EventKind::Click && e.status() == Some(Status::Rejected));
    assert_eq!(pages(ledger, query).len(), rejected.count());
}

fn keys_are_found_in_what_is_sealed(ledger: &Ledger, stored: &mut Vec<Event>) {
    let mut keyed = click(95);
    keyed.key = 77;
    stored.extend(store(ledger, std::iter::once(keyed)));
    seal(ledger);
    let view = ledger.view();
    let find = |key, since| view.find_key(integration(), key, Timestamp::from_millis(since));
    assert!(find(77, NOON).is_ok_and(|found| found.as_ref() == stored.last()));
    assert!(find(78, NOON).is_ok_and(|found| found.is_none()), "another key is another event");
    assert!(find(77, NOON + 1).is_ok_and(|found| found.is_none()), "keys are remembered by arrival");
}

fn another_integration_sees_nothing(ledger: &Ledger, stored: &[Event]) {
    let Ok(other) = "zzzzzzzzzz".parse() else { return };
    let view = ledger.view();
    let query = PageQuery { integration: other, ..all(EventKind::Click) };
    assert!(view.page(&query).is_ok_and(|page| page.rows.is_empty()));
    assert!(stored.iter().all(|event| view.find(other, None, event.id).is_ok_and(|found| found.is_none())));
}

/// Amends a sealed event and an open one, seals, and amends the first again.
fn amendments_are_seen_with_their_events(ledger: &Ledger, stored: &mut Vec<Event>) {
    stored.extend(store(ledger, (100..102).map(conversion)));
    let (sealed, open) = (first_conversion(stored), stored.len() - 1);
    for (at, word) in [(open, "open"), (sealed, "first"), (sealed, "second")] {
        let mut amendment = Amendment::of(&stored[at], Timestamp::from_millis(NOON));
        amendment.record.set_text(Text::ThirdPartyStatus, word);
        let promise = ledger.promise(1, amendment.record.text_bytes() as u64);
        let promise = promise.unwrap_or_else(|error| panic!("an idle ledger admits: {error}"));
        let before = ledger.assigned();
        assert!(ledger.amend(&promise, &mut amendment) > before, "an amendment has a seq of its own");
        assert!(ledger.commit().is_ok_and(|committed| committed));
        let seen = ledger.view().find(integration(), None, stored[at].id);
        let seen = seen.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            seen.and_then(|event| event.text(Text::ThirdPartyStatus).map(str::to_owned)).as_deref(),
            Some(word)
        );
        let sealed = ledger.seal(u64::MAX / 2);
        assert!(sealed.is_ok_and(|sealed| sealed.is_some()), "an amendment can be sealed by itself");
    }
    seen_as_amended(ledger, stored);
}

fn first_conversion(stored: &[Event]) -> usize {
    stored.iter().position(|event| event.kind == EventKind::Conversion).unwrap_or(0)
}

fn seen_as_amended(ledger: &Ledger, stored: &[Event]) {
    for (word, at) in [("second", first_conversion(stored)), ("open", stored.len() - 1)] {
        let predicate = Predicate::parse(EventKind::Conversion, "third_party_status", None, word);
        let query = PageQuery { predicates: predicate.into_iter().collect(), ..all(EventKind::Conversion) };
        let rows = pages(ledger, query);
        assert!(rows.iter().map(|event| event.id).eq([stored[at].id]), "{word}: {rows:?}");
    }
}
