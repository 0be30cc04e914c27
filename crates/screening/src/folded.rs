//! Texts that people write, compared without regard to case and surrounding space, and without allocating.

use hashbrown::{Equivalent, HashSet};
use std::hash::{Hash, Hasher};

/// The characters of `text` as they are compared.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.trim().chars().flat_map(char::to_lowercase)
}

/// A set of texts.
#[derive(Debug, Default)]
pub(crate) struct FoldedSet(HashSet<Member>);

impl FoldedSet {
    /// The set of these texts.
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        Self(texts.map(|text| Member(folded(text).collect())).collect())
    }

    /// Whether it has no member.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text is a member.
    pub(crate) fn contains(&self, text: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&Sought(text))
    }
}

/// A folded text.
#[derive(Debug, PartialEq, Eq)]
struct Member(Box<str>);

impl Hash for Member {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Sought(&self.0).hash(state);
    }
}

/// A text as it came.
struct Sought<'a>(&'a str);

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        folded(self.0).for_each(|c| state.write_u32(c.into()));
    }
}

impl Equivalent<Member> for Sought<'_> {
    fn equivalent(&self, member: &Member) -> bool {
        folded(self.0).eq(member.0.chars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_surrounding_space_do_not_count() {
        let set = FoldedSet::new(["Hetzner Online", " KÖLN ", "казино"].into_iter());
        for text in ["hetzner online", "  HETZNER ONLINE", "Köln", "КАЗИНО\t"] {
            assert!(set.contains(text), "{text}");
        }
        for text in ["", "hetzner", "hetzneronline", "koln"] {
            assert!(!set.contains(text), "{text}");
        }
        assert!(!FoldedSet::default().contains(""));
    }
}
