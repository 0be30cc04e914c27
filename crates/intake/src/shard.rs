//! A shard: the counters, keys and latest conversions of the integrations that hash to it. Its events are judged one by one.

use crate::keys::KeyMap;
use crate::recent::Recent;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tollgate_domain::IntegrationId;
use tollgate_screening::Counters;

/// How many shards there are. It stands in the names of checkpoints: changing it drops them.
pub(crate) const SHARDS: usize = 4;

pub(crate) struct Shard {
    pub(crate) counters: Counters,
    pub(crate) keys: KeyMap,
    pub(crate) recent: Recent,
}

/// All shards, each under its own lock.
pub(crate) struct Shards(Vec<Mutex<Shard>>);

impl Shards {
    pub(crate) fn new(counters: Vec<Counters>) -> Self {
        let shard =
            |counters| Mutex::new(Shard { counters, keys: KeyMap::default(), recent: Recent::default() });
        Self(counters.into_iter().map(shard).collect())
    }

    pub(crate) fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        // A panic while judging loses that one count at most; the counters stay sound.
        self.0[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(&self, integration: IntegrationId) -> MutexGuard<'_, Shard> {
        self.lock(shard_of(integration))
    }
}

/// The shard of an integration: FNV-1a over its id, the same on every run.
pub(crate) fn shard_of(integration: IntegrationId) -> usize {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = integration.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fold);
    (hash >> 32) as usize % SHARDS
}
