//! The one way a value from outside is refused.

/// A value that is not legal, with the field it stood in and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field as the caller wrote it, e.g. `click_time` or `filters[2].params.lookback_minutes`.
    pub field: String,
    /// What is wrong and what would be right, in one sentence without a final stop.
    pub message: String,
    /// Stable snake_case code for callers that are programs: `missing`, `type_error`, `value_error`, or a rule's own.
    pub code: &'static str,
}

impl Invalid {
    /// An error about the value of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::coded(field, message, "value_error")
    }

    /// An error about `field` with a code of its own.
    pub fn coded(field: impl Into<String>, message: impl Into<String>, code: &'static str) -> Self {
        Self { field: field.into(), message: message.into(), code }
    }
}
