//! Filters that look at the event alone, against naive references over random events.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use serde_json::json;
use tollgate_domain::*;

/// Absent, empty, or one of a few.
fn text(options: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![1 => Just(None), 6 => proptest::sample::select(options).prop_map(Some)]
}

fn kind() -> impl Strategy<Value = EventKind> {
    proptest::sample::select(KINDS_ALL)
}

fn subset(options: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(options, 0..=options.len())
}

fn build(kind: EventKind, texts: &[(Text, Option<&str>)]) -> Event {
    let mut event = event(kind, 0, &[]);
    for (column, value) in texts {
        if let Some(value) = value {
            event.set_text(*column, value);
        }
    }
    event
}

const VALUES: &[&str] = &["", "a", "b", "c", "ab"];
const COUNTRIES: &[&str] = &["", "DE", "FR", "US", "XK"];
const CODES: &[&str] = &["DE", "FR", "US", "XK"];
const DEVICES: &[&str] = &[
    "",
    "00000000-0000-0000-0000-000000000000",
    "5f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "5F2504E0-4F89-41D3-9A0C-0305E82C3301",
    "5f2504e04f8941d39a0c0305e82c3301",
    "5f2504e0-4f89-41d3-9a0c-0305e82c330g",
    "5f2504e0-4f89-41d3-9a0c-0305e82c33011",
    "5f2504e-04f89-41d3-9a0c-0305e82c3301",
    "5f2504e0-4f89-41d3-9a0c-0305e82c33é",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn data_validation(kind in kind(), publisher in text(VALUES), sub_id in text(VALUES),
                       allowed in subset(&["a", "b"]), blocked in subset(&["b", "c"]), empty: bool, other: bool) {
        let mut judge = Judge::new(plan(json!([{"type": "data_validation", "params": {
            "publisher": {"allowed": allowed, "blocked": blocked, "reject_empty": empty},
            "sub_id": {"reject_empty": other}}}])));
        let mut event = build(kind, &[(Text::Publisher, publisher), (Text::SubId, sub_id)]);
        let wrong = match publisher.unwrap_or("") {
            "" => empty,
            value => blocked.contains(&value) || (!allowed.is_empty() && !allowed.contains(&value)),
        };
        let wrong = wrong || (other && sub_id.unwrap_or("").is_empty());
        let expected: &[&str] = if wrong { &["DATA_VALIDATION"] } else { &[] };
        prop_assert_eq!(judge.reasons(&mut event), expected);
    }

    #[test]
    fn device_id(kind in kind(), device in text(DEVICES), block_empty: bool, block_zero: bool) {
        let mut judge = Judge::new(plan(json!([{"type": "device_id", "params": {
            "block_empty": block_empty, "block_zero": block_zero}}])));
        let mut event = build(kind, &[(Text::DeviceId, device)]);
        let groups: Vec<_> = device.unwrap_or("").split('-').collect();
        let form = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
            && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()));
        let zero = groups.concat().chars().all(|c| c == '0');
        let wrong = match device.unwrap_or("") {
            "" => block_empty,
            _ => !form || (zero && block_zero),
        };
        prop_assert_eq!(!judge.reasons(&mut event).is_empty(), wrong && kind != EventKind::Impression);
    }

    #[test]
    fn bot(kind in kind(), class in proptest::option::of(proptest::sample::select(BotClass::ALL)),
           agent in text(&["", "Mozilla/5.0"]), engine in text(&["", "google"]), on in subset(
           &["crawlers", "headless", "emulators", "libraries", "empty_user_agent"]), allow: bool) {
        let mut params = serde_json::Map::new();
        for name in ["crawlers", "headless", "emulators", "libraries", "empty_user_agent"] {
            params.insert(name.into(), on.contains(&name).into());
        }
        params.insert("verified_search_engines".into(), if allow { "allow" } else { "reject" }.into());
        let mut judge = Judge::new(plan(json!([{"type": "bot", "params": params}])));
        let mut event = build(kind, &[(Text::UserAgent, agent), (Text::BotClass, class.map(BotClass::code)),
            (Text::SearchEngine, engine)]);
        let wrong = class.is_some_and(|class| match class {
            BotClass::Contradiction => true,
            BotClass::Crawler => on.contains(&"crawlers") && !(allow && engine == Some("google")),
            other => on.contains(&other.code()),
        });
        let expected: &[&str] = if wrong { &["BOT"] } else { &[] };
        prop_assert_eq!(judge.reasons(&mut event), expected);
        prop_assert_eq!(judge.verdict.abstained() != 0, class.is_none() && agent.is_none());
    }

    #[test]
    fn proxy_without_threshold(kind in kind(), ip in text(&["", "192.0.2.1"]),
                               proxy in proptest::option::of(proptest::sample::select(ProxyKind::ALL)),
                               kinds in subset(&["VPN", "DATA_CENTER", "TOR", "PUBLIC_PROXY", "RESIDENTIAL_PROXY"]),
                               relays: bool) {
        prop_assume!(!kinds.is_empty());
        let mut judge = Judge::new(plan(json!([{"type": "proxy", "params": {
            "kinds": kinds, "allow_private_relays": relays}}])));
        let mut event = build(kind, &[(Text::Ip, ip), (Text::ProxyType, proxy.map(ProxyKind::code))]);
        let reason = match proxy {
            Some(ProxyKind::PrivateRelay) => (!relays).then_some("VPN"),
            Some(other) => kinds.contains(&other.code()).then_some(other.code()),
            None => None,
        };
        let expected: Vec<_> = reason.filter(|_| ip == Some("192.0.2.1")).into_iter().collect();
        prop_assert_eq!(judge.reasons(&mut event), expected);
    }

    #[test]
    fn geo(kind in kind(), ip in text(&["", "192.0.2.1"]), country in text(COUNTRIES), click in text(COUNTRIES),
           allowed in subset(CODES), blocked in subset(CODES), mismatch: bool, reject_unknown: bool) {
        let mut judge = Judge::new(plan(json!([{"type": "geo", "params": {
            "allowed": allowed, "blocked": blocked, "click_conversion_mismatch": mismatch,
            "unknown": if reject_unknown { "reject" } else { "allow" }}}])));
        let mut event = build(kind, &[(Text::Ip, ip), (Text::Country, country), (Text::ClickCountry, click)]);
        let (country, click) = (country.unwrap_or(""), click.unwrap_or(""));
        let refused = match country {
            "" => reject_unknown && ip == Some("192.0.2.1"),
            code => blocked.contains(&code) || (!allowed.is_empty() && !allowed.contains(&code)),
        };
        let elsewhere = mismatch && kind == EventKind::Conversion && !country.is_empty() && !click.is_empty()
            && country != click;
        let mut expected = Vec::new();
        expected.extend(refused.then_some("GEO_NOT_ALLOWED"));
        expected.extend(elsewhere.then_some("GEO_MISMATCH"));
        prop_assert_eq!(judge.reasons(&mut event), expected);
    }

    #[test]
    fn third_party_rejection(kind in kind(), reason in text(VALUES)) {
        let mut judge = Judge::new(plan(json!([{"type": "third_party_rejection"}])));
        let mut event = build(kind, &[(Text::ThirdPartyRejectedReason, reason)]);
        let wrong = kind == EventKind::Conversion && !reason.unwrap_or("").is_empty();
        prop_assert_eq!(!judge.reasons(&mut event).is_empty(), wrong);
    }

    #[test]
    fn session_time(kind in kind(), seconds in proptest::option::of(-100i64..4000), conversion_time: bool,
                    min in 0i64..100, more in 1i64..3000) {
        let mut judge = Judge::new(plan(json!([{"type": "session_time", "params": {
            "min_seconds": min, "max_seconds": min + more}}])));
        let mut event = build(kind, &[]);
        if conversion_time {
            event.set_number(Number::ConversionTime, START + 500_000);
        }
        if let Some(seconds) = seconds {
            let end = if conversion_time { START + 500_000 } else { START };
            event.set_number(Number::ClickTime, end - seconds * 1000);
        }
        let wrong = kind == EventKind::Conversion && seconds.is_some_and(|s| s < min || s > min + more);
        prop_assert_eq!(!judge.reasons(&mut event).is_empty(), wrong);
        prop_assert_eq!(judge.verdict.abstained() != 0, kind == EventKind::Conversion && seconds.is_none());
    }

    #[test]
    fn attribution(kind in kind(), click in text(&["", "01K5"]), status in text(&["approved", "rejected"]),
                   hours in proptest::option::of(-10i64..100), require: bool, days in 1i64..4) {
        let mut judge = Judge::new(plan(json!([{"type": "attribution", "params": {
            "require_click": require, "window_days": days}}])));
        let mut event = build(kind, &[(Text::ClickRealTxId, click), (Text::ClickStatus, status)]);
        if let Some(hours) = hours {
            event.set_number(Number::ClickTime, START - hours * 3_600_000);
        }
        let mut expected = Vec::new();
        if kind == EventKind::Conversion {
            expected.extend((require && click.unwrap_or("").is_empty()).then_some("NO_CLICK"));
            expected.extend(hours.is_some_and(|hours| hours > days * 24).then_some("OUT_OF_WINDOW"));
            expected.extend((status == Some("rejected")).then_some("REJECTED_CLICK"));
        }
        prop_assert_eq!(judge.reasons(&mut event), expected);
    }
}
