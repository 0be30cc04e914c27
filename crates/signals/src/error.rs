//! Why a data file was refused.

/// A data file that does not parse, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// With the line's number and its beginning, which is enough to find it.
    pub(crate) fn at_line(number: usize, message: &str, line: &str) -> Self {
        let start: String = line.chars().take(60).collect();
        Self(format!("line {number} is {message}: `{start}`"))
    }
}

impl From<std::io::Error> for Malformed {
    fn from(error: std::io::Error) -> Self {
        Self(format!("it cannot be read: {error}"))
    }
}
