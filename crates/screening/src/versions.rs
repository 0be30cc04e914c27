//! Versions of systems and browsers as user agents give them, compared by their numbers, and tables of the least that
//! is accepted of each.

use crate::params::{MAX_TEXT, Params, Special};
use serde_json::{Value, json};
use std::fmt::Write;
use tollgate_domain::{Invalid, OsVersion};

/// The first numbers of a version; those that are not written are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u32; 4]);

/// Windows by the names it was sold under, with the numbers that order them.
const WINDOWS: &[(&str, [u32; 4])] = &[
    ("NT", [4, 0, 0, 0]),
    ("95", [4, 0, 0, 0]),
    ("98", [4, 10, 0, 0]),
    ("ME", [4, 90, 0, 0]),
    ("2000", [5, 0, 0, 0]),
    ("XP", [5, 1, 0, 0]),
    ("Vista", [6, 0, 0, 0]),
    ("7", [6, 1, 0, 0]),
    ("8", [6, 2, 0, 0]),
    ("RT", [6, 2, 0, 0]),
    ("8.1", [6, 3, 0, 0]),
    ("RT 8.1", [6, 3, 0, 0]),
];

impl Version {
    /// Reads the version of the system or browser `of`: its numbers up to the first that is none. `None` when it does
    /// not begin with a number.
    pub(crate) fn read(of: &str, text: &str) -> Option<Self> {
        // Most versions begin with numbers that no name is taken for.
        let may_be_name = !matches!(text.as_bytes(), [b'1', b'0' | b'1', ..]);
        if may_be_name
            && of.eq_ignore_ascii_case("windows")
            && let Some((_, numbers)) = WINDOWS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text))
        {
            return Some(Self(*numbers));
        }
        let (mut parts, mut at, mut digits) = ([0u32; 4], 0, 0);
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => {
                    parts[at] = parts[at].saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                    digits += 1;
                }
                b'.' if digits > 0 && at + 1 < parts.len() => (at, digits) = (at + 1, 0),
                _ => break,
            }
        }
        (at > 0 || digits > 0).then_some(Self(parts))
    }
}

/// The least that is accepted of one system or browser.
#[derive(Debug)]
pub(crate) struct Minimum {
    pub(crate) name: Box<str>,
    /// As it was written.
    pub(crate) text: Box<str>,
    version: Version,
}

/// The least that is accepted of each.
#[derive(Debug)]
pub(crate) struct Minimums(Vec<Minimum>);

/// What a table says of a version.
#[derive(Debug)]
pub(crate) enum Age<'a> {
    /// It is older than this.
    Outdated(&'a Minimum),
    /// It is not.
    Recent,
    /// The name, or the version of a name that the table has, is missing.
    Unknown,
}

impl Minimums {
    /// Compares what an event says. What the table does not name is never outdated.
    pub(crate) fn judge(&self, name: &str, version: &str) -> Age<'_> {
        if name.is_empty() {
            return Age::Unknown;
        }
        let Some(minimum) = self.0.iter().find(|minimum| minimum.name.eq_ignore_ascii_case(name)) else {
            return Age::Recent;
        };
        match Version::read(name, version) {
            None => Age::Unknown,
            Some(version) if version < minimum.version => Age::Outdated(minimum),
            Some(_) => Age::Recent,
        }
    }

    /// The table as text; equal tables have equal texts.
    pub(crate) fn identity(&self) -> String {
        let mut lines: Vec<_> = self.0.iter().map(|m| (m.name.to_ascii_lowercase(), m.version)).collect();
        lines.sort_unstable();
        lines.iter().fold(String::new(), |mut out, (name, version)| {
            let _ = write!(out, "{name:?} {:?} ", version.0);
            out
        })
    }
}

/// A parameter: an object of names and their least versions. Giving it replaces the default as a whole.
pub(crate) struct Versions {
    pub(crate) name: &'static str,
    /// What absent means.
    pub(crate) default: &'static [(&'static str, &'static str)],
    pub(crate) about: &'static str,
}

/// The most names a table may have.
const MAX_NAMES: usize = 100;

