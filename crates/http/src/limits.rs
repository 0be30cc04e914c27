//! How many requests a credential may send to the management API: a steady rate, and a burst above it; and how many of
//! those that cost much are worked on at the same time. What the gateway takes is not counted here; it sheds load by itself.

use crate::attempts::Attempts;
use crate::error::{ApiError, Code};
use crate::places::Places;
use crate::sign_ins::SignIns;
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// After so many requests, credentials that have been quiet are forgotten.
const SWEEP_EVERY: u32 = 1 << 16;

/// Explanations that are made at the same time, and for one organization: each reads history, for up to twenty seconds.
const EXPLANATIONS: (usize, usize) = (2, 1);
/// Tests of postbacks that are sent at the same time, and by one organization.
const SAMPLES: (usize, usize) = (16, 4);
/// Pages and look-ups that read history at the same time for each core: they wait for the disk. One organization has one
/// more than there are cores: with more at a time, each would only take longer.
const READS: usize = 4;
/// Grouped reports that are counted at the same time, and for one organization: each takes several cores.
const GROUPS: (usize, usize) = (4, 3);

/// Passwords that are hashed at the same time, and how long somebody waits for a place.
const PASSWORDS: usize = 2;
const PASSWORD_WAIT: Duration = Duration::from_secs(2);

/// The requests of every credential, counted.
pub struct Limits {
    limiter: RateLimiter<Arc<str>, HashMapStateStore<Arc<str>>, MonotonicClock>,
    counted: AtomicU32,
    /// Attempts to sign in.
    pub(crate) sign_ins: SignIns,
    /// Passwords that are hashed at the same time: each takes a core and 19 MiB.
    passwords: Arc<Semaphore>,
    pub(crate) explanations: Places,
    pub(crate) samples: Places,
    /// Tables and look-ups.
    pub(crate) reads: Places,
    /// Grouped reports.
    pub(crate) groups: Places,
    /// Events that a grouped report may read.
    pub(crate) group_rows: u64,
    /// Wrong signatures of the older credentials.
    pub(crate) attempts: Attempts,
}

/// Events that a grouped report may read, unless told otherwise: about a minute of two cores.
const GROUP_ROWS: u64 = 500_000_000;

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("credentials", &self.limiter.len()).finish_non_exhaustive()
    }
}

impl Limits {
    /// `burst` requests at once, and `per_second` from then on, for each credential.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        Self::of(Quota::per_second(per_second).allow_burst(burst))
    }

    pub(crate) fn of(quota: Quota) -> Self {
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        let places = |(all, each)| Places::new(all, each);
        let (explanations, samples, groups) = (places(EXPLANATIONS), places(SAMPLES), places(GROUPS));
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let reads = Places::new(cores * READS, cores + 1);
        Self {
            limiter,
            counted: AtomicU32::new(0),
            sign_ins: SignIns::default(),
            passwords: Arc::new(Semaphore::new(PASSWORDS)),
            explanations,
            samples,
            reads,
            groups,
            group_rows: GROUP_ROWS,
            attempts: Attempts::default(),
        }
    }

    /// The same with another limit of events that a grouped report may read.
    pub fn with_group_rows(self, rows: u64) -> Self {
        Self { group_rows: rows, ..self }
    }

    /// Counts a request of a credential that proved itself, by its id. Over the limit: 429, with the seconds after which
    /// one more will do.
    pub(crate) fn count(&self, credential: &Arc<str>) -> Result<(), ApiError> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(credential)
            .map_err(|until| too_many(until.wait_time_from(MonotonicClock.now())))
    }

    /// A place for hashing a password, which is to be kept by whoever hashes until that is done, also when the request is
    /// given up meanwhile. Where there is none for a while: 503.
    pub(crate) async fn place_for_password(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = tokio::time::timeout(PASSWORD_WAIT, self.passwords.clone().acquire_owned()).await;
        let place = place.ok().and_then(Result::ok);
        place.ok_or_else(|| {
            let busy =
                ApiError::because(Code::Unavailable, "Other passwords are being checked; try again soon.");
            ApiError { retry_after: Some(1), ..busy }
        })
    }
}

/// What is answered to somebody who asks too often.
pub(crate) fn too_many(wait: Duration) -> ApiError {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    ApiError { retry_after: Some(seconds), ..ApiError::new(Code::TooManyRequests) }
}

impl Default for Limits {
    /// 1,000 requests a second and 5,000 at once, as far as a credential is concerned.
    fn default() -> Self {
        const RATE: NonZeroU32 = NonZeroU32::new(1000).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(5000).unwrap();
        Self::new(RATE, BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;
    use axum::body::Body;
    use axum::http::Request;

    fn hourly(burst: u32) -> Limits {
        Limits::of(Quota::per_hour(NonZeroU32::MIN).allow_burst(NonZeroU32::new(burst).unwrap()))
    }

    #[tokio::test]
    async fn over_the_limit_every_dialect_answers_429_and_says_for_how_long() {
        let app = TestApp::with_limits(hourly(2)).await;
        let key = app.made.api_key.secret.expose().to_owned();
        let (id, secret) = (&app.made.v5.id, app.made.v5.secret.expose());
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let ask = |path: &str, credential: &str| {
            let bearer = format!("Bearer {credential}");
            Request::get(path).header("authorization", bearer).body(Body::empty()).unwrap()
        };
        let token = || {
            let kind = "application/x-www-form-urlencoded";
            let request = Request::post("/oauth/token").header("content-type", kind);
            request.body(Body::from(form.clone())).unwrap()
        };
        let issued = app.send(token()).await.body["access_token"].as_str().unwrap().to_owned();
        assert_eq!(
            app.send(ask("/v4/apps", &issued)).await.status,
            200,
            "tokens and their use count together"
        );
        for _ in 0..2 {
            assert_eq!(app.send(ask("/api/v2/integrations", &key)).await.status, 200);
        }
        for (request, kind) in [
            (ask("/v5/apps", &issued), "detail"),
            (token(), "error"),
            (ask("/api/v2/integrations", &key), "code"),
        ] {
            let answered = app.send(request).await;
            assert_eq!(answered.status, 429, "{answered:?}");
            assert!(answered.body[kind].is_string() || answered.body[kind].is_array(), "{answered:?}");
            let seconds: u32 = answered.header("retry-after").unwrap().parse().unwrap();
            assert!((3500..=3601).contains(&seconds), "{seconds}");
        }
        assert_eq!(app.send(ask("/v5/apps", "wrong")).await.status, 401, "strangers are no credential");
    }

    #[test]
    fn each_credential_has_its_own_burst() {
        let limits = hourly(3);
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        assert!((0..3).all(|_| limits.count(&one).is_ok()));
        let refused = limits.count(&one).unwrap_err();
        assert_eq!(refused.code, Code::TooManyRequests);
        assert!((3500..=3601).contains(&refused.retry_after.unwrap()), "{refused:?}");
        assert!(limits.count(&two).is_ok());
    }
}
