//! The end of the pipe that a segment is written into: a file of the [`Disk`], synced as it grows, so that the final
//! sync is short and commits of the log do not wait behind a big write.

use crate::disk::{Disk, DiskFile};
use std::io::{self, Write};
use std::sync::Arc;

const CHUNK: usize = 512 << 10;
const SYNC_EVERY: u64 = 4 << 20;

pub(super) struct Sink {
    file: Arc<dyn DiskFile>,
    pending: Vec<u8>,
    written: u64,
    synced: u64,
}

impl Sink {
    pub(super) fn create(disk: &dyn Disk, path: &str) -> io::Result<Self> {
        let file = disk.create(path)?;
        Ok(Self { file, pending: Vec::with_capacity(CHUNK), written: 0, synced: 0 })
    }

    /// Writes and syncs the rest; the file's length.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.write_pending()?;
        self.file.sync()?;
        Ok(self.written)
    }

    fn write_pending(&mut self) -> io::Result<()> {
        self.file.write_at(self.written, &self.pending)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        if self.written - self.synced >= SYNC_EVERY {
            self.file.sync()?;
            self.synced = self.written;
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK {
            self.write_pending()?;
        }
        Ok(bytes.len())
    }

    /// Keeps small writes together; [`Sink::finish`] is what makes bytes durable.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
