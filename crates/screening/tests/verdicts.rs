//! What a verdict says beside the reasons: columns, evidence, actions, monitoring, abstentions.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::{Value, json};
use tollgate_domain::*;
use tollgate_screening::{CATALOGUE, DataSource, DataSources, Plan, Topic, Verdict};

struct Files;
impl DataSources for Files {
    fn source(&self, topic: Topic) -> Option<DataSource<'_>> {
        match topic {
            Topic::Country => Some(DataSource { file: "geo/\"city\".mmdb", version: "2026-01" }),
            _ => None,
        }
    }
}

fn column(event: &Event, column: Text) -> Option<Value> {
    event.text(column).map(|text| serde_json::from_str(text).unwrap())
}

#[test]
fn all_reasons_are_given_the_primary_one_first() {
    let plan = plan(json!([
        {"type": "geo", "params": {"blocked": ["DE"]}},
        {"type": "bot", "enabled": false},
        {"type": "bot"},
        {"type": "data_validation", "applies_to": ["click"], "params": {"sub_id": {"blocked": ["x\"\\\u{1}"]}}},
    ]));
    let mut click = click(
        0,
        &[
            (Text::Country, "DE"),
            (Text::BotClass, "crawlers"),
            (Text::BotName, "Googlebot"),
            (Text::SubId, "x\"\\\u{1}"),
        ],
    );
    let (mut counters, mut verdict) = (counters(), Verdict::new());
    plan.judge(&mut click, None, &Files, &mut counters, &mut verdict);
    assert_eq!(verdict.primary_code(), Some("DATA_VALIDATION"));
    assert_eq!(click.status(), Some(Status::Rejected));
    assert_eq!(click.number(Number::MonitoringMode), Some(0));
    assert_eq!(click.text(Text::FilterGroupId), Some("defaultaaa"));
    assert_eq!(column(&click, Text::Rejections), Some(json!(["DATA_VALIDATION", "BOT", "GEO_NOT_ALLOWED"])));
    assert_eq!(
        column(&click, Text::Evidence),
        Some(json!([
            {"filter": 0, "type": "geo", "action": "reject", "reason": "GEO_NOT_ALLOWED", "observed": "DE",
             "data": {"file": "geo/\"city\".mmdb", "version": "2026-01"}},
            {"filter": 2, "type": "bot", "action": "reject", "reason": "BOT", "observed": "Googlebot",
             "threshold": "crawlers"},
            {"filter": 3, "type": "data_validation", "action": "reject", "reason": "DATA_VALIDATION",
             "field": "sub_id", "observed": "x\"\\\u{1}", "threshold": "blocked"},
        ]))
    );
}

#[test]
fn a_flag_is_evidence_and_no_rejection() {
    let mut judge = Judge::new(plan(json!([{"type": "bot", "action": "flag"}])));
    let mut click = click(0, &[(Text::BotClass, "libraries")]);
    assert!(judge.reasons(&mut click).is_empty());
    assert_eq!(click.status(), Some(Status::Approved));
    assert_eq!(click.text(Text::Rejections), None);
    assert_eq!(judge.evidence()[0]["action"], "flag");
}

#[test]
fn monitoring_mode_is_the_groups_or_else_the_integrations() {
    let filters = json!([{"type": "bot"}]);
    for (integrations, groups, expected) in
        [(false, None, false), (true, None, true), (true, Some(false), false), (false, Some(true), true)]
    {
        let integration = Integration { monitoring_mode: integrations, ..integration() };
        let group = group("defaultaaa", json!({"filters": filters, "monitoring_mode": groups}));
        let mut judge = Judge::new(Plan::compile(&integration, &[group]).unwrap());
        let mut click = click(0, &[(Text::BotClass, "libraries")]);
        assert_eq!(judge.reasons(&mut click), ["BOT"], "the verdict is computed as ever");
        assert_eq!(click.status(), Some(Status::Rejected));
        assert_eq!(click.flag(Number::MonitoringMode), expected);
        assert_eq!(judge.verdict.enforced_rejection(), !expected);
    }
}

#[test]
fn an_inactive_integration_rejects_even_while_monitoring() {
    let integration = Integration { active: false, monitoring_mode: true, ..integration() };
    let group = group("defaultaaa", json!({"filters": [{"type": "bot"}]}));
    let mut judge = Judge::new(Plan::compile(&integration, &[group]).unwrap());
    let mut click = click(0, &[]);
    assert_eq!(judge.reasons(&mut click), ["INTEGRATION_INACTIVE"]);
    assert!(judge.verdict.enforced_rejection());
    assert_eq!(click.text(Text::FilterGroupId), None);
    assert_eq!(column(&click, Text::Rejections), Some(json!(["INTEGRATION_INACTIVE"])));
}

