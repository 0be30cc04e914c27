//! What is refused when filters are saved, and how the catalogue describes itself.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use tollgate_screening::{CATALOGUE, Plan, catalogue_json_schema, validate};

/// (field, message) of everything that is wrong.
fn wrong(filters: Value) -> Vec<(String, String)> {
    let errors = validate(&specs(filters)).err().unwrap_or_default();
    errors.into_iter().map(|error| (error.field, error.message)).collect()
}

fn fields(filters: Value) -> Vec<String> {
    wrong(filters).into_iter().map(|(field, _)| field).collect()
}

#[test]
fn every_violation_is_named_at_once() {
    let filters = json!([
        {"type": "bot"},
        {"type": "botnet"},
        {"type": "duplicate_user", "applies_to": ["click", "impression", "click"], "params": {
            "lookback_minutes": 43_201, "allowed_duplicates": "3", "data_points": ["ip", "name", "ip"],
            "level": "offer", "lookback": 5}},
        {"type": "geo", "params": {"allowed": ["DE", "de", "XX", 7], "unknown": "maybe",
            "click_conversion_mismatch": 1}},
        {"type": "data_validation", "params": {"publisher": {"blocked": [""], "banned": []}, "offer": []}},
        {"type": "proxy", "params": {"threshold_percentage": 100.5, "kinds": []}},
        {"type": "session_time", "applies_to": [], "params": {"min_seconds": 100, "max_seconds": 99}},
        {"type": "third_party_rejection", "params": {"x": 1}},
        {"type": "isp", "params": {"names": [1], "asns": [-1, 4_294_967_296_i64, "1"]}},
        {"type": "language", "params": {"allowed": ["de", "xx", "DE", "de-XX", "de_AT", "de-AT"], "blocked": "de"}},
        {"type": "keyword", "params": {"blocked": [""], "allowed_duplicates": -1}},
        {"type": "click_capping", "params": {"period": "year"}},
        {"type": "signature", "applies_to": ["conversion"], "params": {"max_age_minutes": 0}},
        {"type": "sub_id_validity", "params": {"min_length": 9, "max_length": 8}},
        {"type": "sub_id_validity", "params": {"max_unique": -1, "unified_name": ""}},
        {"type": "referrer", "params": {"categories": ["politics"], "keywords": vec!["x"; 101], "patterns": ["a", "("],
            "groups": [{"name": "g", "keywords": [""]}, {"keywords": []}, {"name": "", "words": []}, 7]}},
        {"type": "custom", "params": {"when": {"any": [{"field": "x", "op": "eq", "value": 1}]}, "code": "lower"}},
        {"type": "custom", "params": {"code": "BOT"}},
    ]);
    let expected = [
        "filters[1].type",
        "filters[2].applies_to[1]",
        "filters[2].applies_to[2]",
        "filters[2].params.allowed_duplicates",
        "filters[2].params.data_points[1]",
        "filters[2].params.data_points[2]",
        "filters[2].params.level",
        "filters[2].params.lookback",
        "filters[2].params.lookback_minutes",
        "filters[3].params.allowed[1]",
        "filters[3].params.allowed[2]",
        "filters[3].params.allowed[3]",
        "filters[3].params.click_conversion_mismatch",
        "filters[3].params.unknown",
        "filters[4].params.offer",
        "filters[4].params.publisher.banned",
        "filters[4].params.publisher.blocked[0]",
        "filters[5].params.kinds",
        "filters[5].params.threshold_percentage",
        "filters[6].applies_to",
        "filters[6].params.min_seconds",
        "filters[7].params.x",
        "filters[8].params.asns[0]",
        "filters[8].params.asns[1]",
        "filters[8].params.asns[2]",
        "filters[8].params.names[0]",
        "filters[9].params.allowed[1]",
        "filters[9].params.allowed[2]",
        "filters[9].params.allowed[3]",
        "filters[9].params.allowed[4]",
        "filters[9].params.blocked",
        "filters[10].params.allowed_duplicates",
        "filters[10].params.blocked[0]",
        "filters[11].params.cap",
        "filters[11].params.period",
        "filters[12].applies_to[0]",
        "filters[12].params.max_age_minutes",
        "filters[13].params.min_length",
        "filters[14].params.max_unique",
        "filters[14].params.unified_name",
        "filters[15].params.categories[0]",
        "filters[15].params.groups[0].keywords[0]",
        "filters[15].params.groups[1].name",
        "filters[15].params.groups[2].name",
        "filters[15].params.groups[2].words",
        "filters[15].params.groups[3]",
        "filters[15].params.keywords",
        "filters[15].params.patterns[1]",
        "filters[16].params.code",
        "filters[16].params.when.any[0].field",
        "filters[17].params.code",
        "filters[17].params.when",
    ];
    let mut found = fields(filters);
    found.sort_by_key(|field| (field[8..].split(']').next().unwrap().parse::<u32>().unwrap(), field.clone()));
    assert_eq!(found, expected);
}

