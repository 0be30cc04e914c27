//! What a caller may change about a job: it can be ended, and what failed or was ended can be tried again.

use super::Analytics;
use super::store::Ended;
use crate::Changed;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tollgate_domain::OrganizationId;

/// Why a canceled job has no result.
pub(super) const CANCELED: &str = "The job was canceled.";

impl Analytics {
    /// Ends a job that waits or is worked on. With the answer that is on the disk, and whoever works on it stops soon.
    pub async fn cancel(self: &Arc<Self>, organization: OrganizationId, id: &str) -> io::Result<Changed> {
        let (this, id) = (self.clone(), id.to_owned());
        // As a whole, though the caller may be gone by then.
        let canceling = tokio::task::spawn_blocking(move || this.cancel_now(organization, &id));
        canceling.await.map_err(io::Error::other)?
    }

    /// Lets a job that failed or was canceled wait again.
    pub async fn retry(self: &Arc<Self>, organization: OrganizationId, id: &str) -> io::Result<Changed> {
        let (this, id) = (self.clone(), id.to_owned());
        let retrying = tokio::task::spawn_blocking(move || this.retry_now(organization, &id));
        retrying.await.map_err(io::Error::other)?
    }

    fn cancel_now(&self, organization: OrganizationId, id: &str) -> io::Result<Changed> {
        let _alone = self.writing();
        let Some(job) = self.job(organization, id) else { return Ok(Changed::Missing) };
        if job.record.ended.is_some() {
            return Ok(Changed::NotNow);
        }
        let mut record = job.record;
        record.ended =
            Some(Ended { at: self.clock.now(), why: Some(CANCELED.to_owned()), is_canceled: true });
        self.replace(record)?;
        if let Some(attempt) = self.jobs().get_mut(id).and_then(|job| job.attempt.as_mut()) {
            attempt.give_up();
        }
        self.ends.canceled.fetch_add(1, Ordering::Relaxed);
        Ok(Changed::Done)
    }

    fn retry_now(&self, organization: OrganizationId, id: &str) -> io::Result<Changed> {
        let _alone = self.writing();
        let Some(job) = self.job(organization, id) else { return Ok(Changed::Missing) };
        if job.record.ended.as_ref().is_none_or(|ended| ended.why.is_none()) {
            return Ok(Changed::NotNow);
        }
        let mut record = job.record;
        (record.ended, record.attempts) = (None, 0);
        self.replace(record)?;
        self.news.notify_one();
        Ok(Changed::Done)
    }
}
