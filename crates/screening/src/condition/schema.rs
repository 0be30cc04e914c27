//! A condition as a parameter, and as JSON Schema.

use super::field::Field;
use super::read::{MAX_NODES, MAX_VALUE, MAX_VALUES, OPERATORS, Sort, read};
use crate::params::Special;
use serde_json::{Value, json};
use tollgate_domain::{ColumnType, Invalid};

/// The parameter `when`.
pub(crate) static CONDITION: ConditionParam = ConditionParam;

/// A condition.
pub(crate) struct ConditionParam;

impl Special for ConditionParam {
    fn name(&self) -> &'static str {
        "when"
    }

    fn about(&self) -> &'static str {
        "What must hold: all, any or not over comparisons of fields."
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        if let Err(found) = read(value, path) {
            errors.extend(found);
        }
    }

    fn schema(&self) -> Value {
        json!({"$ref": "#/$defs/condition", "x-max-nodes": MAX_NODES})
    }
}

/// The definitions that the schemas of parameters refer to.
pub(crate) fn definitions() -> Value {
    let mut comparisons = Vec::new();
    for column_type in [
        ColumnType::Text,
        ColumnType::Json,
        ColumnType::Time,
        ColumnType::Money,
        ColumnType::Integer,
        ColumnType::Boolean,
    ] {
        comparisons.extend(comparison_schemas(column_type));
    }
    let condition = json!({"$ref": "#/$defs/condition"});
    let group = |name: &str, inner: Value| json!({"type": "object", "required": [name], "additionalProperties": false, "properties": {name: inner}});
    let several = json!({"type": "array", "items": condition, "minItems": 1, "maxItems": MAX_NODES});
    let mut forms = vec![group("all", several.clone()), group("any", several), group("not", condition)];
    forms.extend(comparisons);
    json!({"condition": {"description": "A condition over an event's fields.", "oneOf": forms}})
}

/// Comparisons of fields of one type: with a value, with several, with an expression, with another field.
fn comparison_schemas(column_type: ColumnType) -> Vec<Value> {
    let of_type = |field: &Field| field.column_type() == column_type;
    let fields: Vec<_> = Field::all().filter(of_type).map(|field| field.name).collect();
    let Some(sort) = Field::all().find(of_type).map(Sort::of) else { return Vec::new() };
    let value = value_schema(column_type);
    let others: Vec<_> = Field::all()
        .filter(|field| of_type(field) || (sort == Sort::Text && Sort::of(*field) == Sort::Text))
        .map(|field| field.name)
        .collect();
    let is_legal = |op: &&str| OPERATORS.iter().any(|(name, sorts)| name == op && sorts.contains(&sort));
    let form = |operators: &[&'static str], member: &str, schema: &Value| {
        let operators: Vec<_> = operators.iter().copied().filter(|op| is_legal(op)).collect();
        let schema = json!({
            "type": "object", "required": ["field", "op", member], "additionalProperties": false,
            "properties": {"field": {"enum": fields}, "op": {"enum": operators}, member: schema},
        });
        (!operators.is_empty()).then_some(schema)
    };
    let orders = ["eq", "ne", "lt", "lte", "gt", "gte"];
    let several = json!({"type": "array", "items": value, "minItems": 1, "maxItems": MAX_VALUES});
    let mut part = value.clone();
    part["minLength"] = json!(1);
    let expression = json!({"type": "string", "format": "regex", "minLength": 1,
        "maxLength": crate::patterns::MAX_PATTERN});
    let every = ["eq", "ne", "lt", "lte", "gt", "gte", "contains", "starts_with"];
    [
        form(&orders, "value", &value),
        form(&["contains", "starts_with"], "value", &part),
        form(&["in"], "value", &several),
        form(&["matches"], "value", &expression),
        form(&every, "other_field", &json!({"enum": others})),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn value_schema(column_type: ColumnType) -> Value {
    match column_type {
        ColumnType::Text | ColumnType::Json => json!({"type": "string", "maxLength": MAX_VALUE}),
        ColumnType::Time | ColumnType::Money => json!({"type": ["string", "number"]}),
        ColumnType::Integer => json!({"type": "integer"}),
        ColumnType::Boolean => json!({"type": "boolean"}),
    }
}
