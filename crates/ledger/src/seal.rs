//! Sealing: open rows become Parquet segments, one to each kind and UTC day among them, and open amendments go into the
//! overlays of the segments that have their rows.
//!
//! Until the manifest's change is durable nothing is different: whatever a crash leaves behind is removed on start.

use crate::ledger::{Ledger, LedgerError, frame_of, lock, write};
use crate::log::{FrameKind, HEAD};
use crate::manifest::ManifestChange;
use crate::open::{OpenSnapshot, SealGroup};
use crate::rollup::{self, Fold};
use crate::segment::{self, ROLLUP, SegmentMeta};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What one sealing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Rows that are in segments now, or in overlays.
    pub rows: u64,
    /// Segments that were made.
    pub segments: u64,
}

impl Ledger {
    /// Seals up to `max_rows` of the oldest open rows; `None` when there are none, or when the log has no room for the
    /// change just now. A full disk is an error that may be tried again; after any other the process must stop.
    pub fn seal(&self, max_rows: u64) -> Result<Option<Sealed>, LedgerError> {
        let _no_merge_ends = lock(&self.0.sealing);
        let open = lock(&self.0.open).rows.snapshot();
        let sealed_before = lock(&self.0.books).sealed_seq();
        let Some(through) = open.boundary(sealed_before + max_rows) else { return Ok(None) };
        let groups = open.groups(through).map_err(|error| LedgerError::Format(error.to_string()))?;
        let mut change = ManifestChange::new(through);
        if let Err(error) = self.write_all(&mut change, &open, &groups) {
            // Best effort: what stays behind is removed on the next start.
            segment::discard(&*self.0.disk, &change.files());
            return Err(error);
        }
        let files = change.files();
        segment::publish(&*self.0.disk, &files)?;
        let sealed = Sealed { rows: through - sealed_before, segments: change.added.len() as u64 };
        if self.adopt(change)? {
            self.0.near.add(groups.iter().flat_map(|group| group.rows.iter().copied()));
            return Ok(Some(sealed));
        }
        segment::withdraw(&*self.0.disk, &files);
        Ok(None)
    }

    /// Writes the segments and overlays of a change, under temporary names; `change` has those that were written.
    fn write_all(
        &self,
        change: &mut ManifestChange,
        open: &OpenSnapshot,
        groups: &[SealGroup<'_>],
    ) -> Result<(), LedgerError> {
        for group in groups {
            let number = lock(&self.0.books).take_number();
            let name = SegmentMeta::file_name(group.kind, group.day, number);
            change.add(segment::write(&*self.0.disk, &name, group.kind, group.day, &group.rows)?, number);
            let mut fold = Fold::new(group.day, group.rows.len() as u64);
            fold.add_rows(&group.rows).map_err(|error| LedgerError::Format(error.to_string()))?;
            let rollup = rollup::write(&*self.0.disk, &format!("{name}{ROLLUP}"), &fold)?;
            // It was added just now.
            change.added.last_mut().into_iter().for_each(|meta| meta.rollup = rollup.clone());
        }
        self.write_overlays(change, open, groups)
    }

    /// Makes the change durable, then visible; false when the log has no room for it just now.
    pub(crate) fn adopt(&self, change: ManifestChange) -> Result<bool, LedgerError> {
        self.adopt_after(change, |_, _| Ok(()))
    }

    /// The same of a change that `last` completes when it knows which row is the last before it in the log: nothing is
    /// committed meanwhile, so it must be quick.
    pub(crate) fn adopt_after(
        &self,
        mut change: ManifestChange,
        last: impl FnOnce(&mut ManifestChange, u64) -> Result<(), LedgerError>,
    ) -> Result<bool, LedgerError> {
        let mut log = lock(&self.0.log);
        last(&mut change, log.last_seq())?;
        let mut frame = frame_of(&change);
        debug_assert!(frame.len() > HEAD);
        let promised = lock(&self.0.pending).outstanding();
        let older = lock(&self.0.books).is_older_format();
        let whole = if older { lock(&self.0.books).manifest_bytes() } else { 0 };
        let fits = frame.len() as u64 + whole + promised <= log.room();
        // The last prepared file belongs to the rows that were promised room.
        if !fits && (log.prepared() < 2 || log.rotate().is_err()) {
            return Ok(false);
        }
        if !fits || older {
            let mut manifest = lock(&self.0.books).manifest_frame(log.last_seq());
            write(&mut log, FrameKind::Manifest, 0, 0, &mut manifest)?;
        }
        write(&mut log, FrameKind::ManifestChange, 0, 0, &mut frame)?;
        let sealed_seq = change.sealed_seq;
        let mut books = lock(&self.0.books);
        let seals = sealed_seq > books.sealed_seq();
        // No view that is made from now on may find what is deleted.
        let forgotten = (change.erase_seq > 0).then(|| self.0.near.clear());
        let retired = books.apply(change);
        if seals {
            let mut open = lock(&self.0.open);
            open.rows.remove_through(sealed_seq);
            open.since = (!open.rows.is_empty()).then(Instant::now);
            self.0.open_bytes.store(open.rows.bytes() as u64, Ordering::Relaxed);
        }
        drop(books);
        self.0.sealed.store(sealed_seq, Ordering::Release);
        self.refresh_room(&log);
        drop(log);
        drop(forgotten);
        drop(retired);
        Ok(true)
    }
}
