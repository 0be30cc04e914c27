//! The IAB Content Taxonomy 1.0: 26 tier 1 categories and their 366 sub-categories (tier 2), as data. Only tier 2 can
//! be blocked; a tier 1 code is recognised so that the error can say so.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

const DATA: &str = include_str!("taxonomy.tsv");

/// Tier 1 codes whose sub-categories are mandatory unless an operator says otherwise: non-standard and illegal
/// content.
const MANDATORY: [&str; 2] = ["IAB25", "IAB26"];

/// A tier 1 category, such as IAB1. It groups others and cannot be blocked itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TierOne(u16);

/// A tier 2 category, such as IAB1-1. Ordered as in the taxonomy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Category(u16);

#[derive(Debug, Clone, Copy)]
enum Known {
    TierOne(TierOne),
    Category(Category),
}

struct Row {
    code: &'static str,
    name: &'static str,
    parent: TierOne,
}

struct Taxonomy {
    rows_one: Vec<Row>,
    rows_two: Vec<Row>,
    by_code: HashMap<&'static str, Known>,
}

static TAXONOMY: LazyLock<Taxonomy> = LazyLock::new(|| {
    let mut taxonomy = Taxonomy { rows_one: Vec::new(), rows_two: Vec::new(), by_code: HashMap::new() };
    let rows = DATA.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    for (code, name) in rows {
        // Sub-categories follow the category they belong to, so it is the newest one.
        if code.contains('-') {
            let parent = TierOne((taxonomy.rows_one.len().max(1) - 1) as u16);
            taxonomy.by_code.insert(code, Known::Category(Category(taxonomy.rows_two.len() as u16)));
            taxonomy.rows_two.push(Row { code, name, parent });
        } else {
            let parent = TierOne(taxonomy.rows_one.len() as u16);
            taxonomy.by_code.insert(code, Known::TierOne(parent));
            taxonomy.rows_one.push(Row { code, name, parent });
        }
    }
    taxonomy
});

impl TierOne {
    /// All of them, in the order of the taxonomy.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..TAXONOMY.rows_one.len()).map(|index| Self(index as u16))
    }

    /// Its code, such as `IAB1`.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// Its English name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Its sub-categories, in the order of the taxonomy. IAB24 (Uncategorized) has none.
    pub fn categories(self) -> impl Iterator<Item = Category> {
        Category::all().filter(move |category| category.parent() == self)
    }

    fn row(self) -> &'static Row {
        // Values are made from positions in this very table.
        &TAXONOMY.rows_one[usize::from(self.0)]
    }
}

impl Category {
    /// How many there are.
    pub const COUNT: usize = 366;

    /// All of them, in the order of the taxonomy.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..TAXONOMY.rows_two.len()).map(|index| Self(index as u16))
    }

    /// The categories that every list blocks unless an operator chose others: those of IAB25 and IAB26.
    pub fn mandatory_by_default() -> Vec<Self> {
        Self::all().filter(|category| MANDATORY.contains(&category.parent().code())).collect()
    }

    /// Its code, such as `IAB1-1`.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// Its English name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The tier 1 category it belongs to.
    pub fn parent(self) -> TierOne {
        self.row().parent
    }

    /// The category of a code, written exactly as in the taxonomy. `field` is where the code stood.
    pub fn parse(field: &str, code: &str) -> Result<Self, Invalid> {
        match TAXONOMY.by_code.get(code) {
            Some(Known::Category(category)) => Ok(*category),
            Some(Known::TierOne(tier_one)) => Err(Invalid::new(
                field,
                match tier_one.categories().next() {
                    Some(first) => format!(
                        "{code} ({}) is a tier 1 category; only sub-categories such as {} can be passed",
                        tier_one.name(),
                        first.code()
                    ),
                    None => format!(
                        "{code} ({}) is a tier 1 category without sub-categories and cannot be passed",
                        tier_one.name()
                    ),
                },
            )),
            None => Err(Invalid::new(
                field,
                "must be a tier 2 code of the IAB Content Taxonomy 1.0, such as IAB1-1",
            )),
        }
    }

    fn row(self) -> &'static Row {
        // Values are made from positions in this very table.
        &TAXONOMY.rows_two[usize::from(self.0)]
    }
}

impl fmt::Debug for TierOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Category {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse("category", &code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_taxonomy_is_whole_and_every_code_parses_to_itself() {
        assert_eq!((TierOne::all().len(), Category::all().len()), (26, Category::COUNT));
        for (number, tier_one) in (1..).zip(TierOne::all()) {
            assert_eq!(tier_one.code(), format!("IAB{number}"));
            assert!(!tier_one.name().is_empty());
            for (sub, category) in (1..).zip(tier_one.categories()) {
                assert_eq!(category.code(), format!("IAB{number}-{sub}"));
                assert_eq!(Category::parse("", category.code()), Ok(category));
                assert!(!category.name().is_empty());
            }
        }
        assert_eq!(TierOne::all().map(|one| one.categories().count()).sum::<usize>(), Category::COUNT);
        assert_eq!(Category::parse("", "IAB7-39").map(Category::name), Ok("Sexuality"));
    }

    #[test]
    fn a_tier_one_code_is_told_from_an_unknown_one() {
        let refused = |code| Category::parse("elements[0]", code).unwrap_err().message;
        for tier_one in TierOne::all() {
            assert!(refused(tier_one.code()).contains(tier_one.code()));
            assert!(refused(tier_one.code()).contains("tier 1"));
        }
        assert_eq!(
            refused("IAB1"),
            "IAB1 (Arts & Entertainment) is a tier 1 category; only sub-categories such as IAB1-1 can be passed"
        );
        for unknown in
            ["", "iab1-1", "IAB1-8", "IAB27-1", "IAB01-1", "IAB1-1 ", "IAB1\u{2010}1", "IAB１-1", "1-1"]
        {
            assert!(!refused(unknown).contains("tier 1"), "{unknown}");
        }
    }

    #[test]
    fn mandatory_by_default_are_eleven() {
        let codes: Vec<_> = Category::mandatory_by_default().into_iter().map(Category::code).collect();
        assert_eq!(codes.len(), 11);
        assert_eq!((codes.first(), codes.last()), (Some(&"IAB25-1"), Some(&"IAB26-4")));
    }

    #[test]
    fn documents_hold_codes() {
        let category = Category::parse("", "IAB8-5").unwrap();
        assert_eq!(serde_json::to_string(&category).unwrap(), "\"IAB8-5\"");
        assert_eq!(serde_json::from_str::<Category>("\"IAB8-5\"").unwrap(), category);
        assert!(serde_json::from_str::<Category>("\"IAB8\"").is_err());
    }
}
