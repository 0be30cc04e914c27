//! How often somebody may be wrong about a secret: after so many wrong ones for an id, that id is closed for a while, even to
//! who has the right one. Ids share their places in a table of fixed size, so nobody can fill the memory with them.

use crate::error::{ApiError, Code};
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Wrong secrets at once, and in a minute from then on.
const BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The wrong secrets of the last minutes.
pub(crate) struct Attempts {
    limiter: RateLimiter<u16, HashMapStateStore<u16>, MonotonicClock>,
    /// Places that are closed, and until when.
    closed: Mutex<HashMap<u16, Instant>>,
}

impl Default for Attempts {
    fn default() -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        Self { limiter, closed: Mutex::default() }
    }
}

impl Attempts {
    /// Whether a secret for `id` is looked at now; else 429, with the seconds after which it is.
    pub(crate) fn check(&self, id: &str) -> Result<(), ApiError> {
        let now = MonotonicClock.now();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.retain(|_, until| *until > now);
        let Some(until) = closed.get(&place(id)) else { return Ok(()) };
        let seconds = until.duration_since(now).as_secs();
        let message = "There were too many wrong signatures for this user id; try again later.";
        let error = ApiError::because(Code::TooManyRequests, message);
        Err(ApiError {
            retry_after: Some(u32::try_from(seconds).unwrap_or(u32::MAX).saturating_add(1)),
            ..error
        })
    }

    /// Notes a wrong secret.
    pub(crate) fn failed(&self, id: &str) {
        let place = place(id);
        if let Err(until) = self.limiter.check_key(&place) {
            let until = MonotonicClock.now() + until.wait_time_from(MonotonicClock.now());
            self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(place, until);
        }
    }
}

/// The place of an id: two of its digest's bytes.
fn place(id: &str) -> u16 {
    let digest = Sha256::digest(id.as_bytes());
    u16::from_le_bytes([digest[0], digest[1]])
}
