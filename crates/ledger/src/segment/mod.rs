//! Segments: the sealed part of history. One Parquet file holds rows of one kind and one UTC day, sorted by
//! (integration, id), and is never changed (docs/FORMATS.md, "Segments").
//!
//! Everything is read with positioned reads through [`Disk`]; nothing here maps a file or keeps one open for longer than
//! its footer stays in the cache.

mod cache;
mod columnar;
mod columns;
mod decode;
mod deletes;
mod encoding;
mod file_writer;
mod footer;
mod locate;
mod merge;
mod meta;
mod overlay;
mod pick;
mod prune;
mod reader;
mod schema;
mod sink;
mod stream;
#[cfg(test)]
mod tests;
mod writer;

pub use cache::FooterCache;
pub(crate) use columnar::{Codes, Columns, Texts, Wanted};
pub(crate) use decode::{Numbers, Patched};
pub(crate) use deletes::{RowSet, write_deletes};
pub(crate) use footer::Footer;
pub(crate) use locate::IdWindow;
pub(crate) use merge::{NotMerged, merge};
pub(crate) use meta::ROLLUP;
pub use meta::{DeletesMeta, IntegrationRange, OverlayMeta, RollupMeta, SegmentMeta};
pub use overlay::Overlay;
pub(crate) use overlay::{Overlays, write_overlay};
pub(crate) use prune::may_have_arrived;
pub use reader::Segment;
pub(crate) use reader::{Filter, runs};
pub(crate) use schema::whole_schema;
pub use writer::{Layout, write, write_as};

use crate::disk::Disk;
use parquet::errors::ParquetError;
use std::io::{self, Write};

/// The folder that holds segments.
pub const DIR: &str = "segments";
/// Names of files that are being written begin with this.
const TEMPORARY: &str = "tmp-";

/// A segment could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The disk refused.
    #[error("{path}: {source}")]
    Disk {
        /// The file.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
    /// The file is not what the ledger writes, or is damaged.
    #[error("{path}: {source}")]
    Parquet {
        /// The file.
        path: String,
        /// What the Parquet library said.
        source: ParquetError,
    },
    /// The file is Parquet but lacks what docs/FORMATS.md promises.
    #[error("{path}: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// What is missing or wrong.
        what: &'static str,
    },
    /// A row to be written is malformed, of another kind or day, or there is none.
    #[error("{path}: {what}")]
    Rows {
        /// The file that was to be written.
        path: String,
        /// What is wrong with the rows.
        what: &'static str,
    },
}

/// Where the segment called `name` lies.
pub fn path(name: &str) -> String {
    format!("{DIR}/{name}")
}

fn temporary_path(name: &str) -> String {
    format!("{DIR}/{TEMPORARY}{name}")
}

/// Gives back the space of segments that were written and will not be published; what cannot be removed now is removed
/// on the next start.
pub fn discard(disk: &dyn Disk, names: &[impl AsRef<str>]) {
    for name in names {
        let _ = disk.remove(&temporary_path(name.as_ref()));
    }
}

/// Gives written segments their names, durably. After it returns they may be named in a manifest; a crash before that
/// leaves files that no manifest names, which [`remove_strays`] removes.
///
/// A full disk is no excuse here: names may have changed, so its error reads as any other (L6).
pub fn publish(disk: &dyn Disk, names: &[impl AsRef<str>]) -> Result<(), SegmentError> {
    let fatal = |path: &str, error| disk_error(path)(io::Error::other(error));
    for name in names.iter().map(AsRef::as_ref) {
        disk.rename(&temporary_path(name), &path(name)).map_err(|error| fatal(&path(name), error))?;
    }
    disk.sync_dir(DIR).map_err(|error| fatal(DIR, error))
}

/// Removes segments that were published but will not be named in a manifest.
pub fn withdraw(disk: &dyn Disk, names: &[impl AsRef<str>]) {
    for name in names {
        // What cannot be removed now is removed on the next start.
        let _ = disk.remove(&path(name.as_ref()));
    }
}

