//! Counting filters against a reference that keeps every event in a list and counts by the documented semantic.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use serde_json::json;
use tollgate_domain::*;

/// An event of a random stream; small alphabets make keys collide.
#[derive(Debug, Clone)]
struct Sample {
    kind: EventKind,
    /// Seconds by which its time follows the previous one's, negative when it is late.
    step: i64,
    /// Seconds from its time to its arrival; negative when the caller's clock is ahead.
    delay: i64,
    ip: Option<u8>,
    offer: Option<u8>,
    publisher: Option<u8>,
    sub_id: Option<u8>,
    proxy: Option<ProxyKind>,
}

fn value(max: u8) -> impl Strategy<Value = Option<u8>> {
    prop_oneof![8 => (0..max).prop_map(Some), 1 => Just(None)]
}

fn sample() -> impl Strategy<Value = Sample> {
    let kind = prop_oneof![6 => Just(EventKind::Click), 2 => Just(EventKind::Conversion),
        2 => Just(EventKind::Impression)];
    let step = prop_oneof![6 => 0i64..4, 3 => 0i64..40, 2 => -70i64..0, 1 => -4000i64..4000];
    let delay = prop_oneof![8 => Just(0i64), 2 => 0i64..30, 1 => -20i64..0, 1 => 0i64..4000];
    let proxy = prop_oneof![2 => Just(None), 2 => Just(Some(ProxyKind::Vpn)),
        1 => Just(Some(ProxyKind::ResidentialProxy)), 1 => Just(Some(ProxyKind::PrivateRelay))];
    (kind, step, delay, value(2), value(2), value(2), value(2), proxy).prop_map(
        |(kind, step, delay, ip, offer, publisher, sub_id, proxy)| Sample {
            kind,
            step,
            delay,
            ip,
            offer,
            publisher,
            sub_id,
            proxy,
        },
    )
}

fn stream() -> impl Strategy<Value = Vec<Sample>> {
    proptest::collection::vec(sample(), 1..120)
}

/// The stream's events.
fn events(stream: &[Sample]) -> Vec<Event> {
    let mut at = 10_000;
    let all = stream.iter().map(|sample| {
        at += sample.step;
        let mut event = event(sample.kind, at * 1000 + 7, &[]);
        event.set_number(Number::ArrivalTime, START + (at + sample.delay) * 1000);
        let mut set = |column: Text, name: &str, value: Option<u8>| {
            if let Some(value) = value {
                event.set_text(column, &format!("{name}{value}"));
            }
        };
        set(Text::Ip, "192.0.2.", sample.ip);
        set(Text::OfferId, "o", sample.offer);
        set(Text::Publisher, "p", sample.publisher);
        set(Text::SubId, "s", sample.sub_id);
        if let Some(kind) = sample.proxy {
            event.set_text(Text::ProxyType, kind.code());
        }
        event
    });
    all.collect()
}

/// Every event processed so far, with what the filter under test would have it counted as.
#[derive(Default)]
struct Reference {
    seen: Vec<Seen>,
    clock: i64,
}

struct Seen {
    key: Vec<String>,
    at: i64,
    arrival: i64,
    clock: i64,
    hit: bool,
}

impl Reference {
    /// (total, hits) before the event, which is remembered if it has a key. A window is `minutes` long.
    fn judge(&mut self, event: &Event, key: Option<Vec<String>>, hit: bool, minutes: i64) -> (u32, u32) {
        let arrival = event.number(Number::ArrivalTime).unwrap() / 1000;
        let at = (event.at().millis() / 1000).min(arrival);
        self.clock = self.clock.max(arrival);
        let Some(key) = key else { return (0, 0) };
        let forgotten = |touched: i64, clock: i64| clock >= touched + minutes * 60;
        let (mut kept, mut touched) = (Vec::<(i64, bool)>::new(), i64::MIN / 2);
        for seen in self.seen.iter().filter(|seen| seen.key == key) {
            if forgotten(touched, seen.clock) {
                kept.clear();
                touched = i64::MIN / 2;
            }
            let bucket = seen.at / minutes;
            let newest = kept.iter().map(|(bucket, _)| *bucket).max().unwrap_or(bucket);
            if bucket > newest - 60 {
                kept.push((bucket, seen.hit));
                kept.retain(|(kept, _)| *kept > bucket.max(newest) - 60);
                touched = touched.max(seen.arrival);
            }
        }
        if forgotten(touched, self.clock) {
            kept.clear();
        }
        self.seen.push(Seen { key, at, arrival, clock: self.clock, hit });
        let bucket = at / minutes;
        let inside = kept.iter().filter(|(kept, _)| (bucket - 59..=bucket).contains(kept));
        let total = inside.clone().count() as u32;
        (total, inside.filter(|(_, hit)| *hit).count() as u32)
    }
}

