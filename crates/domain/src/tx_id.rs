//! Transaction ids: ULIDs whose time is the event's own.

use crate::{Invalid, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A `real_tx_id`: 48 bits of the event's time in milliseconds, then 80 bits of a keyed hash. It orders history, is a
/// cursor, and cannot be guessed from a neighbour. Printed as 26 characters of Crockford's base 32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TxId(u128);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_BITS: u32 = 80;

impl TxId {
    /// Length in characters.
    pub const LENGTH: usize = 26;

    /// From its 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The least id above it; the greatest one's is itself.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Its 128 bits.
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// The smallest id of an event at `time`; of any event, when that lies before 1970.
    pub const fn first_at(time: Timestamp) -> Self {
        let millis = if time.millis() < 0 { 0 } else { time.millis() };
        Self((millis as u128) << RANDOM_BITS)
    }

    /// The id of an event at `time` whose lower 80 bits are those of `hash`.
    pub const fn new(time: Timestamp, hash: u128) -> Self {
        Self(Self::first_at(time).0 | (hash & ((1 << RANDOM_BITS) - 1)))
    }

    /// The event's time.
    pub const fn time(self) -> Timestamp {
        Timestamp::from_millis((self.0 >> RANDOM_BITS) as i64)
    }

    /// The 26 characters, without allocating.
    pub fn encode(self) -> [u8; 26] {
        let mut out = [0; 26];
        let mut bits = self.0;
        for byte in out.iter_mut().rev() {
            *byte = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        out
    }
}

impl FromStr for TxId {
    type Err = Invalid;

    /// Accepts upper and lower case; refuses other alphabets, lengths, and values beyond 128 bits.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = || {
            Invalid::new(
                "transaction_id",
                "must be a transaction id of 26 characters as answered by Tollgate",
            )
        };
        let bytes: &[u8; 26] = text.as_bytes().try_into().map_err(|_| refuse())?;
        if bytes[0] > b'7' {
            return Err(refuse());
        }
        let mut bits: u128 = 0;
        for byte in bytes {
            let digit = ALPHABET.iter().position(|c| *c == byte.to_ascii_uppercase()).ok_or_else(refuse)?;
            bits = bits << 5 | digit as u128;
        }
        Ok(Self(bits))
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.encode()).unwrap_or_default())
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TxId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TxId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The node's secret that turns (node, seq) into the unguessable part of an id.
#[derive(Clone, Copy)]
pub struct TxIdKey(pub [u8; 16]);

impl TxIdKey {
    /// The id of the event with `seq` at `time`. Equal arguments give equal ids; distinct `seq` give distinct ids but
    /// for a chance of 2^-80 for each pair within one millisecond.
    pub fn id(&self, time: Timestamp, seq: u64) -> TxId {
        use siphasher::sip128::{Hasher128, SipHasher13};
        use std::hash::Hasher;
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write_u64(seq);
        TxId::new(time, hasher.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_may_begin_before_there_were_any_ids() {
        let midnight_in_berlin = Timestamp::from_millis(-3_600_000);
        assert_eq!(TxId::first_at(midnight_in_berlin), TxId::from_u128(0));
        assert!(TxId::first_at(midnight_in_berlin) < TxId::first_at(Timestamp::from_millis(1)));
    }

    proptest! {
        #[test]
        fn ids_parse_what_they_print(bits: u128) {
            let id = TxId::from_u128(bits);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_lowercase().parse(), Ok(id));
        }
    }

    #[test]
    fn ids_carry_their_time_and_refuse_other_text() {
        let time = Timestamp::from_millis(1_510_047_038_000);
        let id = TxIdKey([7; 16]).id(time, 3);
        assert_eq!(id.time(), time);
        assert_ne!(id, TxIdKey([7; 16]).id(time, 4));
        assert_ne!(id, TxIdKey([8; 16]).id(time, 3));
        for text in [
            "",
            "ABC",
            "80000000000000000000000000",
            "0000000000000000000000000U",
            "../../etc/passwd/aaaaaaaaa",
        ] {
            assert!(text.parse::<TxId>().is_err(), "{text}");
        }
    }
}
