//! Random parameters for every filter type: the published JSON Schema says what is legal, and validation must agree. What
//! is not is refused by its path, all of it at once; nothing panics.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use tollgate_screening::{CATALOGUE, Plan, catalogue_json_schema, validate};

/// The schema of each type's parameters.
static SCHEMAS: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    let schema = catalogue_json_schema();
    let of = |n: usize| schema["oneOf"][n]["properties"]["params"].clone();
    CATALOGUE.iter().enumerate().map(|(n, filter)| (filter.name, of(n))).collect()
});

/// Types with rules between parameters, which no schema says.
const RELATED: &[&str] =
    &["data_validation", "geo", "language", "session_time", "conversion_rate", "sub_id_validity"];

/// What JSON Schema says of a value; `None` where it says it with words that are not understood here.
fn fits(schema: &Value, value: &Value) -> Option<bool> {
    const UNDERSTOOD: &[&str] = &[
        "type",
        "enum",
        "const",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "items",
        "uniqueItems",
        "minItems",
        "maxItems",
        "properties",
        "required",
        "additionalProperties",
        "maxProperties",
        "propertyNames",
        "default",
        "description",
    ];
    let schema = schema.as_object()?;
    let mut answers = vec![schema.keys().all(|word| UNDERSTOOD.contains(&word.as_str())).then_some(true)];
    let number = |word: &str| schema.get(word).and_then(Value::as_f64);
    let least = |word: &str, n: usize| Some(number(word).is_none_or(|bound| n as f64 >= bound));
    let most = |word: &str, n: usize| Some(number(word).is_none_or(|bound| n as f64 <= bound));
    answers.push(Some(match &schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|name| is_a(name, value)),
        Some(name) => is_a(name, value),
        None => true,
    }));
    answers.push(Some(schema.get("enum").is_none_or(|options| options.as_array().unwrap().contains(value))));
    match value {
        Value::Number(n) => {
            let n = n.as_f64().unwrap();
            answers.push(Some(number("minimum").is_none_or(|min| n >= min)));
            answers.push(Some(number("maximum").is_none_or(|max| n <= max)));
        }
        Value::String(text) => {
            let length = text.chars().count();
            answers.extend([least("minLength", length), most("maxLength", length)]);
        }
        Value::Array(items) => {
            answers.extend([least("minItems", items.len()), most("maxItems", items.len())]);
            let unique = (1..items.len()).all(|n| !items[..n].contains(&items[n]));
            answers.push(Some(unique || schema.get("uniqueItems") != Some(&json!(true))));
            if let Some(schema) = schema.get("items") {
                answers.extend(items.iter().map(|item| fits(schema, item)));
            }
        }
        Value::Object(members) => {
            answers.push(most("maxProperties", members.len()));
            answers.extend(members.iter().map(|(name, value)| member_fits(schema, name, value)));
            let required = schema.get("required").and_then(Value::as_array);
            let given = |name: &Value| members.contains_key(name.as_str().unwrap());
            answers.push(Some(required.is_none_or(|names| names.iter().all(given))));
        }
        _ => {}
    }
    // One certain no decides.
    if answers.contains(&Some(false)) {
        Some(false)
    } else {
        answers.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
    }
}

fn member_fits(schema: &Map<String, Value>, name: &str, value: &Value) -> Option<bool> {
    let own = match schema.get("properties").and_then(|all| all.get(name)) {
        Some(schema) => fits(schema, value),
        None => match schema.get("additionalProperties") {
            Some(Value::Bool(any)) => Some(*any),
            Some(schema) => fits(schema, value),
            None => Some(true),
        },
    };
    let named = schema.get("propertyNames").map_or(Some(true), |schema| fits(schema, &json!(name)));
    if [own, named].contains(&Some(false)) { Some(false) } else { own.and(named) }
}

fn is_a(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_i64().is_some(),
        // Every number among the parameters is a percentage of two decimals.
        "number" => {
            value.as_f64().is_some_and(|n| format!("{n}").split('.').nth(1).is_none_or(|d| d.len() <= 2))
        }
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("what is a {other}?"),
    }
}

