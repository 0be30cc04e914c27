//! Merging: several segments of one kind and day become one, in the background.
//!
//! The result is written beside its sources, and until the manifest's change is durable nothing is different: whatever a
//! crash leaves behind is removed on start. Sealing goes on meanwhile; only the last step, which combines what amends the
//! sources, waits for one that is under way.

use crate::amendments::Layers;
use crate::ledger::{Ledger, LedgerError, lock};
use crate::manifest::ManifestChange;
use crate::merge_plan::{Watch, all_of_a_day};
use crate::rollup::{self, Fold};
use crate::segment::{
    self, Layout, NotMerged, OverlayMeta, ROLLUP, RollupMeta, Segment, SegmentError, SegmentMeta,
};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What one merge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Segments that became one.
    pub sources: usize,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// What merges did since the start.
#[derive(Default)]
pub(crate) struct Merges {
    pub(crate) merges: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// How a merge ended.
enum Outcome {
    Merged(Merged),
    /// A source cannot be read.
    Unreadable(SegmentError),
    /// Whoever was asked wanted no more, or the log has no room for the change just now.
    Nothing,
}

/// The longest rest between two batches.
const LONGEST_REST: Duration = Duration::from_millis(50);

impl Ledger {
    /// Merges the segments of the kind and day that has most of them, whatever their sizes, and one alone when rows of it
    /// are deleted; `None` when there is nothing to do, or when the disk is nearly full. `go_on` is asked now and then, and ends it when it says false. After an
    /// error that is not harmless the process must stop.
    pub fn merge(&self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Merged>, LedgerError> {
        let segments = lock(&self.0.books).segments();
        let Some(sources) = all_of_a_day(&segments) else { return Ok(None) };
        match self.merge_these(&sources, go_on)? {
            Outcome::Merged(merged) => Ok(Some(merged)),
            Outcome::Unreadable(error) => Err(LedgerError::Unreadable(error)),
            Outcome::Nothing => Ok(None),
        }
    }

    /// Merges what is due, if anything is; false when nothing was merged.
    pub(crate) fn merge_due(&self, watch: &mut Watch, stop: &AtomicBool) -> Result<bool, LedgerError> {
        let segments = lock(&self.0.books).segments();
        let Some(sources) = watch.next(&segments, Instant::now()) else { return Ok(false) };
        drop(segments);
        let mut pace = Pace::new(self);
        match self.merge_these(&sources, &mut || pace.rest() && !stop.load(Ordering::Acquire))? {
            Outcome::Merged(merged) => {
                tracing::debug!(sources = merged.sources, rows = merged.rows, "segments were merged");
                Ok(true)
            }
            Outcome::Unreadable(error) => {
                tracing::error!(%error, "a segment cannot be read; it and those it was to be merged with stay as they are");
                watch.give_up(&sources);
                Ok(true)
            }
            Outcome::Nothing => Ok(false),
        }
    }

    fn merge_these(
        &self,
        sources: &[Arc<Segment>],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Outcome, LedgerError> {
        if !self.has_space_for(sources) {
            return Ok(Outcome::Nothing);
        }
        let number = lock(&self.0.books).take_number();
        let (kind, day) = (sources[0].meta().kind, sources[0].meta().day);
        let name = SegmentMeta::file_name(kind, day, number);
        let mut meta = match segment::merge(Layout::default(), &*self.0.disk, &name, sources, go_on) {
            Ok(meta) => meta,
            Err(NotMerged::Stopped) => return Ok(Outcome::Nothing),
            Err(NotMerged::Source(error)) => return Ok(Outcome::Unreadable(error)),
            Err(NotMerged::Result(error)) => return Err(error.into()),
        };
        match self.sum_up_sources(sources, &name) {
            Ok(rollup) => meta.rollup = rollup,
            Err(error) => {
                segment::discard(&*self.0.disk, &[&name]);
                return Err(error.into());
            }
        }
        let _no_sealing = lock(&self.0.sealing);
        self.replace(sources, meta, number)
    }

    /// Writes the sums of the segment `name`, which was made of `sources`; where those cannot be read, it has none.
    fn sum_up_sources(
        &self,
        sources: &[Arc<Segment>],
        name: &str,
    ) -> Result<Option<RollupMeta>, SegmentError> {
        match rollup::of_sources(sources.iter().map(|source| &**source)) {
            Ok(fold) => rollup::write(&*self.0.disk, &format!("{name}{ROLLUP}"), &fold),
            Err(error) => {
                tracing::error!(%error, "sums of segments that are merged cannot be read");
                Ok(None)
            }
        }
    }

    /// Whether the disk has room for the result and for everything that must not wait for it.
    fn has_space_for(&self, sources: &[Arc<Segment>]) -> bool {
        let bytes: u64 = sources.iter().map(|segment| segment.meta().bytes).sum();
        let needed = 2 * bytes + 4 * self.0.options.log_file_bytes;
        self.0.disk.free_bytes().is_ok_and(|free| free >= needed)
    }

    /// Lets the written segment `meta` take the place of its sources. Nothing may be sealed meanwhile.
    fn replace(
        &self,
        sources: &[Arc<Segment>],
        mut meta: SegmentMeta,
        number: u64,
    ) -> Result<Outcome, LedgerError> {
        if !self.are_current(sources) {
            segment::discard(&*self.0.disk, &meta.files().collect::<Vec<_>>());
            return Ok(Outcome::Nothing);
        }
        let merged = Merged { sources: sources.len(), rows: meta.rows, bytes: meta.bytes };
        let disk = &*self.0.disk;
        match self.combine_overlays(sources, &meta.name) {
            Ok(overlay) => meta.overlay = overlay,
            Err(error) => {
                segment::discard(disk, &meta.files().collect::<Vec<_>>());
                return match error {
                    NotMerged::Source(error) => Ok(Outcome::Unreadable(error)),
                    NotMerged::Result(error) => Err(error.into()),
                    NotMerged::Stopped => Ok(Outcome::Nothing),
                };
            }
        }
        let mut change = ManifestChange::new(lock(&self.0.books).sealed_seq());
        change.removed = sources.iter().map(|segment| segment.meta().name.clone()).collect();
        change.add(meta, number);
        let files = change.files();
        segment::publish(disk, &files)?;
        if !self.adopt(change)? {
            segment::withdraw(disk, &files);
            return Ok(Outcome::Nothing);
        }
        self.0.merged.merges.fetch_add(1, Ordering::Relaxed);
        self.0.merged.rows.fetch_add(merged.rows, Ordering::Relaxed);
        self.0.merged.bytes.fetch_add(merged.bytes, Ordering::Relaxed);
        Ok(Outcome::Merged(merged))
    }

    /// Whether the sources are still what they were when the merge began: rows of them may have been deleted.
    fn are_current(&self, sources: &[Arc<Segment>]) -> bool {
        let current = lock(&self.0.books).segments();
        sources.iter().all(|source| current.iter().any(|segment| Arc::ptr_eq(segment, source)))
    }

    /// Writes what amends the sources as the one overlay of the segment `name`. Amendments name their events by id, so they
    /// are moved as they are.
    fn combine_overlays(
        &self,
        sources: &[Arc<Segment>],
        name: &str,
    ) -> Result<Option<OverlayMeta>, NotMerged> {
        let overlays = lock(&self.0.books).overlays();
        let mut rows: Vec<(u64, Bytes)> = Vec::new();
        let mut fold = Some(Fold::new(sources[0].meta().day, 0));
        for segment in sources {
            let Some(overlay) = overlays.get(&segment.number()) else { continue };
            let amendments = overlay.amendments().map_err(NotMerged::Source)?;
            let added = fold
                .as_mut()
                .map(|fold| fold.add_overlay(segment, overlay.rollup(), &Layers(vec![&*amendments])));
            if let Some(Err(error)) = added {
                tracing::error!(%error, "what amendments change could not be summed up");
                fold = None;
            }
            rows.extend(amendments.entries().iter().map(|entry| (entry.seq, entry.row.clone())));
        }
        if rows.is_empty() {
            return Ok(None);
        }
        rows.sort_unstable_by_key(|(seq, _)| *seq);
        let rows: Vec<Bytes> = rows.into_iter().map(|(_, row)| row).collect();
        let mut overlay = segment::write_overlay(&*self.0.disk, name, 1, &rows)?;
        if let Some(fold) = fold {
            let rollup = format!("{}{ROLLUP}", overlay.file_name(name));
            let written = rollup::write(&*self.0.disk, &rollup, &fold);
            let file = overlay.file_name(name);
            overlay.rollup = written.inspect_err(|_| segment::discard(&*self.0.disk, &[file]))?;
        }
        Ok(Some(overlay))
    }
}

/// Keeps merging from getting in the way of commits: while there are any, it rests as long as it works.
struct Pace<'a> {
    ledger: &'a Ledger,
    commits: u64,
    since: Instant,
}

impl<'a> Pace<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, commits: ledger.0.commits.load(Ordering::Relaxed), since: Instant::now() }
    }

    /// Always true.
    fn rest(&mut self) -> bool {
        let commits = self.ledger.0.commits.load(Ordering::Relaxed);
        if commits != self.commits {
            std::thread::sleep(self.since.elapsed().min(LONGEST_REST));
        }
        (self.commits, self.since) = (commits, Instant::now());
        true
    }
}
