//! The one way a value from outside is refused.

/// A value that is not legal, with the field it stood in and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field as the caller wrote it, e.g. `click_time` or `filters[2].params.lookback_minutes`.
    pub field: String,
    /// What is wrong and what would be right, in one sentence without a final stop.
    pub message: String,
}

impl Invalid {
    /// An error about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
