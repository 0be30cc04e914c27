//! Fields whose values the domain reads: the reader passes each text on with its place, so an error of the domain
//! names the item it is about.

use super::{Fields, Given, TYPE_ERROR};
use serde_json::Value;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use tollgate_domain::Invalid;

impl<T> Given<T> {
    /// What is given, where null is a value like others.
    pub(crate) fn nullable(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl Fields {
    /// A text that `parse` reads; it is told the place, too.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str, &str) -> Result<T, Invalid>,
    ) -> Given<T> {
        let text = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::String(text)) => text,
            Given::Value(_) => return self.mistyped(name, "must be a string"),
        };
        match parse(&self.place(name), &text) {
            Ok(value) => Given::Value(value),
            Err(error) => {
                self.errors.push(error);
                Given::Absent
            }
        }
    }

    /// A list of different texts, so many of them, each read by `parse` at its place. Whatever is wrong with any of
    /// them is noted.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        parse: impl Fn(&str, &str) -> Result<T, Invalid>,
    ) -> Given<Vec<T>> {
        let values = match self.list(name, count) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(values) => values,
        };
        let before = self.errors.len();
        let mut items = Vec::with_capacity(values.len());
        let mut seen = HashSet::new();
        for (index, value) in values.iter().enumerate() {
            let place = format!("{name}[{index}]");
            let Value::String(text) = value else {
                self.refuse_as(TYPE_ERROR, &place, "must be a string");
                continue;
            };
            match parse(&self.place(&place), text) {
                Ok(_) if !seen.insert(text) => self.refuse(&place, "stands in the list twice"),
                Ok(item) => items.push(item),
                Err(error) => self.errors.push(error),
            }
        }
        if self.errors.len() == before { Given::Value(items) } else { Given::Absent }
    }

    /// One of a few whole numbers.
    pub(crate) fn number_among(&mut self, name: &str, allowed: &[u32]) -> Given<u32> {
        let names: Vec<String> = allowed.iter().map(u32::to_string).collect();
        let message = format!("must be one of {}", names.join(", "));
        let number = match self.take(name) {
            Given::Absent => return Given::Absent,
            Given::Null => return Given::Null,
            Given::Value(Value::Number(number)) => super::whole(&number),
            Given::Value(_) => return self.mistyped(name, message),
        };
        match number.and_then(|number| u32::try_from(number).ok()).filter(|number| allowed.contains(number)) {
            Some(number) => Given::Value(number),
            None => self.refused(name, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tollgate_domain::Category;

    #[test]
    fn every_item_is_judged_at_its_place() {
        let body = json!({"in": {"codes": ["IAB1-1", 1, "IAB1", "IAB1-1", null, "IAB1-2"]}, "few": [], "one": "x",
                          "text": ["x"], "none": null});
        let mut fields = Fields::lenient(body.as_object().cloned().unwrap());
        fields.nested("in", |inner| assert_eq!(inner.items("codes", 1..=9, Category::parse), Given::Absent));
        assert_eq!(fields.items("few", 1..=9, Category::parse), Given::Absent);
        assert_eq!(fields.parsed("one", Category::parse), Given::Absent);
        assert_eq!(fields.parsed("text", Category::parse), Given::Absent);
        assert_eq!(fields.parsed("none", Category::parse), Given::Null);
        assert_eq!(fields.items("absent", 1..=9, Category::parse), Given::Absent);
        let found: Vec<(String, &str)> =
            fields.finish().into_iter().map(|error| (error.field, error.code)).collect();
        let expected = [
            ("in.codes[1]", TYPE_ERROR),
            ("in.codes[2]", "value_error"),
            ("in.codes[3]", "value_error"),
            ("in.codes[4]", TYPE_ERROR),
            ("few", "value_error"),
            ("one", "value_error"),
            ("text", TYPE_ERROR),
        ];
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn numbers_are_among_the_listed_ones() {
        let body = json!({"a": 5, "b": 15.0, "c": 6, "d": "5", "e": -5, "f": 5.5, "g": 1e30, "h": true});
        let mut fields = Fields::lenient(body.as_object().cloned().unwrap());
        assert_eq!(fields.number_among("a", &[5, 15]), Given::Value(5));
        assert_eq!(fields.number_among("b", &[5, 15]), Given::Value(15));
        for name in ["c", "d", "e", "f", "g", "h"] {
            assert_eq!(fields.number_among(name, &[5, 15]), Given::Absent, "{name}");
        }
        let errors = fields.finish();
        assert_eq!(errors.len(), 6);
        assert_eq!(errors[0], Invalid::new("c", "must be one of 5, 15"));
    }
}
