//! Filters that count how often something came.

use crate::common::*;
use crate::facts::elapsed;
use crate::harness::*;
use crate::sources::converts;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;
use tollgate_domain::*;

const LEVELS: &[&str] = &["offer", "publisher", "advertiser", "sub_id"];
/// A data point of `duplicate_user`: its name, reason and columns.
const POINTS: &[(&str, &str, &[Text])] = &[
    ("ip", "DUPLICATE_IP", &[Text::Ip]),
    ("uuid", "DUPLICATE_UUID", &[Text::Uuid]),
    ("device_id", "DUPLICATE_DEVICE_ID", &[Text::DeviceId]),
    ("user_agent", "DUPLICATE_USER_AGENT", &[Text::UserAgent, Text::Ip]),
    ("fingerprint", "DUPLICATE_FINGERPRINT", &[Text::Fingerprint]),
];

/// The columns of levels.
pub(crate) fn columns(levels: &[&str]) -> Vec<Text> {
    let column = |level: &&str| match *level {
        "offer" => Text::OfferId,
        "publisher" => Text::Publisher,
        "advertiser" => Text::Advertiser,
        _ => Text::SubId,
    };
    levels.iter().map(column).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn duplicate_user(stream in streams(120), minutes in prop_oneof![Just(1i64), 2i64..90], allowed in 0usize..6,
                      points in subsequence(POINTS, 1..=5), levels in subsequence(LEVELS, 0..=4)) {
        let names: Vec<_> = points.iter().map(|(name, ..)| name).collect();
        let params = json!({"lookback_minutes": minutes, "allowed_duplicates": allowed, "data_points": names,
            "level": levels});
        let levels = columns(&levels);
        let stream = events(&stream, Pace::seconds(1));
        check(json!({"type": "duplicate_user", "params": params}), "UTC", stream, |history, event| {
            let counts = |event: &Event| event.kind == EventKind::Click || converts(event);
            if !counts(event) {
                return Vec::new();
            }
            let count = |columns| {
                let key = |event: &Event| key(event, columns, &levels);
                let counts = |seen: &Event| seen.kind == event.kind && counts(seen);
                history.window(event, Window::Minutes(minutes), key, counts).len()
            };
            let found = points.iter().map(|(_, reason, columns)| (*reason, count(columns)));
            found.filter(|(_, count)| *count > allowed).map(|(reason, count)| (reason, Some(count))).collect()
        })?;
    }

    #[test]
    fn click_flooding(stream in streams(120), minutes in 1i64..20, threshold in 1usize..12,
                      scope in prop_oneof![Just("ip"), Just("sub_id"), Just("publisher")]) {
        let params = json!({"window_minutes": minutes, "threshold": threshold, "scope": scope});
        let stream = events(&stream, Pace::seconds(1));
        check(json!({"type": "click_flooding", "params": params}), "UTC", stream, |history, event| {
            if event.kind == EventKind::Conversion {
                return Vec::new();
            }
            let key = |event: &Event| match scope {
                "ip" => key(event, &[Text::Ip], &[]),
                "sub_id" => key(event, &[Text::SubId], &[Text::Publisher]),
                _ => key(event, &[Text::Publisher], &[]),
            };
            let count =
                history.window(event, Window::Minutes(minutes), key, |seen| seen.kind == event.kind).len();
            if count > threshold { vec![("CLICK_FLOODING", Some(count))] } else { Vec::new() }
        })?;
    }

    #[test]
    fn attribution(stream in streams(120), days in 1i64..4, require: bool, once: bool) {
        let params = json!({"window_days": days, "require_click": require, "one_per_click": once});
        // Steps of a minute, so that windows of days matter.
        let stream = events(&stream, Pace::seconds(60));
        check(json!({"type": "attribution", "params": params}), "UTC", stream, |history, event| {
            if event.kind != EventKind::Conversion {
                return Vec::new();
            }
            let mut found = Vec::new();
            if require && text(event, Text::ClickRealTxId).is_empty() {
                found.push(("NO_CLICK", None));
            }
            let key = |event: &Event| key(event, &[Text::ClickRealTxId], &[Text::EventId, Text::EventName]);
            let window = Window::Minutes(days * 1440);
            let count = history.window(event, window, key, |seen| seen.kind == EventKind::Conversion).len();
            if once && count > 0 {
                found.push(("DUPLICATE_CONVERSION", Some(count)));
            }
            if elapsed(event).is_some_and(|elapsed| elapsed > days * 86_400_000) {
                found.push(("OUT_OF_WINDOW", None));
            }
            if text(event, Text::ClickStatus) == "rejected" {
                found.push(("REJECTED_CLICK", None));
            }
            found
        })?;
    }

    /// In time order the window is (t - w, t] but for the last bucket at its far end.
    #[test]
    fn windows_are_exact_to_one_bucket(steps in proptest::collection::vec(0i64..90, 1..200), minutes in 1i64..6) {
        let mut judge = Judge::new(plan(json!([{"type": "duplicate_user", "params": {
            "lookback_minutes": minutes, "allowed_duplicates": 0}}])));
        let (mut at, mut seen) = (0, Vec::<i64>::new());
        for step in steps {
            at += step * 500;
            let counted = if judge.reasons(&mut click(at, &[(Text::Ip, "192.0.2.1")])).is_empty() {
                0
            } else {
                judge.evidence()[0]["count"].as_u64().unwrap() as usize
            };
            let within = |millis: i64| seen.iter().filter(|time| **time > at - millis).count();
            let (shortest, longest) = (within(minutes * 59_000), within(minutes * 60_000));
            prop_assert!((shortest..=longest).contains(&counted), "{shortest} <= {counted} <= {longest}");
            seen.push(at);
        }
    }
}
