//! Files that are not allowed to grow too large or to take the disk's last room.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};

/// Bytes between two looks at the room that is left.
const LOOK_EVERY: u64 = 4 << 20;

/// What callers are told where the disk is too full.
pub(crate) const NO_ROOM: &str = "There is not enough space on the server's disk.";

/// How much a file may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bytes of one file.
    pub(crate) most: u64,
    /// Bytes of the disk that are left to others.
    pub(crate) reserve: u64,
}

/// Why a file could not be written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It would be larger than this.
    TooLarge(u64),
    /// The disk is too full.
    NoRoom,
}

/// A file that keeps to its room. What it refuses is an error of the kind `StorageFull`, and `refused` says why.
pub(crate) struct Guarded<'a, F> {
    file: F,
    free_bytes: &'a dyn Fn() -> io::Result<u64>,
    room: Room,
    refused: &'a Cell<Option<Refused>>,
    written: u64,
    /// How much was written when the disk was looked at last.
    looked: u64,
}

impl<'a, F> Guarded<'a, F> {
    /// An empty file on a disk with so many bytes left, if these are enough to begin.
    pub(crate) fn new(
        file: F,
        free_bytes: &'a dyn Fn() -> io::Result<u64>,
        room: Room,
        refused: &'a Cell<Option<Refused>>,
    ) -> io::Result<Self> {
        let mut guarded = Self { file, free_bytes, room, refused, written: 0, looked: 0 };
        guarded.look()?;
        Ok(guarded)
    }

    /// The file itself.
    pub(crate) fn into_inner(self) -> F {
        self.file
    }

    fn refuse(&self, why: Refused) -> io::Error {
        self.refused.set(Some(why));
        ErrorKind::StorageFull.into()
    }

    /// Stops before the last room is taken.
    fn look(&mut self) -> io::Result<()> {
        self.looked = self.written;
        if (self.free_bytes)()? < self.room.reserve.saturating_add(LOOK_EVERY) {
            return Err(self.refuse(Refused::NoRoom));
        }
        Ok(())
    }
}

impl<F: Write> Write for Guarded<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written + bytes.len() as u64 > self.room.most {
            return Err(self.refuse(Refused::TooLarge(self.room.most)));
        }
        if self.written - self.looked >= LOOK_EVERY {
            self.look()?;
        }
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
