//! Reading the fields of a body one by one. Every violated rule is gathered; at the end, fields that nobody asked for
//! are violations too. An absent field and `null` are different things.

use crate::body::{Encoding, parse_json};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use tollgate_domain::Invalid;

/// What a body says about a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given<T> {
    /// Nothing.
    Absent,
    /// `null`: whatever was there goes.
    Null,
    /// This.
    Value(T),
}

impl<T> Given<T> {
    /// Puts a value in its place; `null` clears it.
    pub(super) fn set_option(self, place: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *place = None,
            Self::Value(value) => *place = Some(value),
        }
    }

    /// Puts a value in its place; `null` stands for the default.
    pub(super) fn set_or_default(self, place: &mut T)
    where
        T: Default,
    {
        match self {
            Self::Absent => {}
            Self::Null => *place = T::default(),
            Self::Value(value) => *place = value,
        }
    }

    /// Puts a value in its place. Fields read as [`Fields::required_value`] are never null.
    pub(super) fn set(self, place: &mut T) {
        if let Self::Value(value) = self {
            *place = value;
        }
    }
}

/// The fields of one object that are still to be read.
#[derive(Debug)]
pub(super) struct Fields {
    map: Map<String, Value>,
    encoding: Encoding,
    /// Where the object stands: `links[2].`, empty for the body itself.
    path: String,
    errors: Vec<Invalid>,
}

impl Fields {
    pub(super) fn new(map: Map<String, Value>, encoding: Encoding) -> Self {
        Self { map, encoding, path: String::new(), errors: Vec::new() }
    }

    /// The fields of an object inside, named by its place.
    pub(super) fn inside(map: Map<String, Value>, place: &str) -> Self {
        Self { map, encoding: Encoding::Json, path: format!("{place}."), errors: Vec::new() }
    }

    /// Notes a violated rule about a field.
    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(Invalid::new(format!("{}{name}", self.path), message));
    }

    /// Notes violated rules found elsewhere.
    pub(super) fn refuse_all(&mut self, errors: impl IntoIterator<Item = Invalid>) {
        self.errors.extend(errors);
    }

    /// Every violated rule, unknown fields included.
    pub(super) fn finish(mut self) -> Vec<Invalid> {
        let unknown: Vec<String> = self.map.keys().cloned().collect();
        for name in unknown {
            self.refuse(&name, "is not a field of this object");
        }
        self.errors
    }

    /// Takes a field that does not matter.
    pub(super) fn ignore(&mut self, name: &str) {
        self.map.remove(name);
    }

    /// Takes a field that must equal `expected` when it is given.
    pub(super) fn agree(&mut self, name: &str, expected: &str) {
        match self.map.remove(name) {
            None => {}
            Some(Value::String(text)) if text == expected => {}
            Some(_) => self.refuse(name, format!("must be {expected}, as in the path or the API key")),
        }
    }

    /// Notes a field that is not there though it must be. To be asked before it is read.
    pub(super) fn must_have(&mut self, name: &str) {
        if !self.map.contains_key(name) {
            self.refuse(name, "must be given");
        }
    }

    fn take(&mut self, name: &str) -> Given<Value> {
        match self.map.remove(name) {
            None => Given::Absent,
            Some(Value::Null) => Given::Null,
            // A form has no null: an empty value is one wherever text is not meant.
            Some(value) => Given::Value(value),
        }
    }

    /// Refuses `null` where there is no such thing.
    pub(super) fn required_value<T>(&mut self, name: &str, given: Given<T>) -> Given<T> {
        if let Given::Null = given {
            self.refuse(name, "must not be null");
            return Given::Absent;
        }
        given
    }

    /// A text whose length in characters lies in `length`, without control characters.
    pub(super) fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> Given<String> {
        match self.take(name) {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(Value::String(text)) if *length.start() > 0 && text.is_empty() && self.is_form() => {
                Given::Null
            }
            Given::Value(Value::String(text)) => match check_text(&text, &length) {
                Ok(()) => Given::Value(text),
                Err(message) => self.refused(name, message),
            },
            Given::Value(_) => self.refused(name, "must be a string"),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Given<bool> {
        match self.take(name) {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(Value::Bool(value)) => Given::Value(value),
            Given::Value(Value::String(text)) if self.is_form() => match text.as_str() {
                "" => Given::Null,
                "true" | "1" => Given::Value(true),
                "false" | "0" => Given::Value(false),
                _ => self.refused(name, "must be true or false"),
            },
            Given::Value(_) => self.refused(name, "must be true or false"),
        }
    }

    /// A whole number in `range`.
    pub(super) fn integer(&mut self, name: &str, range: RangeInclusive<u32>) -> Given<u32> {
        let number = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::Number(number)) => number.as_u64(),
            Given::Value(Value::String(text)) if self.is_form() && text.is_empty() => return Given::Null,
            Given::Value(Value::String(text)) if self.is_form() => text.parse().ok(),
            Given::Value(_) => None,
        };
        match number.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Given::Value(number),
            None => self
                .refused(name, format!("must be a whole number from {} to {}", range.start(), range.end())),
        }
    }

    /// One of the names that `parse` knows.
    pub(super) fn choice<T>(&mut self, name: &str, choices: &[(&str, T)]) -> Given<T>
    where
        T: Copy,
    {
        let found = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::String(text)) => choices.iter().find(|(name, _)| *name == text),
            Given::Value(_) => None,
        };
        match found {
            Some((_, value)) => Given::Value(*value),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                self.refused(name, format!("must be one of {}", names.join(", ")))
            }
        }
    }

    /// A list of at most `most` different texts of 1 to `length` characters.
    pub(super) fn texts(&mut self, name: &str, most: usize, length: usize) -> Given<Vec<String>> {
        let values = match self.list(name, most) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(values) => values,
        };
        let before = self.errors.len();
        let mut texts: Vec<String> = Vec::with_capacity(values.len());
        let mut seen = std::collections::HashSet::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = format!("{name}[{index}]");
            match value {
                Value::String(text) => match check_text(&text, &(1..=length)) {
                    Ok(()) if !seen.insert(text.clone()) => self.refuse(&place, "stands in the list twice"),
                    Ok(()) => texts.push(text),
                    Err(message) => self.refuse(&place, message),
                },
                _ => self.refuse(&place, "must be a string"),
            }
        }
        if self.errors.len() == before { Given::Value(texts) } else { Given::Absent }
    }

    /// A list of at most `most` objects, each read by `read` at its place.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Given<Vec<T>> {
        let values = match self.list(name, most) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(values) => values,
        };
        let before = self.errors.len();
        let mut objects = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let place = format!("{name}[{index}]");
            let Value::Object(map) = value else {
                self.refuse(&place, "must be an object");
                continue;
            };
            let mut fields = Self::inside(map, &place);
            objects.extend(read(&mut fields));
            self.errors.extend(fields.finish());
        }
        if self.errors.len() == before { Given::Value(objects) } else { Given::Absent }
    }

    /// An object whose fields are read elsewhere.
    pub(super) fn object(&mut self, name: &str) -> Given<Map<String, Value>> {
        match self.take(name) {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(Value::Object(map)) => Given::Value(map),
            Given::Value(_) => self.refused(name, "must be an object"),
        }
    }

    fn list(&mut self, name: &str, most: usize) -> Given<Vec<Value>> {
        let value = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::String(text)) if self.is_form() => match form_list(text) {
                Some(value) => value,
                None => return self.refused(name, "must be a list, written name[]=value or as JSON"),
            },
            Given::Value(value) => value,
        };
        match value {
            Value::Array(values) if values.len() <= most => Given::Value(values),
            Value::Array(_) => self.refused(name, format!("must have at most {most} items")),
            _ => self.refused(name, "must be a list"),
        }
    }

    fn refused<T>(&mut self, name: &str, message: impl Into<String>) -> Given<T> {
        self.refuse(name, message);
        Given::Absent
    }

    fn is_form(&self) -> bool {
        self.encoding == Encoding::Form
    }
}

