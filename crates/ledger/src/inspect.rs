//! Looking a stopped ledger over without changing a byte: what `tollgate doctor` does.

use crate::disk::{Disk, DiskFile};
use crate::log::{self, Frame, FrameKind, LogError};
use crate::manifest::{Manifest, ManifestChange};
use crate::open::frame_rows;
use crate::rollup;
use crate::row::RowView;
use crate::segment::{FooterCache, Overlay, Segment};
use crate::{Ledger, LedgerError};
use std::io;
use std::sync::Arc;
use tollgate_domain::{Number, Timestamp};

/// What an inspection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Rows in the log.
    pub log_rows: u64,
    /// The highest `seq`.
    pub last_seq: u64,
    /// Segments.
    pub segments: u64,
    /// Rows in segments that are not deleted.
    pub segment_rows: u64,
    /// Bytes of segments.
    pub segment_bytes: u64,
    /// Amendments of rows in segments.
    pub amendments: u64,
    /// Bytes of sums.
    pub rollup_bytes: u64,
    /// Segments whose sums were compared with their events.
    pub summed_up: u64,
    /// The latest arrival of any event.
    pub newest_arrival: Option<Timestamp>,
    /// Whether a write was begun that was never acknowledged; the next start cuts it.
    pub torn_tail: bool,
    /// Segments, overlays and sums that are not what was written, or not what the events say, each with what is wrong.
    pub damaged: Vec<String>,
}

/// Segments whose sums are compared with their events when not all are, or about as many.
const SAMPLE: usize = 16;

impl Ledger {
    /// Reads the whole log and the footer of every segment of the ledger on `disk`, which nothing may be writing, and
    /// compares sums with their events: those of some segments, or of `all_sums`.
    pub fn inspect(disk: Arc<dyn Disk>, all_sums: bool) -> Result<Inspection, LedgerError> {
        let disk: Arc<dyn Disk> = Arc::new(ReadOnly(disk));
        let (mut found, mut manifest) = (Inspection::default(), Manifest::default());
        let mut problem = None;
        let recovered = log::recover(&*disk, |frame| {
            if problem.is_none() {
                problem = found.take(&mut manifest, &frame).err();
            }
            Ok::<_, LogError>(found.last_seq)
        })?;
        if let Some(problem) = problem {
            return Err(problem);
        }
        found.torn_tail = recovered.torn_tail;
        found.last_seq = found.last_seq.max(manifest.last_seq);
        let footers = FooterCache::new(1 << 20);
        let step = if all_sums { 1 } else { manifest.segments.len().div_ceil(SAMPLE).max(1) };
        for (number, meta) in manifest.segments.into_iter().enumerate() {
            found.segments += 1;
            found.segment_rows += meta.live_rows();
            found.segment_bytes += meta.bytes;
            found.newest_arrival = found.newest_arrival.max(meta.max_arrival);
            found.rollup_bytes += meta.rollup_bytes();
            let overlay = meta.overlay.clone().map(|overlay| {
                found.amendments += overlay.rows;
                Overlay::open(disk.clone(), &meta.name, overlay, footers.clone())
            });
            let wrong = overlay.as_ref().and_then(|overlay| overlay.check().err());
            found.damaged.extend(wrong.as_ref().map(ToString::to_string));
            // Where amendments cannot be read, what they change is not told a second time.
            let has_sums = meta.rollup_bytes() > 0 && wrong.is_none();
            let segment = Segment::open(disk.clone(), meta, footers.clone());
            found.damaged.extend(segment.deleted().err().map(|error| error.to_string()));
            found.damaged.extend(segment.check().err().map(|error| error.to_string()));
            if has_sums && number % step == 0 {
                found.summed_up += 1;
                let wrong = rollup::check(&segment, overlay.as_ref(), &|| true);
                found.damaged.extend(wrong.unwrap_or_else(|error| vec![error.to_string()]));
            }
        }
        Ok(found)
    }
}

impl Inspection {
    fn take(&mut self, manifest: &mut Manifest, frame: &Frame) -> Result<(), LedgerError> {
        match frame.kind {
            FrameKind::Rows => {
                for bytes in frame_rows(&frame.payload) {
                    let row = bytes
                        .and_then(RowView::parse)
                        .map_err(|error| LedgerError::Format(error.to_string()))?;
                    self.log_rows += 1;
                    self.last_seq = self.last_seq.max(row.seq());
                    let arrival = row.number(Number::ArrivalTime).map(Timestamp::from_millis);
                    self.newest_arrival = self.newest_arrival.max(arrival);
                }
            }
            FrameKind::Manifest => *manifest = Manifest::parse(&frame.payload)?,
            FrameKind::ManifestChange => manifest.apply(ManifestChange::parse(&frame.payload)?),
        }
        Ok(())
    }
}

/// A disk on which nothing can be changed.
struct ReadOnly(Arc<dyn Disk>);

fn read_only() -> io::Error {
    io::ErrorKind::ReadOnlyFilesystem.into()
}

impl Disk for ReadOnly {
    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        Err(read_only())
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(path)
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    /// Opening a log makes sure of its folder; here one that is missing is simply empty.
    fn create_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.free_bytes()
    }
}
