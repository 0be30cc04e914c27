//! The end of the pipe that a segment is written into: a file of the [`Disk`], synced as it grows, so that the final
//! sync is short and commits of the log do not wait behind a big write.

use crate::disk::{Disk, DiskFile};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes between two syncs: commits wait for whatever the disk is given before them.
const CHUNK: usize = 256 << 10;

/// Why the disk refused, for whom the Parquet library only says that it did.
pub(super) type Refusal = Arc<Mutex<Option<io::Error>>>;

pub(super) struct Sink {
    refusal: Refusal,
    file: Arc<dyn DiskFile>,
    pending: Vec<u8>,
    written: u64,
    crc: u32,
    /// Where the tail begins, and the CRC-32C of what came since.
    tail: Option<(u64, u32)>,
}

/// What was written.
pub(super) struct Written {
    /// The file's length.
    pub(super) bytes: u64,
    /// CRC-32C of all of it.
    pub(super) crc: u32,
    /// Length of the tail.
    pub(super) tail: u64,
    /// CRC-32C of the tail.
    pub(super) tail_crc: u32,
}

impl Sink {
    pub(super) fn create(disk: &dyn Disk, path: &str, refusal: Refusal) -> io::Result<Self> {
        let file = disk.create(path)?;
        Ok(Self { refusal, file, pending: Vec::with_capacity(CHUNK), written: 0, crc: 0, tail: None })
    }

    /// Says that what comes now is the tail: what readers need before anything else.
    pub(super) fn begin_tail(&mut self) {
        self.tail = Some((self.written + self.pending.len() as u64, 0));
    }

    /// Writes and syncs the rest.
    pub(super) fn finish(mut self) -> io::Result<Written> {
        self.write_pending()?;
        let (tail, tail_crc) = self.tail.unwrap_or((self.written, 0));
        Ok(Written { bytes: self.written, crc: self.crc, tail: self.written - tail, tail_crc })
    }

    fn write_pending(&mut self) -> io::Result<()> {
        self.file.write_at(self.written, &self.pending)?;
        self.crc = crc32c::crc32c_append(self.crc, &self.pending);
        self.written += self.pending.len() as u64;
        self.pending.clear();
        self.file.sync()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if let Some((_, crc)) = &mut self.tail {
            *crc = crc32c::crc32c_append(*crc, bytes);
        }
        if self.pending.len() >= CHUNK {
            self.write_pending().map_err(|error| {
                let kind = error.kind();
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                io::Error::from(kind)
            })?;
        }
        Ok(bytes.len())
    }

    /// Keeps small writes together; [`Sink::finish`] is what makes bytes durable.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
