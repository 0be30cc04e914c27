//! Groups compared with sums over a plain list of the same events.

use super::*;
use crate::view_tests::{
    Both, DAY_MS, Meaning, PREDICATES, any_event, any_layout, integration, spread_amended,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tollgate_domain::{Event, KINDS_ALL, Status, Timestamp};

fn any_history() -> impl Strategy<Value = Both> {
    (
        proptest::collection::vec((any_event(), 0u8..6), 1..300),
        proptest::collection::vec(1usize..120, 0..5),
        proptest::collection::vec(1usize..40, 0..6),
        (any_layout(), 0u8..8),
        proptest::collection::vec((any::<usize>(), any::<u8>()), 0..20),
    )
        .prop_map(|(events, seals, frames, layout, amended)| {
            let named = |(mut event, country): (Event, u8)| {
                if country > 0 {
                    event.set_text(Text::Country, ["", "DE", "FR", "IT", "JP"][usize::from(country) - 1]);
                }
                event.set_number(Number::MonitoringMode, i64::from(country % 2));
                event
            };
            let events = events.into_iter().map(named).collect();
            spread_amended(events, &seals, &frames, layout, &amended)
        })
}

/// What jiff says of a time, however slowly.
fn key_of(key: Key, event: &Event, zone: &jiff::tz::TimeZone) -> KeyValue {
    let text = |text: Option<&str>| text.map_or(KeyValue::None, |text| KeyValue::Text(text.to_owned()));
    let local = jiff::Timestamp::from_millisecond(event.at().millis()).unwrap().to_zoned(zone.clone());
    match key {
        Key::Date => KeyValue::Date(Day::parse("date", &local.date().to_string()).unwrap()),
        Key::Hour => KeyValue::Hour(local.hour() as u8),
        Key::Integration => text(Some(event.integration.as_str())),
        Key::Rejection => text(event.primary_reason()),
        Key::Text(column) => text(event.text(column)),
    }
}

fn add(measures: &mut Measures, event: &Event) {
    measures.total += 1;
    match (event.status(), event.flag(Number::MonitoringMode)) {
        (Some(Status::Approved), _) => measures.approved += 1,
        (Some(Status::Rejected), true) => measures.monitored += 1,
        (Some(Status::Rejected), false) => measures.rejected += 1,
        (None, _) => {}
    }
    measures.revenue += i128::from(event.number(Number::Revenue).unwrap_or(0));
    measures.payout += i128::from(event.number(Number::Payout).unwrap_or(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn groups_are_the_sums_of_their_events(
        both in any_history(), keys in proptest::sample::subsequence(Key::all().collect::<Vec<_>>(), 0..4),
        owners in proptest::sample::subsequence(vec![0usize, 1, 2], 1..4), kind in 0usize..3, conversions: bool,
        predicate in proptest::option::of(0..PREDICATES.len()), zone in 0usize..4, threads in 1usize..4,
        border in 0i64..3,
    ) {
        let zone = ["UTC", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham"][zone];
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let kind = KINDS_ALL[kind];
        let (mut predicates, mut meaning): (_, Meaning) = (Vec::new(), |_| true);
        if let Some((name, operator, text, means)) = predicate.map(|number| PREDICATES[number]) {
            predicates.push(Predicate::parse(kind, name, operator, text).unwrap());
            meaning = means;
        }
        let from = TxId::first_at(Timestamp::from_millis(20_000 * DAY_MS + border * 3_600_000));
        let to = TxId::first_at(Timestamp::from_millis(20_002 * DAY_MS + 50_000_000));
        let source = |owner: &usize| {
            GroupSource { integration: integration(*owner), from, to, zone: zone.clone() }
        };
        let query = GroupQuery {
            sources: owners.iter().map(source).collect(),
            counted: (kind, predicates),
            conversions: conversions.then(Vec::new),
            keys,
            as_of: None,
        };
        let mut expected: BTreeMap<Vec<KeyValue>, Measures> = BTreeMap::new();
        for event in both.events.iter().filter(|event| from <= event.id && event.id < to) {
            if !owners.iter().any(|owner| integration(*owner) == event.integration) {
                continue;
            }
            let keys = || query.keys.iter().map(|key| key_of(*key, event, &zone)).collect::<Vec<_>>();
            if event.kind == kind && meaning(event) {
                add(expected.entry(keys()).or_default(), event);
            }
            if conversions && event.kind == EventKind::Conversion {
                expected.entry(keys()).or_default().conversions += 1;
            }
        }
        let grouped = both.view.group(&query, &Bounds::threads(threads)).unwrap();
        let found: Vec<_> = grouped.groups.iter().map(|group| (group.keys.clone(), group.measures)).collect();
        prop_assert_eq!(&found, &expected.clone().into_iter().collect::<Vec<_>>());
        let mut totals = Measures::default();
        expected.values().for_each(|measures| totals.add(measures));
        prop_assert_eq!((grouped.totals, grouped.cut), (totals, both.view.cut()));
    }
}

#[test]
fn days_and_hours_follow_the_changes_of_the_clock() {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let mut clock = Clock::new(&zone);
    let at = |text: &str| Timestamp::parse("time", text).unwrap().millis();
    for (time, day, hour) in [
        ("2026-03-28 22:59:59", "2026-03-28", 23),
        ("2026-03-28 23:00:00", "2026-03-29", 0),
        ("2026-03-29 00:59:59", "2026-03-29", 1),
        ("2026-03-29 01:00:00", "2026-03-29", 3),
        ("2026-03-29 21:59:59", "2026-03-29", 23),
        ("2026-03-29 22:00:00", "2026-03-30", 0),
        ("2026-10-25 00:30:00", "2026-10-25", 2),
        ("2026-10-25 01:30:00", "2026-10-25", 2),
        ("2026-10-25 23:00:00", "2026-10-26", 0),
        ("2026-03-28 22:59:59", "2026-03-28", 23),
    ] {
        assert_eq!(clock.at(at(time)), (Day::parse("day", day).unwrap(), hour), "{time}");
    }
}

#[test]
fn too_many_groups_are_refused_with_what_narrows_them() {
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, integration(0));
        let time = Timestamp::from_millis(20_000 * DAY_MS + n);
        event.id = TxId::new(time, n as u128);
        event.set_number(Number::RequestTime, time.millis());
        event.set_text(Text::SubId, &format!("source-{n}"));
        event
    };
    let layout = (crate::segment::Layout { group_rows: 300, page_rows: 20 }, 0);
    let both = spread_amended((0..1100).map(event).collect(), &[1000], &[], layout, &[]);
    let (from, to) = (TxId::default(), TxId::from_u128(u128::MAX));
    let source = GroupSource { integration: integration(0), from, to, zone: jiff::tz::TimeZone::UTC };
    let counted = (EventKind::Click, Vec::new());
    let keys = vec![Key::Text(Text::SubId)];
    let query = GroupQuery { sources: vec![source], counted, conversions: None, keys, as_of: None };
    let error = both.view.group(&query, &Bounds::threads(2)).unwrap_err();
    assert!(matches!(error, GroupError::TooMany), "{error}");
    assert_eq!(
        error.to_string(),
        "there are more than 1000 groups; ask for fewer keys, a shorter time range or a filter"
    );
    let one = GroupQuery { keys: Vec::new(), ..query };
    assert_eq!(both.view.group(&one, &Bounds::threads(2)).unwrap().totals.total, 1100);
}

#[test]
fn a_report_reads_no_more_than_it_may_and_ends_when_nobody_wants_it() {
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, integration(0));
        let time = Timestamp::from_millis(20_000 * DAY_MS + n);
        event.id = TxId::new(time, n as u128);
        event.set_number(Number::RequestTime, time.millis());
        event.set_text(Text::Publisher, if n % 7 == 0 { "seven" } else { "other" });
        event
    };
    let layout = (crate::segment::Layout { group_rows: 300, page_rows: 8 }, 0);
    let both = spread_amended((0..900).map(event).collect(), &[400, 300], &[], layout, &[]);
    let (from, to) = (TxId::default(), TxId::from_u128(u128::MAX));
    let source = GroupSource { integration: integration(0), from, to, zone: jiff::tz::TimeZone::UTC };
    let nothing = vec![Predicate::parse(EventKind::Click, "publisher", Some("contains"), "x").unwrap()];
    let sources = vec![source];
    let mut query = GroupQuery {
        sources,
        counted: (EventKind::Click, nothing),
        conversions: None,
        keys: Vec::new(),
        as_of: None,
    };
    let bounded = |rows| Bounds { rows, ..Bounds::threads(2) };
    query.conversions = Some(Vec::new());
    assert_eq!(both.view.group(&query, &bounded(900)).unwrap().totals.total, 0);
    let error = both.view.group(&query, &bounded(899)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "more than 899 events would have to be read; ask for a shorter time range, or for fewer integrations"
    );
    let stopped = bounded(900);
    stopped.stop.clone().set();
    assert!(matches!(both.view.group(&query, &stopped), Err(GroupError::Stopped)));
}
