//! What came of a wish about work that is under way or over.

/// What came of a wish to cancel or to retry an export or a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It was done.
    Done,
    /// It is in a state in which it cannot be done.
    NotNow,
    /// There is no such thing.
    Missing,
}
