//! Looking a stopped ledger over without changing a byte: what `tollgate doctor` does.

use crate::disk::{Disk, DiskFile};
use crate::log::{self, Frame, FrameKind, LogError};
use crate::manifest::{Manifest, ManifestChange};
use crate::open::frame_rows;
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
    /// The latest arrival of any event.
    pub newest_arrival: Option<Timestamp>,
    /// Whether a write was begun that was never acknowledged; the next start cuts it.
    pub torn_tail: bool,
    /// Segments and overlays that are not what was written, each with what is wrong.
    pub damaged: Vec<String>,
}

impl Ledger {
    /// Reads the whole log and every byte of every segment of the ledger on `disk`, which nothing may be writing.
    pub fn inspect(disk: Arc<dyn Disk>) -> Result<Inspection, LedgerError> {
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
        for meta in manifest.segments {
            found.segments += 1;
            found.segment_rows += meta.live_rows();
            found.segment_bytes += meta.bytes;
            found.newest_arrival = found.newest_arrival.max(meta.max_arrival);
            if let Some(overlay) = meta.overlay.clone() {
                found.amendments += overlay.rows;
                let overlay = Overlay::open(disk.clone(), &meta.name, overlay, footers.clone());
                found.damaged.extend(overlay.check().err().map(|error| error.to_string()));
            }
            let segment = Segment::open(disk.clone(), meta, footers.clone());
            found.damaged.extend(segment.deleted().err().map(|error| error.to_string()));
            found.damaged.extend(segment.check().err().map(|error| error.to_string()));
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
