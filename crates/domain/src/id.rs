//! Ids of configured objects. Each is a newtype with its own parser, so that one kind cannot stand in for another.

use crate::{Entropy, Invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $alphabet:literal, $legal:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Length in characters.
            pub const LENGTH: usize = $length;

            /// A new random id. 32 symbols are drawn evenly from one byte each.
            pub fn random(entropy: &dyn Entropy) -> Self {
                let alphabet: &[u8] = $alphabet;
                let mut bytes = [0; $length];
                entropy.fill(&mut bytes);
                Self(bytes.map(|byte| alphabet[usize::from(byte) % alphabet.len()]))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                // Only ASCII ever gets in: `from_bytes` and `random` are the only constructors.
                std::str::from_utf8(&self.0).unwrap_or_default()
            }

            /// The id whose text is these bytes.
            pub fn from_bytes(bytes: [u8; $length]) -> Option<Self> {
                bytes.iter().all(|byte| $legal.1(*byte)).then_some(Self(bytes))
            }

            /// The id as bytes, all ASCII.
            pub fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                text.as_bytes().try_into().ok().and_then(Self::from_bytes).ok_or_else(|| {
                    let length = stringify!($length);
                    Invalid::new($field, format!("must be {length} characters of {}", $legal.0))
                })
            }
        }

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
    };
}

/// What an id is made of: the name of the characters, and which they are.
type Legal = (&'static str, fn(u8) -> bool);
const LETTERS: Legal = ("a-z and 0-9", |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
const HEX: Legal = ("0-9 and a-f", |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));

short_id!(
    /// An integration: the traffic of one tracker or app network, with its own filter groups. It is public, since it
    /// stands in every link. 10 characters of `a-z0-9`.
    IntegrationId, 10, b"abcdefghijklmnopqrstuvwxyz234567", LETTERS, "integration_id"
);
short_id!(
    /// A filter group of an integration. 10 characters of `a-z0-9`.
    FilterGroupId, 10, b"abcdefghijklmnopqrstuvwxyz234567", LETTERS, "filter_group_id"
);
short_id!(
    /// An outgoing postback of an integration. 10 characters of `a-z0-9`.
    PostbackId, 10, b"abcdefghijklmnopqrstuvwxyz234567", LETTERS, "postback_id"
);
short_id!(
    /// An organization: the tenant that owns everything else. 24 lower-case hex characters when made here.
    OrganizationId, 24, b"0123456789abcdef", LETTERS, "organization"
);
short_id!(
    /// An app. It stands in the code of the app itself, so it is public. 24 lower-case hex characters.
    AppId, 24, b"0123456789abcdef", HEX, "app_id"
);
short_id!(
    /// What an app's code proves its id with. 40 lower-case hex characters.
    AppSignature, 40, b"0123456789abcdef", HEX, "signature"
);
short_id!(
    /// A category list. 24 lower-case hex characters.
    CategoryListId, 24, b"0123456789abcdef", HEX, "list_id"
);

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = i as u8;
            }
        }
    }

    #[test]
    fn ids_parse_what_they_print() {
        let id = IntegrationId::random(&Counting);
        assert_eq!(id.to_string(), "abcdefghij");
        assert_eq!("abcdefghij".parse(), Ok(id));
        assert_eq!(OrganizationId::random(&Counting).to_string(), "0123456789abcdef01234567");
    }

    #[test]
    fn ids_refuse_other_shapes() {
        assert!("0123456789abcdef0123456g".parse::<AppId>().is_err());
        assert!("0123456789ABCDEF01234567".parse::<AppId>().is_err());
        for text in ["", "abc", "ABCDEFGHIJ", "abcdefghijk", "abcdefgh-j", "äbcdefghi"] {
            assert!(text.parse::<IntegrationId>().is_err(), "{text}");
        }
    }
}