impl Versions {
    /// The table that was given, or the default.
    pub(crate) fn of(&self, params: &Params<'_>) -> Minimums {
        let minimum = |(name, text): (&str, &str)| {
            Some(Minimum { name: name.into(), text: text.into(), version: Version::read(name, text)? })
        };
        Minimums(match params.value(self.name).and_then(Value::as_object) {
            Some(given) => {
                given.iter().filter_map(|(name, version)| minimum((name, version.as_str()?))).collect()
            }
            None => self.default.iter().copied().filter_map(minimum).collect(),
        })
    }
}

impl Special for Versions {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        let Some(given) = value.as_object() else {
            return errors.push(Invalid::new(path, "must be an object of names and versions"));
        };
        if given.len() > MAX_NAMES {
            return errors.push(Invalid::new(path, format!("must hold at most {MAX_NAMES}")));
        }
        for (n, (name, version)) in given.iter().enumerate() {
            let path = format!("{path}.{name}");
            let same = |other: &&String| other.eq_ignore_ascii_case(name);
            if !(1..=MAX_TEXT).contains(&name.len()) {
                errors.push(Invalid::new(path, format!("must have a name of 1 to {MAX_TEXT} bytes")));
            } else if given.keys().take(n).any(|other| same(&other)) {
                errors.push(Invalid::new(path, "is named twice"));
            } else if let Err(wrong) = check_version(&path, name, version.as_str().unwrap_or_default()) {
                errors.push(wrong);
            }
        }
    }

    fn schema(&self) -> Value {
        let names: Vec<_> = WINDOWS.iter().map(|(name, _)| name.replace('.', r"\.")).collect();
        let windows = format!("{}|^({})$", OsVersion::PATTERN, names.join("|"));
        json!({
            "type": "object", "maxProperties": MAX_NAMES,
            "propertyNames": {"minLength": 1, "maxLength": MAX_TEXT},
            "properties": {"Windows": {"type": "string", "pattern": windows}},
            "additionalProperties": {"type": "string", "pattern": OsVersion::PATTERN},
            "default": self.default.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
        })
    }
}

/// Windows has names for its versions; everything else has numbers.
fn check_version(path: &str, name: &str, version: &str) -> Result<(), Invalid> {
    if name == "Windows" && WINDOWS.iter().any(|(known, _)| *known == version) {
        return Ok(());
    }
    OsVersion::parse(path, version).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn versions_compare_by_their_numbers() {
        let read = |text| Version::read("", text).unwrap();
        for (a, b, expected) in [
            ("9", "10", Ordering::Less),
            ("16.10", "16.9", Ordering::Greater),
            ("16", "16.0.0", Ordering::Equal),
            ("126.0.6478.127", "126.0.6478.126", Ordering::Greater),
            ("4.4.4.1.9", "4.4.4.1.8", Ordering::Equal),
            ("5.1b2", "5.1", Ordering::Equal),
            ("5.b.9", "5", Ordering::Equal),
            ("99999999999999999999", "4294967295", Ordering::Equal),
            ("007", "7", Ordering::Equal),
        ] {
            assert_eq!(read(a).cmp(&read(b)), expected, "{a} {b}");
            assert_eq!(read(b).cmp(&read(a)), expected.reverse(), "{b} {a}");
        }
        for text in ["", "XP", ".5", "b4", " 4", "٣"] {
            assert_eq!(Version::read("Android", text), None, "{text}");
        }
    }

    #[test]
    fn windows_is_ordered_as_it_was_sold() {
        let order = ["95", "98", "ME", "2000", "XP", "Vista", "7", "8", "8.1", "10", "11"];
        let versions: Vec<_> = order.iter().map(|text| Version::read("Windows", text).unwrap()).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        assert_eq!(Version::read("Windows", "Server"), None);
        assert!(Version::read("Other", "95") > Version::read("Other", "10"), "only Windows counts so");
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let nothing = serde_json::Map::new();
        let params = Params::new(&nothing);
        let table =
            Versions { name: "x", default: &[("Android", "7"), ("Windows", "7")], about: "" }.of(&params);
        let judge = |name, version| match table.judge(name, version) {
            Age::Outdated(minimum) => minimum.text.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(judge("Android", "6.0.1"), "7");
        assert_eq!(judge("android", "7"), "Recent");
        assert_eq!(judge("Windows", "XP"), "7");
        assert_eq!(judge("Windows", "10"), "Recent");
        assert_eq!(judge("Haiku", "1"), "Recent");
        assert_eq!(judge("Android", ""), "Unknown");
        assert_eq!(judge("", "6"), "Unknown");
    }
}
