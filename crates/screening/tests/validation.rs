//! What is refused when filters are saved, and how the catalogue describes itself.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::{Value, json};
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
    ];
    let mut found = fields(filters);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn messages_say_what_is_known() {
    let one = |filters| wrong(filters)[0].1.clone();
    assert!(one(json!([{"type": "x"}])).contains("known are data_validation, device_id, bot, proxy, geo"));
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
fn a_plan_names_the_group_that_is_wrong() {
    let groups = [group("defaultaaa", json!({"filters": [{"type": "botnet"}]}))];
    let error = Plan::compile(&integration(), &groups).err().unwrap();
    assert_eq!(error[0].field, "filter_groups[defaultaaa].filters[0].type");
}

#[test]
fn the_schema_knows_every_type_and_its_defaults_are_legal() {
    let schema = catalogue_json_schema();
    let types = schema["oneOf"].as_array().unwrap();
    assert_eq!(types.len(), CATALOGUE.len());
    for (schema, filter) in types.iter().zip(CATALOGUE) {
        assert_eq!(schema["properties"]["type"]["const"], filter.name);
        let params = schema["properties"]["params"]["properties"].as_object().unwrap();
        let defaults: serde_json::Map<_, _> =
            params.iter().map(|(name, schema)| (name.clone(), schema["default"].clone())).collect();
        assert!(params.values().all(|schema| schema["description"].is_string()));
        let found = wrong(json!([{"type": filter.name, "params": defaults}]));
        assert!(found.is_empty(), "{}: {found:?}", filter.name);
        assert!(wrong(json!([{"type": filter.name}])).is_empty());
    }
    let lookback = &types[5]["properties"]["params"]["properties"]["lookback_minutes"];
    assert_eq!(
        (&lookback["minimum"], &lookback["maximum"], &lookback["default"]),
        (&json!(1), &json!(43_200), &json!(1440))
    );
}
