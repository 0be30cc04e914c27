//! The ledger's door: admit, append, commit, look.
//!
//! One caller at a time appends (under a short lock, no I/O); [`Ledger::commit`] makes the whole open group durable with
//! one sync and then publishes it to queries, before anyone learns that it is. Sealing and file keeping are in their
//! own files and run beside it.

use crate::books::Books;
use crate::disk::Disk;
use crate::erase::Erase;
use crate::log::{FrameKind, HEAD, LogError, LogWriter};
use crate::manifest::Manifest;
use crate::merge::Merges;
use crate::near::Near;
use crate::open::OpenRows;
use crate::pending::{Group, Pending, Refused};
use crate::rollup::Compared;
use crate::segment::SegmentError;
use crate::threads::OnFatal;
use crate::view::View;
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tollgate_domain::{Amendment, Event, TxIdKey};

/// Sizes and times of a ledger.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of a log file.
    pub log_file_bytes: u64,
    /// Empty log files kept ready.
    pub prepare_ahead: usize,
    /// Spare log files kept for reuse.
    pub spare_files: usize,
    /// Rows after which the open ones are sealed.
    pub seal_rows: u64,
    /// Bytes after which the open ones are sealed.
    pub seal_bytes: u64,
    /// Time after which the open ones are sealed.
    pub seal_age: Duration,
    /// Open rows beyond which nothing is admitted until sealing caught up.
    pub max_open_rows: u64,
    /// The same in bytes.
    pub max_open_bytes: u64,
    /// Bytes of segment footers, indexes and dictionaries kept in memory.
    pub footer_cache_bytes: usize,
    /// Bytes of the newest sealed rows kept in memory for look-ups by id; a row takes some 130. 0 keeps none.
    pub near_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log_file_bytes: 64 << 20,
            prepare_ahead: 2,
            spare_files: 32,
            seal_rows: 262_144,
            seal_bytes: 64 << 20,
            seal_age: Duration::from_secs(60),
            max_open_rows: 4_000_000,
            max_open_bytes: 2 << 30,
            footer_cache_bytes: 192 << 20,
            near_bytes: 192 << 20,
        }
    }
}

/// The ledger cannot go on (L6), or could not be opened. The message says what the operator needs to know.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A segment.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A segment cannot be read. Nothing was changed.
    #[error(transparent)]
    Unreadable(SegmentError),
    /// A frame of the log says something this version does not understand.
    #[error("log: {0}")]
    Format(String),
    /// A background thread panicked: a defect of this program.
    #[error("the thread {0} panicked")]
    Panicked(&'static str),
}

impl LedgerError {
    /// Whether the disk had no space left: nothing was changed, and the same may work later.
    pub fn is_full_disk(&self) -> bool {
        match self {
            Self::Log(error) => error.is_full_disk(),
            Self::Segment(SegmentError::Disk { source, .. }) => {
                source.kind() == std::io::ErrorKind::StorageFull
            }
            Self::Segment(_) | Self::Unreadable(_) | Self::Format(_) | Self::Panicked(_) => false,
        }
    }

    /// Whether the process may go on: nothing was changed. After any other error it must stop (L6).
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Unreadable(_)) || self.is_full_disk()
    }
}

/// The open rows, and since when there are any.
#[derive(Default)]
pub(crate) struct OpenState {
    pub(crate) rows: OpenRows,
    pub(crate) since: Option<Instant>,
}

/// Bytes that a row may have beside its text at admission: head, numbers and lengths (512), the names of reasons, built
/// in and filters' own (2,048), a new name for its sub id (256), evidence (4,096).
pub const ROW_OVERHEAD: u64 = 512 + 2048 + 256 + 4096;

type Listener = Box<dyn Fn() + Send + Sync>;

