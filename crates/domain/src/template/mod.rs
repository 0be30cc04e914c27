//! Texts with macros: the addresses that users are sent to, and what outgoing postbacks say.
//!
//! A macro is written `{name}`, `${name}` or `[name]`. What it stands for is percent-encoded, so that no value reaches
//! beyond its place, and a URL's host never has one.

mod macros;

pub use macros::Macros;

use crate::web_address;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;

/// What is percent-encoded in a value: all but what RFC 3986 calls "unreserved".
pub const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What an operator's own text may not have in a header; everything beyond ASCII neither.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ');
/// Longest name of a macro in square brackets, which have other uses in URLs.
const MAX_BRACKETED: usize = 64;

/// A text with macros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template<'a> {
    text: &'a str,
    /// Where macros may begin: behind a URL's host.
    tail: usize,
}

impl<'a> Template<'a> {
    /// An absolute `http` or `https` URL.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn url(text: &'a str) -> Result<Self, &'static str> {
        web_address::parse(text).map(|address| Self { text, tail: address.tail })
    }

    /// A form (`application/x-www-form-urlencoded`), or any other text in which percent-encoded values are at home.
    pub fn form(text: &'a str) -> Self {
        Self { text, tail: 0 }
    }

    /// The names of its macros, in the order in which they stand.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        pieces(&self.text[self.tail..]).filter_map(|piece| match piece {
            Piece::Macro(name) => Some(name),
            Piece::Literal(_) => None,
        })
    }

    /// The text with its macros filled in, those that nobody knows with nothing. `None` when that is longer than `limit`
    /// bytes.
    pub fn expand(&self, macros: &Macros<'_>, limit: usize) -> Option<String> {
        let mut filled = Filled::new(self, limit)?;
        filled.fill(&self.text[self.tail..], macros)?;
        Some(filled.text)
    }

    /// The same for a URL, with the event's extra parameters that no macro names added to its query.
    pub fn expand_with_extra(&self, macros: &Macros<'_>, limit: usize) -> Option<String> {
        let (front, fragment) = self.text.split_at(self.text.find('#').unwrap_or(self.text.len()));
        let mut filled = Filled::new(self, limit)?;
        filled.fill(&front[self.tail..], macros)?;
        let named: HashSet<&str> = if macros.has_extra() { self.names().collect() } else { HashSet::new() };
        let mut separator = if filled.text.contains('?') { "&" } else { "?" };
        for (name, value) in macros.extra().filter(|(name, _)| !named.contains(name)) {
            filled.push(std::mem::replace(&mut separator, "&"), UNPRINTABLE)?;
            filled.push(name, UNRESERVED)?;
            filled.push("=", UNPRINTABLE)?;
            filled.push(&value, UNRESERVED)?;
        }
        filled.fill(fragment, macros)?;
        Some(filled.text)
    }
}

/// A text in the making, never longer than its limit.
struct Filled {
    text: String,
    limit: usize,
}

impl Filled {
    /// What stands before the first place of a macro.
    fn new(template: &Template<'_>, limit: usize) -> Option<Self> {
        let mut filled = Self { text: String::with_capacity(template.text.len() + 64), limit };
        filled.push(&template.text[..template.tail], UNPRINTABLE)?;
        Some(filled)
    }

    fn push(&mut self, text: &str, encoded: &'static AsciiSet) -> Option<()> {
        for part in utf8_percent_encode(text, encoded) {
            if self.text.len() + part.len() > self.limit {
                return None;
            }
            self.text.push_str(part);
        }
        Some(())
    }

    fn fill(&mut self, template: &str, macros: &Macros<'_>) -> Option<()> {
        for piece in pieces(template) {
            match piece {
                Piece::Literal(text) => self.push(text, UNPRINTABLE)?,
                Piece::Macro(name) => self.push(&macros.value(name), UNRESERVED)?,
            }
        }
        Some(())
    }
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Macro(&'a str),
}

/// The parts of a template in order.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    // Behind the last closing brace no opening one is worth looking at: each would look to the end for nothing.
    let braces = text.rfind('}').unwrap_or(0);
    let mut from = 0;
    std::iter::from_fn(move || {
        for (at, byte) in text.bytes().enumerate().skip(from) {
            let found = match byte {
                b'{' if at < braces => braced(text, at + 1),
                b'$' if at < braces && text[at + 1..].starts_with('{') => braced(text, at + 2),
                b'[' => bracketed(text, at),
                _ => None,
            };
            let Some((name, end)) = found else { continue };
            let before = &text[from..at];
            // What stands before the macro comes first; the macro is found again with the next part.
            from = if before.is_empty() { end } else { at };
            return Some(if before.is_empty() { Piece::Macro(name) } else { Piece::Literal(before) });
        }
        let rest = &text[from..];
        from = text.len();
        (!rest.is_empty()).then_some(Piece::Literal(rest))
    })
}

/// The name that begins at `start`, and where its macro ends.
fn braced(text: &str, start: usize) -> Option<(&str, usize)> {
    let length = text[start..].find('}')?;
    Some((&text[start..start + length], start + length + 1))
}

/// The same for a macro whose bracket opens at `open`. `a[b]` is a parameter's own name in many a query, `[::1]` an
/// address: a macro begins with a letter and does not follow what an index could follow.
fn bracketed(text: &str, open: usize) -> Option<(&str, usize)> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if text.as_bytes()[..open].last().is_some_and(|before| is_word(before) || *before == b']') {
        return None;
    }
    let inside = &text.as_bytes()[open + 1..];
    let length = inside.iter().take(MAX_BRACKETED + 1).take_while(|byte| is_word(byte)).count();
    let is_macro =
        inside.first()?.is_ascii_alphabetic() && length <= MAX_BRACKETED && inside.get(length) == Some(&b']');
    is_macro.then(|| (&text[open + 1..=open + length], open + length + 2))
}

#[cfg(test)]
mod tests;
