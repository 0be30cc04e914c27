//! Several values for one field: which of them must hold.

use crate::query::{Operand, Predicate};
use tollgate_domain::{EventKind, Invalid};

impl Predicate {
    /// Reads every value of `filter[name][operator]`. Those of `eq` and `in` are alternatives, each of them whole; those of
    /// every other operator must all hold. The errors are those of every value.
    pub fn parse_all<'a>(
        kind: EventKind,
        name: &str,
        operator: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Self>, Vec<Invalid>> {
        let is_any = matches!(operator, "eq" | "in");
        // A value of `in` that was split off already may have commas of its own.
        let operator = if is_any { "eq" } else { operator };
        let (mut parsed, mut errors) = (Vec::new(), Vec::new());
        for value in values {
            match Self::parse(kind, name, Some(operator), value) {
                Ok(predicate) => parsed.push(predicate),
                Err(error) => errors.push(error),
            }
        }
        match errors.is_empty() {
            true if is_any => Ok(parsed.into_iter().reduce(Self::or).into_iter().collect()),
            true => Ok(parsed),
            false => Err(errors),
        }
    }

    /// Either of two that differ in their operands alone.
    fn or(mut self, other: Self) -> Self {
        match (&mut self.operand, other.operand) {
            (Operand::Texts(all), Operand::Texts(more)) => all.extend(more),
            (Operand::Numbers(all), Operand::Numbers(more)) => all.extend(more),
            (Operand::Ids(all), Operand::Ids(more)) => all.extend(more),
            // One field has one type of operand.
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_are_alternatives_or_must_all_hold() {
        let parse = |operator, values: &[&'static str]| {
            Predicate::parse_all(EventKind::Click, "publisher", operator, values.iter().copied())
        };
        for operator in ["eq", "in"] {
            let parsed = parse(operator, &["a,b", "c"]).unwrap();
            assert_eq!(parsed.len(), 1);
            assert_eq!(parsed[0].operand, Operand::Texts(vec!["a,b".to_owned(), "c".to_owned()]));
        }
        assert_eq!(parse("ne", &["a", "b"]).unwrap().len(), 2);
        let wrong = Predicate::parse_all(EventKind::Click, "asn", "eq", ["x", "1", "y"]).unwrap_err();
        assert_eq!(wrong.len(), 2);
    }
}