/// The history of all events. Clones are the same ledger.
#[derive(Clone)]
pub struct Ledger(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) id_key: TxIdKey,
    pub(crate) pending: Mutex<Pending>,
    pub(crate) work: Condvar,
    /// Held by whoever commits, so that groups become visible in their order. Taken before `preparing` and `log`.
    pub(crate) committing: Mutex<()>,
    /// Deletions that began and that ended ([`crate::Deletions`]).
    pub(crate) deletions: AtomicU64,
    /// Held while a log file is made ready, by whoever does it; taken before `log`.
    pub(crate) preparing: Mutex<()>,
    pub(crate) log: Mutex<LogWriter>,
    /// Held by a sealing, and by a merge at its end: what is written into overlays must be about segments that are there
    /// when it is adopted. Taken before any other lock.
    pub(crate) sealing: Mutex<()>,
    pub(crate) merged: Merges,
    pub(crate) compared: Compared,
    pub(crate) erase: Mutex<Erase>,
    /// Whom [`Ledger::start`] was told to call when the ledger cannot go on.
    pub(crate) on_fatal: OnceLock<OnFatal>,
    pub(crate) books: Mutex<Books>,
    pub(crate) near: Arc<Near>,
    pub(crate) open: Mutex<OpenState>,
    pub(crate) committed: AtomicU64,
    pub(crate) checkpointed: AtomicU64,
    pub(crate) sealed: AtomicU64,
    pub(crate) open_bytes: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) listeners: Mutex<Vec<Listener>>,
    pub(crate) turn: (Mutex<()>, Condvar),
}

/// Figures for metrics and health.
#[derive(Debug, Clone, Copy, Default)]
pub struct LedgerStats {
    /// Highest durable `seq`.
    pub committed_seq: u64,
    /// Highest `seq` in a segment.
    pub sealed_seq: u64,
    /// Rows that are durable and not yet in a segment.
    pub unsealed_rows: u64,
    /// Group commits since the start.
    pub commits: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of all segments.
    pub segment_bytes: u64,
    /// Merges of segments since the start.
    pub merges: u64,
    /// Rows that are deleted and still in files.
    pub deleted_rows: u64,
    /// Bytes of memory that the newest sealed rows take, kept for look-ups.
    pub near_bytes: u64,
    /// Segments whose sums were compared with their events since the start.
    pub compared_sums: u64,
    /// How many of these comparisons found something wrong.
    pub wrong_sums: u64,
    /// Rows that merges wrote.
    pub merged_rows: u64,
    /// Bytes that merges wrote.
    pub merged_bytes: u64,
    /// Empty log files that are ready.
    pub prepared_files: u64,
    /// Bytes free on the disk; 0 when it does not say.
    pub free_bytes: u64,
}

/// Room in the log that was promised for events that are about to be judged; given back when dropped.
pub struct Promise {
    ledger: Ledger,
    bytes: u64,
}

impl Drop for Promise {
    fn drop(&mut self) {
        lock(&self.ledger.0.pending).release(self.bytes);
    }
}

/// The end of the log, held while rows are appended of which an earlier one names a later one. They become durable
/// together. Nobody else appends in the meantime, so it must not be held for long.
pub struct End<'a> {
    ledger: &'a Ledger,
    pending: MutexGuard<'a, Pending>,
    first: bool,
}

impl End<'_> {
    /// Gives `event` the `seq` that it gets when `before` other rows are appended first and, if it has none, its id.
    pub fn place(&self, event: &mut Event, before: u64) {
        self.pending.place(event, &self.ledger.0.id_key, before);
    }

    /// Appends a judged event like [`Ledger::append`].
    pub fn append(&mut self, event: &mut Event) -> u64 {
        self.pending.append(event, &self.ledger.0.id_key, |_| {})
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if self.first && !self.pending.is_empty() {
            self.ledger.0.work.notify_one();
        }
    }
}

