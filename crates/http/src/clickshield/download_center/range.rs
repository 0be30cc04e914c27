//! Which part of a file a request asks for: RFC 9110, 14.2, single ranges of bytes. Whatever else a `Range` says is
//! ignored, as the RFC allows, and the whole file is answered.

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};
use std::ops::Range;

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Outside,
}

/// What the headers ask for of a file of `size` bytes whose tag is `tag`.
pub(super) fn wanted(headers: &HeaderMap, size: u64, tag: &str) -> Wanted {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    // Another tag, or a date: the part would be one of another file. Files have no date.
    if headers.get(IF_RANGE).is_some_and(|given| given.as_bytes() != tag.as_bytes()) {
        return Wanted::Whole;
    }
    range.to_str().ok().and_then(|text| part(text, size)).unwrap_or(Wanted::Whole)
}

/// A single range; `None` for everything else.
fn part(text: &str, size: u64) -> Option<Wanted> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let range = match (number(first)?, number(last)?) {
        (None, None) => return None,
        (None, Some(count)) => size.saturating_sub(count)..size,
        (Some(first), None) => first..size,
        (Some(first), Some(last)) if first > last => return None,
        (Some(first), Some(last)) => first..size.min(last.saturating_add(1)),
    };
    Some(if range.is_empty() { Wanted::Outside } else { Wanted::Part(range) })
}

/// Digits; nothing at all is a number that is left out.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // More than any file has is just that.
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_parts_and_others_are_ignored() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, text.parse().unwrap());
            wanted(&headers, 100, "\"t\"")
        };
        for (text, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=10-19", Wanted::Part(10..20)),
            ("bytes=90-", Wanted::Part(90..100)),
            ("bytes=90-1000", Wanted::Part(90..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("Bytes=0-99999999999999999999", Wanted::Part(0..100)),
            ("bytes=100-", Wanted::Outside),
            ("bytes=100-200", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=99999999999999999999-", Wanted::Outside),
            ("bytes=20-10", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("rows=0-1", Wanted::Whole),
        ] {
            assert_eq!(asked(text), expected, "{text}");
        }
    }

    #[test]
    fn a_part_is_one_of_the_file_that_was_begun() {
        let mut headers = HeaderMap::new();
        assert_eq!(wanted(&headers, 100, "\"t\""), Wanted::Whole);
        headers.insert(RANGE, "bytes=5-".parse().unwrap());
        for (given, expected) in [
            ("\"t\"", Wanted::Part(5..100)),
            ("\"u\"", Wanted::Whole),
            ("W/\"t\"", Wanted::Whole),
            ("Sun, 22 Nov 2026 08:00:00 GMT", Wanted::Whole),
        ] {
            headers.insert(IF_RANGE, given.parse().unwrap());
            assert_eq!(wanted(&headers, 100, "\"t\""), expected, "{given}");
        }
        headers.remove(IF_RANGE);
        headers.append(RANGE, "bytes=6-".parse().unwrap());
        assert_eq!(wanted(&headers, 100, "\"t\""), Wanted::Whole);
    }
}
