//! The catalogue as JSON Schema (draft 2020-12): one schema a filter type, for the console's forms and the API's
//! documentation.

use crate::catalogue::{CATALOGUE, FilterType};
use crate::params::{MAX_TEXT, Param};
use serde_json::{Map, Value, json};
use tollgate_domain::{Country, EventKind, Reason};

/// The schema of one filter, whatever its type: a `oneOf` over the catalogue. Each entry also carries
/// `x-reasons`, the codes the type may reject with.
pub fn catalogue_json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Filter",
        "$defs": crate::condition::definitions(),
        "oneOf": CATALOGUE.iter().map(|filter| filter_schema(filter)).collect::<Vec<_>>(),
    })
}

fn filter_schema(filter: &FilterType) -> Value {
    let kinds: Vec<_> = filter.kinds.iter().copied().map(EventKind::name).collect();
    let needs_params = filter.params.iter().any(Param::is_required);
    json!({
        "title": filter.name,
        "description": filter.about,
        "type": "object",
        "required": if needs_params { &["type", "params"][..] } else { &["type"] },
        "additionalProperties": false,
        "x-reasons": filter.reasons.iter().copied().map(Reason::code).collect::<Vec<_>>(),
        "properties": {
            "type": {"const": filter.name},
            "enabled": {"type": "boolean", "default": true, "description": "Whether it runs."},
            "applies_to": {
                "type": "array", "items": {"enum": kinds}, "uniqueItems": true, "minItems": 1, "default": kinds,
                "description": "The kinds of events it runs on.",
            },
            "action": {
                "enum": ["reject", "flag"], "default": "reject",
                "description": "Reject the event, or record the finding in its evidence only.",
            },
            "params": object(filter.params),
        },
    })
}

/// The schema of an object with these members.
pub(crate) fn object(params: &[Param]) -> Value {
    let properties: Map<_, _> =
        params.iter().map(|param| (param.name().to_owned(), param_schema(param))).collect();
    let required: Vec<_> =
        params.iter().filter(|param| param.is_required()).map(|param| param.name()).collect();
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if required.is_empty() {
        schema["default"] = json!({});
    } else {
        schema["required"] = json!(required);
    }
    schema
}

fn param_schema(param: &Param) -> Value {
    let mut schema = match param {
        Param::Flag(p) => json!({"type": "boolean", "default": p.default}),
        Param::Integer(p) => {
            json!({"type": "integer", "minimum": p.min, "maximum": p.max, "default": p.default})
        }
        Param::Percent(p) => {
            json!({"type": "number", "minimum": 0, "maximum": 100, "default": f64::from(p.default) / 100.0})
        }
        Param::Choice(p) => json!({"enum": p.options, "default": p.default}),
        Param::Choices(p) => json!({
            "type": "array", "items": {"enum": p.options}, "uniqueItems": true, "minItems": p.min_items,
            "default": p.default,
        }),
        Param::Texts(p) => json!({
            "type": "array", "items": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            "maxItems": p.max_items, "default": [],
        }),
        Param::Countries(_) => {
            let codes: Vec<_> = Country::all().map(|country| country.to_string()).collect();
            json!({"type": "array", "items": {"enum": codes}, "default": []})
        }
        Param::Object(p) => object(p.params),
        Param::Required(p) => {
            let mut schema = param_schema(p);
            if let Some(members) = schema.as_object_mut() {
                members.remove("default");
            }
            schema
        }
        Param::Special(p) => p.schema(),
    };
    schema["description"] = json!(param.about());
    schema
}
