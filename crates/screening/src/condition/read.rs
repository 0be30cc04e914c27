//! From JSON to a condition: every mistake is named with its place.

use super::field::Field;
use super::{Comparison, Condition, NumberOperand, Order, Test, TextOp, TextOperand};
use crate::patterns;
use serde_json::{Map, Value};
use tollgate_domain::{ColumnType, Invalid, Money, Timestamp};

/// The most groups and comparisons a condition may have.
pub(super) const MAX_NODES: usize = 200;
/// The most values of an `in`.
pub(super) const MAX_VALUES: usize = 1000;
/// The longest text that is compared, in bytes: no field is longer.
pub(super) const MAX_VALUE: usize = 4096;
/// The most regular expressions: each takes memory of its own.
pub(super) const MAX_EXPRESSIONS: usize = 10;

/// Operators, and the sorts of values they are for.
pub(super) const OPERATORS: &[(&str, &[Sort])] = &[
    ("eq", &[Sort::Text, Sort::Number, Sort::Boolean]),
    ("ne", &[Sort::Text, Sort::Number, Sort::Boolean]),
    ("lt", &[Sort::Number]),
    ("lte", &[Sort::Number]),
    ("gt", &[Sort::Number]),
    ("gte", &[Sort::Number]),
    ("in", &[Sort::Text, Sort::Number]),
    ("contains", &[Sort::Text]),
    ("starts_with", &[Sort::Text]),
    ("matches", &[Sort::Text]),
];

/// A sort of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    /// With an order.
    Number,
    Boolean,
}

impl Sort {
    pub(super) fn of(field: Field) -> Self {
        match field.column_type() {
            ColumnType::Text | ColumnType::Json => Self::Text,
            ColumnType::Time | ColumnType::Money | ColumnType::Integer => Self::Number,
            ColumnType::Boolean => Self::Boolean,
        }
    }
}

/// Reads the condition that stands at `path`.
pub(crate) fn read(value: &Value, path: &str) -> Result<Condition, Vec<Invalid>> {
    let mut reader = Reader { root: path, nodes: 0, expressions: 0, errors: Vec::new() };
    match reader.condition(value, path.to_owned()) {
        Some(condition) if reader.errors.is_empty() => Ok(condition),
        _ => Err(reader.errors),
    }
}

struct Reader<'a> {
    root: &'a str,
    nodes: usize,
    expressions: usize,
    errors: Vec<Invalid>,
}

