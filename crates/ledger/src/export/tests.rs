//! Exports of many small strips compared with the same rows encoded one by one.

use super::*;
use crate::segment::Layout;
use crate::view_tests::{
    Both, DAY_MS, Meaning, PREDICATES, any_event, any_layout, integration, spread_amended,
};
use proptest::prelude::*;
use tollgate_domain::{Event, KINDS_ALL, Number, Status, Timestamp};

/// A history and the cut that is exported. As of an earlier one rows are as they were judged, so nothing is amended then.
fn any_history() -> impl Strategy<Value = (Both, Option<u64>)> {
    (
        proptest::collection::vec(any_event(), 1..300),
        proptest::collection::vec(1usize..120, 0..5),
        proptest::collection::vec(1usize..40, 0..6),
        (any_layout(), 0u8..4),
        proptest::collection::vec((any::<usize>(), any::<u8>()), 0..20),
        proptest::option::of(0u64..300),
    )
        .prop_map(|(events, seals, frames, layout, mut amended, cut)| {
            amended.truncate(if cut.is_some() { 0 } else { 20 });
            (spread_amended(events, &seals, &frames, layout, &amended), cut)
        })
}

fn encoding(kind: EventKind, format: Format) -> Encoding {
    let organization = "0123456789abcdef01234567".parse().unwrap();
    let extra_parameters = vec!["a".to_owned()];
    Encoding { format, fields: Field::of_kind(kind).collect(), extra_parameters, organization }
}

fn expected(both: &Both, query: &ExportQuery, meaning: Meaning) -> Vec<Event> {
    let rows =
        both.events.iter().rev().filter(|e| e.kind == query.kind && e.integration == query.integration);
    let rows = rows.filter(|e| query.from <= e.id && e.id < query.to && meaning(e));
    rows.filter(|e| query.as_of.is_none_or(|cut| e.seq <= cut)).cloned().collect()
}

fn exported(both: &Both, query: &ExportQuery, encoding: &Encoding, threads: usize) -> (Exported, Vec<u8>) {
    let (mut out, mut shares) = (Vec::new(), vec![0.0]);
    let mut progress = |progress: Progress| {
        shares.push(progress.share);
        ControlFlow::Continue(())
    };
    let exported = both.view.export(query, encoding, threads, &mut out, &mut progress).unwrap();
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    (exported, out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn strips_join_to_the_whole(
        (both, cut) in any_history(), owner in 0usize..3, kind in 0usize..3, start in 0i64..4, days in 0i64..4,
        predicate in proptest::option::of(0..PREDICATES.len()), threads in 1usize..4, form in 0usize..2,
    ) {
        let kind = KINDS_ALL[kind];
        let day = |number: i64| TxId::first_at(Timestamp::from_millis((19_999 + number) * DAY_MS + 7_000_000));
        let (mut predicates, mut meaning): (_, Meaning) = (Vec::new(), |_| true);
        if let Some((name, operator, text, means)) = predicate.map(|number| PREDICATES[number]) {
            predicates.push(Predicate::parse(kind, name, operator, text).unwrap());
            meaning = means;
        }
        let (from, to) = (day(start), day(start + days));
        let query = ExportQuery { kind, integration: integration(owner), from, to, predicates, as_of: cut };
        let format = [Format::Csv { delimiter: b',', safe_cells: true }, Format::Ndjson][form];
        let rows = expected(&both, &query, meaning);
        let encoding = encoding(kind, format);
        let (told, file) = exported(&both, &query, &encoding, threads);
        let wanted = String::from_utf8(reference::file(&encoding, &rows)).unwrap();
        prop_assert_eq!(String::from_utf8(file).unwrap(), wanted);
        prop_assert_eq!((told.rows, told.cut), (rows.len() as u64, both.view.cut().min(cut.unwrap_or(u64::MAX))));
    }
}

#[test]
fn progress_tells_what_was_looked_at_and_only_amended_rows_are_where_no_other_matches() {
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, integration(0));
        let time = Timestamp::from_millis(20_000 * DAY_MS + n);
        event.id = TxId::new(time, n as u128);
        event.set_number(Number::RequestTime, time.millis());
        event.set_status(Status::Approved);
        event
    };
    let layout = (Layout { group_rows: 100, page_rows: 8 }, 0);
    // Of those in segments two are rejected late, and one gets another amount.
    let amended = [(7, 2), (350, 2), (650, 1), (800, 2)];
    let both = spread_amended((0..900).map(event).collect(), &[400, 300], &[], layout, &amended);
    let encoding = encoding(EventKind::Click, Format::Ndjson);
    let looked_at = |field: &str, value: &str| {
        let query = ExportQuery {
            kind: EventKind::Click,
            integration: integration(0),
            from: TxId::default(),
            to: TxId::from_u128(u128::MAX),
            predicates: vec![Predicate::parse(EventKind::Click, field, None, value).unwrap()],
            as_of: None,
        };
        let mut last = Progress { rows: 0, read: 0, bytes: 0, share: 0.0 };
        let mut progress = |progress: Progress| {
            last = progress;
            ControlFlow::Continue(())
        };
        both.view.export(&query, &encoding, 2, &mut Vec::new(), &mut progress).unwrap();
        (last.rows, last.read)
    };
    assert_eq!(looked_at("status", "rejected"), (3, 3 + 200));
    assert_eq!(looked_at("status", "approved"), (897, 900));
}
