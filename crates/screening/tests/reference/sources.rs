//! Filters that judge a source by a share of its events.

use crate::counting::columns;
use crate::facts::{elapsed, minimums, outdated};
use crate::harness::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use tollgate_domain::*;

/// Conversions themselves, without the events after them.
pub(crate) fn converts(event: &Event) -> bool {
    let later = !text(event, Text::EventId).is_empty() || !text(event, Text::EventName).is_empty();
    event.kind == EventKind::Conversion && !later
}

fn levels(by_sub_id: bool) -> &'static [Text] {
    let all = &[Text::OfferId, Text::Publisher, Text::SubId];
    if by_sub_id { all } else { &all[..2] }
}

/// What is found when more than `threshold` percent of at least `min` events hit.
fn judge(
    window: &[&Event],
    hits: impl Fn(&Event) -> bool,
    min: usize,
    threshold: f64,
    reason: &'static str,
) -> Expected {
    let hits = window.iter().filter(|event| hits(event)).count();
    let share = 100.0 * hits as f64 / window.len() as f64;
    let over = window.len() >= min && share > threshold;
    if over { vec![(reason, Some(window.len()))] } else { Vec::new() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proxy(stream in streams(300), threshold in 1u32..60, min in 1usize..12, hours in 1i64..3, relays: bool,
             by_sub_id: bool, by in subsequence(&["offer", "publisher", "advertiser"], 0..=3)) {
        let params = json!({"threshold_percentage": threshold, "min_requests": min, "lookback_hours": hours,
            "level": by, "by_sub_id": by_sub_id, "allow_private_relays": relays});
        let mut levels = columns(&by);
        levels.extend(by_sub_id.then_some(Text::SubId));
        let reason = |event: &Event| match text(event, Text::ProxyType) {
            "VPN" => Some("VPN"),
            "DATA_CENTER" => Some("DATA_CENTER"),
            "PRIVATE_RELAY" if !relays => Some("VPN"),
            _ => None,
        };
        let stream = events(&stream, Pace::seconds(2));
        check(json!({"type": "proxy", "params": params}), "UTC", stream, |history, event| {
            let counts = |seen: &Event| seen.kind == event.kind && !text(seen, Text::Ip).is_empty();
            let Some(proxy) = reason(event).filter(|_| counts(event)) else { return Vec::new() };
            let window = history.window(event, Window::Minutes(hours * 60), |e| key(e, &[], &levels), counts);
            judge(&window, |seen| reason(seen).is_some(), min, threshold.into(), proxy)
        })?;
    }

    #[test]
    fn old_device(stream in streams(300), (oldest, mut params) in minimums(), threshold in 1u32..60, min in 1usize..12,
                  hours in 1i64..3, by_sub_id: bool) {
        params["threshold_percentage"] = threshold.into();
        params["min_clicks"] = min.into();
        params["lookback_hours"] = hours.into();
        params["by_sub_id"] = by_sub_id.into();
        let old = |event: &Event| outdated(event, [&oldest[0], &oldest[1]]);
        let stream = events(&stream, Pace::seconds(2));
        check(json!({"type": "old_device", "params": params}), "UTC", stream, |history, event| {
            if event.kind == EventKind::Impression || old(event) != Some(true) {
                return Vec::new();
            }
            let counts = |seen: &Event| seen.kind == event.kind && old(seen).is_some();
            let key = |event: &Event| key(event, &[], levels(by_sub_id));
            let window = history.window(event, Window::Minutes(hours * 60), key, counts);
            judge(&window, |seen| old(seen) == Some(true), min, threshold.into(), "OLD_DEVICE")
        })?;
    }

    #[test]
    fn low_session_time(stream in streams(300), seconds in select(vec![10, 30, 31, 3600]), threshold in 0u32..60,
                        min in 1usize..8, hours in 1i64..3, by_sub_id: bool) {
        let params = json!({"seconds": seconds, "threshold_percentage": threshold, "min_conversions": min,
            "lookback_hours": hours, "by_sub_id": by_sub_id});
        let stream = events(&stream, Pace::seconds(2));
        check(json!({"type": "low_session_time", "params": params}), "UTC", stream, |history, event| {
            if event.kind != EventKind::Conversion || elapsed(event).is_none() {
                return Vec::new();
            }
            let counts = |seen: &Event| converts(seen) && elapsed(seen).is_some();
            let key = |event: &Event| key(event, &[], levels(by_sub_id));
            let window = history.window(event, Window::Minutes(hours * 60), key, counts);
            let quick = |seen: &Event| elapsed(seen).unwrap() < seconds * 1000;
            judge(&window, quick, min, threshold.into(), "LOW_SESSION_TIME")
        })?;
    }

    #[test]
    fn click_spam(stream in streams(400), hours in select(vec![1i64, 24, 55]), threshold in 0u32..60,
                  min in 10usize..14, days in 1i64..3, by_sub_id: bool) {
        let params = json!({"ctit_hours": hours, "threshold_percentage": threshold, "min_conversions": min,
            "lookback_days": days, "scope": if by_sub_id { "sub_id" } else { "publisher" }});
        let levels: &[Text] = if by_sub_id { &[Text::Publisher, Text::SubId] } else { &[Text::Publisher] };
        let stream = events(&stream, Pace::seconds(30));
        check(json!({"type": "click_spam", "params": params}), "UTC", stream, |history, event| {
            if event.kind != EventKind::Conversion || elapsed(event).is_none() {
                return Vec::new();
            }
            let counts = |seen: &Event| converts(seen) && elapsed(seen).is_some();
            let window = history.window(event, Window::Minutes(days * 1440), |e| key(e, &[], levels), counts);
            let slow = |seen: &Event| elapsed(seen).unwrap() > hours * 3_600_000;
            judge(&window, slow, min, threshold.into(), "CLICK_SPAM")
        })?;
    }

    #[test]
    fn rejection_threshold(stream in streams(300), threshold in 0u32..60, min in 1usize..10, days in 1i64..3,
                           by in subsequence(&["offer", "publisher", "sub_id"], 0..=3)) {
        let params = json!({"max_percentage": threshold, "min_conversions": min, "lookback_days": days, "level": by});
        let mut levels = columns(&by);
        if by.contains(&"sub_id") {
            levels.push(Text::Publisher);
        }
        // Something else has to reject.
        let (mine, other) = (json!({"type": "rejection_threshold", "params": params}), json!({"type": "third_party_rejection"}));
        let refused = |event: &Event| {
            event.kind == EventKind::Conversion && !text(event, Text::ThirdPartyRejectedReason).is_empty()
        };
        let stream = events(&stream, Pace::seconds(30));
        check_all(json!([other, mine]), "UTC", stream, |history, event| {
            let mut found = if refused(event) { vec![("THIRD_PARTY", None)] } else { Vec::new() };
            if event.kind != EventKind::Impression {
                let key = |event: &Event| key(event, &[], &levels);
                let window = history.window(event, Window::Minutes(days * 1440), key, converts);
                found.extend(judge(&window, refused, min, threshold.into(), "REJECTION_THRESHOLD"));
            }
            found
        })?;
    }

    #[test]
    fn conversion_rate(stream in streams(400), low in 0u32..60, more in 0u32..40, min_clicks in 1usize..12,
                       min_conversions in 0usize..4, interval in select(vec!["hour", "day", "week", "month"]),
                       zone in select(vec!["UTC", "Europe/Berlin", "America/St_Johns"]), by_sub_id: bool, block: bool) {
        let params = json!({"low": low, "high": low + more, "min_clicks": min_clicks, "by_sub_id": by_sub_id,
            "min_conversions": min_conversions, "interval": interval, "block_clicks": block});
        let unit = match interval { "hour" => 1000, "day" => 20_000, "week" => 150_000, _ => 600_000 };
        // 2026-10-24T22:00Z: clocks change hours later in Berlin and a week later in St John's.
        let stream = events(&stream, Pace { from: 1_792_879_200_000, unit });
        check(json!({"type": "conversion_rate", "params": params}), zone, stream, |history, event| {
            if event.kind == EventKind::Impression || (event.kind == EventKind::Click && !block) {
                return Vec::new();
            }
            let key = |event: &Event| key(event, &[], levels(by_sub_id));
            let counts = |seen: &Event| seen.kind == EventKind::Click || converts(seen);
            let window = history.window(event, Window::Calendar(interval, zone), key, counts);
            let conversions = window.iter().filter(|event| converts(event)).count();
            let clicks = window.len() - conversions;
            let percent = 100.0 * conversions as f64 / clicks as f64;
            if clicks < min_clicks || conversions < min_conversions {
                Vec::new()
            } else if percent < f64::from(low) {
                vec![("CONVERSION_RATE_LOW", Some(window.len()))]
            } else if percent > f64::from(low + more) {
                vec![("CONVERSION_RATE_HIGH", Some(window.len()))]
            } else {
                Vec::new()
            }
        })?;
    }
}
