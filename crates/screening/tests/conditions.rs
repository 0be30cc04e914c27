//! Conditions as the catalogue's JSON Schema describes them and as they are read: both must agree, whatever is written.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::sync::LazyLock;
use tollgate_screening::{Plan, catalogue_json_schema, validate};

static DEFINITION: LazyLock<Value> = LazyLock::new(|| catalogue_json_schema()["$defs"]["condition"].clone());

/// Whether a value is what a schema of conditions describes.
fn fits(schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(word, rule)| match word.as_str() {
        "$ref" => fits(&DEFINITION, value),
        "oneOf" => rule.as_array().unwrap().iter().filter(|form| fits(form, value)).count() == 1,
        "type" => match rule {
            Value::Array(names) => names.iter().any(|name| is_a(name, value)),
            name => is_a(name, value),
        },
        "enum" => rule.as_array().unwrap().contains(value),
        "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= number(rule)),
        "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= number(rule)),
        "minItems" => value.as_array().is_none_or(|items| items.len() >= number(rule)),
        "maxItems" => value.as_array().is_none_or(|items| items.len() <= number(rule)),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(rule, item))),
        "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "properties" => rule
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, schema)| value.get(name).is_none_or(|member| fits(schema, member))),
        "additionalProperties" => value
            .as_object()
            .is_none_or(|members| members.keys().all(|name| schema["properties"].get(name).is_some())),
        "description" | "format" => true,
        other => panic!("what does {other} mean?"),
    })
}

fn number(rule: &Value) -> usize {
    rule.as_u64().unwrap() as usize
}

fn is_a(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_i64().is_some(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("what is a {other}?"),
    }
}

/// Words that comparisons are made of, most of them legal somewhere.
fn word() -> impl Strategy<Value = Value> {
    let fields = select(vec![
        "publisher",
        "country",
        "extra_parameters",
        "request_time",
        "click.click_time",
        "payout",
        "asn",
        "is_bot",
        "click.status",
        "status",
        "evidence",
        "click.ip",
        "nonsense",
    ]);
    prop_oneof![6 => fields.prop_map(Value::from), 1 => scalar()]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(vec!["", "a", "p1", "2026-01-01T00:00:00Z", "1.5", "^a", "(", "true"]).prop_map(Value::from),
        2 => select(vec![0i64, 1, -1, 1_790_000_000]).prop_map(Value::from),
        1 => Just(json!(1.5)),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn comparison() -> impl Strategy<Value = Value> {
    let operators = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts_with", "matches", "is"];
    let operand = prop_oneof![
        6 => scalar().prop_map(|value| ("value", value)),
        2 => proptest::collection::vec(scalar(), 0..3).prop_map(|values| ("value", Value::from(values))),
        2 => word().prop_map(|field| ("other_field", field)),
    ];
    let odd =
        prop_oneof![12 => Just(None), 1 => select(vec!["field", "op", "value", "extra"]).prop_map(Some)];
    (word(), select(operators.to_vec()), operand, odd).prop_map(|(field, op, (name, operand), odd)| {
        let mut node = json!({"field": field, "op": op, name: operand});
        match odd {
            Some("extra") => node["extra"] = json!(1),
            Some(name) => drop(node.as_object_mut().unwrap().remove(name)),
            None => {}
        }
        node
    })
}

fn condition() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![20 => comparison(), 1 => scalar()];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 0..3);
        let group =
            (select(vec!["all", "any"]), several.clone()).prop_map(|(name, nodes)| json!({name: nodes}));
        prop_oneof![
            8 => group,
            4 => inner.clone().prop_map(|node| json!({"not": node})),
            1 => several.prop_map(|nodes| json!({"all": nodes, "any": nodes})),
            1 => several_not(inner),
        ]
    })
}

/// A `not` over a list, which is none.
fn several_not(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::vec(inner, 0..3).prop_map(|nodes| json!({"not": nodes}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn reading_says_what_the_schema_says(condition in condition()) {
        let filters = json!([{"type": "custom", "params": {"when": condition}}]);
        let errors = validate(&specs(filters.clone())).err().unwrap_or_default();
        prop_assert!(errors.iter().all(|error| error.field.starts_with("filters[0].params.when")), "{:?}", errors);
        // How times, amounts and expressions are written is beyond the schema.
        let is_form = |message: &str| {
            ["must be a time", "must be an amount", "is no regular expression"].iter().any(|form| message.starts_with(form))
        };
        let structural = errors.iter().any(|error| !is_form(&error.message));
        if fits(&DEFINITION, &condition) {
            prop_assert!(!structural, "{} fits, but {:?}", condition, errors);
        } else {
            prop_assert!(!errors.is_empty(), "{} does not fit", condition);
        }
        if errors.is_empty() {
            let groups = [group("defaultaaa", json!({"filters": filters}))];
            prop_assert!(Plan::compile(&integration(), &groups).is_ok());
        }
    }
}