/// A form's list in a single value: nothing, JSON, or its only item.
fn form_list(text: String) -> Option<Value> {
    if text.is_empty() {
        return Some(Value::Array(Vec::new()));
    }
    if text.trim_start().starts_with('[') {
        return parse_json(text.as_bytes()).ok();
    }
    Some(Value::Array(vec![Value::String(text)]))
}

fn check_text(text: &str, length: &RangeInclusive<usize>) -> Result<(), String> {
    if !length.contains(&text.chars().count()) {
        return Err(format!("must have {} to {} characters", length.start(), length.end()));
    }
    if *length.start() > 0 && text.trim().is_empty() {
        return Err("must not be blank".to_owned());
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err("must not contain control characters".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value, encoding: Encoding) -> Fields {
        Fields::new(value.as_object().cloned().unwrap(), encoding)
    }

    #[test]
    fn every_violation_is_gathered_with_its_place() {
        let mut fields = fields(
            json!({"name": "", "active": "yes", "priority": 0, "tags": ["a", 1, "a"], "links": [{"x": 1}, 2], "odd": 1}),
            Encoding::Json,
        );
        assert_eq!(fields.text("name", 1..=3), Given::Absent);
        assert_eq!(fields.boolean("active"), Given::Absent);
        assert_eq!(fields.integer("priority", 1..=9), Given::Absent);
        assert_eq!(fields.texts("tags", 50, 10), Given::Absent);
        assert_eq!(fields.objects("links", 5, |_| Some(())), Given::Absent);
        let found: Vec<String> = fields.finish().into_iter().map(|error| error.field).collect();
        assert_eq!(
            found,
            ["name", "active", "priority", "tags[1]", "tags[2]", "links[0].x", "links[1]", "odd"]
        );
    }

    #[test]
    fn forms_write_what_json_has_types_for() {
        let mut fields = fields(
            json!({"active": "true", "mode": "", "priority": "3", "ids": ["a", "b"], "one": "a,b", "none": "",
                   "links": "[{\"x\":\"1\"}]", "bad": "[", "name": ""}),
            Encoding::Form,
        );
        assert_eq!(fields.boolean("active"), Given::Value(true));
        assert_eq!(fields.boolean("mode"), Given::Null);
        assert_eq!(fields.integer("priority", 1..=9), Given::Value(3));
        assert_eq!(fields.texts("ids", 9, 9), Given::Value(vec!["a".into(), "b".into()]));
        assert_eq!(fields.texts("one", 9, 9), Given::Value(vec!["a,b".into()]));
        assert_eq!(fields.texts("none", 9, 9), Given::Value(vec![]));
        assert_eq!(
            fields.objects("links", 9, |inner| Some(inner.text("x", 1..=1))),
            Given::Value(vec![Given::Value("1".into())])
        );
        assert_eq!(fields.texts("bad", 9, 9), Given::Absent);
        assert_eq!(fields.text("name", 1..=9), Given::Null);
        assert_eq!(fields.finish().len(), 1);
    }

    #[test]
    fn absent_null_and_value_are_different() {
        let mut fields = fields(json!({"a": null, "b": false}), Encoding::Json);
        let (mut a, mut b, mut c) = (Some(true), Some(true), Some(true));
        fields.boolean("a").set_option(&mut a);
        fields.boolean("b").set_option(&mut b);
        fields.boolean("c").set_option(&mut c);
        assert_eq!((a, b, c), (None, Some(false), Some(true)));
        assert_eq!(fields.finish(), []);
    }
}
