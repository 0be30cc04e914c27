//! Where finished files lie: a small trait. The folder of the data directory ([`super::folder`]) and a bucket
//! ([`super::bucket`]) implement it.
//!
//! A file has its name only once it is whole and durable; nothing that is still written can be opened.

use super::record::LOG_NAMES;
use bytes::Bytes;
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Files by name. Names are ours: letters, digits, `_`, `-` and `.`. Every method blocks, and none may be called from a task.
///
/// An error of the kind `HostUnreachable` says that the files are elsewhere and cannot be reached now, or that what keeps them
/// does not do what it was asked to.
pub trait Artifacts: fmt::Debug + Send + Sync + 'static {
    /// Begins a file. Until it is finished nobody sees it; dropped before that, it leaves nothing behind. What takes long
    /// is given up with an error once `stopped` says so.
    fn put(&self, name: &str, stopped: Stopped) -> io::Result<Box<dyn Unfinished>>;
    /// Opens a finished file; `None` when there is none of this name. It stays readable when it is removed meanwhile, as
    /// far as what keeps the files can do that.
    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn Artifact>>>;
    /// Removes a file, if there is one.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names and sizes of all finished files.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// Bytes that can still be written.
    fn free_bytes(&self) -> io::Result<u64>;
    /// Bytes that one file can have.
    fn largest(&self) -> u64;
    /// Removes what was begun and never finished, but for the files of these names, which are being written.
    fn tidy(&self, written: &[String]) -> io::Result<()>;
    /// Whether they are reached over the network: they may be out of reach at any time, the start included.
    fn is_remote(&self) -> bool;
    /// Gives up what waits for the network; the process ends.
    fn close(&self);
}

/// Says when a file is not wanted any more.
pub type Stopped = Arc<dyn Fn() -> bool + Send + Sync>;

/// A file that is being written.
pub trait Unfinished: Write + Send {
    /// Makes the file durable and gives it its name. Answers its size.
    fn finish(self: Box<Self>) -> io::Result<u64>;
}

/// A finished file.
pub trait Artifact: Send + Sync + 'static {
    /// Its size in bytes.
    fn size(&self) -> u64;
    /// Begins to read a part, which must lie within the file. To be called from a task. The pieces end early only after an
    /// error.
    fn read(self: Arc<Self>, part: Range<u64>) -> Pieces;
}

/// Bytes of a file, in their order, as they are read. Dropped, nothing more is read.
pub type Pieces = mpsc::Receiver<io::Result<Bytes>>;

/// Pieces that are read before the first of them is taken.
pub(super) const READ_AHEAD: usize = 2;

/// Whether a name is one that a whole file of an export has.
pub(super) fn is_ours(name: &str) -> bool {
    let begin = LOG_NAMES.iter().find_map(|log| name.strip_prefix(log)?.strip_prefix('-'));
    let Some((id, end)) = begin.and_then(|rest| rest.split_once('.')) else { return false };
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && ["csv", "csv.gz"].contains(&end)
}
