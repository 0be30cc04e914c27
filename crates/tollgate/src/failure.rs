//! Why a command ended badly: one message for the operator and an exit code.

use std::fmt;

/// Exit code of a command that failed, or of `doctor` when something is wrong.
pub(crate) const FAILED: u8 = 1;
/// Exit code of a command that was not understood: arguments, configuration.
pub(crate) const MISUSED: u8 = 2;

/// A command's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl Failure {
    /// Something went wrong.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: FAILED }
    }

    /// The caller asked for something that makes no sense.
    pub(crate) fn misuse(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: MISUSED }
    }

    /// What to do instead, where the failure is that another process uses the directory.
    pub(crate) fn in_use(self, instead: &str) -> Self {
        if !self.message.contains("in use by") {
            return self;
        }
        Self { message: format!("{}; {instead}", self.message), ..self }
    }

    /// For `map_err`: what was being done, and what the cause says.
    pub(crate) fn because<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |cause| Self::new(format!("{what}: {cause}"))
    }
}
