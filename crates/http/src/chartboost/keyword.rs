//! A keyword that is looked for in thousands of texts, without regard to case. What is prepared once is the search, and
//! room for a text in lower case.

use memchr::memmem::Finder;
use std::cell::RefCell;

/// A keyword; the empty one stands in every text.
#[derive(Debug)]
pub(crate) struct Keyword {
    finder: Finder<'static>,
    lower: RefCell<Vec<u8>>,
}

impl Keyword {
    pub(crate) fn new(keyword: &str) -> Self {
        let finder = Finder::new(keyword.to_lowercase().as_bytes()).into_owned();
        Self { finder, lower: RefCell::default() }
    }

    /// Whether it finds everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.finder.needle().is_empty()
    }

    /// Whether it stands in a text that is in lower case already.
    pub(crate) fn is_in_lower(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }

    /// Whether it stands in a text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return self.is_in_lower(&text.to_lowercase());
        }
        let mut lower = self.lower.borrow_mut();
        lower.clear();
        lower.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        self.finder.find(&lower).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_in_any_script() {
        for (keyword, text, found) in [
            ("GAME", "my game", true),
            ("game", "MY GAME 2", true),
            ("game", "gam e", false),
            ("äpfel", "ÄPFEL", true),
            ("", "", true),
            ("\u{212a}", "k", true),
            ("k", "\u{212a}elvin", true),
        ] {
            assert_eq!(Keyword::new(keyword).is_in(text), found, "{keyword} in {text}");
        }
        assert!(Keyword::new("GaMe").is_in_lower("my game") && !Keyword::new("game").is_in_lower("MY GAME"));
    }
}
