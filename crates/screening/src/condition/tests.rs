use super::*;
use serde_json::{Value, json};
use tollgate_domain::EventKind;

fn click(texts: &[(Text, &str)], numbers: &[(Number, i64)]) -> Event {
    let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
    texts.iter().for_each(|(column, value)| event.set_text(*column, value));
    numbers.iter().for_each(|(column, value)| event.set_number(*column, *value));
    event
}

/// Whether the condition holds; `None` when that cannot be told.
fn ask(condition: Value, event: &Event) -> Option<bool> {
    match read(&condition, "when").unwrap().ask(event) {
        Answer::Holds(_) => Some(true),
        Answer::Fails => Some(false),
        Answer::Unknown(_) => None,
    }
}

fn wrong(condition: Value) -> Vec<(String, String)> {
    let errors = read(&condition, "when").err().unwrap_or_default();
    errors.into_iter().map(|error| (error.field, error.message)).collect()
}

fn places(condition: Value) -> Vec<String> {
    wrong(condition).into_iter().map(|(field, _)| field).collect()
}

#[test]
fn every_operator_compares() {
    let event = click(
        &[(Text::Publisher, "pub-7"), (Text::SubId, "pub-7"), (Text::OfferName, "Äpfel")],
        &[
            (Number::Asn, 3320),
            (Number::Payout, 1_500_000),
            (Number::RequestTime, 1_700_000_000_000),
            (Number::IsBot, 1),
        ],
    );
    for (field, op, value, expected) in [
        ("publisher", "eq", json!("pub-7"), true),
        ("publisher", "eq", json!("PUB-7"), false),
        ("publisher", "ne", json!("x"), true),
        ("publisher", "in", json!(["z", "pub-7", "a"]), true),
        ("publisher", "in", json!(["z"]), false),
        ("publisher", "contains", json!("b-"), true),
        ("publisher", "starts_with", json!("pub"), true),
        ("publisher", "starts_with", json!("b-"), false),
        ("publisher", "matches", json!("^PUB-[0-9]$"), true),
        ("offer_name", "matches", json!("^äpfel"), true),
        ("asn", "lt", json!(3321), true),
        ("asn", "lte", json!(3320), true),
        ("asn", "gt", json!(3320), false),
        ("asn", "gte", json!(3320), true),
        ("asn", "in", json!([5, 3320, 1]), true),
        ("payout", "eq", json!(1.5), true),
        ("payout", "gt", json!("1.499999"), true),
        ("request_time", "eq", json!("2023-11-14T22:13:20Z"), true),
        ("request_time", "lt", json!(1_700_000_001), true),
        ("is_bot", "eq", json!(true), true),
        ("is_bot", "ne", json!(true), false),
    ] {
        let condition = json!({"field": field, "op": op, "value": value});
        assert_eq!(ask(condition, &event), Some(expected), "{field} {op} {value}");
    }
    assert_eq!(ask(json!({"field": "publisher", "op": "eq", "other_field": "sub_id"}), &event), Some(true));
    assert_eq!(ask(json!({"field": "payout", "op": "gt", "other_field": "revenue"}), &event), None);
}

#[test]
fn what_is_missing_never_makes_it_hold() {
    let (unknown, yes, no) = (
        json!({"field": "country", "op": "ne", "value": "DE"}),
        json!({"field": "publisher", "op": "eq", "value": ""}),
        json!({"field": "publisher", "op": "eq", "value": "x"}),
    );
    let event = click(&[], &[]);
    assert_eq!(ask(unknown.clone(), &event), None);
    assert_eq!(ask(json!({"not": unknown}), &event), None);
    assert_eq!(ask(json!({"all": [unknown, yes]}), &event), None);
    assert_eq!(ask(json!({"all": [unknown, no]}), &event), Some(false));
    assert_eq!(ask(json!({"any": [unknown, yes]}), &event), Some(true));
    assert_eq!(ask(json!({"any": [no, unknown]}), &event), None);
    assert_eq!(ask(json!({"not": {"all": [no]}}), &event), Some(true));
}

