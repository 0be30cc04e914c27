//! Query strings of this dialect. Values may stand in double quotes, as the vendor's own examples write them; lists
//! repeat the parameter or are comma-separated; parameters that nobody takes do not matter.

use crate::error::{ApiError, Code, Place};
use crate::fields::TYPE_ERROR;
use std::ops::RangeInclusive;
use tollgate_domain::Invalid;

/// The parameters of a query string that are still to be taken, and what was wrong so far.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<Invalid>,
}

impl Query {
    /// Splits and decodes a query string.
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, ApiError> {
        let pairs = crate::body::pairs(raw.unwrap_or_default().as_bytes())
            .map_err(|why| ApiError::because(Code::MalformedQuery, why))?;
        Ok(Self::of(pairs))
    }

    /// Parameters that were decoded already.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, errors: Vec::new() }
    }

    /// Notes what is wrong about a value, and answers it when nothing is.
    pub(crate) fn check<T>(&mut self, checked: Result<T, Invalid>) -> Option<T> {
        checked.map_err(|error| self.errors.push(error)).ok()
    }

    /// Takes a parameter that must be given.
    pub(crate) fn required(&mut self, name: &str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.errors.push(Invalid::coded(name, "must be given", "missing"));
        }
        text
    }

    /// Notes something wrong about a parameter.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(Invalid::new(name, message));
    }

    /// Takes every value of a parameter, without quotes. `name[]` counts as `name`.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        let theirs = |(given, _): &mut (String, String)| given.strip_suffix("[]").unwrap_or(given) == name;
        self.pairs.extract_if(.., theirs).map(|(_, value)| unquoted(&value).to_owned()).collect()
    }

    /// Takes a parameter that may be given once.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.texts(name);
        if values.len() > 1 {
            self.refuse(name, "must be given only once");
        }
        values.pop()
    }

    /// Takes a list: the parameter repeats or its value is comma-separated. Nothing between commas is an item, too.
    pub(crate) fn list(&mut self, name: &str) -> Vec<String> {
        let values = self.texts(name);
        values.iter().flat_map(|value| value.split(',')).map(unquoted).map(str::to_owned).collect()
    }

    /// Takes a whole number.
    pub(crate) fn integer(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(name)?;
        let message = || format!("must be a whole number from {} to {}", range.start(), range.end());
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            self.errors.push(Invalid::coded(name, message(), TYPE_ERROR));
            return None;
        }
        let number = text.parse::<u32>().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(name, message());
        }
        number
    }

    /// Takes `true` or `false`, without case.
    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.choice(name, &[("true", true), ("false", false)])
    }

    /// Takes one of the names in `choices`, without case.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        self.chosen(name, &text, choices)
    }

    /// Takes a list of names in `choices`, without case.
    pub(crate) fn choices<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Vec<T> {
        let texts = self.list(name);
        texts.iter().filter_map(|text| self.chosen(name, text, choices)).collect()
    }

    fn chosen<T: Copy>(&mut self, name: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(known, _)| known.eq_ignore_ascii_case(text));
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.refuse(name, format!("must be one of {}", names.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Answers everything that was wrong, parameters that nobody took included.
    pub(crate) fn finish_strict(mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.refuse(&name, "is not a parameter of this request");
        }
        self.finish()
    }

    /// Answers everything that was wrong.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(ApiError { place: Place::Query, ..ApiError::invalid(self.errors) })
    }
}

/// The text without the double quotes around it.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_repeats_and_commas() {
        let raw = "a=%22fixed_cpm%22&b=ios,android&b[]=amazon&c=TRUE&unknown=1&d=%22";
        let mut query = Query::parse(Some(raw)).unwrap();
        assert_eq!(query.text("a").as_deref(), Some("fixed_cpm"));
        assert_eq!(query.list("b"), ["ios", "android", "amazon"]);
        assert_eq!(query.boolean("c"), Some(true));
        assert_eq!(query.text("d").as_deref(), Some("\""));
        query.clone().finish().unwrap();
        let error = query.finish_strict().unwrap_err();
        assert_eq!(error.errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["unknown"]);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut query = Query::parse(Some("a=1&a=2&b=x&c=0&d=&e=up&f=ios,win&f=mac&f=&f=ios,")).unwrap();
        query.text("a");
        query.integer("b", 1..=9);
        query.integer("c", 1..=9);
        query.integer("d", 1..=9);
        query.choice("e", &[("asc", 1)]);
        query.choices("f", &[("ios", 1)]);
        let error = query.finish().unwrap_err();
        assert_eq!(error.place, Place::Query);
        let found: Vec<(&str, &str)> =
            error.errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
        let expected = [
            ("a", "value_error"),
            ("b", TYPE_ERROR),
            ("c", "value_error"),
            ("d", TYPE_ERROR),
            ("e", "value_error"),
            ("f", "value_error"),
            ("f", "value_error"),
            ("f", "value_error"),
            ("f", "value_error"),
        ];
        assert_eq!(found, expected);
    }
}
