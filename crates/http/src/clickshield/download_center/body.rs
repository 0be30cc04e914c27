//! A body as the parameters that it stands for: a list is one that repeats, `{"filter":{"asn":{"gte":5}}}` is
//! `filter[asn][gte]=5`. JSON has types, and a value of another one is refused rather than taken for nothing.

use crate::body::Encoding;
use serde_json::{Map, Value};
use tollgate_domain::Invalid;

type Pairs = Vec<(String, String)>;

/// The parameters, or every value that cannot be one.
pub(super) fn pairs(body: &Map<String, Value>, encoding: Encoding) -> Result<Pairs, Vec<Invalid>> {
    let (mut pairs, mut errors) = (Vec::new(), Vec::new());
    for (name, value) in body {
        let read = match encoding {
            // Texts and lists of texts, there is nothing else.
            Encoding::Form => values(name, value),
            Encoding::Json => member(name, value),
        };
        match read {
            Ok(read) => pairs.extend(read),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(pairs) } else { Err(errors) }
}

fn member(name: &str, value: &Value) -> Result<Pairs, Invalid> {
    let wrong = |message: &str| Err(Invalid::new(name, message));
    match (name, value) {
        ("fields" | "extra_parameters", Value::Array(items)) => names(name, items),
        ("fields" | "extra_parameters", _) => wrong("must be a list of names"),
        ("gzip" | "safe_cells", Value::Bool(value)) => Ok(vec![(name.to_owned(), value.to_string())]),
        ("gzip" | "safe_cells", _) => wrong("must be true or false"),
        ("filter", Value::Object(fields)) => {
            each(fields, |field, value| filter(&format!("filter[{field}]"), value))
        }
        ("filter", _) => wrong("must be an object of fields"),
        (_, Value::String(text)) => Ok(vec![(name.to_owned(), text.clone())]),
        _ if name.starts_with("filter[") => values(name, value),
        ("start_date" | "end_date" | "delimiter", _) => wrong("must be a string"),
        // Refused, whatever its value is.
        _ => Ok(vec![(name.to_owned(), String::new())]),
    }
}

/// A list of names. That there are none is said, too.
fn names(name: &str, items: &[Value]) -> Result<Pairs, Invalid> {
    if items.is_empty() {
        return Ok(vec![(name.to_owned(), String::new())]);
    }
    let item = |item: &Value| match item.as_str() {
        Some(text) if !text.is_empty() && !text.contains(',') => Ok((name.to_owned(), text.to_owned())),
        _ => Err(Invalid::new(name, "must be a list of names, none of them empty or with a comma")),
    };
    items.iter().map(item).collect()
}

/// What a field is compared with: as such, or by operators.
fn filter(name: &str, value: &Value) -> Result<Pairs, Invalid> {
    match value {
        Value::Object(operators) if !operators.is_empty() => {
            each(operators, |operator, value| values(&format!("{name}[{operator}]"), value))
        }
        _ => values(name, value),
    }
}

fn each(
    members: &Map<String, Value>,
    read: impl Fn(&str, &Value) -> Result<Pairs, Invalid>,
) -> Result<Pairs, Invalid> {
    let all: Result<Vec<Pairs>, Invalid> = members.iter().map(|(name, value)| read(name, value)).collect();
    all.map(|all| all.concat())
}

/// One value, or several.
fn values(name: &str, value: &Value) -> Result<Pairs, Invalid> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok((name.to_owned(), value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(Invalid::new(name, "must be a value or a list of values"))
        }
    };
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(one).collect(),
        _ => one(value).map(|pair| vec![pair]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Pairs, Vec<String>> {
        let read = pairs(body.as_object().unwrap(), Encoding::Json);
        read.map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn an_object_says_what_a_query_says() {
        let body = json!({"fields": ["a", "b"], "extra_parameters": [], "gzip": true, "delimiter": ";",
                          "filter": {"asn": {"gte": 5}, "publisher": ["x", "y"]}, "filter[status]": "approved"});
        let mut said = read(&body).unwrap();
        said.sort();
        let expected = [
            ("delimiter", ";"),
            ("extra_parameters", ""),
            ("fields", "a"),
            ("fields", "b"),
            ("filter[asn][gte]", "5"),
            ("filter[publisher]", "x"),
            ("filter[publisher]", "y"),
            ("filter[status]", "approved"),
            ("gzip", "true"),
        ];
        assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn values_of_other_types_are_refused() {
        for (body, field) in [
            (json!({"fields": "a"}), "fields"),
            (json!({"fields": ["a,b"]}), "fields"),
            (json!({"extra_parameters": [""]}), "extra_parameters"),
            (json!({"extra_parameters": null}), "extra_parameters"),
            (json!({"gzip": "true"}), "gzip"),
            (json!({"safe_cells": 1}), "safe_cells"),
            (json!({"start_date": {}}), "start_date"),
            (json!({"delimiter": 5}), "delimiter"),
            (json!({"filter": "x"}), "filter"),
            (json!({"filter": {"asn": null}}), "filter[asn]"),
            (json!({"filter": {"asn": {}}}), "filter[asn]"),
            (json!({"filter": {"asn": []}}), "filter[asn]"),
            (json!({"filter": {"asn": [[1]]}}), "filter[asn]"),
            (json!({"filter": {"asn": {"gte": {}}}}), "filter[asn][gte]"),
            (json!({"filter[asn]": null}), "filter[asn]"),
        ] {
            assert_eq!(read(&body).unwrap_err(), [field], "{body}");
        }
        assert_eq!(read(&json!({"other": {}})).unwrap(), [("other".to_owned(), String::new())]);
    }
}