#[test]
fn nothing_found_is_a_fact_where_somebody_looked() {
    let no_vpn = json!({"not": {"field": "proxy_type", "op": "eq", "value": "VPN"}});
    assert_eq!(ask(no_vpn.clone(), &click(&[], &[])), None);
    assert_eq!(ask(no_vpn, &click(&[(Text::Ip, "192.0.2.1")], &[])), Some(true));
    let no_bot = json!({"field": "bot_class", "op": "eq", "value": ""});
    assert_eq!(ask(no_bot.clone(), &click(&[], &[])), None);
    assert_eq!(ask(no_bot, &click(&[(Text::UserAgent, "x")], &[])), Some(true));
}

#[test]
fn the_click_is_asked_by_what_the_conversion_keeps_of_it() {
    let mut event = click(&[(Text::ClickStatus, "rejected"), (Text::ClickCountry, "DE")], &[]);
    event.kind = EventKind::Conversion;
    event.set_number(Number::ClickTime, 5000);
    assert_eq!(ask(json!({"field": "click.status", "op": "eq", "value": "rejected"}), &event), Some(true));
    assert_eq!(ask(json!({"field": "click.country", "op": "ne", "other_field": "country"}), &event), None);
    assert_eq!(ask(json!({"field": "click.click_time", "op": "lt", "value": 6}), &event), Some(true));
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let condition = json!({"all": [
        {"any": []},
        {"not": 5},
        {"field": "status", "op": "eq", "value": 1},
        {"field": "click.ip", "op": "eq", "value": ""},
        {"field": "asn", "op": "contains", "value": 1},
        {"field": "asn", "op": "eq", "value": "1"},
        {"field": "publisher", "op": "lt", "value": "a"},
        {"field": "publisher", "op": "in", "value": []},
        {"field": "publisher", "op": "in", "value": ["a", 1]},
        {"field": "publisher", "op": "matches", "value": "("},
        {"field": "publisher", "op": "contains", "value": ""},
        {"field": "publisher", "op": "eq", "value": "a", "other_field": "sub_id"},
        {"field": "publisher", "op": "eq"},
        {"field": "publisher", "op": "eq", "other_field": "asn"},
        {"field": "payout", "op": "eq", "other_field": "asn"},
        {"field": "publisher", "op": "in", "other_field": "sub_id"},
        {"field": "request_time", "op": "eq", "value": "soon"},
        {"field": "is_bot", "op": "lt", "value": true},
        {"op": "eq", "value": 1, "surprise": 1},
        {"all": [], "any": []},
        {"field": "payout", "op": "in", "value": [1, "much"]},
    ]});
    let expected = [
        "when.all[0].any",
        "when.all[1].not",
        "when.all[2].field",
        "when.all[3].field",
        "when.all[4].op",
        "when.all[5].value",
        "when.all[6].op",
        "when.all[7].value",
        "when.all[8].value[1]",
        "when.all[9].value",
        "when.all[10].value",
        "when.all[11]",
        "when.all[12]",
        "when.all[13].other_field",
        "when.all[14].other_field",
        "when.all[15].other_field",
        "when.all[16].value",
        "when.all[17].op",
        "when.all[18].surprise",
        "when.all[18].field",
        "when.all[19]",
        "when.all[20].value[1]",
    ];
    assert_eq!(places(condition), expected);
    for value in [json!(null), json!([]), json!("x"), json!(1)] {
        assert_eq!(places(value), ["when"]);
    }
}

#[test]
fn size_and_cost_are_limited() {
    let leaf = json!({"field": "publisher", "op": "eq", "value": "a"});
    assert!(places(json!({"any": vec![leaf.clone(); 199]})).is_empty());
    let found = wrong(json!({"any": vec![leaf.clone(); 100_000]}));
    assert_eq!(found.len(), 1, "said once");
    assert_eq!(found[0], ("when".to_owned(), "must have at most 200 groups and comparisons".to_owned()));
    let mut deep = leaf;
    for _ in 0..250 {
        deep = json!({"not": deep});
    }
    assert_eq!(places(deep), ["when"]);
    let expression = json!({"field": "publisher", "op": "matches", "value": "a"});
    assert!(places(json!({"all": vec![expression.clone(); 10]})).is_empty());
    assert_eq!(places(json!({"all": vec![expression; 12]})), ["when.all[10].value", "when.all[11].value"]);
    let many = json!({"field": "publisher", "op": "in", "value": vec!["a"; 1001]});
    assert_eq!(places(many), ["when.value"]);
}
