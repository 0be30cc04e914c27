//! Writing one export's file, on a thread of its own. It leaves room on the disk, stops when it is told to, and leaves
//! nothing behind unless the file is whole.

use super::artifacts::{Artifacts, Stopped};
use super::record::ExportRequest;
use super::store::Ended;
use super::write::{FileFormat, write_file};
use crate::room::{Guarded, NO_ROOM, Refused, Room};
use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tollgate_ledger::export::{ExportError, Exported, Progress};
use tollgate_ledger::view::View;

/// Bytes that are handed on at a time.
const BUFFER: usize = 256 << 10;

/// An attempt that is under way, as others see it.
#[derive(Debug)]
pub(super) struct Running {
    /// The name of its file.
    pub(super) artifact: String,
    stop: AtomicBool,
    /// Of a million.
    share: AtomicU64,
}

impl Running {
    /// An attempt to write this file.
    pub(super) fn new(artifact: String) -> Self {
        Self { artifact, stop: AtomicBool::new(false), share: AtomicU64::new(0) }
    }

    /// Lets it stop at the next part.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How much is done, from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.share.load(Ordering::Relaxed) as f64 / 1e6
    }

    fn told(&self, progress: Progress) -> ControlFlow<()> {
        self.share.store((progress.share * 1e6) as u64, Ordering::Relaxed);
        if self.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Writes the file of a request. It blocks.
pub(super) fn produce(
    view: &View,
    request: &ExportRequest,
    artifacts: &dyn Artifacts,
    room: Room,
    threads: usize,
    running: &Arc<Running>,
) -> Ended {
    let refused = Cell::new(None);
    let write = || -> Result<Ended, Failure> {
        let attempt = running.clone();
        let stopped: Stopped = Arc::new(move || attempt.is_stopped());
        let file = artifacts.put(&running.artifact, stopped)?;
        let free_bytes = || artifacts.free_bytes();
        let file = Guarded::new(file, &free_bytes, room, &refused)?;
        let mut out = io::BufWriter::with_capacity(BUFFER, file);
        let mut told = |progress| running.told(progress);
        let exported = write_file(view, request, (FileFormat::Csv, None), threads, &mut out, &mut told)?;
        out.flush()?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(completed(exported, file.into_inner().finish()?))
    };
    match write() {
        Ok(ended) => ended,
        // Whatever became of the file, it is not wanted.
        Err(_) if running.is_stopped() => Ended::Interrupted,
        Err(failure) => failure.told(refused.get()),
    }
}

fn completed(exported: Exported, size: u64) -> Ended {
    Ended::Completed { total: exported.rows, size, cut: exported.cut }
}

/// Why there is no file.
enum Failure {
    Export(ExportError),
    Io(io::Error),
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    /// What callers are told. Causes that are ours go to the log.
    fn told(self, refused: Option<Refused>) -> Ended {
        let why = match (refused, self) {
            (Some(Refused::TooLarge(most)), _) => {
                format!(
                    "The file would be larger than {most} bytes, which is the most that one may have: ask for less."
                )
            }
            (Some(Refused::NoRoom), _) => NO_ROOM.to_owned(),
            (None, Self::Export(ExportError::Canceled)) => return Ended::Interrupted,
            (None, Self::Export(ExportError::Invalid(invalid))) => invalid.to_string(),
            (None, Self::Io(error) | Self::Export(ExportError::Write(error)))
                if error.kind() == ErrorKind::StorageFull =>
            {
                NO_ROOM.to_owned()
            }
            (None, Self::Io(error) | Self::Export(ExportError::Write(error))) => {
                tracing::error!(%error, "an export's file could not be written");
                let why = match error.kind() {
                    ErrorKind::HostUnreachable => {
                        "The storage of files does not answer as it should; retry it later."
                    }
                    ErrorKind::PermissionDenied => "The storage of files refused the file.",
                    _ => "The file could not be written.",
                };
                why.to_owned()
            }
            (None, Self::Export(ExportError::Scan(error))) => {
                tracing::error!(%error, "an export could not read history");
                "The history could not be read.".to_owned()
            }
        };
        Ended::Failed(why)
    }
}
