//! Opening a log: every whole frame is handed over in order, a torn tail is cut, damage is refused.
//!
//! A file that is followed by one with frames has a frame itself, and frame numbers have no gaps; whatever breaks
//! these rules is damage. Before the log goes on, what stands behind the last frame is overwritten with zeros, and files
//! without frames get a new salt: no sector of a torn frame is ever completed by a later write.

use super::file::{self, LogFile};
use super::frame::{self, FrameKind};
use super::{DIR, LogError};
use crate::disk::Disk;
use bytes::Bytes;

/// A frame as recovery hands it over.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What the payload is.
    pub kind: FrameKind,
    /// The `seq` of its first row, 0 for manifests.
    pub first_seq: u64,
    /// Its contents.
    pub payload: Bytes,
}

/// What [`recover`] found on the disk.
pub struct Recovered {
    /// Files with frames, oldest first, each with the last `seq` up to its end.
    pub(super) files: Vec<(LogFile, u64)>,
    /// The last `seq` before the rows of each.
    pub(super) starts: Vec<u64>,
    /// Where the last of them is written next.
    pub(super) end: u64,
    /// Files after those, without frames.
    pub(super) prepared: Vec<LogFile>,
    /// Paths of spare files.
    pub(super) spares: Vec<String>,
    /// The number of the next frame.
    pub(super) next_frame: u64,
    /// Whether a frame had been begun that never became durable.
    pub torn_tail: bool,
    /// Whether anything but zeros stands behind the last frame.
    pub(super) dirty_tail: bool,
}

/// Reads the whole log, calling `visit` with every frame in order. `visit` returns the last `seq` so far.
pub fn recover(
    disk: &dyn Disk,
    mut visit: impl FnMut(Frame) -> Result<u64, LogError>,
) -> Result<Recovered, LogError> {
    disk.create_dir(DIR).map_err(LogError::disk(DIR))?;
    let names = disk.list(DIR).map_err(LogError::disk(DIR))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| file::number_of(name)).collect();
    numbers.sort_unstable();
    let spares =
        names.iter().filter(|name| file::is_spare(name)).map(|name| format!("{DIR}/{name}")).collect();
    let mut found = Recovered {
        files: vec![],
        starts: vec![],
        end: 0,
        prepared: vec![],
        spares,
        next_frame: 0,
        torn_tail: false,
        dirty_tail: false,
    };
    let mut last_seq = 0;
    for number in numbers {
        let (log_file, bytes) = read(disk, number, &found)?;
        let mut at = file::DATA;
        let mut start = None;
        while let Some((head, payload)) = frame::parse(&bytes[at as usize..], log_file.salt) {
            found.expect(head.number, &log_file, at)?;
            found.next_frame = head.number + 1;
            let payload = bytes.slice_ref(payload);
            last_seq = visit(Frame { kind: head.kind, first_seq: head.first_seq, payload })?;
            // A file's first frame is a manifest, which has no rows.
            start.get_or_insert(last_seq);
            at += frame::HEAD as u64 + u64::from(head.length);
        }
        let rest = &bytes[at as usize..];
        if frame::highest_number(rest, log_file.salt).is_some() {
            return Err(LogError::Damaged { path: file::path(number), offset: at, frame: found.next_frame });
        }
        if at == file::DATA {
            found.prepared.push(log_file);
            continue;
        }
        found.torn_tail = rest.starts_with(&log_file.salt.to_le_bytes());
        found.dirty_tail = rest.iter().any(|byte| *byte != 0);
        found.end = at;
        found.files.push((log_file, last_seq));
        found.starts.push(start.unwrap_or(0));
    }
    Ok(found)
}

fn read(disk: &dyn Disk, number: u64, found: &Recovered) -> Result<(LogFile, Bytes), LogError> {
    let path = file::path(number);
    let load = || {
        let file = disk.open(&path)?;
        let mut bytes = vec![0; file.length()? as usize];
        file.read_at(0, &mut bytes)?;
        Ok((file, bytes))
    };
    let (file, bytes) = load().map_err(LogError::disk(&path))?;
    match file::salt_of(&bytes, number) {
        Some(salt) if bytes.len() as u64 > file::DATA => {
            Ok((LogFile { number, salt, file, size: bytes.len() as u64 }, Bytes::from(bytes)))
        }
        // The header was durable before the file got this name, so this is damage, wherever its frames went.
        _ => Err(LogError::Damaged { path, offset: 0, frame: found.next_frame }),
    }
}

impl Recovered {
    /// Whether the log has no frame at all.
    pub fn is_new(&self) -> bool {
        self.files.is_empty()
    }

    /// Checks that frame `number`, found in `here` at `offset`, follows the last one.
    fn expect(&self, number: u64, here: &LogFile, offset: u64) -> Result<(), LogError> {
        let damaged = |path: String, offset| Err(LogError::Damaged { path, offset, frame: self.next_frame });
        if let Some(empty) = self.prepared.first() {
            return damaged(file::path(empty.number), file::DATA);
        }
        match self.files.last() {
            _ if number == self.next_frame => Ok(()),
            Some((before, _)) if offset == file::DATA => damaged(file::path(before.number), self.end),
            // The oldest file: what came before it was given back.
            None if offset == file::DATA => Ok(()),
            _ => damaged(file::path(here.number), offset),
        }
    }
}
