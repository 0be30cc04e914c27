//! Regular expressions that operators write: compiled when they are saved, and so limited that none can cost more than
//! its share. Matching takes time linear in the text, whatever the expression.

use crate::params::{Params, Special, check_list};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde_json::{Value, json};
use tollgate_domain::Invalid;

/// The longest expression, in bytes.
pub(crate) const MAX_PATTERN: usize = 255;
/// Bytes that one compiled expression may take: repetitions of repetitions do not fit.
const MAX_COMPILED: usize = 256 << 10;
/// Depth of groups within groups.
const MAX_NESTING: u32 = 32;

/// Compiles an expression. It matches anywhere in the text, without regard to case unless it says `(?-i)`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    if !(1..=MAX_PATTERN).contains(&pattern.len()) {
        return Err(format!("must be a regular expression of 1 to {MAX_PATTERN} bytes"));
    }
    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .nest_limit(MAX_NESTING)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is a regular expression that is too costly; [a-z0-9] takes much less than \\w, and {1,10} than {1,1000}".into(),
        // The message draws the expression over several lines; its last one says what is wrong.
        error => {
            format!("is no regular expression: {}", error.to_string().lines().last().unwrap_or_default())
        }
    })
}

/// Compiles several legal expressions into one machine that says which of them match.
pub(crate) fn compile_set<'a>(patterns: impl Iterator<Item = &'a str> + Clone) -> RegexSet {
    let count = patterns.clone().count().max(1);
    RegexSetBuilder::new(patterns)
        .case_insensitive(true)
        .size_limit(MAX_COMPILED * count)
        .dfa_size_limit(MAX_COMPILED * 4)
        .nest_limit(MAX_NESTING)
        .build()
        // Each fits by itself, so all fit together.
        .unwrap_or_else(|_| RegexSet::empty())
}

/// A parameter: a list of regular expressions; absent is empty.
pub(crate) struct Patterns {
    pub(crate) name: &'static str,
    pub(crate) max_items: usize,
    pub(crate) about: &'static str,
}

impl Patterns {
    /// The expressions, as one machine and as they are written.
    pub(crate) fn of<'a>(&self, params: &Params<'a>) -> (RegexSet, Vec<&'a str>) {
        let items = params.value(self.name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<_> = items.iter().filter_map(Value::as_str).collect();
        (compile_set(texts.iter().copied()), texts)
    }
}

impl Special for Patterns {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        check_list(path, value, self.max_items, errors, |text| compile(text).err());
    }

    fn schema(&self) -> Value {
        json!({
            "type": "array",
            "items": {"type": "string", "format": "regex", "minLength": 1, "maxLength": MAX_PATTERN},
            "maxItems": self.max_items, "default": [],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_expressions_compile_and_ignore_case() {
        for (pattern, text) in [
            (r"^https?://(www\.)?evil\.example/", "HTTPS://Evil.example/x"),
            (r"\bcasino\b", "play-CASINO-now"),
            (r"[\w.+-]+@[\w-]+\.[a-z.]{2,20}", "mail me: a.b+c@d-e.example"),
            (r"(?-i)aB", "aB"),
            (r"(a|b|c){1,50}ä", "abcÄ"),
        ] {
            assert!(compile(pattern).unwrap().is_match(text), "{pattern}");
        }
        assert!(!compile("(?-i)aB").unwrap().is_match("ab"));
    }

    #[test]
    fn bombs_and_nonsense_are_refused_with_what_is_wrong() {
        let wrong = |pattern: &str| compile(pattern).unwrap_err();
        for pattern in [r"(\w{100}){100}", "((a{1,200}){1,200}){1,200}", r"(x+x+)+{9999}y", r"[\w\W]{5000}"] {
            assert!(wrong(pattern).contains("too costly"), "{pattern}: {}", wrong(pattern));
        }
        for pattern in ["(", "*a", "a{2,1}", r"(?=ahead)", r"\1"] {
            assert!(wrong(pattern).starts_with("is no regular expression: "), "{pattern}");
        }
        assert!(wrong(&"(".repeat(200)).starts_with("is no"), "deep");
        assert!(wrong("").contains("1 to 255 bytes"));
        assert!(wrong(&"a".repeat(256)).contains("1 to 255 bytes"));
    }

    proptest! {
        #[test]
        fn whatever_compiles_alone_compiles_in_a_set(patterns in proptest::collection::vec("[a-c(){}|+*?1-9,.\\\\w\\[\\]]{1,24}", 1..8)) {
            let legal: Vec<_> = patterns.iter().map(String::as_str).filter(|text| compile(text).is_ok()).collect();
            let set = compile_set(legal.iter().copied());
            prop_assert_eq!(set.len(), legal.len());
            for text in ["", "abc", "aaaaaa", "c1,{"] {
                let found: Vec<_> = set.matches(text).iter().collect();
                let alone = (0..legal.len()).filter(|n| compile(legal[*n]).unwrap().is_match(text));
                prop_assert_eq!(found, alone.collect::<Vec<_>>());
            }
        }
    }
}
