//! Opening a ledger: the log says everything. Rows after the last sealing are open again, stray files are removed, and
//! every row still in the log is shown to the caller, who folds it into counters.

use crate::books::Books;
use crate::disk::Disk;
use crate::erase::Erase;
use crate::ledger::{Inner, Ledger, LedgerError, OpenState, Options, lock, write};
use crate::log::{self, Frame, FrameKind, LogError, LogWriter};
use crate::manifest::{Manifest, ManifestChange};
use crate::merge::Merges;
use crate::near::Near;
use crate::open::{OpenRows, frame_rows};
use crate::pending::Pending;
use crate::rollup::Compared;
use crate::row::RowView;
use crate::segment::{self, FooterCache};
use bytes::Bytes;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Instant;
use tollgate_domain::{Entropy, TxIdKey};

/// What opening a ledger found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Rows that were in the log.
    pub log_rows: u64,
    /// Rows of these that are not in a segment yet.
    pub open_rows: u64,
    /// The highest `seq`.
    pub last_seq: u64,
    /// Whether a group had been begun that was never acknowledged.
    pub torn_tail: bool,
    /// Stray files that were removed.
    pub strays: u64,
}

struct Replay<'a> {
    manifest: Manifest,
    open: Vec<(Bytes, u64, u64)>,
    last_seq: u64,
    rows: u64,
    fold: &'a mut dyn FnMut(&RowView<'_>),
    problem: Option<LedgerError>,
}

impl Replay<'_> {
    fn frame(&mut self, frame: Frame) -> Result<u64, LogError> {
        if self.problem.is_none()
            && let Err(problem) = self.take(frame)
        {
            self.problem = Some(problem);
        }
        Ok(self.last_seq)
    }

    fn take(&mut self, frame: Frame) -> Result<(), LedgerError> {
        match frame.kind {
            FrameKind::Rows => return self.rows_frame(frame),
            FrameKind::Manifest => self.manifest = Manifest::parse(&frame.payload)?,
            FrameKind::ManifestChange => self.manifest.apply(ManifestChange::parse(&frame.payload)?),
        }
        self.last_seq = self.last_seq.max(self.manifest.last_seq);
        let sealed = self.manifest.sealed_seq;
        self.open.retain(|(_, _, last_seq)| *last_seq > sealed);
        Ok(())
    }

    fn rows_frame(&mut self, frame: Frame) -> Result<(), LedgerError> {
        let mut last = frame.first_seq;
        for bytes in frame_rows(&frame.payload) {
            let row =
                bytes.and_then(RowView::parse).map_err(|error| LedgerError::Format(error.to_string()))?;
            last = row.seq();
            self.rows += 1;
            (self.fold)(&row);
        }
        self.last_seq = self.last_seq.max(last);
        self.open.push((frame.payload, frame.first_seq, last));
        Ok(())
    }
}

