//! `agents/crawlers.json`: the patterns of crawler-user-agents.
//!
//! Nearly all of its 1,500 patterns are plain texts, which one Aho-Corasick automaton finds at once; the few true expressions go
//! into a set. A pattern that matches one of our samples of ordinary browsers is left out: the list is made for web
//! server logs and holds, for example, the build number of a common Android release.

use super::ordinary::ORDINARY;
use crate::error::Malformed;
use aho_corasick::AhoCorasick;
use regex::{RegexSet, RegexSetBuilder};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The compiled list.
pub(crate) struct Crawlers {
    plain: AhoCorasick,
    plain_names: Vec<Plain>,
    expressions: RegexSet,
    expression_names: Vec<Box<str>>,
    /// Patterns in use.
    pub(crate) entries: usize,
    /// Patterns left out because they match ordinary browsers.
    pub(crate) ignored: BTreeSet<String>,
}

struct Plain {
    name: Box<str>,
    at_start: bool,
    at_end: bool,
}

#[derive(Deserialize)]
struct Entry {
    pattern: String,
}

/// A pattern without operators, taken apart.
struct Literal {
    text: String,
    at_start: bool,
    at_end: bool,
}

impl Crawlers {
    /// Compiles the file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let entries: Vec<Entry> =
            serde_json::from_slice(bytes).map_err(|error| Malformed::new(format!("JSON: {error}")))?;
        let all = Self::compile(entries.iter().map(|entry| entry.pattern.as_str()))?;
        let unfit: BTreeSet<String> = ORDINARY.lines().flat_map(|agent| all.find_all(agent)).collect();
        if unfit.is_empty() {
            return Ok(all);
        }
        let fit = entries
            .iter()
            .map(|entry| entry.pattern.as_str())
            .filter(|pattern| !unfit.contains(&name(pattern)));
        let rest = Self::compile(fit)?;
        Ok(Self { ignored: unfit, ..rest })
    }

    fn compile<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, Malformed> {
        let (mut texts, mut plain_names, mut expressions, mut expression_names) =
            (vec![], vec![], vec![], vec![]);
        for pattern in patterns {
            match literal(pattern) {
                Some(Literal { text, at_start, at_end }) => {
                    texts.push(text);
                    plain_names.push(Plain { name: name(pattern).into(), at_start, at_end });
                }
                None => {
                    expressions.push(pattern);
                    expression_names.push(name(pattern).into());
                }
            }
        }
        let entries = texts.len() + expressions.len();
        if entries == 0 {
            return Err(Malformed::new("a list without a single pattern"));
        }
        let plain = AhoCorasick::new(texts).map_err(|error| Malformed::new(error.to_string()))?;
        let expressions = RegexSetBuilder::new(expressions).size_limit(16 << 20).build();
        let expressions = expressions.map_err(|error| Malformed::new(format!("pattern: {error}")))?;
        Ok(Self { plain, plain_names, expressions, expression_names, entries, ignored: BTreeSet::new() })
    }

    /// The name of the first pattern that matches.
    pub(crate) fn find<'a>(&'a self, agent: &str) -> Option<&'a str> {
        self.plain_matches(agent).next().or_else(|| {
            let found = self.expressions.matches(agent).iter().next()?;
            Some(&*self.expression_names[found])
        })
    }

    fn find_all(&self, agent: &str) -> Vec<String> {
        let expressions = self.expressions.matches(agent);
        let expressions = expressions.into_iter().map(|at| self.expression_names[at].to_string());
        self.plain_matches(agent).map(str::to_owned).chain(expressions).collect()
    }

    fn plain_matches<'a, 'b>(&'a self, agent: &'b str) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        self.plain.find_overlapping_iter(agent).filter_map(move |found| {
            let plain = &self.plain_names[found.pattern().as_usize()];
            let fits =
                (!plain.at_start || found.start() == 0) && (!plain.at_end || found.end() == agent.len());
            fits.then_some(&*plain.name)
        })
    }
}

/// The pattern as a name: without escapes and anchors.
fn name(pattern: &str) -> String {
    pattern.replace(['\\', '^', '$'], "").trim_end_matches('/').trim().to_owned()
}

fn literal(pattern: &str) -> Option<Literal> {
    let (pattern, at_start) = pattern.strip_prefix('^').map_or((pattern, false), |rest| (rest, true));
    let (pattern, at_end) = match pattern.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => (rest, true),
        _ => (pattern, false),
    };
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(|c| c.is_ascii_punctuation())?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            c => text.push(c),
        }
    }
    (!text.is_empty()).then_some(Literal { text, at_start, at_end })
}
