//! Reading the fields of a body one by one. Every violated rule is gathered; at the end, fields that nobody asked for
//! are violations too, or ignored, as the dialect has it. An absent field and `null` are different things.

mod items;
#[cfg(test)]
mod tests;

use crate::body::{Encoding, parse_json};
use serde_json::{Map, Number, Value};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use tollgate_domain::{Invalid, Money};

/// The `type` of a field that must be there and is not.
pub(crate) const MISSING: &str = "missing";
/// The `type` of a value of the wrong JSON type, `null` where there is no such thing included.
pub(crate) const TYPE_ERROR: &str = "type_error";

/// What [`Fields::text`] takes beside its length, as a pattern for schemas: something that is not blank, and no control
/// characters but tabs and line feeds.
pub(crate) const TEXT_PATTERN: &str = concat!(
    r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"
);

/// What a body says about a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given<T> {
    /// Nothing.
    Absent,
    /// `null`: whatever was there goes.
    Null,
    /// This.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Puts a value in its place; `null` clears it.
    pub(crate) fn set_option(self, place: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *place = None,
            Self::Value(value) => *place = Some(value),
        }
    }

    /// Puts a value in its place; `null` stands for the default.
    pub(crate) fn set_or_default(self, place: &mut T)
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
    pub(crate) fn set(self, place: &mut T) {
        if let Self::Value(value) = self {
            *place = value;
        }
    }
}

/// The fields of one object that are still to be read.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    encoding: Encoding,
    strangers: Strangers,
    /// Where the object stands: `links[2].`, empty for the body itself.
    path: String,
    errors: Vec<Invalid>,
}

/// What becomes of fields that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strangers {
    Refused,
    Ignored,
}

impl Fields {
    /// The fields of a body in which every field must be known.
    pub(crate) fn new(map: Map<String, Value>, encoding: Encoding) -> Self {
        Self { map, encoding, strangers: Strangers::Refused, path: String::new(), errors: Vec::new() }
    }

    /// The fields of a JSON body whose unknown fields do not matter, at any depth.
    pub(crate) fn lenient(map: Map<String, Value>) -> Self {
        Self { strangers: Strangers::Ignored, ..Self::new(map, Encoding::Json) }
    }

    /// The fields of an object inside, named by its place.
    fn inside(&self, map: Map<String, Value>, place: &str) -> Self {
        Self {
            map,
            encoding: Encoding::Json,
            strangers: self.strangers,
            path: format!("{}{place}.", self.path),
            errors: Vec::new(),
        }
    }