/// Any JSON.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3i64..120).prop_map(Value::from),
        (-1.0f64..101.0).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        select(vec!["offer", "ip", "day", "DE", "10.4", "x"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Values near what a schema allows: its bounds and one beyond, its words, its default, lists and objects of such.
fn near(schema: &Value, dice: &mut impl FnMut(usize) -> usize) -> Value {
    if let Some(options) = schema["enum"].as_array() {
        return options[dice(options.len())].clone();
    }
    let name = match &schema["type"] {
        Value::Array(names) => names[dice(names.len())].clone(),
        name => name.clone(),
    };
    match name.as_str() {
        Some("boolean") => Value::from(dice(2) == 0),
        Some("integer") => {
            let bound = schema[if dice(2) == 0 { "minimum" } else { "maximum" }].as_i64().unwrap_or(0);
            Value::from(bound + [-1, 0, 0, 0, 0, 1][dice(6)])
        }
        Some("number") => {
            Value::from([0.0, 0.07, 1.0, 33.33, 99.5, 100.0, -0.01, 0.004, 99.999, 100.01, 4.5e-85][dice(11)])
        }
        Some("string") => Value::from("x".repeat([1, 8, 255, 0, 256][dice(5)])),
        Some("array") => {
            let length = if dice(8) == 0 {
                schema["maxItems"].as_u64().unwrap_or(5) as usize + dice(2)
            } else {
                dice(4)
            };
            (0..length.min(300)).map(|_| near(&schema["items"], dice)).collect()
        }
        Some("object") if dice(4) > 0 => match schema["properties"].as_object() {
            Some(members) => {
                let chosen: Vec<_> = members.iter().filter(|_| dice(3) > 0).collect();
                chosen.into_iter().map(|(name, schema)| (name.clone(), near(schema, dice))).collect()
            }
            None => json!({}),
        },
        _ => schema["default"].clone(),
    }
}

/// The parameters that an error is about.
fn blamed(filters: Value, index: usize) -> BTreeSet<String> {
    let errors = validate(&specs(filters)).err().unwrap_or_default();
    let prefix = format!("filters[{index}].params.");
    let name = |field: String| {
        let path =
            field.strip_prefix(&prefix).unwrap_or_else(|| panic!("{field} is not in {prefix}")).to_owned();
        path.split(['.', '[']).next().unwrap().to_owned()
    };
    errors.into_iter().map(|error| name(error.field)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn validation_says_what_the_schema_says(filter: Index, anything in proptest::collection::vec(anything(), 12),
                                            dice in proptest::collection::vec(any::<u8>(), 64), before in 0usize..3) {
        let (name, schema) = &SCHEMAS[filter.index(SCHEMAS.len())];
        let mut rolled = 0;
        let mut dice = |sides: usize| {
            rolled += 1;
            usize::from(dice[rolled % dice.len()]) % sides
        };
        let (mut params, mut wrong, mut unsure) = (Map::new(), BTreeSet::new(), BTreeSet::new());
        let members = schema["properties"].as_object().unwrap();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (n, (name, schema)) in members.iter().enumerate() {
            match dice(12) {
                0..=2 => {}
                3 => drop(params.insert(name.clone(), anything[n % anything.len()].clone())),
                _ => drop(params.insert(name.clone(), near(schema, &mut dice))),
            }
            let fits = match params.get(name) {
                Some(value) => fits(schema, value),
                None => Some(!required.contains(&json!(name))),
            };
            match fits {
                Some(false) => drop(wrong.insert(name.clone())),
                None => drop(unsure.insert(name.clone())),
                Some(true) => {}
            }
        }
        let mut filters = vec![json!({"type": "bot"}); before];
        filters.push(json!({"type": name, "params": params}));
        let filters = Value::from(filters);
        let blamed = blamed(filters.clone(), before);
        prop_assert!(blamed.is_superset(&wrong), "{}: {:?} are wrong, {:?} are refused", filters, wrong, blamed);
        if !wrong.is_empty() {
            let extra: Vec<_> = blamed.difference(&wrong).filter(|name| !unsure.contains(*name)).collect();
            prop_assert!(extra.is_empty(), "{}: {:?} are fine, but refused", filters, extra);
        } else if unsure.is_empty() {
            prop_assert!(blamed.is_empty() || RELATED.contains(name), "{}: {:?} are refused", filters, blamed);
        }
        if blamed.is_empty() {
            // What is legal compiles.
            let groups = [group("defaultaaa", json!({"filters": filters}))];
            prop_assert!(Plan::compile(&integration(), &groups).is_ok());
        }
    }

    #[test]
    fn unknown_parameters_are_refused_by_name(filter: Index, name in "[a-z_]{1,12}", value in anything(), before in 0usize..3) {
        let (filter, schema) = &SCHEMAS[filter.index(SCHEMAS.len())];
        prop_assume!(schema["properties"].get(&name).is_none());
        let mut filters = vec![json!({"type": "bot"}); before];
        filters.push(json!({"type": filter, "params": {name.clone(): value}}));
        prop_assert!(blamed(Value::from(filters), before).contains(&name));
    }
}

/// Whole numbers at their bounds and one beyond, for every filter.
#[test]
fn bounds_are_as_published() {
    let mut checked = 0;
    for (filter, schema) in SCHEMAS.iter() {
        for (name, schema) in schema["properties"].as_object().unwrap() {
            let (Some(min), Some(max)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) else {
                continue;
            };
            for (value, legal) in [(min - 1, false), (min, true), (max, true), (max + 1, false)] {
                let found =
                    blamed(json!([{"type": filter, "params": {name.clone(): value}}]), 0).contains(name);
                // At its bound a parameter may still contradict another's default.
                let contradicts = legal && ["min_seconds", "low", "high"].contains(&name.as_str());
                assert!(contradicts || found != legal, "{filter}.{name} = {value}");
                checked += 1;
            }
        }
    }
    assert!(checked > 80, "{checked}");
}
