//! Versions of operating systems, compared as people do: 9 is before 10, and 16 is 16.0.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// 1 to 4 numbers of up to 5 digits, without leading zeros, joined by points: `16.5.1`. Kept as it was written, so
/// `16` and `16.0` are different values that compare as equal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OsVersion(String);

impl OsVersion {
    /// The form, as a regular expression for documents of the API.
    pub const PATTERN: &str = r"^(0|[1-9][0-9]{0,4})(\.(0|[1-9][0-9]{0,4})){0,3}$";
    const PARTS: usize = 4;

    /// Reads a version; `field` is where it stood.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let is_part = |part: &str| match part.as_bytes() {
            [b'0'] => true,
            [b'1'..=b'9', rest @ ..] => rest.len() <= 4 && rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if text.split('.').all(is_part) && text.split('.').count() <= Self::PARTS {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                field,
                "must be 1 to 4 numbers without leading zeros, joined by points, such as 16.5.1",
            ))
        }
    }

    /// The version as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares part by part; parts that are not written are 0.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }

    fn parts(&self) -> [u32; Self::PARTS] {
        let mut parts = [0; Self::PARTS];
        for (part, text) in parts.iter_mut().zip(self.0.split('.')) {
            // `parse` let only numbers of up to five digits in.
            *part = text.parse().unwrap_or(0);
        }
        parts
    }
}

impl TryFrom<String> for OsVersion {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse("os_version", &text)
    }
}

impl From<OsVersion> for String {
    fn from(version: OsVersion) -> Self {
        version.0
    }
}

impl fmt::Debug for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> OsVersion {
        OsVersion::parse("min", text).unwrap()
    }

    #[test]
    fn versions_are_numbers_and_points() {
        for text in ["0", "16", "16.5.1", "4.4.4.0", "99999.0.0.99999"] {
            assert_eq!(version(text).as_str(), text);
        }
        let wrong = [
            "",
            ".",
            "16.",
            ".5",
            "16..5",
            "016",
            "16.05",
            "1.2.3.4.5",
            "100000",
            "-1",
            "+1",
            "16,5",
            "iOS 16",
            " 16",
            "16 ",
            "1６",
            "16.5-beta",
            "٣",
        ];
        for text in wrong {
            assert_eq!(OsVersion::parse("min", text).unwrap_err().field, "min", "{text}");
        }
    }

    #[test]
    fn they_compare_by_their_numbers() {
        for (a, b, expected) in [
            ("9", "10", Ordering::Less),
            ("16.10", "16.9", Ordering::Greater),
            ("16", "16.0.0.0", Ordering::Equal),
            ("16.5.1", "17.0.1", Ordering::Less),
            ("16.0.0.1", "16", Ordering::Greater),
        ] {
            assert_eq!(version(a).compare(&version(b)), expected, "{a} {b}");
            assert_eq!(version(b).compare(&version(a)), expected.reverse(), "{b} {a}");
        }
        assert_ne!(version("16"), version("16.0"), "what was written is kept");
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_padded_lists(
            a in prop::collection::vec(0u32..=99_999, 1..=4),
            b in prop::collection::vec(0u32..=99_999, 1..=4),
        ) {
            let text = |parts: &[u32]| parts.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
            let padded = |parts: &[u32]| {
                let mut parts = parts.to_vec();
                parts.resize(4, 0);
                parts
            };
            prop_assert_eq!(version(&text(&a)).compare(&version(&text(&b))), padded(&a).cmp(&padded(&b)));
        }
    }
}