/// A panic elsewhere does not make these structures unsound: each is changed in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// Admission: promises room for `rows` events with `text_bytes` of text altogether, what judging adds to each
    /// ([`ROW_OVERHEAD`]) not counted.
    pub fn promise(&self, rows: u64, text_bytes: u64) -> Result<Promise, Refused> {
        let bytes = rows * ROW_OVERHEAD + text_bytes;
        let options = &self.0.options;
        let backlogged = self.unsealed_rows() > options.max_open_rows
            || self.0.open_bytes.load(Ordering::Relaxed) > options.max_open_bytes;
        lock(&self.0.pending).promise(bytes, backlogged)?;
        Ok(Promise { ledger: self.clone(), bytes })
    }

    /// Appends a judged event for which room was promised; gives it its `seq` and, if it has none, its id. It is not
    /// durable before [`Ledger::committed`] reaches the `seq` that is returned. `finish` completes the event once it
    /// knows its id; it runs under the ledger's lock and must be quick.
    pub fn append(&self, _promise: &Promise, event: &mut Event, finish: impl FnOnce(&mut Event)) -> u64 {
        self.add(|pending| pending.append(event, &self.0.id_key, finish))
    }

    /// Appends an amendment for which room was promised, and gives it its `seq`; durable as [`Ledger::append`] has it. The
    /// event it is about must be one that a view has shown and that is not deleted: where somebody may delete,
    /// [`Ledger::amend_since`] is to be asked.
    pub fn amend(&self, _promise: &Promise, amendment: &mut Amendment) -> u64 {
        self.add(|pending| pending.amend(amendment))
    }

    /// Adds a row to the open group; the first one wakes the committer.
    pub(crate) fn add<T>(&self, append: impl FnOnce(&mut Pending) -> T) -> T {
        let mut pending = lock(&self.0.pending);
        let was_empty = pending.is_empty();
        let appended = append(&mut pending);
        let first = was_empty && !pending.is_empty();
        drop(pending);
        if first {
            self.0.work.notify_one();
        }
        appended
    }

    /// Whether an event came in as a line of a file: its id then says what the line says, else it says its `seq`.
    pub fn is_imported(&self, event: &Event) -> bool {
        self.0.id_key.id(event.at(), event.seq) != event.id
    }

    /// The end of the log, for rows that belong together; there is a `promise` for all of them.
    pub fn end(&self, _promise: &Promise) -> End<'_> {
        let pending = lock(&self.0.pending);
        let first = pending.is_empty();
        End { ledger: self, pending, first }
    }

    /// The highest `seq` given out so far.
    pub fn assigned(&self) -> u64 {
        lock(&self.0.pending).last_seq()
    }

    /// Every row with a `seq` up to this one is durable and visible.
    pub fn committed(&self) -> u64 {
        self.0.committed.load(Ordering::Acquire)
    }

    /// Every row with a `seq` up to this one is in a segment.
    pub fn sealed(&self) -> u64 {
        self.0.sealed.load(Ordering::Acquire)
    }

    /// Rows that are durable and not in a segment yet: `seq` has no gaps.
    pub(crate) fn unsealed_rows(&self) -> u64 {
        self.committed().saturating_sub(self.sealed())
    }

    /// Blocks until `seq` is durable. For threads; the gateway's cores listen instead.
    pub fn wait_committed(&self, seq: u64) {
        let (mutex, turned) = &self.0.turn;
        let mut guard = lock(mutex);
        while self.committed() < seq {
            let waited = turned.wait_timeout(guard, Duration::from_millis(100));
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Calls `listener` after every commit, on the committing thread. It must be quick.
    pub fn on_commit(&self, listener: impl Fn() + Send + Sync + 'static) {
        lock(&self.0.listeners).push(Box::new(listener));
    }

    /// One consistent cut of everything that is durable.
    pub fn view(&self) -> View {
        // First: what is deleted after this may be in the view, and then the view does not know of it.
        let deletions = self.deletions();
        let books = lock(&self.0.books);
        let open = lock(&self.0.open).rows.snapshot();
        let cut = open.last_seq().unwrap_or(0).max(books.sealed_seq());
        let view = View::new(books.segments(), open, cut).with_overlays(books.overlays());
        view.with_near(self.0.near.clone()).with_gone(books.gone()).with_deletions(deletions)
    }

    /// Lets log files with rows up to `seq` be reused, as far as they are sealed: no counter needs them any more.
    pub fn set_checkpointed(&self, seq: u64) {
        self.0.checkpointed.store(seq, Ordering::Release);
    }

    /// Figures of this moment.
    pub fn stats(&self) -> LedgerStats {
        // One lock at a time: whoever writes holds the log's while it waits for the books'.
        let (sealed_seq, segments, segment_bytes, deleted_rows) = lock(&self.0.books).figures();
        let prepared_files = lock(&self.0.log).prepared() as u64;
        LedgerStats {
            committed_seq: self.committed(),
            sealed_seq,
            unsealed_rows: self.unsealed_rows(),
            commits: self.0.commits.load(Ordering::Relaxed),
            segments,
            segment_bytes,
            deleted_rows,
            near_bytes: self.0.near.bytes() as u64,
            compared_sums: self.0.compared.segments.load(Ordering::Relaxed),
            wrong_sums: self.0.compared.wrong.load(Ordering::Relaxed),
            merges: self.0.merged.merges.load(Ordering::Relaxed),
            merged_rows: self.0.merged.rows.load(Ordering::Relaxed),
            merged_bytes: self.0.merged.bytes.load(Ordering::Relaxed),
            prepared_files,
            free_bytes: self.0.disk.free_bytes().unwrap_or(0),
        }
    }

    /// Makes the open group durable and visible; false when there was none. After an error the process must stop.
    pub fn commit(&self) -> Result<bool, LedgerError> {
        let _one_at_a_time = lock(&self.0.committing);
        let (mut log, mut group) = loop {
            let mut log = lock(&self.0.log);
            match self.take_group(&mut log) {
                Taken::Nothing => return Ok(false),
                Taken::Group(group) => break (log, group),
                Taken::NeedsFile => {
                    drop(log);
                    self.prepare(1)?;
                }
            }
        };
        if let Some(manifest) = &mut group.manifest {
            write(&mut log, FrameKind::Manifest, 0, 0, manifest)?;
        }
        write(&mut log, FrameKind::Rows, group.first_seq, group.last_seq, &mut group.buffer)?;
        drop(log);
        let payload = Bytes::copy_from_slice(&group.buffer[HEAD..]);
        let mut open = lock(&self.0.open);
        open.rows.push(payload, group.first_seq, group.last_seq);
        open.since.get_or_insert_with(Instant::now);
        self.0.open_bytes.store(open.rows.bytes() as u64, Ordering::Relaxed);
        drop(open);
        self.0.committed.store(group.last_seq, Ordering::Release);
        self.0.commits.fetch_add(1, Ordering::Relaxed);
        drop(lock(&self.0.turn.0));
        self.0.turn.1.notify_all();
        for listener in lock(&self.0.listeners).iter() {
            listener();
        }
        lock(&self.0.pending).reuse(group.buffer);
        Ok(true)
    }

    /// Takes the open group, and moves the log on to its next file when the group does not fit into this one.
    fn take_group(&self, log: &mut LogWriter) -> Taken {
        let manifest_bytes = lock(&self.0.books).manifest_bytes();
        let mut pending = lock(&self.0.pending);
        if pending.is_empty() {
            return Taken::Nothing;
        }
        let bytes = pending.bytes() as u64;
        if bytes <= log.room() {
            pending.set_room(log, bytes, manifest_bytes);
            return Taken::Group(pending.take());
        }
        if log.rotate().is_err() {
            return Taken::NeedsFile;
        }
        pending.set_room(log, bytes + manifest_bytes, manifest_bytes);
        let mut group = pending.take();
        drop(pending);
        group.manifest = Some(lock(&self.0.books).manifest_frame(group.first_seq - 1));
        Taken::Group(group)
    }

    /// Makes empty log files ready until there are `count`. A full disk is remembered for those who are refused.
    pub(crate) fn prepare(&self, count: usize) -> Result<(), LedgerError> {
        let _one_at_a_time = lock(&self.0.preparing);
        while lock(&self.0.log).prepared() < count {
            let preparation = lock(&self.0.log).begin_prepare();
            let prepared = preparation.run();
            let mut log = lock(&self.0.log);
            let done = log.prepared_with(prepared);
            let full = done.as_ref().is_err_and(LogError::is_full_disk);
            lock(&self.0.pending).disk_full = full;
            done?;
            self.refresh_room(&log);
        }
        Ok(())
    }

    /// Tells admission what room there is now.
    pub(crate) fn refresh_room(&self, log: &LogWriter) {
        let manifest_bytes = lock(&self.0.books).manifest_bytes();
        lock(&self.0.pending).set_room(log, 0, manifest_bytes);
    }
}

/// What a commit found to write.
enum Taken {
    Nothing,
    Group(Group),
    /// The group needs a log file that is not ready.
    NeedsFile,
}

/// Writes a frame for which there is room.
pub(crate) fn write(
    log: &mut LogWriter,
    kind: FrameKind,
    first_seq: u64,
    last_seq: u64,
    buffer: &mut [u8],
) -> Result<(), LedgerError> {
    match log.write(kind, first_seq, last_seq, buffer) {
        Ok(written) => Ok(written?),
        Err(_) => {
            Err(LedgerError::Format("a frame is larger than a log file; raise the log file size".to_owned()))
        }
    }
}

/// A frame's buffer with `manifest` as its payload.
pub(crate) fn frame_of(value: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = vec![0; HEAD];
    // Serialising plain structs of numbers and strings into memory does not fail.
    let _ = serde_json::to_writer(&mut buffer, value);
    buffer
}

impl Manifest {
    /// The whole manifest as a frame's buffer.
    pub(crate) fn frame(&self) -> Vec<u8> {
        frame_of(self)
    }
}
