//! Random conditions against a reading of their JSON that knows nothing of types, and sub ids against a list.

use crate::common::{START, event as event_at};
use crate::harness::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;
use tollgate_domain::*;

const TEXTS: &[(&str, Text)] = &[
    ("publisher", Text::Publisher),
    ("sub_id", Text::SubId),
    ("country", Text::Country),
    ("click.country", Text::ClickCountry),
    ("proxy_type", Text::ProxyType),
    ("bot_class", Text::BotClass),
    ("os_version", Text::OsVersion),
];
const TIMES: &[(&str, Number)] = &[
    ("request_time", Number::RequestTime),
    ("click.click_time", Number::ClickTime),
    ("begin_install_time", Number::BeginInstallTime),
];
const VALUES: &[&str] = &["", "p1", "p2", "s1", "DE", "FR", "VPN", "crawlers", "1"];

fn leaf() -> impl Strategy<Value = Value> {
    let text = proptest::sample::select(TEXTS).prop_map(|(name, _)| name);
    let time = proptest::sample::select(TIMES).prop_map(|(name, _)| name);
    let value = proptest::sample::select(VALUES);
    let order = proptest::sample::select(&["eq", "ne", "lt", "lte", "gt", "gte"][..]);
    prop_oneof![
        (text.clone(), proptest::sample::select(&["eq", "ne"][..]), value.clone())
            .prop_map(|(field, op, value)| json!({"field": field, "op": op, "value": value})),
        (text.clone(), proptest::collection::vec(value, 1..4))
            .prop_map(|(field, values)| json!({"field": field, "op": "in", "value": values})),
        (text.clone(), proptest::sample::select(&["contains", "starts_with"][..]), "[pVPD12]{1,2}")
            .prop_map(|(field, op, value)| json!({"field": field, "op": op, "value": value})),
        (text.clone(), proptest::sample::select(&["eq", "ne", "contains", "starts_with"][..]), text)
            .prop_map(|(field, op, other)| json!({"field": field, "op": op, "other_field": other})),
        (time.clone(), order.clone(), -100_000i64..100_000)
            .prop_map(|(field, op, value)| json!({"field": field, "op": op, "value": START + value})),
        (time.clone(), order, time)
            .prop_map(|(field, op, other)| json!({"field": field, "op": op, "other_field": other})),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(|all| json!({"all": all})),
            several.prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

/// A field's value; null when it is not known.
fn value(event: &Event, name: &str) -> Value {
    if let Some((_, column)) = TIMES.iter().find(|(known, _)| *known == name) {
        return event.number(*column).into();
    }
    let column = TEXTS.iter().find(|(known, _)| *known == name).unwrap().1;
    let found = match name {
        "publisher" | "sub_id" => Some(""),
        "proxy_type" => event.text(Text::Ip).map(|_| ""),
        "bot_class" => event.text(Text::UserAgent).map(|_| ""),
        _ => None,
    };
    event.text(column).or(found).into()
}

/// Whether a condition holds: 1 yes, 0 unknown, -1 no.
fn holds(condition: &Value, event: &Event) -> i32 {
    let each =
        |list: &Value| list.as_array().unwrap().iter().map(|one| holds(one, event)).collect::<Vec<_>>();
    if let Some(all) = condition.get("all") {
        return *each(all).iter().min().unwrap();
    }
    if let Some(any) = condition.get("any") {
        return *each(any).iter().max().unwrap();
    }
    if let Some(not) = condition.get("not") {
        return -holds(not, event);
    }
    let left = value(event, condition["field"].as_str().unwrap());
    let right = match condition.get("other_field") {
        Some(other) => value(event, other.as_str().unwrap()),
        None => condition["value"].clone(),
    };
    if left.is_null() || right.is_null() {
        return 0;
    }
    let order = match (&left, &right) {
        (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
        _ => {
            if left == right {
                Ordering::Equal
            } else {
                Ordering::Less
            }
        }
    };
    let yes = match condition["op"].as_str().unwrap() {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "in" => right.as_array().unwrap().contains(&left),
        "contains" => left.as_str().unwrap().contains(right.as_str().unwrap()),
        _ => left.as_str().unwrap().starts_with(right.as_str().unwrap()),
    };
    if yes { 1 } else { -1 }
}

/// The sub ids of a stream: few, or ever new ones.
fn sub_id(die: u8) -> Option<String> {
    match die {
        0..20 => None,
        20..30 => Some(String::new()),
        30..40 => Some("UNIFIED".to_owned()),
        40..50 => Some("ü2".to_owned()),
        die => Some(format!("s{}", die % 12)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn custom(stream in streams(40), when in condition(), own: bool) {
        let code = if own { "MINE_1" } else { "CUSTOM" };
        let filter = json!({"type": "custom", "params": {"when": when, "code": code}});
        let mut judge = crate::common::Judge::new(crate::common::plan(json!([filter])));
        for mut event in events(&stream, Pace::seconds(1)) {
            let expected = holds(&when, &event);
            judge.reasons(&mut event);
            prop_assert_eq!(judge.verdict.primary_code(), (expected > 0).then_some(code), "{:?}", event);
            prop_assert_eq!(judge.verdict.abstained() != 0, expected == 0);
            let rejections = (expected > 0).then(|| json!([code]).to_string());
            prop_assert_eq!(event.text(Text::Rejections), rejections.as_deref());
            prop_assert_eq!(event.status() == Some(Status::Rejected), expected > 0);
        }
    }

    #[test]
    fn sub_id_validity(stream in streams(60), dice in proptest::collection::vec(any::<u8>(), 60), numbers: bool,
                       min in 0usize..4, more in 0usize..3) {
        let max = if more == 0 { 0 } else { min + more };
        let mut stream = events(&stream, Pace::seconds(1));
        for (event, die) in stream.iter_mut().zip(dice) {
            event.clear_text(Text::SubId);
            if let Some(sub_id) = sub_id(die) {
                event.set_text(Text::SubId, &sub_id);
            }
        }
        let params = json!({"only_numbers": numbers, "min_length": min, "max_length": max});
        check(json!({"type": "sub_id_validity", "params": params}), "UTC", stream, |_, event| {
            if event.kind == EventKind::Impression {
                return Vec::new();
            }
            let sub_id = text(event, Text::SubId);
            let length = sub_id.chars().count();
            let mut expected = Vec::new();
            if numbers && !sub_id.chars().all(|c| c.is_ascii_digit()) {
                expected.push(("INVALID_SUB_ID", None));
            }
            if length < min || (max > 0 && length > max) {
                expected.push(("INVALID_SUB_ID", None));
            }
            expected
        })?;
    }

    /// Sub ids beyond the limit are renamed and judged as one, restarts and all; a list of a day's sub ids says which.
    #[test]
    fn too_many_sub_ids_become_one(stream in streams(100), dice in proptest::collection::vec(any::<u8>(), 100),
                                   max in 1usize..6, threshold in 1usize..5) {
        // Steps of ten minutes; the clocks change in the middle: 2026-10-25.
        let zone = "Europe/Berlin";
        let mut stream = events(&stream, Pace { from: 1_792_800_000_000, unit: 600_007 });
        for (event, die) in stream.iter_mut().zip(dice) {
            event.clear_text(Text::SubId);
            if let Some(sub_id) = sub_id(die) {
                event.set_text(Text::SubId, &sub_id);
            }
        }
        let filters = json!([
            {"type": "click_flooding", "params": {"scope": "sub_id", "threshold": threshold, "window_minutes": 1440}},
            {"type": "sub_id_validity", "params": {"max_unique": max, "unified_name": "UNIFIED"}},
        ]);
        check_all(filters, zone, stream, |history, event| {
            if event.kind != EventKind::Click {
                return Vec::new();
            }
            let is_click = |seen: &Event| seen.kind == EventKind::Click;
            let by_sub_id = |event: &Event| key(event, &[Text::SubId], &[Text::Publisher]);
            let publisher = |event: &Event| key(event, &[], &[Text::Publisher]);
            let day = Window::Calendar("day", zone);
            // Sub ids and their number are forgotten apart, when nothing was counted for a day of arrival.
            let known = !history.window(event, day, by_sub_id, is_click).is_empty();
            let is_new = |seen: &Event| is_click(seen) && seen.flag(Number::NewSubId);
            let distinct = history.window(event, day, publisher, is_new).len();
            let renamed = !text(event, Text::SubId).is_empty() && !known && distinct >= max;
            let mut judged = event.clone();
            if renamed {
                judged.set_text(Text::SubId, "UNIFIED");
            }
            let count = history.window(&judged, Window::Minutes(1440), by_sub_id, is_click).len();
            if count > threshold { vec![("CLICK_FLOODING", Some(count))] } else { Vec::new() }
        })?;
    }
}

#[test]
fn a_renamed_sub_id_is_kept_beside_its_new_name() {
    let filters = json!([{"type": "sub_id_validity", "params": {"max_unique": 2}}]);
    let mut judge = crate::common::Judge::new(crate::common::plan(filters));
    let mut send = |kind, sub_id: &str, hour: i64| {
        let texts = [(Text::Publisher, "p"), (Text::SubId, sub_id)];
        let mut event = event_at(kind, hour * 3_600_000, &texts);
        assert!(judge.reasons(&mut event).is_empty());
        let invalid = event.text(Text::InvalidSubId).map(str::to_owned);
        (event.text_or_empty(Text::SubId).to_owned(), invalid, event.number(Number::NewSubId))
    };
    let kept = |name: &str, new| (name.to_owned(), None, Some(new));
    let renamed = |name: &str| ("TOO_MANY_UNIQUE_SUB_ID".to_owned(), Some(name.to_owned()), Some(0));
    use EventKind::{Click, Conversion};
    assert_eq!(send(Click, "a", 0), kept("a", 1));
    assert_eq!(send(Click, "b", 0), kept("b", 1));
    assert_eq!(send(Click, "c", 0), renamed("c"));
    assert_eq!(send(Click, "a", 0), kept("a", 0), "those that came first keep their names");
    assert_eq!(send(Click, "c", 0), renamed("c"));
    assert_eq!(send(Conversion, "c", 0), kept("c", 1), "kinds are counted apart");
    assert_eq!(send(Click, "TOO_MANY_UNIQUE_SUB_ID", 0), kept("TOO_MANY_UNIQUE_SUB_ID", 0));
    assert_eq!(send(Click, "", 0), ("".to_owned(), None, None));
    assert_eq!(send(Click, "c", 24), kept("c", 1), "the next day begins anew");
}
