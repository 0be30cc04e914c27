//! What a grouped report may take: threads, rows, and time as long as somebody waits for it.

use super::GroupError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a grouped report may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Threads that count, beside the calling one.
    pub threads: usize,
    /// Rows that may be read, whether they match or not. What is read at a time is counted as a whole.
    pub rows: u64,
    /// Ends it early.
    pub stop: Stop,
}

impl Bounds {
    /// So many threads, and nothing else is bounded.
    pub fn threads(threads: usize) -> Self {
        Self { threads, rows: u64::MAX, stop: Stop::default() }
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

/// What was spent of the bounds.
pub(crate) struct Spent<'b> {
    bounds: &'b Bounds,
    rows: u64,
}

impl<'b> Spent<'b> {
    pub(crate) fn new(bounds: &'b Bounds) -> Self {
        Self { bounds, rows: 0 }
    }

    pub(crate) fn bounds(&self) -> &'b Bounds {
        self.bounds
    }

    /// Adds rows that were read; an error when the report must end.
    pub(crate) fn add(&mut self, rows: u64) -> Result<(), GroupError> {
        if self.bounds.stop.is_set() {
            return Err(GroupError::Stopped);
        }
        self.rows = self.rows.saturating_add(rows);
        if self.rows > self.bounds.rows {
            return Err(GroupError::TooWide { rows: self.bounds.rows });
        }
        Ok(())
    }
}