/// Removes what a crash left in the folder: unfinished files, and finished ones that `is_live` does not know. Returns
/// the names removed.
pub fn remove_strays(disk: &dyn Disk, is_live: &dyn Fn(&str) -> bool) -> Result<Vec<String>, SegmentError> {
    let mut removed = disk.list(DIR).map_err(disk_error(DIR))?;
    let is_ours = |name: &str| {
        let beside = [".parquet.overlay-", ".parquet.deletes-", ".parquet.rollup"];
        name.ends_with(".parquet") || beside.iter().any(|part| name.contains(part))
    };
    removed.retain(|name| name.starts_with(TEMPORARY) || (is_ours(name) && !is_live(name)));
    for name in &removed {
        disk.remove(&path(name)).map_err(disk_error(&path(name)))?;
    }
    Ok(removed)
}

/// Reads a file from its start to `bytes`, a part at a time, and compares length and CRC-32C.
pub(crate) fn read_checked(
    disk: &dyn Disk,
    path: &str,
    (bytes, crc): (u64, u32),
    mut part: impl FnMut(&[u8]),
) -> Result<(), SegmentError> {
    let file = disk.open(path).map_err(disk_error(path))?;
    let mut buffer = vec![0; bytes.min(1 << 20) as usize];
    let (mut at, mut found) = (0, 0);
    // A file that is shorter than it was reads as one that is not what was written, not as a fault of the disk.
    let whole = file.length().map_err(disk_error(path))? == bytes;
    while whole && at < bytes {
        let length = (bytes - at).min(buffer.len() as u64) as usize;
        file.read_at(at, &mut buffer[..length]).map_err(disk_error(path))?;
        found = crc32c::crc32c_append(found, &buffer[..length]);
        part(&buffer[..length]);
        at += length as u64;
    }
    if whole && found == crc {
        return Ok(());
    }
    let what = "its bytes are not those that were written";
    Err(SegmentError::Damaged { path: path.to_owned(), what })
}

/// Runs what decodes a file's bytes. The Parquet library panics on some damage; here that is damage like any other.
fn guarded<T>(path: &str, decode: impl FnOnce() -> Result<T, SegmentError>) -> Result<T, SegmentError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        let what = "its pages cannot be decoded";
        Err(SegmentError::Damaged { path: path.to_owned(), what })
    })
}

/// Writes `parts`, one after the other, as the file `name` under a temporary name and durably; [`publish`] gives it its
/// name. Answers its length and CRC-32C. On an error nothing is left behind.
pub(crate) fn write_beside(disk: &dyn Disk, name: &str, parts: &[&[u8]]) -> Result<(u64, u32), SegmentError> {
    let temporary = temporary_path(name);
    // A try that failed in this life of the process may have left it.
    let _ = disk.remove(&temporary);
    let write = || {
        let mut sink = sink::Sink::create(disk, &temporary, sink::Refusal::default())?;
        parts.iter().try_for_each(|part| sink.write_all(part))?;
        sink.finish()
    };
    let written = write().map_err(|error| {
        // Give the space back; if that fails too, the next start removes it.
        let _ = disk.remove(&temporary);
        disk_error(&path(name))(error)
    })?;
    Ok((written.bytes, written.crc))
}

fn disk_error(path: &str) -> impl Fn(io::Error) -> SegmentError {
    move |source| SegmentError::Disk { path: path.to_owned(), source }
}

fn parquet_error(path: &str) -> impl Fn(ParquetError) -> SegmentError {
    move |source| match source {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => SegmentError::Disk { path: path.to_owned(), source: *source },
            Err(inner) => {
                SegmentError::Parquet { path: path.to_owned(), source: ParquetError::External(inner) }
            }
        },
        source => SegmentError::Parquet { path: path.to_owned(), source },
    }
}
