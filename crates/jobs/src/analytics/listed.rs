//! The jobs of an organization, as a list of them tells.

use super::store::Record;
use super::{Analytics, JobState, ReportRequest};
use std::time::Duration;
use tollgate_domain::{OrganizationId, Timestamp};

/// A job that is still kept.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub request: ReportRequest,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// How far it is.
    pub state: JobState,
    /// When it came to an end.
    pub ended_at: Option<Timestamp>,
    /// Until when it is kept, once it came to an end.
    pub kept_until: Option<Timestamp>,
    /// Bytes of its result, as it is stored.
    pub bytes: Option<u64>,
}

impl Analytics {
    /// The jobs of an organization that are kept, the newest first. It blocks.
    pub fn list(&self, organization: OrganizationId) -> Vec<Listed> {
        let mut kept: Vec<_> = {
            let jobs = self.jobs();
            let theirs = jobs.values().filter(|job| job.record.request.organization == organization);
            theirs.filter(|job| !self.is_over(&job.record)).cloned().collect()
        };
        kept.sort_by_key(|job| std::cmp::Reverse(job.record.asked_at));
        kept.into_iter().map(|job| self.listed(job.state(), job.record)).collect()
    }

    /// One of them. It blocks.
    pub fn find(&self, organization: OrganizationId, id: &str) -> Option<Listed> {
        self.job(organization, id).map(|job| self.listed(job.state(), job.record))
    }

    fn listed(&self, state: JobState, record: Record) -> Listed {
        let ended_at = record.ended.as_ref().map(|ended| ended.at);
        let result = std::fs::metadata(self.store.result(&record.id));
        Listed {
            kept_until: ended_at.map(|at| at.plus_millis(millis(self.options.lifetime))),
            // A result that is gone has no size; the list was made a moment ago.
            bytes: result.ok().filter(|_| state == JobState::Done).map(|file| file.len()),
            id: record.id,
            request: record.request,
            asked_at: record.asked_at,
            state,
            ended_at,
        }
    }
}

/// A duration as times are counted.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
