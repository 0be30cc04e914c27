//! Sealing: open rows become Parquet segments, one to each kind and UTC day among them.
//!
//! Until the manifest's change is durable nothing is different: whatever a crash leaves behind is removed on start.

use crate::ledger::{Ledger, LedgerError, frame_of, lock, write};
use crate::log::{FrameKind, HEAD};
use crate::manifest::ManifestChange;
use crate::segment::{self, Segment, SegmentMeta};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What one sealing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Rows that are in segments now.
    pub rows: u64,
    /// Segments that were made.
    pub segments: u64,
}

impl Ledger {
    /// Seals up to `max_rows` of the oldest open rows; `None` when there are none, or when the log has no room for the
    /// change just now. A full disk is an error that may be tried again; after any other the process must stop.
    pub fn seal(&self, max_rows: u64) -> Result<Option<Sealed>, LedgerError> {
        let open = lock(&self.0.open).rows.snapshot();
        let sealed_before = lock(&self.0.books).sealed_seq();
        let Some(through) = open.boundary(sealed_before + max_rows) else { return Ok(None) };
        let groups = open.groups(through).map_err(|error| LedgerError::Format(error.to_string()))?;
        let mut next_segment = lock(&self.0.books).next_segment();
        let mut added: Vec<SegmentMeta> = Vec::with_capacity(groups.len());
        for group in &groups {
            let name = SegmentMeta::file_name(group.kind, group.day, next_segment);
            match segment::write(&*self.0.disk, &name, group.kind, group.day, &group.rows) {
                Ok(meta) => added.push(meta),
                Err(error) => {
                    self.abandon(&added);
                    return Err(error.into());
                }
            }
            next_segment += 1;
        }
        let names: Vec<&str> = added.iter().map(|meta| meta.name.as_str()).collect();
        segment::publish(&*self.0.disk, &names)?;
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let sealed = Sealed { rows: through - sealed_before, segments: added.len() as u64 };
        let change = ManifestChange { sealed_seq: through, next_segment, added };
        if self.adopt(change)? {
            return Ok(Some(sealed));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        segment::withdraw(&*self.0.disk, &names);
        Ok(None)
    }

    /// Makes the change durable, then visible.
    fn adopt(&self, change: ManifestChange) -> Result<bool, LedgerError> {
        let mut frame = frame_of(&change);
        debug_assert!(frame.len() > HEAD);
        let mut log = lock(&self.0.log);
        let promised = lock(&self.0.pending).outstanding();
        if frame.len() as u64 + promised > log.room() {
            // The last prepared file belongs to the rows that were promised room.
            if log.prepared() < 2 || log.rotate().is_err() {
                return Ok(false);
            }
            let mut manifest = lock(&self.0.books).manifest_frame(log.last_seq());
            write(&mut log, FrameKind::Manifest, 0, 0, &mut manifest)?;
        }
        write(&mut log, FrameKind::ManifestChange, 0, 0, &mut frame)?;
        let open = |meta: &SegmentMeta| self.segment(meta);
        let added = change.added.iter().map(open).collect();
        let sealed_seq = change.sealed_seq;
        let mut books = lock(&self.0.books);
        books.apply(change, added);
        let mut open = lock(&self.0.open);
        open.rows.remove_through(sealed_seq);
        open.since = (!open.rows.is_empty()).then(Instant::now);
        self.0.open_bytes.store(open.rows.bytes() as u64, Ordering::Relaxed);
        drop(open);
        drop(books);
        self.0.sealed.store(sealed_seq, Ordering::Release);
        self.refresh_room(&log);
        Ok(true)
    }

    /// Opens a segment, which costs nothing before it is read.
    pub(crate) fn segment(&self, meta: &SegmentMeta) -> Arc<Segment> {
        Arc::new(Segment::open(self.0.disk.clone(), meta.clone(), self.0.footers.clone()))
    }

    fn abandon(&self, written: &[SegmentMeta]) {
        // Best effort: what stays behind is removed on the next start.
        let names: Vec<&str> = written.iter().map(|meta| meta.name.as_str()).collect();
        segment::discard(&*self.0.disk, &names);
    }
}
