//! Writing the log: one frame at a time, each durable before the next. The caller is the only writer.

use super::file::{self, LogFile};
use super::frame::{self, FrameKind, HEAD};
use super::{LogError, Recovered};
use crate::disk::Disk;
use std::collections::VecDeque;
use std::sync::Arc;
use tollgate_domain::Entropy;

/// The frame does not fit into the current file: [`LogWriter::rotate`] first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// The log's writing end.
pub struct LogWriter {
    disk: Arc<dyn Disk>,
    entropy: Arc<dyn Entropy>,
    file_size: u64,
    current: LogFile,
    offset: u64,
    next_frame: u64,
    last_seq: u64,
    prepared: VecDeque<LogFile>,
    /// The last `seq` before the current file's rows.
    start: u64,
    /// Full files, oldest first: the last `seq` up to their end, and the last before their rows.
    full: VecDeque<Full>,
    spares: Vec<String>,
    next_file: u64,
}

struct Full {
    number: u64,
    last_seq: u64,
    start: u64,
}

impl LogWriter {
    /// Goes on where `recovered` ended. A new log gets its first file. Files will be `file_size` bytes.
    pub fn open(
        disk: Arc<dyn Disk>,
        entropy: Arc<dyn Entropy>,
        file_size: u64,
        recovered: Recovered,
    ) -> Result<Self, LogError> {
        let Recovered { mut files, mut starts, end, prepared, mut spares, next_frame, dirty_tail, .. } =
            recovered;
        let start = starts.pop().unwrap_or(0);
        let used = files.iter().map(|(file, _)| file).chain(&prepared).map(|file| file.number);
        let spare = spares.iter().filter_map(|path| file::number_of_spare(path));
        // Spares count too: a number that is used again must not meet a spare of that name.
        let mut next_file = used.chain(spare).max().map_or(1, |number| number + 1);
        for file in prepared {
            // It may hold the beginning of a frame; made ready anew it gets a salt that no such frame has.
            spares.push(file::give_back(&*disk, file.number)?);
        }
        let (current, offset, last_seq) = match files.pop() {
            Some((file, last_seq)) => {
                if dirty_tail {
                    file.erase_from(end)?;
                }
                (file, end, last_seq)
            }
            None => {
                let salt = salt(&*entropy);
                let file = file::prepare(&*disk, spares.pop().as_deref(), next_file, salt, file_size)?;
                next_file += 1;
                (file, file::DATA, 0)
            }
        };
        // What was read may have been in the cache alone, when a process was killed between a write and its sync.
        let path = file::path(current.number);
        current.file.sync().and_then(|()| disk.sync_dir(super::DIR)).map_err(LogError::fatal(&path))?;
        let full = files.iter().zip(starts);
        let full =
            full.map(|((file, last_seq), start)| Full { number: file.number, last_seq: *last_seq, start });
        let full = full.collect();
        Ok(Self {
            disk,
            entropy,
            file_size,
            current,
            offset,
            next_frame,
            last_seq,
            prepared: VecDeque::new(),
            start,
            full,
            spares,
            next_file,
        })
    }

    /// Bytes of frames that the current file still takes.
    pub fn room(&self) -> u64 {
        self.current.size - self.offset
    }

    /// Bytes of frames that an empty file takes.
    pub fn fresh_room(&self) -> u64 {
        self.file_size - file::DATA
    }

    /// The last `seq` that was written.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// How many empty files are ready.
    pub fn prepared(&self) -> usize {
        self.prepared.len()
    }

    /// Begins to make another empty file ready; the work itself is [`Preparation::run`], away from the writer, and
    /// [`LogWriter::prepared_with`] ends it. One at a time.
    pub fn begin_prepare(&mut self) -> Preparation {
        Preparation {
            disk: self.disk.clone(),
            spare: self.spares.pop(),
            number: self.next_file,
            salt: salt(&*self.entropy),
            size: self.file_size,
        }
    }

    /// Takes over what a preparation made. After a full disk nothing has changed; after any other failure the process
    /// must stop (L6).
    pub fn prepared_with(&mut self, done: Prepared) -> Result<(), LogError> {
        match done.result {
            Ok(file) => {
                self.next_file = file.number + 1;
                self.prepared.push_back(file);
                Ok(())
            }
            Err(error) => {
                self.spares.extend(done.spare);
                Err(error)
            }
        }
    }

    /// Goes on with the next prepared file; `NoRoom` when there is none. The next frame must be a whole manifest.
    pub fn rotate(&mut self) -> Result<(), NoRoom> {
        let next = self.prepared.pop_front().ok_or(NoRoom)?;
        let before = std::mem::replace(&mut self.current, next);
        let last_seq = self.last_seq;
        let start = std::mem::replace(&mut self.start, last_seq);
        self.full.push_back(Full { number: before.number, last_seq, start });
        self.offset = file::DATA;
        Ok(())
    }

