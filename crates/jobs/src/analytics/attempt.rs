//! An attempt to make a job's result, as others see it, and what is written down of the job while it is under way. A job that
//! is canceled ends at once; whoever still works on it then writes nothing more and leaves no file.

use super::store::Record;
use super::{Analytics, JobStats};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_ledger::group::Stop;

/// An attempt that is under way. A job has one at a time.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// Ends it early.
    pub(super) stop: Stop,
    /// Whether what comes of it is the job's.
    pub(super) is_wanted: bool,
}

impl Attempt {
    /// One that begins.
    pub(super) fn new() -> Self {
        Self { stop: Stop::default(), is_wanted: true }
    }

    /// Ends it; nothing comes of it.
    pub(super) fn give_up(&mut self) {
        self.is_wanted = false;
        self.stop.set();
    }
}

/// How jobs ended since the start.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) completed: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) canceled: AtomicU64,
}

impl Ends {
    pub(super) fn stats(&self, waiting: u64, running: u64) -> JobStats {
        let of = |ends: &AtomicU64| ends.load(Ordering::Relaxed);
        let [completed, failed, canceled] = [&self.completed, &self.failed, &self.canceled].map(of);
        JobStats { waiting, running, completed, failed, canceled }
    }
}

/// What came of writing something down for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is on the disk.
    Written,
    /// Nothing was written: the job was canceled meanwhile.
    Unwanted,
    /// It could not be written, and the log says why.
    Failed,
}

impl Analytics {
    /// Changes what is written down of a job, unless the attempt that says so is wanted no more. It blocks.
    pub(super) fn note(&self, id: &str, change: impl FnOnce(&mut Record)) -> Noted {
        let _alone = self.writing();
        let wanted = self.jobs().get(id).filter(|job| job.is_running()).map(|job| job.record.clone());
        let Some(mut record) = wanted else { return Noted::Unwanted };
        change(&mut record);
        match self.replace(record) {
            Ok(()) => Noted::Written,
            Err(error) => {
                tracing::error!(%error, "a job's record could not be written; that is tried again");
                Noted::Failed
            }
        }
    }

    /// Writes a job's record and waits for the disk: from then on it says this. To be called with `writing` held.
    pub(super) fn replace(&self, record: Record) -> io::Result<()> {
        self.store.keep(&record)?;
        if let Some(job) = self.jobs().get_mut(&record.id) {
            job.record = record;
        }
        Ok(())
    }
}
