//! Rows that wait for the next group commit, and the promise of room that was made to each before it was judged.
//!
//! An event is admitted only while the log has room for it, counting everything promised before; so an admitted event
//! never meets a full disk (L5).

use crate::log::{HEAD, LogWriter};
use crate::row;
use tollgate_domain::{Amendment, Event, TxIdKey};

/// Most bytes of one frame of rows.
pub(crate) const MAX_FRAME: u64 = 16 << 20;
/// What every log file keeps free of rows, for manifest frames.
const RESERVE: u64 = 1 << 20;

/// Why an event was not admitted. Nothing was stored or counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The next log file could not be made: the disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The events are too large to be written together, however long one waits.
    #[error("the events have more than 8 MiB together")]
    TooLarge,
    /// More events are waiting than the disk or the sealing keeps up with.
    #[error("too many events are waiting to be written")]
    Busy,
    /// The ledger is being closed.
    #[error("the ledger is closing")]
    Closing,
}

/// Room in the log for rows, after everything that is being written.
#[derive(Debug, Clone, Copy, Default)]
struct Room {
    current: u64,
    fresh: u64,
    prepared: usize,
}

impl Room {
    /// Bytes that one frame of rows may have.
    fn frame(self) -> u64 {
        // A fixed part of a file, not of what is left of it: it must be there when the file is nearly full.
        let usable = |room: u64| room.saturating_sub(RESERVE.min(self.fresh / 4));
        let most = if self.prepared > 0 { usable(self.fresh) } else { usable(self.current) };
        most.min(MAX_FRAME)
    }
}

/// The open group.
pub(crate) struct Pending {
    buffer: Vec<u8>,
    first_seq: u64,
    next_seq: u64,
    promised: u64,
    room: Room,
    spare: Option<Vec<u8>>,
    pub(crate) closing: bool,
    /// Whether the last attempt to make a log file ready met a full disk.
    pub(crate) disk_full: bool,
}

/// A group on its way to the disk.
pub(crate) struct Group {
    /// Payload behind [`HEAD`] free bytes.
    pub(crate) buffer: Vec<u8>,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// The frame of the whole manifest that must stand before it, when it begins a file.
    pub(crate) manifest: Option<Vec<u8>>,
}

impl Pending {
    pub(crate) fn new(next_seq: u64) -> Self {
        Self {
            buffer: vec![0; HEAD],
            first_seq: next_seq,
            next_seq,
            promised: 0,
            room: Room::default(),
            spare: None,
            closing: false,
            disk_full: false,
        }
    }

    /// Promises room for `bytes` of rows. `backlogged` says that sealing is too far behind.
    pub(crate) fn promise(&mut self, bytes: u64, backlogged: bool) -> Result<(), Refused> {
        if self.closing {
            return Err(Refused::Closing);
        }
        if bytes > MAX_FRAME / 2 {
            return Err(Refused::TooLarge);
        }
        if self.outstanding() + bytes > self.room.frame() {
            let full = self.disk_full && self.room.prepared == 0;
            return Err(if full { Refused::DiskFull } else { Refused::Busy });
        }
        if backlogged {
            return Err(Refused::Busy);
        }
        self.promised += bytes;
        Ok(())
    }

    /// Bytes that will still be written to the log: appended, or promised.
    pub(crate) fn outstanding(&self) -> u64 {
        self.buffer.len() as u64 + self.promised
    }

    /// Whether nothing is appended and nobody was promised that he may.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_empty() && self.promised == 0
    }

    /// Takes a promise back, kept or not.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.promised -= bytes;
    }

    /// Gives `event` the `seq` that it gets behind `before` other rows and, if it has none, its id.
    pub(crate) fn place(&self, event: &mut Event, key: &TxIdKey, before: u64) {
        event.seq = self.next_seq + before;
        if event.id.to_u128() == 0 {
            event.id = key.id(event.at(), event.seq);
        }
    }

    /// Gives `event` its `seq` and, if it has none, its id, lets `finish` complete it, and appends its row.
    pub(crate) fn append(
        &mut self,
        event: &mut Event,
        key: &TxIdKey,
        finish: impl FnOnce(&mut Event),
    ) -> u64 {
        self.place(event, key, 0);
        finish(event);
        self.append_row(|out| row::encode(event, out))
    }

    /// Gives `amendment` its `seq` and appends its row.
    pub(crate) fn amend(&mut self, amendment: &mut Amendment) -> u64 {
        amendment.record.seq = self.next_seq;
        self.append_row(|out| row::encode_amendment(amendment, out))
    }

    /// Appends the row that `encode` writes, which has the next `seq`.
    fn append_row(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        encode(&mut self.buffer);
        let length = (self.buffer.len() - at - 4) as u32;
        self.buffer[at..at + 4].copy_from_slice(&length.to_le_bytes());
        self.next_seq += 1;
        self.last_seq()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first_seq == self.next_seq
    }

    pub(crate) fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The highest `seq` given out.
    pub(crate) fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }

    /// Takes the group out.
    pub(crate) fn take(&mut self) -> Group {
        let mut next = self.spare.take().unwrap_or_else(|| Vec::with_capacity(64 << 10));
        next.resize(HEAD, 0);
        let group = Group {
            buffer: std::mem::replace(&mut self.buffer, next),
            first_seq: self.first_seq,
            last_seq: self.last_seq(),
            manifest: None,
        };
        self.first_seq = self.next_seq;
        group
    }

    /// Gives a buffer back for reuse.
    pub(crate) fn reuse(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.spare = Some(buffer);
    }

    /// Learns what room the log has once `in_flight` more bytes are written to the current file.
    pub(crate) fn set_room(&mut self, log: &LogWriter, in_flight: u64, manifest_bytes: u64) {
        self.room = Room {
            current: log.room().saturating_sub(in_flight),
            fresh: log.fresh_room().saturating_sub(manifest_bytes),
            prepared: log.prepared(),
        };
    }
}