    /// Notes a violated rule about a field.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(Invalid::new(self.place(name), message));
    }

    /// Notes a violated rule that has a code of its own.
    pub(crate) fn refuse_as(&mut self, code: &'static str, name: &str, message: impl Into<String>) {
        self.errors.push(Invalid::coded(self.place(name), message, code));
    }

    /// Notes violated rules found elsewhere.
    pub(crate) fn refuse_all(&mut self, errors: impl IntoIterator<Item = Invalid>) {
        self.errors.extend(errors);
    }

    /// The place of a field in the whole body.
    fn place(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// Every violated rule.
    pub(crate) fn finish(mut self) -> Vec<Invalid> {
        if self.strangers == Strangers::Refused {
            let unknown: Vec<String> = self.map.keys().cloned().collect();
            for name in unknown {
                self.refuse(&name, "is not a field of this object");
            }
        }
        self.errors
    }

    /// Whether the field is there and still to be read, be it null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Takes a field that does not matter.
    pub(crate) fn ignore(&mut self, name: &str) {
        self.map.remove(name);
    }

    /// Takes a field that must equal `expected` when it is given.
    pub(crate) fn agree(&mut self, name: &str, expected: &str) {
        match self.map.remove(name) {
            None => {}
            Some(Value::String(text)) if text == expected => {}
            Some(_) => self.refuse(name, format!("must be {expected}, as in the path or the API key")),
        }
    }

    /// Notes a field that is not there though it must be. To be asked before it is read.
    pub(crate) fn must_have(&mut self, name: &str) {
        if !self.map.contains_key(name) {
            self.refuse_as(MISSING, name, "must be given");
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
    pub(crate) fn required_value<T>(&mut self, name: &str, given: Given<T>) -> Given<T> {
        if let Given::Null = given {
            return self.mistyped(name, "must not be null");
        }
        given
    }

    /// A field that must be there, and not null. `None`: it is not, which is noted, or `read` noted something.
    pub(crate) fn required<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Given<T>) -> Option<T> {
        self.must_have(name);
        self.not_null(name, read).value()
    }

    /// A field that may be absent, but not null.
    pub(crate) fn not_null<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Given<T>) -> Given<T> {
        let given = read(self);
        self.required_value(name, given)
    }

    /// A text whose length in characters lies in `length`, without control characters.
    pub(crate) fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> Given<String> {
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
            Given::Value(_) => self.mistyped(name, "must be a string"),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &str) -> Given<bool> {
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
            Given::Value(_) => self.mistyped(name, "must be true or false"),
        }
    }

    /// A whole number in `range`. JSON has one sort of numbers, so `5.0` is one.
    pub(crate) fn integer(&mut self, name: &str, range: RangeInclusive<u32>) -> Given<u32> {
        let message = format!("must be a whole number from {} to {}", range.start(), range.end());
        let number = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::Number(number)) => whole(&number),
            Given::Value(Value::String(text)) if self.is_form() && text.is_empty() => return Given::Null,
            Given::Value(Value::String(text)) if self.is_form() => text.parse().ok(),
            Given::Value(_) => return self.mistyped(name, message),
        };
        match number.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Given::Value(number),
            None => self.refused(name, message),
        }
    }

    /// An amount in dollars, written as a JSON number and kept to the nearest micro-dollar. The range is that of the
    /// number as it was written, before it is rounded.
    pub(crate) fn money(&mut self, name: &str, range: RangeInclusive<Money>) -> Given<Money> {
        let message = format!("must be a number from {} to {}", range.start(), range.end());
        let dollars = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::Number(number)) => number.as_f64(),
            Given::Value(_) => return self.mistyped(name, message),
        };
        let legal = range.start().to_f64()..=range.end().to_f64();
        match dollars.filter(|dollars| legal.contains(dollars)).and_then(Money::from_f64) {
            Some(amount) => Given::Value(amount),
            None => self.refused(name, message),
        }
    }

    /// One of the names that stand in `choices`.
    pub(crate) fn choice<T>(&mut self, name: &str, choices: &[(&str, T)]) -> Given<T>
    where
        T: Copy,
    {
        let text = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::String(text)) => text,
            Given::Value(_) => return self.mistyped(name, among(choices)),
        };
        match choices.iter().find(|(known, _)| *known == text) {
            Some((_, value)) => Given::Value(*value),
            None => self.refused(name, among(choices)),
        }
    }

    /// A list of different names that stand in `choices`, so many of them.
    pub(crate) fn choices<T>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        choices: &[(&str, T)],
    ) -> Given<Vec<T>>
    where
        T: Copy,
    {
        let texts = match self.texts(name, count, 255) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(texts) => texts,
        };
        let mut found = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match choices.iter().find(|(known, _)| known == text) {
                Some((_, value)) => found.push(*value),
                None => self.refuse(&format!("{name}[{index}]"), among(choices)),
            }
        }
        if found.len() == texts.len() { Given::Value(found) } else { Given::Absent }
    }

    /// A list of different texts of 1 to `length` characters, so many of them.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        length: usize,
    ) -> Given<Vec<String>> {
        let values = match self.list(name, count) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(values) => values,
        };
        let before = self.errors.len();
        let mut texts: Vec<String> = Vec::with_capacity(values.len());
        let mut seen = HashSet::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = format!("{name}[{index}]");
            match value {
                Value::String(text) => match check_text(&text, &(1..=length)) {
                    Ok(()) if !seen.insert(text.clone()) => self.refuse(&place, "stands in the list twice"),
                    Ok(()) => texts.push(text),
                    Err(message) => self.refuse(&place, message),
                },
                _ => self.refuse_as(TYPE_ERROR, &place, "must be a string"),
            }
        }
        if self.errors.len() == before { Given::Value(texts) } else { Given::Absent }
    }

    /// A list of objects, so many of them, each read by `read` at its place.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        mut read: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Given<Vec<T>> {
        let values = match self.list(name, count) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(values) => values,
        };
        let before = self.errors.len();
        let mut objects = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let place = format!("{name}[{index}]");
            let Value::Object(map) = value else {
                self.refuse_as(TYPE_ERROR, &place, "must be an object");
                continue;
            };
            let mut fields = self.inside(map, &place);
            objects.extend(read(&mut fields));
            self.errors.extend(fields.finish());
        }
        if self.errors.len() == before { Given::Value(objects) } else { Given::Absent }
    }

    /// An object whose fields are read elsewhere.
    pub(crate) fn object(&mut self, name: &str) -> Given<Map<String, Value>> {
        match self.take(name) {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(Value::Object(map)) => Given::Value(map),
            Given::Value(_) => self.mistyped(name, "must be an object"),
        }
    }

    /// An object whose fields `read` reads at their place.
    pub(crate) fn nested<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields) -> T) -> Given<T> {
        let map = match self.object(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(map) => map,
        };
        let mut fields = self.inside(map, name);
        let value = read(&mut fields);
        let errors = fields.finish();
        let legal = errors.is_empty();
        self.errors.extend(errors);
        if legal { Given::Value(value) } else { Given::Absent }
    }

    fn list(&mut self, name: &str, count: RangeInclusive<usize>) -> Given<Vec<Value>> {
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
            Value::Array(values) if count.contains(&values.len()) => Given::Value(values),
            Value::Array(_) if *count.start() == 0 => {
                self.refused(name, format!("must have at most {} items", count.end()))
            }
            Value::Array(_) => {
                self.refused(name, format!("must have {} to {} items", count.start(), count.end()))
            }
            _ => self.mistyped(name, "must be a list"),
        }
    }

    fn refused<T>(&mut self, name: &str, message: impl Into<String>) -> Given<T> {
        self.refuse(name, message);
        Given::Absent
    }

    fn mistyped<T>(&mut self, name: &str, message: impl Into<String>) -> Given<T> {
        self.refuse_as(TYPE_ERROR, name, message);
        Given::Absent
    }

    fn is_form(&self) -> bool {
        self.encoding == Encoding::Form
    }
}

/// A number that is whole and not negative.
fn whole(number: &Number) -> Option<u64> {
    let from_float = || {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        // Beyond 2^53 not every whole number has a float of its own; no field goes that far.
        (0.0..=9_007_199_254_740_992.0).contains(&float).then_some(float as u64)
    };
    number.as_u64().or_else(from_float)
}

fn among<T>(choices: &[(&str, T)]) -> String {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    format!("must be one of {}", names.join(", "))
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