impl Ledger {
    /// Opens the ledger on `disk`, which nothing else may use. `fold` sees every row that is still in the log, amendments
    /// among them, in the order of `seq`; files with rows after `checkpointed` are kept until [`Ledger::set_checkpointed`].
    pub fn open(
        disk: Arc<dyn Disk>,
        entropy: Arc<dyn Entropy>,
        id_key: TxIdKey,
        options: Options,
        checkpointed: u64,
        fold: &mut dyn FnMut(&RowView<'_>),
    ) -> Result<(Self, Opened), LedgerError> {
        let mut replay =
            Replay { manifest: Manifest::default(), open: vec![], last_seq: 0, rows: 0, fold, problem: None };
        let recovered = log::recover(&*disk, |frame| replay.frame(frame))?;
        let Replay { mut manifest, open: frames, last_seq, rows, problem, .. } = replay;
        if let Some(problem) = problem {
            return Err(problem);
        }
        manifest.last_seq = last_seq;
        let torn_tail = recovered.torn_tail;
        let fresh = recovered.is_new();
        let mut log = LogWriter::open(disk.clone(), entropy, options.log_file_bytes, recovered)?;
        // Not before the log that was read is synced: what a change removed may go only when the change stays.
        let strays = segment::remove_strays(&*disk, &|name| manifest.names(name))?.len() as u64;
        if fresh {
            write(&mut log, FrameKind::Manifest, 0, 0, &mut manifest.frame())?;
        }
        let mut open = OpenRows::new();
        for (payload, first_seq, last_seq) in frames {
            open.push(payload, first_seq, last_seq);
        }
        let open_rows = last_seq.saturating_sub(manifest.sealed_seq);
        let opened = Opened { log_rows: rows, open_rows, last_seq, torn_tail, strays };
        let ledger = Self::assemble(disk, options, id_key, log, manifest, open, checkpointed);
        ledger.refresh_room(&lock(&ledger.0.log));
        match ledger.prepare(1) {
            Err(error) if error.is_full_disk() => {}
            prepared => prepared?,
        }
        Ok((ledger, opened))
    }

    fn assemble(
        disk: Arc<dyn Disk>,
        options: Options,
        id_key: TxIdKey,
        log: LogWriter,
        manifest: Manifest,
        open: OpenRows,
        checkpointed: u64,
    ) -> Self {
        let footers = FooterCache::new(options.footer_cache_bytes);
        let last_seq = manifest.last_seq;
        let since = (!open.is_empty()).then(Instant::now);
        Self(Arc::new(Inner {
            preparing: Mutex::new(()),
            sealing: Mutex::new(()),
            merged: Merges::default(),
            compared: Compared::default(),
            on_fatal: OnceLock::new(),
            erase: Mutex::new(Erase::through(manifest.erase_seq)),
            open_bytes: AtomicU64::new(open.bytes() as u64),
            pending: Mutex::new(Pending::new(last_seq + 1)),
            work: Condvar::new(),
            committing: Mutex::new(()),
            deletions: AtomicU64::new(0),
            log: Mutex::new(log),
            sealed: AtomicU64::new(manifest.sealed_seq),
            books: Mutex::new(Books::new(manifest, disk.clone(), footers)),
            near: Arc::new(Near::new(options.near_bytes)),
            open: Mutex::new(OpenState { rows: open, since }),
            committed: AtomicU64::new(last_seq),
            checkpointed: AtomicU64::new(checkpointed),
            commits: AtomicU64::new(0),
            listeners: Mutex::new(Vec::new()),
            turn: (Mutex::new(()), Condvar::new()),
            disk,
            options,
            id_key,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bounds, GroupSource, Key};
    use crate::rollup::{RollupQuery, Step};
    use crate::row;
    use crate::sim::SimDisk;
    use tollgate_domain::{Day, Event, EventKind, Number, Text, Timestamp, TxId};

    struct NoEntropy;

    impl Entropy for NoEntropy {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn reopened(disk: &Arc<dyn Disk>) -> Ledger {
        let options = Options { log_file_bytes: 1 << 20, ..Options::default() };
        let opened =
            Ledger::open(disk.clone(), Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
        opened.unwrap().0
    }

    /// Kind and, of a whole manifest, format of each frame.
    fn frames(disk: &dyn Disk) -> Vec<(FrameKind, u32)> {
        let mut found = Vec::new();
        let seen = log::recover(disk, |frame| {
            let manifest = (frame.kind == FrameKind::Manifest).then(|| Manifest::parse(&frame.payload));
            found.push((frame.kind, manifest.map_or(0, |manifest| manifest.unwrap().format)));
            Ok(0)
        });
        assert!(seen.is_ok());
        found
    }

    #[test]
    fn an_older_log_gets_a_whole_manifest_before_a_change_that_its_writer_would_misread() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1, 64 << 20));
        let recovered = log::recover(&*disk, |_| Ok(0)).unwrap();
        let mut log = LogWriter::open(disk.clone(), Arc::new(NoEntropy), 1 << 20, recovered).unwrap();
        let older = Manifest { format: 2, ..Manifest::default() };
        write(&mut log, FrameKind::Manifest, 0, 0, &mut older.frame()).unwrap();
        drop(log);
        let ledger = reopened(&disk);
        for _ in 0..2 {
            let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
            let promise = ledger.promise(1, 0).unwrap();
            ledger.append(&promise, &mut event, |_| {});
            ledger.commit().unwrap();
            ledger.seal(10).unwrap();
        }
        use FrameKind::{Manifest as Whole, ManifestChange as Change, Rows};
        let expected = [(Whole, 2), (Rows, 0), (Whole, 6), (Change, 0), (Rows, 0), (Change, 0)];
        assert_eq!(frames(&*disk), expected);
        assert_eq!(reopened(&disk).stats().segments, 2);
    }

    /// A ledger as format 3 had it: one segment without sums.
    fn of_format_3() -> Arc<dyn Disk> {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1, 64 << 20));
        let encode = |n: i64| {
            let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
            let time = Timestamp::from_millis(20_000 * 86_400_000 + n * 600_000);
            (event.id, event.seq) = (TxId::new(time, n as u128), n as u64 + 1);
            event.set_number(Number::RequestTime, time.millis());
            event.set_text(Text::Publisher, &format!("publisher {}", n % 3));
            let mut row = Vec::new();
            row::encode(&event, &mut row);
            row
        };
        let rows: Vec<Vec<u8>> = (0..60).map(encode).collect();
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let day = Day::from_number(20_000);
        let name = segment::SegmentMeta::file_name(EventKind::Click, day, 1);
        let meta = segment::write(&*disk, &name, EventKind::Click, day, &rows).unwrap();
        segment::publish(&*disk, &[&name]).unwrap();
        let recovered = log::recover(&*disk, |_| Ok(0)).unwrap();
        let mut log = LogWriter::open(disk.clone(), Arc::new(NoEntropy), 1 << 20, recovered).unwrap();
        let (sealed_seq, last_seq, next_segment) = (60, 60, 2);
        let segments = vec![meta];
        let older =
            Manifest { format: 3, sealed_seq, last_seq, next_segment, segments, ..Manifest::default() };
        write(&mut log, FrameKind::Manifest, 0, 0, &mut older.frame()).unwrap();
        disk
    }

    #[test]
    fn segments_of_older_versions_get_sums_and_answer_without_them() {
        let disk = of_format_3();
        let (from, to) = (TxId::default(), TxId::from_u128(u128::MAX));
        let query = RollupQuery {
            sources: vec![GroupSource {
                integration: "abcdefghij".parse().unwrap(),
                from,
                to,
                zone: jiff::tz::TimeZone::UTC,
            }],
            kinds: vec![EventKind::Click],
            predicates: Vec::new(),
            keys: vec![Key::Text(Text::Publisher)],
            step: Step::Day,
            as_of: None,
        };
        let totals = |ledger: &Ledger, rows: u64| {
            let bounds = Bounds { rows, ..Bounds::threads(1) };
            let rows = ledger.view().rollup(&query, &bounds).ok()?;
            Some(rows.iter().map(|row| row.sums.total).collect::<Vec<_>>())
        };
        let ledger = reopened(&disk);
        let before = ledger.view();
        assert_eq!((totals(&ledger, 60), totals(&ledger, 59)), (Some(vec![20; 3]), None));
        assert_eq!(ledger.sum_up(&|| true).unwrap(), 1);
        assert_eq!(totals(&ledger, 0), Some(vec![20; 3]));
        assert_eq!(before.scan_seq_from(0).count(), 60);
        drop((before, ledger));
        let ledger = reopened(&disk);
        assert_eq!(totals(&ledger, 0), Some(vec![20; 3]));
        assert_eq!(ledger.sum_up(&|| true).unwrap(), 0);
        assert_eq!(frames(&*disk).last(), Some(&(FrameKind::ManifestChange, 0)));
    }
}
