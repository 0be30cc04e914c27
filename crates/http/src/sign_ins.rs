//! How often somebody may try to sign in. Guessing is limited for a user's address from one place, for a place, and for a
//! user's address from places that nobody signed in to it from: whoever knows an address and guesses elsewhere does not keep
//! its user out.

use crate::error::ApiError;
use crate::limits::too_many;
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Attempts for an address from one place: so many at once, and so many a minute from then on.
const PAIR: (u32, u32) = (10, 2);
/// Attempts from a place, whatever they are for.
const PLACE: (u32, u32) = (60, 30);
/// Attempts for an address, from wherever nobody signed in to it.
const ADDRESS: (u32, u32) = (100, 20);
/// After so many attempts, those that count no more are forgotten.
const SWEEP_EVERY: u32 = 4096;
/// Pairs of addresses and places that are remembered for having signed in.
const KNOWN: usize = 10_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, MonotonicClock>;

/// Attempts to sign in.
pub(crate) struct SignIns {
    pairs: Limiter<u128>,
    places: Limiter<IpAddr>,
    addresses: Limiter<u128>,
    counted: AtomicU32,
    known: Mutex<Known>,
}

/// Pairs that signed in, the oldest first.
#[derive(Default)]
struct Known {
    pairs: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Default for SignIns {
    fn default() -> Self {
        Self {
            pairs: limiter(PAIR),
            places: limiter(PLACE),
            addresses: limiter(ADDRESS),
            counted: AtomicU32::new(0),
            known: Mutex::default(),
        }
    }
}

fn limiter<K: std::hash::Hash + Eq + Clone>((at_once, per_minute): (u32, u32)) -> Limiter<K> {
    let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_minute(positive(per_minute)).allow_burst(positive(at_once));
    RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock)
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K) -> Result<(), ApiError> {
    limiter.check_key(key).map_err(|until| too_many(until.wait_time_from(MonotonicClock.now())))
}

impl SignIns {
    /// Counts an attempt for an address, whether there is such a user or not.
    pub(crate) fn count(&self, email: &str, from: IpAddr) -> Result<(), ApiError> {
        self.sweep();
        let (place, pair) = (place(from), pair(email, from));
        check(&self.pairs, &pair)?;
        check(&self.places, &place)?;
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).pairs.contains(&pair) {
            return Ok(());
        }
        check(&self.addresses, &digest(email, None))
    }

    /// Counts an attempt with a link, which is for nobody's address before it is looked up.
    pub(crate) fn count_link(&self, from: IpAddr) -> Result<(), ApiError> {
        self.sweep();
        check(&self.places, &place(from))
    }

    /// Remembers that somebody signed in to an address from here.
    pub(crate) fn succeeded(&self, email: &str, from: IpAddr) {
        let pair = pair(email, from);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.pairs.insert(pair) {
            known.order.push_back(pair);
        }
        if known.order.len() > KNOWN
            && let Some(oldest) = known.order.pop_front()
        {
            known.pairs.remove(&oldest);
        }
    }

    fn sweep(&self) {
        if self.counted.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.pairs.retain_recent();
            self.places.retain_recent();
            self.addresses.retain_recent();
        }
    }
}

/// Where somebody is: an IPv4 address, or the network of an IPv6 address, of which one caller has as many as he likes.
fn place(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) >> 64 << 64).into(),
    }
}

fn pair(email: &str, from: IpAddr) -> u128 {
    digest(email, Some(place(from)))
}

/// Stands for an address, and for a place with it, at a size that no caller chooses.
fn digest(email: &str, place: Option<IpAddr>) -> u128 {
    let mut hash = Sha256::new();
    hash.update(email.to_ascii_lowercase());
    if let Some(place) = place {
        hash.update([0]);
        hash.update(place.to_string());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_guesses_elsewhere_keeps_nobody_out() {
        let limits = SignIns::default();
        limits.succeeded("user@example.com", ip("192.0.2.1"));
        let here = || limits.count("USER@example.com", ip("192.0.2.1"));
        for n in 0..60_u8 {
            // Many places that guess for one address.
            for _ in 0..2 {
                let _ = limits.count("user@example.com", ip(&format!("198.51.100.{n}")));
            }
        }
        let elsewhere = |n: u8| limits.count("user@example.com", ip(&format!("203.0.113.{n}")));
        assert!((0..60).any(|n| elsewhere(n).is_err()), "too many for one address");
        assert!(here().is_ok(), "but its user was here before");
        assert!((0..9).all(|_| here().is_ok()), "and may be wrong ten times");
        assert!((0..100).any(|_| here().is_err()));
        assert!(limits.count("other@example.com", ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_place_is_counted_whatever_it_asks_for_and_an_ipv6_network_is_one_place() {
        let limits = SignIns::default();
        let guess = |n: u32, from: &str| limits.count(&format!("user{n}@example.com"), ip(from));
        assert!((0..60).all(|n| guess(n, &format!("2001:db8::{n:x}")).is_ok()));
        // On a slow machine one or two come back meanwhile.
        assert!((60..160).any(|n| guess(n, "2001:db8::ffff").is_err()));
        assert!((0..100).any(|_| limits.count_link(ip("2001:db8::1:1")).is_err()), "links count, too");
        assert!(guess(60, "2001:db8:0:1::1").is_ok());
        assert!(limits.count_link(ip("::ffff:192.0.2.1")).is_ok());
    }
}
