//! What the evidence says of each filter that compares, matches or caps: enough to see why, and nothing personal.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::{Value, json};
use tollgate_domain::*;

/// The evidence of the last of `events`, without what every entry has.
fn evidence(filter: Value, mut events: Vec<Event>) -> Value {
    let mut judge = Judge::new(plan(json!([filter])));
    events.iter_mut().for_each(|event| drop(judge.reasons(event)));
    let mut entries = judge.evidence();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = entries[0].as_object_mut().unwrap();
    let name = filter["type"].as_str().unwrap();
    assert_eq!(entry.remove("filter"), Some(json!(0)));
    assert_eq!(entry.remove("action"), Some(json!("reject")));
    assert_eq!(entry.remove("type"), Some(json!(name)));
    Value::Object(entry.clone())
}

fn one(filter: Value, texts: &[(Text, &str)]) -> Value {
    evidence(filter, vec![click(0, texts)])
}

#[test]
fn lists_say_what_was_found_and_in_which_list() {
    let isp = json!({"type": "isp", "params": {"names": ["hetzner online gmbh"], "asns": [24940]}});
    assert_eq!(
        one(isp.clone(), &[(Text::Isp, "Hetzner Online GmbH")]),
        json!({"reason": "BLOCKED_ISP", "field": "isp", "observed": "Hetzner Online GmbH"})
    );
    let mut event = click(0, &[(Text::Isp, "Other")]);
    event.set_number(Number::Asn, 24940);
    assert_eq!(
        evidence(isp, vec![event]),
        json!({"reason": "BLOCKED_ISP", "field": "asn", "observed": 24940})
    );
    assert_eq!(
        one(
            json!({"type": "language", "params": {"allowed": ["de"]}}),
            &[(Text::BrowserLanguages, "vi-VN,de;q=0.5")]
        ),
        json!({"reason": "LANGUAGE", "observed": "vi-VN", "threshold": "allowed"})
    );
    assert_eq!(
        one(
            json!({"type": "language", "params": {"country_mismatch": true}}),
            &[(Text::BrowserLanguages, "vi-VN"), (Text::Country, "BR")]
        ),
        json!({"reason": "LANGUAGE", "field": "country_mismatch", "observed": "vi-VN", "threshold": "BR"})
    );
    assert_eq!(
        one(json!({"type": "keyword", "params": {"blocked": ["free vpn"]}}), &[(Text::Keyword, "Free VPN")]),
        json!({"reason": "KEYWORD", "field": "blocked", "observed": "Free VPN"})
    );
    assert_eq!(
        one(json!({"type": "sub_id_validity", "params": {"max_length": 3}}), &[(Text::SubId, "äöüß")]),
        json!({"reason": "INVALID_SUB_ID", "field": "max_length", "observed": 4, "threshold": 3})
    );
}

#[test]
fn referrers_show_the_text_that_was_found_and_not_the_address() {
    let referer = [(Text::Referer, "https://Semalt.example/?user=secret")];
    assert_eq!(
        one(json!({"type": "referrer", "params": {"categories": ["spam"]}}), &referer),
        json!({"reason": "REFERRER", "field": "categories", "observed": "Semalt", "threshold": "spam"})
    );
    let group = json!({"groups": [{"name": "crawlers", "keywords": ["semalt.example"]}]});
    assert_eq!(
        one(json!({"type": "referrer", "params": group}), &referer),
        json!({"reason": "REFERRER", "field": "groups", "observed": "Semalt.example", "threshold": "crawlers"})
    );
    assert_eq!(
        one(json!({"type": "referrer", "params": {"patterns": ["nowhere", "user=.*"]}}), &referer),
        json!({"reason": "REFERRER", "field": "patterns", "threshold": "user=.*"})
    );
}

#[test]
fn counts_come_with_their_window_and_key() {
    let texts = [(Text::OfferId, "o"), (Text::Publisher, "p"), (Text::Keyword, "vpn")];
    let clicks = |n: i64| (0..n).map(|n| click(n, &texts)).collect();
    assert_eq!(
        evidence(json!({"type": "click_capping", "params": {"cap": 2, "period": "week"}}), clicks(3)),
        json!({"reason": "CLICK_CAP", "observed": 2, "threshold": 2, "window": "week",
            "key": ["publisher", "offer_id"], "count": 2})
    );
    assert_eq!(
        evidence(
            json!({"type": "keyword", "params": {"allowed_duplicates": 1, "lookback_hours": 2, "level": []}}),
            clicks(3)
        ),
        json!({"reason": "KEYWORD", "field": "allowed_duplicates", "observed": 2, "threshold": 1,
            "window_minutes": 120, "key": ["keyword"], "count": 2})
    );
}

#[test]
fn signatures_and_conditions_say_what_is_wrong_with_them() {
    let signature = json!({"type": "signature", "params": {"required": true, "max_age_minutes": 10}});
    assert_eq!(one(signature.clone(), &[]), json!({"reason": "INVALID_SIGNATURE", "observed": "missing"}));
    let mut event = click(0, &[]);
    event.set_number(Number::SignatureValid, 1);
    event.set_number(Number::SignedAt, START - 11 * 60_000);
    assert_eq!(
        evidence(signature, vec![event]),
        json!({"reason": "EXPIRED_LINK", "field": "minutes", "observed": 11, "threshold": 10})
    );
    let when = json!({"all": [
        {"not": {"field": "publisher", "op": "eq", "value": "x"}},
        {"field": "request_time", "op": "gt", "value": 0},
        {"field": "user_agent", "op": "contains", "value": "curl"},
    ]});
    assert_eq!(
        one(
            json!({"type": "custom", "params": {"when": when, "code": "SCRIPT"}}),
            &[(Text::UserAgent, "curl/8")]
        ),
        json!({"reason": "SCRIPT", "field": "request_time", "observed": START})
    );
    let when = json!({"field": "user_agent", "op": "contains", "value": "curl"});
    assert_eq!(
        one(json!({"type": "custom", "params": {"when": when}}), &[(Text::UserAgent, "curl/8")]),
        json!({"reason": "CUSTOM", "field": "user_agent"}),
        "a user agent is not repeated"
    );
}