impl Reader<'_> {
    /// Notes what is wrong at a place.
    fn refuse<T>(&mut self, path: impl Into<String>, message: impl Into<String>) -> Option<T> {
        self.errors.push(Invalid::new(path, message));
        None
    }

    /// Reads one node; `None` when it, or one below it, is wrong.
    fn condition(&mut self, value: &Value, path: String) -> Option<Condition> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            // Said once: whoever has too many need not hear it of each.
            let first = self.nodes == MAX_NODES + 1;
            let message = format!("must have at most {MAX_NODES} groups and comparisons");
            return if first { self.refuse(self.root, message) } else { None };
        }
        let Some(node) = value.as_object() else { return self.refuse(path, "must be an object") };
        let groups: Vec<_> =
            ["all", "any", "not"].into_iter().filter(|name| node.contains_key(*name)).collect();
        match groups[..] {
            [] => self.comparison(node, &path).map(Condition::Compare),
            [name] if node.len() == 1 => self.group(name, &node[name], format!("{path}.{name}")),
            _ => {
                self.refuse(path, "must have one of all, any, not and nothing beside it, or compare a field")
            }
        }
    }

    fn group(&mut self, name: &str, value: &Value, path: String) -> Option<Condition> {
        if name == "not" {
            return self.condition(value, path).map(|condition| Condition::Not(Box::new(condition)));
        }
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
            return self.refuse(path, "must be an array with at least one condition");
        };
        let mut read = Vec::with_capacity(items.len().min(MAX_NODES));
        for (index, item) in items.iter().enumerate() {
            read.extend(self.condition(item, format!("{path}[{index}]")));
            if self.nodes > MAX_NODES {
                return None;
            }
        }
        let all_legal = read.len() == items.len();
        let read = read.into();
        all_legal.then_some(if name == "all" { Condition::All(read) } else { Condition::Any(read) })
    }

    fn comparison(&mut self, node: &Map<String, Value>, path: &str) -> Option<Comparison> {
        let before = self.errors.len();
        const KNOWN: [&str; 4] = ["field", "op", "value", "other_field"];
        for name in node.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            let known = KNOWN.join(", ");
            self.errors
                .push(Invalid::new(format!("{path}.{name}"), format!("is not known; known are {known}")));
        }
        let field = self.field(node.get("field"), format!("{path}.field"));
        let op = self.operator(node.get("op"), field, format!("{path}.op"));
        let (field, op) = (field?, op?);
        let test = match (node.get("value"), node.get("other_field")) {
            (Some(value), None) => self.test(field, op, value, format!("{path}.value")),
            (None, Some(other)) => self.test_field(field, op, other, format!("{path}.other_field")),
            _ => self.refuse(path, "must compare with either value or other_field"),
        };
        (self.errors.len() == before).then_some(Comparison { field, test: test? })
    }

    fn field(&mut self, name: Option<&Value>, path: String) -> Option<Field> {
        let field = name.and_then(Value::as_str).and_then(Field::of);
        if field.is_none() {
            let message = "must be the name of a field that an event has before it is judged, or of its click as \
                           click.status, click.country, click.click_time, click.real_tx_id";
            return self.refuse(path, message);
        }
        field
    }

    /// The operator, if it is for the field's values; one of an unknown field is for any.
    fn operator(&mut self, name: Option<&Value>, field: Option<Field>, path: String) -> Option<&'static str> {
        let is_for = |sorts: &[Sort]| field.is_none_or(|field| sorts.contains(&Sort::of(field)));
        let legal = OPERATORS.iter().filter(|(_, sorts)| is_for(sorts)).map(|(name, _)| *name);
        let name = name.and_then(Value::as_str).unwrap_or_default();
        match legal.clone().find(|known| *known == name) {
            Some(operator) => Some(operator),
            None => {
                let legal: Vec<_> = legal.collect();
                let of = field.map_or(String::new(), |field| format!(" for {}", field.name));
                self.refuse(path, format!("must be one of {}{of}", legal.join(", ")))
            }
        }
    }

    /// The test against a value.
    fn test(&mut self, field: Field, op: &str, value: &Value, path: String) -> Option<Test> {
        if op == "in" {
            return self.test_in(field, value, path);
        }
        if Sort::of(field) != Sort::Text {
            let number = self.number(field, value, path)?;
            return Some(Test::Number(order(op)?, NumberOperand::Value(number)));
        }
        let text = self.text(value, path.clone())?;
        match text_op(op) {
            Some(TextOp::Contains | TextOp::StartsWith) if text.is_empty() => {
                self.refuse(path, "must not be empty")
            }
            Some(op) => Some(Test::Text(op, TextOperand::Value(text.into()))),
            None => self.expression(text, path),
        }
    }

    fn expression(&mut self, pattern: &str, path: String) -> Option<Test> {
        self.expressions += 1;
        if self.expressions > MAX_EXPRESSIONS {
            let message = format!("is one too many: a condition has at most {MAX_EXPRESSIONS} expressions");
            return self.refuse(path, message);
        }
        match patterns::compile(pattern) {
            Ok(regex) => Some(Test::Matches(regex)),
            Err(message) => self.refuse(path, message),
        }
    }

    fn test_in(&mut self, field: Field, value: &Value, path: String) -> Option<Test> {
        let Some(items) = value.as_array().filter(|items| (1..=MAX_VALUES).contains(&items.len())) else {
            return self.refuse(path, format!("must be an array of 1 to {MAX_VALUES} values"));
        };
        let places = items.iter().enumerate().map(|(index, item)| (item, format!("{path}[{index}]")));
        if Sort::of(field) == Sort::Text {
            let texts: Vec<_> = places.map(|(item, path)| self.text(item, path).map(Box::from)).collect();
            let mut texts: Vec<Box<str>> = texts.into_iter().collect::<Option<_>>()?;
            texts.sort_unstable();
            return Some(Test::TextIn(texts.into()));
        }
        let numbers: Vec<_> = places.map(|(item, path)| self.number(field, item, path)).collect();
        let mut numbers: Vec<i64> = numbers.into_iter().collect::<Option<_>>()?;
        numbers.sort_unstable();
        Some(Test::NumberIn(numbers.into()))
    }

    /// The test against another field.
    fn test_field(&mut self, field: Field, op: &str, other: &Value, path: String) -> Option<Test> {
        if matches!(op, "in" | "matches") {
            return self.refuse(path, format!("cannot be given for {op}: give value"));
        }
        let other = self.field(Some(other), path.clone())?;
        let both_text = Sort::of(field) == Sort::Text && Sort::of(other) == Sort::Text;
        if !both_text && field.column_type() != other.column_type() {
            return self.refuse(path, format!("must be a field of the same type as {}", field.name));
        }
        match text_op(op).filter(|_| both_text) {
            Some(op) => Some(Test::Text(op, TextOperand::Field(other))),
            None => Some(Test::Number(order(op)?, NumberOperand::Field(other))),
        }
    }

    fn text<'v>(&mut self, value: &'v Value, path: String) -> Option<&'v str> {
        match value.as_str().filter(|text| text.len() <= MAX_VALUE) {
            Some(text) => Some(text),
            None => self.refuse(path, format!("must be a text of at most {MAX_VALUE} bytes")),
        }
    }

    /// The number that a value stands for in a field's column.
    fn number(&mut self, field: Field, value: &Value, path: String) -> Option<i64> {
        // A time or an amount may be written as a number or as a text.
        let written = match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let (read, must) = match field.column_type() {
            ColumnType::Boolean => (value.as_bool().map(i64::from), "must be true or false"),
            ColumnType::Time => {
                let time = written.and_then(|text| Timestamp::parse("value", &text).ok());
                (
                    time.map(Timestamp::millis),
                    "must be a time: RFC 3339, or seconds or milliseconds since 1970",
                )
            }
            ColumnType::Money => {
                let money = written.and_then(|text| Money::parse("value", &text).ok());
                (money.map(Money::micros), "must be an amount in dollars")
            }
            ColumnType::Integer | ColumnType::Text | ColumnType::Json => {
                (value.as_i64(), "must be a whole number")
            }
        };
        if read.is_none() { self.refuse(path, must) } else { read }
    }
}

fn text_op(op: &str) -> Option<TextOp> {
    Some(match op {
        "eq" => TextOp::Equal,
        "ne" => TextOp::NotEqual,
        "contains" => TextOp::Contains,
        "starts_with" => TextOp::StartsWith,
        _ => return None,
    })
}

fn order(op: &str) -> Option<Order> {
    Some(match op {
        "eq" => Order::Equal,
        "ne" => Order::NotEqual,
        "lt" => Order::Less,
        "lte" => Order::LessOrEqual,
        "gt" => Order::Greater,
        "gte" => Order::GreaterOrEqual,
        _ => return None,
    })
}
