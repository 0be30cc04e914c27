//! `referrer`: the page the user came from is of a bad category, contains a keyword, or matches an expression. A click
//! without a referrer has nothing to match.

use crate::catalogue::FilterType;
use crate::facts::filled;
use crate::flip::{Flip, Setting};
use crate::filter::{C, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choices, MAX_TEXT, Param, Params, Special, Texts, check_all};
use crate::patterns::Patterns;
use crate::verdict::{Finding, Measure, Value};
use crate::words::CATEGORIES;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::RegexSet;
use serde_json::json;
use tollgate_domain::{Invalid, Reason, Text};

const CATEGORY: Choices = Choices {
    name: "categories",
    default: &[],
    options: &["fraud", "drugs", "p2p_streaming", "hate_speech", "adult", "spam"],
    min_items: 0,
    about: "Kinds of pages that are rejected, by short lists of words that come with Tollgate.",
};
const KEYWORDS: Texts = Texts {
    name: "keywords",
    max_items: 100,
    about: "Texts that must not occur in the referrer, without regard to case.",
};
const PATTERNS: Patterns = Patterns {
    name: "patterns",
    max_items: 100,
    about: "Regular expressions that must not match in the referrer, without regard to case.",
};
const GROUPS: Groups = Groups;

pub(super) static TYPE: FilterType = FilterType {
    name: "referrer",
    about: "Rejects clicks from pages of bad categories, with keywords, or that match an expression.",
    kinds: C,
    reasons: &[Reason::Referrer],
    params: &[
        Param::Choices(&CATEGORY),
        Param::Texts(&KEYWORDS),
        Param::Special(&PATTERNS),
        Param::Special(&GROUPS),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

const GROUP_NAME: Texts = Texts { name: "name", max_items: 1, about: "What the evidence calls the group." };
const GROUP_KEYWORDS: Texts =
    Texts { name: "keywords", max_items: 10_000, about: "Texts that must not occur in the referrer." };
/// Texts that are together no longer than this become the quickest automaton: all categories do.
const MAX_DFA_BYTES: usize = 4096;

/// The members of a group beside its name.
const GROUP: &[Param] = &[Param::Texts(&GROUP_KEYWORDS)];

/// A parameter: long lists of keywords, each under a name.
struct Groups;

impl Groups {
    const MAX_ITEMS: usize = 10;

    /// The groups: name and keywords.
    fn of<'a>(&self, params: &Params<'a>) -> Vec<(&'a str, Vec<&'a str>)> {
        let items = params.value(self.name()).and_then(serde_json::Value::as_array);
        let groups = items.into_iter().flatten().filter_map(serde_json::Value::as_object);
        groups
            .map(|group| {
                let name = group.get(GROUP_NAME.name).and_then(serde_json::Value::as_str);
                (name.unwrap_or("groups"), Params::new(group).texts(&GROUP_KEYWORDS).collect())
            })
            .collect()
    }
}

impl Special for Groups {
    fn name(&self) -> &'static str {
        "groups"
    }

    fn about(&self) -> &'static str {
        "Long lists of keywords, each with a name."
    }

    fn check(&self, path: &str, value: &serde_json::Value, errors: &mut Vec<Invalid>) {
        let Some(groups) = value.as_array() else {
            return errors.push(Invalid::new(path, "must be an array"));
        };
        if groups.len() > Self::MAX_ITEMS {
            return errors.push(Invalid::new(path, format!("must hold at most {}", Self::MAX_ITEMS)));
        }
        for (index, group) in groups.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(group) = group.as_object() else {
                errors.push(Invalid::new(path, "must be an object"));
                continue;
            };
            let mut members = group.clone();
            let name = members.remove(GROUP_NAME.name);
            let named = name.as_ref().and_then(serde_json::Value::as_str);
            if !named.is_some_and(|name| (1..=MAX_TEXT).contains(&name.len())) {
                let message = format!("must be a text of 1 to {MAX_TEXT} bytes");
                errors.push(Invalid::new(format!("{path}.{}", GROUP_NAME.name), message));
            }
            check_all(GROUP, &path, &members, errors);
        }
    }

    fn schema(&self) -> serde_json::Value {
        let mut group = crate::schema::object(GROUP);
        group["properties"][GROUP_NAME.name] =
            json!({"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "description": GROUP_NAME.about});
        group["required"] = json!([GROUP_NAME.name]);
        json!({"type": "array", "items": group, "maxItems": Self::MAX_ITEMS, "default": []})
    }
}

struct Referrer {
    /// Everything that must not occur; the n-th is `entries[n]`.
    keywords: Option<AhoCorasick>,
    entries: Box<[Entry]>,
    /// Names of groups, as entries refer to them.
    groups: Box<[Box<str>]>,
    patterns: RegexSet,
    pattern_texts: Box<[Box<str>]>,
}

/// One text that must not occur.
struct Entry {
    source: Source,
    /// Whether a letter or digit may stand before it.
    open_start: bool,
    /// Whether one may stand behind it.
    open_end: bool,
}

/// Where an entry comes from.
#[derive(Clone, Copy)]
enum Source {
    Category(&'static str),
    Keywords,
    Group(u8),
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let (mut texts, mut entries): (Vec<&str>, Vec<Entry>) = Default::default();
    for (category, words) in CATEGORIES.iter().filter(|(name, _)| params.chosen(&CATEGORY, name)) {
        for word in words.split_ascii_whitespace() {
            let (open_start, open_end) = (word.starts_with('*'), word.ends_with('*'));
            texts.push(word.trim_matches('*'));
            entries.push(Entry { source: Source::Category(category), open_start, open_end });
        }
    }
    let mut add = |source, listed: &mut dyn Iterator<Item = _>| {
        for text in listed {
            texts.push(text);
            entries.push(Entry { source, open_start: true, open_end: true });
        }
    };
    add(Source::Keywords, &mut params.texts(&KEYWORDS));
    let groups = GROUPS.of(params);
    for (n, (_, keywords)) in groups.iter().enumerate() {
        // There are ten at most.
        add(Source::Group(n as u8), &mut keywords.iter().copied());
    }
    let (patterns, pattern_texts) = PATTERNS.of(params);
    let automaton = || {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
        // A third of the work for each byte of a referrer, for up to a megabyte.
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        builder.kind((bytes <= MAX_DFA_BYTES).then_some(AhoCorasickKind::DFA));
        // It fails only beyond two billion states, and a request's body has a megabyte.
        builder.build(&texts).ok()
    };
    Box::new(Referrer {
        keywords: if texts.is_empty() { None } else { automaton() },
        entries: entries.into(),
        groups: groups.iter().map(|(name, _)| Box::from(*name)).collect(),
        patterns,
        pattern_texts: pattern_texts.into_iter().map(Box::from).collect(),
    })
}

impl Judge for Referrer {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(referrer) = filled(seen.event, Text::Referer) else {
            return report.skip("there is no referrer");
        };
        let finding = Finding::new(Reason::Referrer);
        if let Some(keywords) = &self.keywords {
            // Hardly any referrer has one: the search that stops at the first is the faster one.
            let first = if keywords.is_match(referrer) { self.found(referrer).next() } else { None };
            report.check(
                first.is_some(),
                || match first {
                    None => finding,
                    Some((source, found)) => {
                        let (field, threshold) = self.list(source, found);
                        finding.field(field).observed(Value::Text(found)).threshold(Value::Text(threshold))
                    }
                },
                || self.flip_texts(referrer),
            );
        }
        if !self.patterns.is_empty() {
            let matches = self.patterns.is_match(referrer);
            report.check(
                matches,
                || match self.pattern(referrer).next() {
                    Some(pattern) if matches => finding.field(PATTERNS.name).threshold(Value::Text(pattern)),
                    _ => finding.field(PATTERNS.name),
                },
                || self.flip_patterns(referrer),
            );
        }
    }
}

impl Referrer {
    /// The texts that occur although they must not: where each is from, and how it is written there.
    fn found<'a>(&self, referrer: &'a str) -> impl Iterator<Item = (Source, &'a str)> {
        let bytes = referrer.as_bytes();
        let is_word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
        let found = self.keywords.iter().flat_map(move |keywords| keywords.find_overlapping_iter(referrer));
        found.filter_map(move |found| {
            let entry = &self.entries[found.pattern().as_usize()];
            let start =
                entry.open_start || !is_word(found.start().checked_sub(1).and_then(|at| bytes.get(at)));
            let end = entry.open_end || !is_word(bytes.get(found.end()));
            // A match of an ASCII keyword or of a whole UTF-8 one lies on character boundaries.
            (start && end).then_some((entry.source, referrer.get(found.range()).unwrap_or_default()))
        })
    }

    /// The parameter that a text is from, and what stands there.
    fn list<'a>(&'a self, source: Source, found: &'a str) -> (&'static str, &'a str) {
        match source {
            Source::Category(category) => (CATEGORY.name, category),
            Source::Keywords => (KEYWORDS.name, found),
            Source::Group(n) => ("groups", &*self.groups[usize::from(n)]),
        }
    }

    /// The expressions that match.
    fn pattern(&self, referrer: &str) -> impl Iterator<Item = &str> {
        let places = self.patterns.matches(referrer).into_iter();
        places.filter_map(|place| self.pattern_texts.get(place)).map(|text| &**text)
    }

    fn flip_texts(&self, referrer: &str) -> Flip {
        let mut lists: Vec<_> =
            self.found(referrer).map(|(source, found)| self.list(source, found)).collect();
        // Keywords are compared without regard to case.
        lists.dedup_by(|a, b| a.0 == b.0 && a.1.eq_ignore_ascii_case(b.1));
        match lists[..] {
            [] => Flip::fact("referer", "if the referrer held one of the filter's texts"),
            [(list, value)] => Flip::parameter(list, Setting::Without(Measure::text(value))),
            _ => Flip::none("the referrer holds several of the filter's texts"),
        }
    }

    fn flip_patterns(&self, referrer: &str) -> Flip {
        match self.pattern(referrer).collect::<Vec<_>>()[..] {
            [] => Flip::fact("referer", "if the referrer matched one of the filter's expressions"),
            [pattern] => Flip::parameter(PATTERNS.name, Setting::Without(Measure::text(pattern))),
            _ => Flip::none("several of the filter's expressions match"),
        }
    }
}
