//! The name of an ad location, which apps have in their code and send with every event.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// 1 to 80 characters: letters and digits of ASCII, `- _ $ & , + / \` and, inside, ASCII white space.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdLocationName(Box<str>);

impl AdLocationName {
    /// Most characters.
    pub const LENGTH: usize = 80;

    /// The same rule as a pattern for schemas, but for the length.
    pub const PATTERN: &str =
        r"^[A-Za-z0-9_$&,+/\\-]([A-Za-z0-9_$&,+/\\ \t\n\v\f\r-]*[A-Za-z0-9_$&,+/\\-])?$";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the vendor's pattern calls `\s`, within ASCII: no name is white space of another script in disguise.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'$' | b'&' | b',' | b'+' | b'/' | b'\\')
        || is_space(byte)
}

fn judge(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    if !(1..=AdLocationName::LENGTH).contains(&text.chars().count()) {
        return Err("must have 1 to 80 characters");
    }
    if !bytes.iter().all(|byte| is_legal(*byte)) {
        return Err(r"must be made of A-Z a-z 0-9 - _ $ & , + / \ and white space");
    }
    if bytes.first().is_some_and(|byte| is_space(*byte)) || bytes.last().is_some_and(|byte| is_space(*byte)) {
        return Err("must not begin or end with white space");
    }
    Ok(())
}

impl FromStr for AdLocationName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        judge(text).map(|()| Self(text.into())).map_err(|message| Invalid::new("name", message))
    }
}

impl TryFrom<String> for AdLocationName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        judge(&text).map(|()| Self(text.into())).map_err(|message| Invalid::new("name", message))
    }
}

impl From<AdLocationName> for String {
    fn from(name: AdLocationName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for AdLocationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AdLocationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
