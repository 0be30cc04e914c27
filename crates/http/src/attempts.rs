//! How often somebody may be wrong about a secret: after so many wrong ones for an id, that id is closed for a while, even to
//! who has the right one. Ids that there are have a place each; all others share places in a table of fixed size, so that
//! nobody can fill the memory with them, or close an id by being wrong about another.

use crate::error::{ApiError, Code};
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Wrong secrets at once, and in a minute from then on.
const BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The wrong secrets of the last minutes.
#[derive(Default)]
pub(crate) struct Attempts {
    /// For ids that there are: so many as there are credentials.
    known: Places<Arc<str>>,
    others: Places<u16>,
}

impl Attempts {
    /// Whether what is said of `id` counts now; else 429, with the seconds after which it does.
    pub(crate) fn check(&self, id: &str, is_known: bool) -> Result<(), ApiError> {
        let closed = if is_known { self.known.closed(&id.into()) } else { self.others.closed(&place(id)) };
        let Some(seconds) = closed else { return Ok(()) };
        let message = "There were too many wrong signatures for this user id; try again later.";
        let error = ApiError::because(Code::TooManyRequests, message);
        Err(ApiError {
            retry_after: Some(u32::try_from(seconds).unwrap_or(u32::MAX).saturating_add(1)),
            ..error
        })
    }

    /// Notes a wrong secret.
    pub(crate) fn failed(&self, id: &str, is_known: bool) {
        if is_known { self.known.failed(id.into()) } else { self.others.failed(place(id)) }
    }
}

/// The place of an id that there is not: two of its digest's bytes.
fn place(id: &str) -> u16 {
    let digest = Sha256::digest(id.as_bytes());
    u16::from_le_bytes([digest[0], digest[1]])
}

struct Places<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, MonotonicClock>,
    /// Places that are closed, and until when.
    closed: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq + Clone> Default for Places<K> {
    fn default() -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        Self { limiter, closed: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// For how many seconds a place is still closed.
    fn closed(&self, place: &K) -> Option<u64> {
        let now = MonotonicClock.now();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.retain(|_, until| *until > now);
        Some(closed.get(place)?.duration_since(now).as_secs())
    }

    fn failed(&self, place: K) {
        if let Err(until) = self.limiter.check_key(&place) {
            let until = MonotonicClock.now() + until.wait_time_from(MonotonicClock.now());
            self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(place, until);
        }
    }
}
