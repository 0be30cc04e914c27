//! The log: what makes an acknowledgement true (invariants L1, L3, L4, L6).
//!
//! Files of one fixed size, preallocated with zeros and recycled, hold frames back to back (docs/FORMATS.md, "Log").
//! A frame is written only after the sync of the one before it returned, and frames are numbered without gaps. So a
//! frame that does not check is a torn tail, exactly when no frame with a later number exists anywhere; anything else
//! is damage, and is never skipped.

mod file;
mod frame;
mod recover;
mod writer;

pub use frame::{FrameKind, HEAD};
pub use recover::{Frame, Recovered, recover};
pub use writer::{Erasing, LogWriter, NoRoom, Preparation, Prepared, Recycling};

/// Folder of the log within the ledger's.
pub const DIR: &str = "log";

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed.
    #[error("{path}: {source}")]
    Disk {
        /// The file or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A frame that was once durable does not read back: acknowledged events may be missing.
    #[error(
        "{path}: damaged at byte {offset}: frame {frame} does not check, but a later one exists. \
             Nothing was changed; restore the file from a copy, or move the data directory aside"
    )]
    Damaged {
        /// The log file.
        path: String,
        /// Where in the file.
        offset: u64,
        /// The number of the frame that should stand there.
        frame: u64,
    },
}

impl LogError {
    /// The disk failed where a full one is no excuse: names may have changed (L6).
    fn fatal(path: &str) -> impl FnOnce(std::io::Error) -> Self {
        let disk = Self::disk(path);
        move |source| disk(std::io::Error::other(source))
    }

    /// Whether the disk had no space left. Any other failure leaves the log in an unknown state (L6).
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if source.kind() == std::io::ErrorKind::StorageFull)
    }

    fn disk(path: &str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }
}