    /// Writes one frame and syncs it. Its payload stands in `buffer` behind [`HEAD`] free bytes; rows end at
    /// `last_seq`. The outer error says nothing was written; after the inner one the file is in an unknown state and
    /// the process must stop (L6).
    pub fn write(
        &mut self,
        kind: FrameKind,
        first_seq: u64,
        last_seq: u64,
        buffer: &mut [u8],
    ) -> Result<Result<(), LogError>, NoRoom> {
        debug_assert!(buffer.len() >= HEAD);
        if buffer.len() as u64 > self.room() {
            return Err(NoRoom);
        }
        frame::finish(buffer, self.current.salt, self.next_frame, first_seq, kind);
        let file = &self.current.file;
        let written = file.write_at(self.offset, buffer).and_then(|()| file.sync());
        if let Err(error) = written {
            // A full disk too: whoever takes that for harmless would go on without rows that it believes to be written.
            return Ok(Err(LogError::fatal(&file::path(self.current.number))(error)));
        }
        self.offset += buffer.len() as u64;
        self.next_frame += 1;
        self.last_seq = self.last_seq.max(last_seq);
        Ok(Ok(()))
    }

    /// The oldest full file, when all its rows have a `seq` up to `seq`: [`Recycling::run`] gives it back, away from
    /// the writer, as a spare while there are fewer than `keep`.
    pub fn begin_recycle(&mut self, seq: u64, keep: usize) -> Option<Recycling> {
        let Full { number, .. } = self.full.pop_front_if(|file| file.last_seq <= seq)?;
        Some(Recycling { disk: self.disk.clone(), number, keep: self.spares.len() < keep })
    }

    /// Gives a spare file's space back to the disk; false when there is none.
    pub fn drop_spare(&mut self) -> Result<bool, LogError> {
        let Some(path) = self.spares.pop() else { return Ok(false) };
        let removed = self.disk.remove(&path).and_then(|()| self.disk.sync_dir(super::DIR));
        removed.map_err(LogError::fatal(&path))?;
        Ok(true)
    }

    /// Whether rows up to `seq` may stand in the current file.
    pub fn is_current_since_before(&self, seq: u64) -> bool {
        self.start < seq
    }

    /// Whether rows up to `seq` may stand in any file that is not given back.
    pub fn may_hold(&self, seq: u64) -> bool {
        self.start < seq || self.full.iter().any(|file| file.start < seq)
    }

    /// Takes out the files that are ready: [`Erasing::run`] fills them with zeros, away from the writer, and
    /// [`LogWriter::erased`] puts them back. No other may be made ready meanwhile.
    pub fn begin_erase(&mut self) -> Erasing {
        Erasing { files: std::mem::take(&mut self.prepared), done: Ok(()) }
    }

    /// Takes the files back. After an error the process must stop (L6).
    pub fn erased(&mut self, erasing: Erasing) -> Result<(), LogError> {
        self.prepared = erasing.files;
        erasing.done
    }

    /// Takes over a spare file.
    pub fn recycled(&mut self, spare: Option<String>) {
        self.spares.extend(spare);
    }
}

/// An empty file in the making.
pub struct Preparation {
    disk: Arc<dyn Disk>,
    spare: Option<String>,
    number: u64,
    salt: u64,
    size: u64,
}

/// How a [`Preparation`] went.
pub struct Prepared {
    result: Result<LogFile, LogError>,
    spare: Option<String>,
}

impl Preparation {
    /// Makes the file and its name durable. Blocks for as long as writing a whole file takes.
    pub fn run(self) -> Prepared {
        let result = file::prepare(&*self.disk, self.spare.as_deref(), self.number, self.salt, self.size);
        Prepared { result, spare: self.spare }
    }
}

/// Files that are ready, while bytes of a former use are removed from them.
pub struct Erasing {
    files: VecDeque<LogFile>,
    done: Result<(), LogError>,
}

impl Erasing {
    /// Overwrites everything behind the files' headers with zeros, durably.
    pub fn run(mut self) -> Self {
        self.done = self.files.iter().try_for_each(|file| file.erase_from(file::DATA));
        self
    }
}

/// A full file that is not needed any more.
pub struct Recycling {
    disk: Arc<dyn Disk>,
    number: u64,
    keep: bool,
}

impl Recycling {
    /// Renames or removes the file. The name is durable before another changes: a gap between files would read as
    /// damage.
    pub fn run(self) -> Result<Option<String>, LogError> {
        if self.keep {
            return file::give_back(&*self.disk, self.number).map(Some);
        }
        let path = file::path(self.number);
        let removed = self.disk.remove(&path).and_then(|()| self.disk.sync_dir(super::DIR));
        removed.map_err(LogError::fatal(&path))?;
        Ok(None)
    }
}

fn salt(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
