//! Idempotency keys of events that are not sealed yet; those of sealed ones are columns of their segments.

use hashbrown::HashMap;
use tollgate_domain::{EventKind, IntegrationId, TxId};

/// How long a key is remembered, in milliseconds of arrival time.
pub(crate) const LIFETIME_MS: i64 = 24 * 3_600_000;
/// Keys beyond which sealed ones are forgotten.
const PRUNE_AT: usize = 100_000;

/// The hash a key is known by, never 0. Keys are the caller's, so equal ones of two integrations are different.
pub(crate) fn hash(secret: &[u8; 16], integration: IntegrationId, kind: EventKind, key: &str) -> u128 {
    use siphasher::sip128::{Hasher128, SipHasher13};
    use std::hash::Hasher;
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write(integration.as_bytes());
    hasher.write_u8(kind as u8);
    hasher.write(key.as_bytes());
    hasher.finish128().as_u128().max(1)
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) seq: u64,
    pub(crate) id: TxId,
    pub(crate) body: i64,
}

/// The keys of one shard.
#[derive(Default)]
pub(crate) struct KeyMap {
    map: HashMap<u128, Known>,
    pruned_at: usize,
}

impl KeyMap {
    pub(crate) fn get(&self, key: u128) -> Option<Known> {
        self.map.get(&key).copied()
    }

    /// Remembers a key; `sealed_seq` tells which ones segments know already.
    pub(crate) fn insert(&mut self, key: u128, known: Known, sealed_seq: impl FnOnce() -> u64) {
        if self.map.len() >= self.pruned_at.max(PRUNE_AT) {
            let sealed = sealed_seq();
            self.map.retain(|_, known| known.seq > sealed);
            self.pruned_at = self.map.len() * 2;
        }
        self.map.insert(key, known);
    }
}
