//! Idempotency keys of events that are not sealed yet; those of sealed ones are columns of their segments.

use hashbrown::HashMap;
use tollgate_domain::{EventKind, IntegrationId, Timestamp, TxId};

/// How long a key is remembered, in milliseconds of arrival time.
const LIFETIME_MS: i64 = 24 * 3_600_000;
/// Keys beyond which sealed ones are forgotten.
const PRUNE_AT: usize = 100_000;

/// The hash a key is known by, never 0. Keys are the caller's, so equal ones of two integrations are different.
pub(crate) fn hash(secret: &[u8; 16], integration: IntegrationId, kind: EventKind, key: &str) -> u128 {
    hash_of(secret, integration, kind as u8, key)
}

/// The same for the key of a late rejection.
pub(crate) fn hash_of_rejection(secret: &[u8; 16], integration: IntegrationId, key: &str) -> u128 {
    hash_of(secret, integration, REJECTION, key)
}

/// Stands for late rejections where events have their kind.
const REJECTION: u8 = 0x80;

fn hash_of(secret: &[u8; 16], integration: IntegrationId, sort: u8, key: &str) -> u128 {
    use siphasher::sip128::{Hasher128, SipHasher13};
    use std::hash::Hasher;
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write(integration.as_bytes());
    hasher.write_u8(sort);
    hasher.write(key.as_bytes());
    hasher.finish128().as_u128().max(1)
}

/// The earliest arrival whose key still counts for an event that arrives at `now`.
pub(crate) fn since(now: Timestamp) -> Timestamp {
    now.plus_millis(-LIFETIME_MS)
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) seq: u64,
    pub(crate) id: TxId,
    pub(crate) body: i64,
    pub(crate) arrived: Timestamp,
}

/// The keys of one shard.
#[derive(Default)]
pub(crate) struct KeyMap {
    map: HashMap<u128, Known>,
    prune_at: usize,
    pruned_through: u64,
}

impl KeyMap {
    /// What is known of a key by an event that arrives at `now`. Keys of sealed events may be missing here.
    pub(crate) fn get(&self, key: u128, now: Timestamp) -> Option<Known> {
        self.map.get(&key).filter(|known| known.arrived >= since(now)).copied()
    }

    /// Whoever does not find a key here must have looked into segments that hold every event up to this `seq`.
    pub(crate) fn pruned_through(&self) -> u64 {
        self.pruned_through
    }

    /// Remembers a key; `sealed` is the `seq` up to which segments know all keys.
    pub(crate) fn insert(&mut self, key: u128, known: Known, sealed: u64) {
        if self.map.len() >= self.prune_at.max(PRUNE_AT) {
            self.prune(sealed, known.arrived);
        }
        self.map.insert(key, known);
    }

    /// Forgets what segments know or what is too old to count.
    pub(crate) fn prune(&mut self, sealed: u64, now: Timestamp) {
        self.map.retain(|_, known| known.seq > sealed && known.arrived >= since(now));
        self.pruned_through = self.pruned_through.max(sealed);
        self.prune_at = self.map.len() * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn known(seq: u64, arrived: Timestamp) -> Known {
        Known { seq, id: TxId::default(), body: 0, arrived }
    }

    #[test]
    fn a_key_counts_for_a_day_of_arrivals() {
        let mut keys = KeyMap::default();
        keys.insert(1, known(1, NOW), 0);
        assert!(keys.get(1, NOW.plus_millis(LIFETIME_MS)).is_some());
        assert_eq!(keys.get(1, NOW.plus_millis(LIFETIME_MS + 1)), None);
    }

    #[test]
    fn a_full_map_forgets_what_is_sealed_or_old_and_says_so() {
        let mut keys = KeyMap::default();
        for seq in 1..=PRUNE_AT as u64 {
            let arrived = if seq == 70_000 { NOW.plus_millis(-LIFETIME_MS - 1) } else { NOW };
            keys.insert(seq.into(), known(seq, arrived), 60_000);
        }
        assert_eq!(keys.pruned_through(), 0);
        keys.insert(0, known(200_000, NOW), 60_000);
        assert_eq!(keys.pruned_through(), 60_000);
        assert_eq!((keys.map.len(), keys.get(60_000, NOW), keys.map.get(&70_000)), (40_000, None, None));
        assert!(keys.get(60_001, NOW).is_some());
    }
}