#[test]
fn messages_say_what_is_known() {
    let one = |filters| wrong(filters)[0].1.clone();
    assert!(
        one(json!([{"type": "x"}]))
            .contains("known are signature, data_validation, sub_id_validity, device_id, bot")
    );
    assert!(
        one(json!([{"type": "device_id", "params": {"x": 1}}])).contains("known are block_empty, block_zero")
    );
    assert!(
        one(json!([{"type": "device_id", "applies_to": ["impression"]}])).contains("click, conversion only")
    );
    assert!(one(json!([{"type": "proxy", "params": {"lookback_hours": 0}}])).contains("from 1 to 720"));
}

#[test]
fn bounds_are_legal_and_disabled_filters_are_checked_too() {
    assert!(fields(json!([
        {"type": "duplicate_user", "params": {"lookback_minutes": 43_200, "allowed_duplicates": 1000, "level": []}},
        {"type": "proxy", "params": {"threshold_percentage": 99.25}},
        {"type": "attribution", "params": {"window_days": 90}},
    ]))
    .is_empty());
    assert_eq!(
        fields(json!([{"type": "bot", "enabled": false, "params": {"x": 1}}])),
        ["filters[0].params.x"]
    );
}

#[test]
fn what_is_blocked_is_not_allowed_too() {
    let filters = json!([
        {"type": "geo", "params": {"allowed": ["DE", "US"], "blocked": ["FR", "US"]}},
        {"type": "language", "params": {"allowed": ["de", "pt-BR"], "blocked": ["de-AT", "pt-BR"]}},
        {"type": "data_validation", "params": {"offer": {"allowed": ["1"], "blocked": ["2"]},
            "publisher": {"allowed": ["2", "3"], "blocked": ["1", "3", "2"]}}},
    ]);
    assert_eq!(
        fields(filters.clone()),
        [
            "filters[0].params.blocked[1]",
            "filters[1].params.blocked[1]",
            "filters[2].params.publisher.blocked[1]",
            "filters[2].params.publisher.blocked[2]",
        ]
    );
    // What was saved before goes on judging.
    let groups = [group("defaultaaa", json!({"filters": filters}))];
    assert!(Plan::compile(&integration(), &groups).is_ok());
}

#[test]
fn a_plan_names_the_group_that_is_wrong() {
    let groups = [group("defaultaaa", json!({"filters": [{"type": "botnet"}]}))];
    let error = Plan::compile(&integration(), &groups).err().unwrap();
    assert_eq!(error[0].field, "filter_groups[defaultaaa].filters[0].type");
}

/// A legal value of each parameter that has no default.
static REQUIRED: LazyLock<Value> =
    LazyLock::new(|| json!({"cap": 1, "when": {"field": "asn", "op": "eq", "value": 1}}));

#[test]
fn the_schema_knows_every_type_and_its_defaults_are_legal() {
    let schema = catalogue_json_schema();
    let types = schema["oneOf"].as_array().unwrap();
    assert_eq!(types.len(), CATALOGUE.len());
    for (schema, filter) in types.iter().zip(CATALOGUE) {
        assert_eq!(schema["properties"]["type"]["const"], filter.name);
        let params = schema["properties"]["params"]["properties"].as_object().unwrap();
        let defaults: serde_json::Map<_, _> = params
            .iter()
            .map(|(name, schema)| (name.clone(), schema.get("default").unwrap_or(&REQUIRED[name.as_str()])))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        assert!(params.values().all(|schema| schema["description"].is_string()));
        let found = wrong(json!([{"type": filter.name, "params": defaults}]));
        assert!(found.is_empty(), "{}: {found:?}", filter.name);
        let required = schema["properties"]["params"]["required"].as_array().cloned().unwrap_or_default();
        let missing = required.iter().map(|name| format!("filters[0].params.{}", name.as_str().unwrap()));
        assert_eq!(fields(json!([{"type": filter.name}])), missing.collect::<Vec<_>>(), "{}", filter.name);
        assert_eq!(schema["required"].as_array().unwrap().len(), 1 + usize::from(!required.is_empty()));
    }
    let duplicate_user = types.iter().find(|one| one["title"] == "duplicate_user").unwrap();
    let lookback = &duplicate_user["properties"]["params"]["properties"]["lookback_minutes"];
    assert_eq!(
        (&lookback["minimum"], &lookback["maximum"], &lookback["default"]),
        (&json!(1), &json!(43_200), &json!(1440))
    );
}
