//! Checking every app without being asked, each domain once in a while, spread evenly over it.
//!
//! When a domain is due follows from its name alone, so nothing has to be kept about it: a process that was down when
//! it was checks it the next time.

use super::fetch::fetch;
use super::{AppAdsTxt, judge, seller_lines};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use tollgate_catalog::Actor;
use tollgate_domain::{App, AppId, OrganizationId, Timestamp};

/// How often it is asked who is due.
const TICK: Duration = Duration::from_secs(60);
/// Files that are fetched at a time.
const AT_ONCE: usize = 4;

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundStats {
    /// Files that were asked for.
    pub files: u64,
    /// Outcomes that could not be stored.
    pub failures: u64,
}

impl AppAdsTxt {
    /// Checks every domain once in `every`, until it is dropped. Looks at the apps once a minute.
    pub async fn run(self: Arc<Self>, every: Duration) {
        let mut last = self.catalog.now();
        loop {
            tokio::time::sleep(TICK).await;
            let now = self.catalog.now();
            self.clone().round(every, last, now).await;
            last = now;
        }
    }

    /// Counts of [`Self::run`].
    pub fn stats(&self) -> RoundStats {
        RoundStats {
            files: self.rounds.files.load(Ordering::Relaxed),
            failures: self.rounds.failures.load(Ordering::Relaxed),
        }
    }

    /// Checks the domains that became due after `last`, up to `now`. A domain is fetched once, for all apps it speaks
    /// for.
    pub async fn round(self: Arc<Self>, every: Duration, last: Timestamp, now: Timestamp) {
        let mut checks = JoinSet::new();
        for (domain, owners) in self.due(every, last, now) {
            if checks.len() >= AT_ONCE {
                ended(checks.join_next().await);
            }
            let jobs = self.clone();
            checks.spawn(async move { jobs.check_domain(&domain, owners).await });
        }
        while !checks.is_empty() {
            ended(checks.join_next().await);
        }
    }

    /// The domains that are due, with the apps they speak for, by organization.
    fn due(&self, every: Duration, last: Timestamp, now: Timestamp) -> BTreeMap<String, Owners> {
        let mut due: BTreeMap<String, Owners> = BTreeMap::new();
        for organization in self.catalog.snapshot().organizations() {
            if seller_lines(organization).is_empty() {
                continue;
            }
            for app in organization.table::<App>().iter() {
                let Some(domain) = app.developer_domain.as_ref() else { continue };
                if is_due(domain, every, last, now) {
                    let owners = due.entry(domain.clone()).or_default();
                    owners.entry(organization.id()).or_default().push(app.id);
                }
            }
        }
        due
    }

    async fn check_domain(&self, domain: &str, owners: Owners) {
        self.rounds.files.fetch_add(1, Ordering::Relaxed);
        let page = fetch(&self.outbound, domain).await;
        let actor = Actor::system("app_ads_txt");
        for (organization, apps) in owners {
            let lines = match self.catalog.snapshot().organization(organization) {
                Some(organization) => seller_lines(organization),
                None => continue,
            };
            if lines.is_empty() {
                continue;
            }
            let status = judge(domain, &page, &lines).status;
            if let Err(error) = self.keep(organization, domain, &apps, status, &actor).await {
                self.rounds.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%organization, %error, "the outcome of an app-ads.txt check was not stored");
            }
        }
    }
}

/// Apps by the organization that has them.
type Owners = BTreeMap<OrganizationId, Vec<AppId>>;

fn ended(check: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = check {
        tracing::error!(%error, "an app-ads.txt check ended badly");
    }
}

/// Whether the moment of `domain`, which comes once in `every`, lies after `last` and not after `now`.
fn is_due(domain: &str, every: Duration, last: Timestamp, now: Timestamp) -> bool {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut hasher = SipHasher13::new();
    hasher.write(domain.to_ascii_lowercase().as_bytes());
    // The remainder of a positive number by a positive i64 is one.
    let moment = (hasher.finish() % every.unsigned_abs()) as i64;
    let times = |at: Timestamp| (at.millis() - moment).div_euclid(every);
    times(now) > times(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_domain_is_due_once_a_day_and_all_are_spread_over_it() {
        const DAY: Duration = Duration::from_secs(86_400);
        let begin = 1_772_366_400_000;
        let at = |minute: i64| Timestamp::from_millis(begin + minute * 60_000);
        let domains: Vec<_> = (0..2000).map(|number| format!("dev{number}.example")).collect();
        let mut times = vec![0; domains.len()];
        for minute in 0..1440 {
            let mut at_once = 0;
            for (domain, times) in domains.iter().zip(&mut times) {
                if is_due(domain, DAY, at(minute), at(minute + 1)) {
                    (*times, at_once) = (*times + 1, at_once + 1);
                }
            }
            assert!(at_once < 12, "{at_once} in one minute");
        }
        assert!(times.iter().all(|times| *times == 1));
        assert!(domains.iter().all(|domain| is_due(domain, DAY, at(0), at(5000))), "after a long pause: all");
        assert!(!domains.iter().any(|domain| is_due(domain, DAY, at(10), at(0))), "a clock set back: none");
        assert!(!domains.iter().any(|domain| is_due(domain, DAY, at(10), at(10))));
    }
}