#[test]
fn who_lacks_a_fact_abstains_and_says_so_where_it_matters() {
    let mut judge = Judge::new(plan(json!([
        {"type": "geo", "params": {"allowed": ["DE"]}},
        {"type": "duplicate_user", "params": {"data_points": ["ip", "device_id"]}},
        {"type": "device_id"},
    ])));
    let zero = [(Text::DeviceId, "00000000-0000-0000-0000-000000000000")];
    for _ in 0..5 {
        assert_eq!(
            judge.reasons(&mut click(0, &zero)),
            ["INVALID_DEVICE_ID"],
            "nobody is a duplicate of zeros"
        );
    }
    let abstained: Vec<_> = CATALOGUE
        .iter()
        .filter(|filter| judge.verdict.abstained() >> filter.position() & 1 == 1)
        .map(|filter| filter.name)
        .collect();
    assert_eq!(abstained, ["geo", "duplicate_user"]);
    let missing: Vec<_> = judge.evidence()[1..].iter().map(|entry| entry["missing"].clone()).collect();
    assert_eq!(missing, ["country", "ip", "device_id"]);
    let mut fine = click(0, &[(Text::DeviceId, "5f2504e0-4f89-41d3-9a0c-0305e82c3301")]);
    assert!(judge.reasons(&mut fine).is_empty());
    assert_eq!(fine.text(Text::Evidence), None);
}

#[test]
fn an_event_is_judged_before_it_is_counted_whatever_its_verdict() {
    let mut judge =
        Judge::new(plan(json!([{"type": "duplicate_user", "params": {"allowed_duplicates": 1}}])));
    let mut send = |millis| judge.reasons(&mut click(millis, &[(Text::Ip, "192.0.2.1")]));
    assert!(send(0).is_empty());
    assert!(send(1).is_empty(), "one duplicate is allowed");
    for n in 2..9 {
        assert_eq!(send(n), ["DUPLICATE_IP"]);
    }
    assert_eq!(send(23 * 3_600_000), ["DUPLICATE_IP"]);
    assert!(send(48 * 3_600_000).is_empty(), "the window has passed");
}

#[test]
fn kinds_levels_and_the_case_of_device_ids() {
    let mut judge = Judge::new(plan(json!([{"type": "duplicate_user", "params": {
        "data_points": ["device_id"], "allowed_duplicates": 0, "level": ["publisher"]}}])));
    let (lower, upper) = ("5f2504e0-4f89-41d3-9a0c-0305e82c3301", "5F2504E0-4F89-41D3-9A0C-0305E82C3301");
    let mut send = |kind, id, publisher: &str| {
        !judge.reasons(&mut event(kind, 0, &[(Text::DeviceId, id), (Text::Publisher, publisher)])).is_empty()
    };
    assert!(!send(EventKind::Click, lower, "p"));
    assert!(!send(EventKind::Conversion, lower, "p"), "a conversion is no duplicate of its click");
    assert!(!send(EventKind::Click, lower, "q"));
    assert!(send(EventKind::Click, upper, "p"));
}

#[test]
fn filters_that_look_at_the_same_thing_share_its_counter() {
    let plan = plan(json!([
        {"type": "duplicate_user", "applies_to": ["click"], "params": {"allowed_duplicates": 5}},
        {"type": "duplicate_user", "applies_to": ["click"], "params": {"allowed_duplicates": 9}},
        {"type": "duplicate_user", "applies_to": ["click"], "params": {"lookback_minutes": 60}},
    ]));
    assert_eq!(plan.features(), 2);
}

#[test]
fn a_caller_cannot_count_in_the_future() {
    let mut judge =
        Judge::new(plan(json!([{"type": "duplicate_user", "params": {"allowed_duplicates": 0}}])));
    let mut early = click(4_000_000, &[(Text::Ip, "192.0.2.1")]);
    early.set_number(Number::ArrivalTime, START);
    assert!(judge.reasons(&mut early).is_empty());
    assert_eq!(judge.reasons(&mut click(1_000, &[(Text::Ip, "192.0.2.1")])), ["DUPLICATE_IP"]);
}

#[test]
fn reasons_are_bounded_however_many_filters_have_one_of_their_own() {
    let code = |n: usize| format!("{}{n:03}", "C".repeat(61));
    let filter = |n| {
        let when = json!({"field": "publisher", "op": "eq", "value": "p"});
        json!({"type": "custom", "params": {"when": when, "code": code(n)}})
    };
    let mut judge = Judge::new(plan((0..500).map(filter).collect()));
    let mut event = click(0, &[(Text::Publisher, "p")]);
    judge.reasons(&mut event);
    let rejections = event.text(Text::Rejections).unwrap();
    assert!(rejections.len() <= 1024, "{}", rejections.len());
    let listed: Vec<String> = serde_json::from_str(rejections).unwrap();
    assert_eq!(listed, (0..15).map(code).collect::<Vec<_>>());
}

#[test]
fn evidence_is_bounded_and_says_what_it_left_out() {
    let filters: Vec<Value> = (0..100)
        .map(|n| json!({"type": "data_validation", "params": {"publisher": {"allowed": [format!("p{n}")]}}}))
        .collect();
    let mut judge = Judge::new(plan(Value::from(filters)));
    let mut event = click(0, &[(Text::Publisher, &"\u{1}".repeat(300))]);
    assert_eq!(judge.reasons(&mut event), ["DATA_VALIDATION"]);
    let evidence = event.text(Text::Evidence).unwrap();
    assert!(evidence.len() <= tollgate_screening::MAX_EVIDENCE, "{}", evidence.len());
    let entries: Vec<Value> = serde_json::from_str(evidence).unwrap();
    let omitted = entries.last().unwrap()["omitted"].as_u64().unwrap() as usize;
    assert_eq!(entries.len() - 1 + omitted, 100);
}