fn key(event: &Event, points: &[Text], levels: &[Text]) -> Option<Vec<String>> {
    let mut key = vec![event.kind.name().to_owned()];
    for column in points {
        key.push(event.text(*column).filter(|value| !value.is_empty())?.to_owned());
    }
    key.extend(levels.iter().map(|column| event.text_or_empty(*column).to_owned()));
    Some(key)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn duplicate_user_counts_like_the_list(stream in stream(), minutes in prop_oneof![Just(1i64), 2i64..90],
                                           allowed in 0u32..8) {
        let mut judge = Judge::new(plan(json!([{"type": "duplicate_user", "params": {
            "lookback_minutes": minutes, "allowed_duplicates": allowed, "level": ["offer", "publisher"]}}])));
        let mut reference = Reference::default();
        for mut event in events(&stream) {
            let key = key(&event, &[Text::Ip], &[Text::OfferId, Text::Publisher])
                .filter(|_| event.kind != EventKind::Impression);
            let (total, _) = reference.judge(&event, key, true, minutes);
            let reasons = judge.reasons(&mut event);
            prop_assert_eq!(!reasons.is_empty(), total > allowed, "{} seen, {:?}", total, reasons);
            if total > allowed {
                prop_assert_eq!(&judge.evidence()[0]["count"], total);
            }
        }
    }

    #[test]
    fn click_flooding_counts_like_the_list(stream in stream(), minutes in 1i64..20, threshold in 1u32..12,
                                           scope in prop_oneof![Just("ip"), Just("sub_id"), Just("publisher")]) {
        let mut judge = Judge::new(plan(json!([{"type": "click_flooding", "params": {
            "window_minutes": minutes, "threshold": threshold, "scope": scope}}])));
        let mut reference = Reference::default();
        for mut event in events(&stream) {
            let key = match scope {
                "ip" => key(&event, &[Text::Ip], &[]),
                "sub_id" => key(&event, &[Text::SubId], &[Text::Publisher]),
                _ => key(&event, &[Text::Publisher], &[]),
            };
            let key = key.filter(|_| event.kind != EventKind::Conversion);
            let (total, _) = reference.judge(&event, key, true, minutes);
            prop_assert_eq!(!judge.reasons(&mut event).is_empty(), total > threshold);
        }
    }

    #[test]
    fn proxy_shares_are_those_of_the_list(stream in stream(), threshold in 1u32..100, min in 1u32..12,
                                          relays: bool, by_sub_id: bool) {
        let mut judge = Judge::new(plan(json!([{"type": "proxy", "params": {
            "threshold_percentage": threshold, "min_requests": min, "lookback_hours": 1, "level": ["offer"],
            "by_sub_id": by_sub_id, "allow_private_relays": relays}}])));
        let mut reference = Reference::default();
        for mut event in events(&stream) {
            let proxy = match event.text(Text::ProxyType) {
                Some("VPN") => true,
                Some("PRIVATE_RELAY") => !relays,
                _ => false,
            };
            let levels: &[Text] = if by_sub_id { &[Text::OfferId, Text::SubId] } else { &[Text::OfferId] };
            let key = key(&event, &[], levels).filter(|_| event.text(Text::Ip).is_some());
            let known = key.is_some();
            let (total, hits) = reference.judge(&event, key, proxy, 60);
            let over = total >= min && f64::from(hits) * 100.0 > f64::from(threshold * total);
            let expected: &[&str] = if known && proxy && over { &["VPN"] } else { &[] };
            prop_assert_eq!(judge.reasons(&mut event), expected, "{} of {}", hits, total);
        }
    }

    #[test]
    fn one_conversion_per_click_like_the_list(stream in stream(), days in 1i64..3) {
        let mut judge = Judge::new(plan(json!([{"type": "attribution", "params": {"window_days": days}}])));
        let mut reference = Reference::default();
        for mut event in events(&stream) {
            event.kind = EventKind::Conversion;
            // Stretch the stream so that windows of days matter.
            for column in [Number::RequestTime, Number::ArrivalTime] {
                let millis = event.number(column).unwrap() - START;
                event.set_number(column, START + 40_000_000_000 + millis * 60);
            }
            if let Some(click) = event.text(Text::Ip).map(str::to_owned) {
                event.set_text(Text::ClickRealTxId, &click);
            }
            if let Some(id) = event.text(Text::SubId).map(str::to_owned) {
                event.set_text(Text::EventId, &id);
            }
            let key = key(&event, &[Text::ClickRealTxId], &[Text::EventId]);
            let (total, _) = reference.judge(&event, key, true, days * 1440);
            prop_assert_eq!(judge.reasons(&mut event).contains(&"DUPLICATE_CONVERSION"), total > 0);
        }
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

/// The worked example of the design: threshold 75 %, at least 100 requests.
#[test]
fn proxies_are_rejected_once_their_share_is_over_the_threshold() {
    let mut judge = Judge::new(plan(
        json!([{"type": "proxy", "params": {"threshold_percentage": 75, "min_requests": 100}}]),
    ));
    let mut next = 0;
    let mut send = |proxy: bool| {
        let mut click =
            click(next * 10, &[(Text::Ip, "192.0.2.1"), (Text::OfferId, "o"), (Text::Publisher, "p")]);
        next += 1;
        if proxy {
            click.set_text(Text::ProxyType, "DATA_CENTER");
        }
        let reasons = judge.reasons(&mut click);
        (reasons, judge.evidence())
    };
    for n in 0..100 {
        assert!(send(n < 74).0.is_empty(), "the first 100 pass, {n}");
    }
    // 74 of 100, 75 of 101, 76 of 102, 77 of 103 (74.76 %), 78 of 104 (75.00 %), 79 of 105 (75.24 %).
    for n in 0..5 {
        assert!(send(true).0.is_empty(), "{n}");
    }
    let (reasons, evidence) = send(true);
    assert_eq!(reasons, ["DATA_CENTER"]);
    assert_eq!(
        evidence[0],
        json!({
            "filter": 0, "type": "proxy", "action": "reject", "reason": "DATA_CENTER", "field": "DATA_CENTER",
            "observed": 75.23, "threshold": 75.0, "window_minutes": 720, "key": ["publisher", "offer_id"],
            "count": 105,
        })
    );
    assert_eq!(send(true).0, ["DATA_CENTER"], "80 of 106");
    assert!(send(false).0.is_empty(), "ordinary clicks still pass");
    assert!(send(true).0.is_empty(), "81 of 108 is 75.00 %");
}
