//! Ids of ad locations. A location's own id is a UUID; with its app's id before it, an app's locations are neighbours in
//! every order.

use crate::{AppId, Entropy, Invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const UUID_LENGTH: usize = 36;
const LENGTH: usize = AppId::LENGTH + 1 + UUID_LENGTH;

/// A random UUID (RFC 9562, version 4) in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid([u8; UUID_LENGTH]);

impl Uuid {
    /// A new one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [b'-'; UUID_LENGTH];
        let places = (0..UUID_LENGTH).filter(|at| !is_dash(*at));
        for (place, digit) in places.zip(crate::hex(&bytes).bytes()) {
            text[place] = digit;
        }
        Self(text)
    }

    /// The UUID as text.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

const fn is_dash(at: usize) -> bool {
    matches!(at, 8 | 13 | 18 | 23)
}

impl FromStr for Uuid {
    type Err = Invalid;

    /// Any UUID in lower case, whatever its version.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let legal = |(at, byte): (usize, &u8)| match is_dash(at) {
            true => *byte == b'-',
            false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        match <[u8; UUID_LENGTH]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().enumerate().all(legal) => Ok(Self(bytes)),
            _ => Err(Invalid::new("uuid", "must be a UUID in lower case")),
        }
    }
}

/// The id of an ad location: `<app id>/<uuid>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AdLocationId {
    app: AppId,
    uuid: Uuid,
    text: [u8; LENGTH],
}

impl AdLocationId {
    /// The location `uuid` of `app`.
    pub fn new(app: AppId, uuid: Uuid) -> Self {
        let mut text = [b'/'; LENGTH];
        text[..AppId::LENGTH].copy_from_slice(app.as_bytes());
        text[AppId::LENGTH + 1..].copy_from_slice(&uuid.0);
        Self { app, uuid, text }
    }

    /// The app it belongs to.
    pub fn app(&self) -> AppId {
        self.app
    }

    /// Its own id within the app.
    pub fn uuid(&self) -> &Uuid {
        &self.uuid
    }

    /// Both as text.
    pub fn as_str(&self) -> &str {
        ascii(&self.text)
    }
}

/// Only ASCII gets into ids.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

impl FromStr for AdLocationId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (app, uuid) = text
            .split_once('/')
            .ok_or_else(|| Invalid::new("ad_location_id", "must be an app's id, a slash and a UUID"))?;
        Ok(Self::new(app.parse()?, uuid.parse()?))
    }
}

macro_rules! textual {
    ($($name:ty),+) => { $(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

textual!(Uuid, AdLocationId);
