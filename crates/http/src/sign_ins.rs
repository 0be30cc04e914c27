//! How often somebody may try to sign in. Guessing is limited for a user's address from one place, for a place, and for an
//! address. The last does not hold for a user who signed in from there before: whoever knows an address and guesses
//! elsewhere does not keep its user out, and another user of the address, in an organization of the guesser's own, opens
//! nothing but that.

use crate::error::ApiError;
use crate::limits::too_many;
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tollgate_domain::OrganizationId;

/// Attempts for an address from one place: so many at once, and so many a minute from then on.
const PAIR: (u32, u32) = (10, 2);
/// Attempts from a place, whatever they are for.
const PLACE: (u32, u32) = (60, 30);
/// Attempts for an address, from wherever its users did not sign in.
const ADDRESS: (u32, u32) = (100, 20);
/// After so many attempts, those that count no more are forgotten.
const SWEEP_EVERY: u32 = 4096;
/// Users and places that are remembered for having signed in there.
const KNOWN: usize = 10_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, MonotonicClock>;

/// Attempts to sign in.
pub(crate) struct SignIns {
    pairs: Limiter<u128>,
    places: Limiter<IpAddr>,
    addresses: Limiter<u128>,
    counted: AtomicU32,
    /// Users with the places where they signed in, by their digests, the one of longest ago first.
    known: Mutex<VecDeque<u128>>,
}

/// A user, by organization and id.
pub(crate) type UserOf<'a> = (OrganizationId, &'a str);

/// Whom an attempt may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every user of the address.
    All,
    /// Those who signed in from there before.
    Known,
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
    /// Counts an attempt for an address, whether there are such users or not, and says which of them may be meant.
    pub(crate) fn count<'a>(
        &self,
        email: &str,
        from: IpAddr,
        users: impl IntoIterator<Item = UserOf<'a>>,
    ) -> Result<Reach, ApiError> {
        self.sweep();
        let place = place(from);
        check(&self.pairs, &pair(email, place))?;
        check(&self.places, &place)?;
        // Also where somebody is known: otherwise what is left would tell whether others have the address.
        let Err(over) = check(&self.addresses, &address(email)) else { return Ok(Reach::All) };
        if users.into_iter().any(|user| self.is_known(user, from)) { Ok(Reach::Known) } else { Err(over) }
    }

    /// Whether a user signed in from here.
    pub(crate) fn is_known(&self, user: UserOf<'_>, from: IpAddr) -> bool {
        self.known().contains(&stay(user, place(from)))
    }

    /// Counts an attempt with a link, which is for nobody's address before it is looked up.
    pub(crate) fn count_link(&self, from: IpAddr) -> Result<(), ApiError> {
        self.sweep();
        check(&self.places, &place(from))
    }

    /// Remembers that a user signed in from here.
    pub(crate) fn succeeded(&self, user: UserOf<'_>, from: IpAddr) {
        let stay = stay(user, place(from));
        let mut known = self.known();
        known.retain(|one| *one != stay);
        known.push_back(stay);
        if known.len() > KNOWN {
            known.pop_front();
        }
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<u128>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

fn address(email: &str) -> u128 {
    digest(&[&email.to_ascii_lowercase()])
}

fn pair(email: &str, place: IpAddr) -> u128 {
    digest(&[&email.to_ascii_lowercase(), &place.to_string()])
}

fn stay((organization, user): UserOf<'_>, place: IpAddr) -> u128 {
    digest(&[&organization.to_string(), user, &place.to_string()])
}

/// Stands for texts, at a size that no caller chooses.
fn digest(texts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
        hash.update([0]);
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

    const MINE: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";
    const THEIRS: &str = "bbbbbbbbbbbbbbbbbbbbbbbb";

    fn user(organization: &str) -> UserOf<'static> {
        (organization.parse().unwrap(), "1")
    }

    /// Guesses for an address from many places until no more are taken.
    fn exhaust(limits: &SignIns, email: &str) {
        let guess = |n: u32| limits.count(email, ip(&format!("198.51.{}.{}", n / 256, n % 256)), []);
        assert!((0..1000).any(|n| guess(n).is_err()), "too many for one address");
    }

    #[test]
    fn who_guesses_elsewhere_keeps_nobody_out() {
        let limits = SignIns::default();
        let users = [user(MINE), user(THEIRS)];
        limits.succeeded(user(MINE), ip("192.0.2.1"));
        exhaust(&limits, "user@example.com");
        let from = |place: &str| limits.count("USER@example.com", ip(place), users).ok();
        // On a slow machine one or two attempts come back meanwhile.
        let here: Vec<_> = (0..10).map(|_| from("192.0.2.1")).collect();
        assert!(
            here.iter().all(Option::is_some),
            "but one of its users was here before, and may be wrong ten times"
        );
        assert!(here.contains(&Some(Reach::Known)));
        assert!((0..100).any(|_| from("192.0.2.1").is_none()));
        assert!((0..100).any(|n| from(&format!("203.0.113.{n}")).is_none()));
        assert!(limits.is_known(user(MINE), ip("192.0.2.1")));
        assert!(!limits.is_known(user(THEIRS), ip("192.0.2.1")), "the same address is not the same user");
        assert_eq!(limits.count("other@example.com", ip("192.0.2.1"), []).ok(), Some(Reach::All));
    }

    #[test]
    fn whoever_signs_in_again_is_remembered_anew() {
        let limits = SignIns::default();
        let place = |n: usize| Ipv6Addr::from(((0x2001_0db8_u128 << 32) + n as u128) << 64).into();
        for n in 0..KNOWN {
            limits.succeeded(user(MINE), place(n));
        }
        limits.succeeded(user(MINE), place(0));
        limits.succeeded(user(MINE), place(KNOWN));
        let is_known = |n| limits.is_known(user(MINE), place(n));
        assert_eq!([0, 1, 2, KNOWN].map(is_known), [true, false, true, true]);
    }

    #[test]
    fn an_address_is_used_up_from_places_that_are_known_too() {
        let limits = SignIns::default();
        let place = |n: u32| ip(&format!("198.51.{}.{}", n / 256, n % 256));
        let reach = |n: u32| {
            limits.succeeded(user(MINE), place(n));
            limits.count("user@example.com", place(n), [user(MINE)]).unwrap()
        };
        assert!((0..1000).any(|n| reach(n) == Reach::Known), "whether others have the address or not");
    }

    #[test]
    fn a_place_is_counted_whatever_it_asks_for_and_an_ipv6_network_is_one_place() {
        let limits = SignIns::default();
        let guess = |n: u32, from: &str| limits.count(&format!("user{n}@example.com"), ip(from), []);
        assert!((0..60).all(|n| guess(n, &format!("2001:db8::{n:x}")).is_ok()));
        // On a slow machine one or two come back meanwhile.
        assert!((60..160).any(|n| guess(n, "2001:db8::ffff").is_err()));
        assert!((0..100).any(|_| limits.count_link(ip("2001:db8::1:1")).is_err()), "links count, too");
        assert!(guess(60, "2001:db8:0:1::1").is_ok());
        assert!(limits.count_link(ip("::ffff:192.0.2.1")).is_ok());
    }
}
