//! What a grouped report may take: threads, rows, and time as long as somebody waits for it. Several questions may share
//! what one may take.

use super::{GroupError, GroupQuery};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a grouped report may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Threads that count, beside the calling one.
    pub threads: usize,
    /// Rows that may be read, whether they match or not, for all that is asked within these bounds and their clones. What is
    /// read at a time is counted as a whole.
    pub rows: u64,
    /// Groups that there may be, whatever one question is answered with.
    pub groups: usize,
    /// Rows that were read.
    pub read: Arc<AtomicU64>,
    /// Ends it early.
    pub stop: Stop,
}

impl Bounds {
    /// So many threads, and nothing else is bounded.
    pub fn threads(threads: usize) -> Self {
        let groups = GroupQuery::MAX_GROUPS;
        Self { threads, rows: u64::MAX, groups, read: Arc::default(), stop: Stop::default() }
    }

    /// Adds rows that were read; an error when nothing more may be.
    pub fn spend(&self, rows: u64) -> Result<(), GroupError> {
        if self.stop.is_set() {
            return Err(GroupError::Stopped);
        }
        let read = self.read.fetch_add(rows, Ordering::Relaxed).saturating_add(rows);
        if read > self.rows { Err(GroupError::TooWide { rows: self.rows }) } else { Ok(()) }
    }
}

/// Says from outside that something is not wanted any more. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends what looks at it, soon.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it is to end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
