//! Forms of parameters that only few filters have: numbers that may be off, lists of numbers, short texts.

use crate::params::{MAX_TEXT, Params, Special};
use serde_json::{Value, json};
use tollgate_domain::Invalid;

/// A whole number within inclusive bounds, or `null` for none; absent is none.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) about: &'static str,
}

impl Limit {
    /// The number that was given, if any.
    pub(crate) fn of(&self, params: &Params<'_>) -> Option<u32> {
        u32::try_from(params.value(self.name)?.as_u64()?).ok()
    }
}

impl Special for Limit {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        let legal = i64::from(self.min)..=i64::from(self.max);
        if !value.is_null() && !value.as_i64().is_some_and(|n| legal.contains(&n)) {
            let message = format!("must be null or a whole number from {} to {}", self.min, self.max);
            errors.push(Invalid::new(path, message));
        }
    }

    fn schema(&self) -> Value {
        json!({"type": ["integer", "null"], "minimum": self.min, "maximum": self.max, "default": null})
    }
}

/// A list of whole numbers within inclusive bounds; absent is empty.
pub(crate) struct Integers {
    pub(crate) name: &'static str,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) max_items: usize,
    pub(crate) about: &'static str,
}

impl Integers {
    /// The listed numbers.
    pub(crate) fn of<'a>(&self, params: &Params<'a>) -> impl Iterator<Item = u32> + use<'a> {
        let items = params.value(self.name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| u32::try_from(item.as_u64()?).ok())
    }
}

impl Special for Integers {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        let Some(items) = value.as_array() else {
            return errors.push(Invalid::new(path, "must be an array"));
        };
        if items.len() > self.max_items {
            return errors.push(Invalid::new(path, format!("must hold at most {}", self.max_items)));
        }
        let legal = i64::from(self.min)..=i64::from(self.max);
        for (index, item) in items.iter().enumerate() {
            if !item.as_i64().is_some_and(|n| legal.contains(&n)) {
                let message = format!("must be a whole number from {} to {}", self.min, self.max);
                errors.push(Invalid::new(format!("{path}[{index}]"), message));
            }
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "array", "items": {"type": "integer", "minimum": self.min, "maximum": self.max},
            "maxItems": self.max_items, "default": [],
        })
    }
}

/// A text of 1 to 255 bytes that has a form.
pub(crate) struct Word {
    pub(crate) name: &'static str,
    /// What absent means.
    pub(crate) default: &'static str,
    /// The form as a regular expression of JSON Schema, anchored at both ends.
    pub(crate) pattern: &'static str,
    /// Whether a text has the form.
    pub(crate) is_legal: fn(&str) -> bool,
    /// What to say of one that has not.
    pub(crate) must: &'static str,
    pub(crate) about: &'static str,
}

impl Word {
    /// The text that was given, or the default.
    pub(crate) fn of<'a>(&self, params: &Params<'a>) -> &'a str
    where
        'static: 'a,
    {
        params.value(self.name).and_then(Value::as_str).unwrap_or(self.default)
    }
}

impl Special for Word {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        let fits = |text: &str| (1..=MAX_TEXT).contains(&text.len());
        if !value.as_str().is_some_and(|text| fits(text) && (self.is_legal)(text)) {
            errors.push(Invalid::new(path, self.must));
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": self.pattern,
            "default": self.default,
        })
    }
}
