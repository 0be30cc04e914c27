//! Which rows of a segment are deleted, in a file of its own beside it (docs/FORMATS.md, "Delete vectors"). They are gone
//! for every reader at once; the next merge leaves them out of what it writes.
//!
//! Like an overlay it is never changed: when more rows are deleted, a new one that has the former's rows too takes its
//! place.

use super::{DeletesMeta, SegmentError, path, read_checked, write_beside};
use crate::disk::Disk;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

const MAGIC: &[u8; 8] = b"TGDELET\x01";

/// Rows of a segment, as runs of neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowSet {
    /// Rising, with a gap between any two.
    runs: Vec<Range<u64>>,
}

impl RowSet {
    /// Takes runs in any order, overlapping or not.
    pub(crate) fn new(mut runs: Vec<Range<u64>>) -> Self {
        runs.retain(|run| !run.is_empty());
        runs.sort_unstable_by_key(|run| run.start);
        let mut set: Vec<Range<u64>> = Vec::with_capacity(runs.len());
        for run in runs {
            match set.last_mut() {
                Some(last) if last.end >= run.start => last.end = last.end.max(run.end),
                _ => set.push(run),
            }
        }
        Self { runs: set }
    }

    pub(crate) fn contains(&self, row: u64) -> bool {
        let at = self.runs.partition_point(|run| run.end <= row);
        self.runs.get(at).is_some_and(|run| run.start <= row)
    }

    /// How many rows.
    pub(crate) fn len(&self) -> u64 {
        self.runs.iter().map(|run| run.end - run.start).sum()
    }

    /// These rows and those of `more`.
    pub(crate) fn with(&self, more: &Self) -> Self {
        Self::new(self.runs.iter().chain(&more.runs).cloned().collect())
    }

    /// The rows from 0 up to `rows` that are not in it.
    pub(crate) fn others(&self, rows: u64) -> Vec<Range<u64>> {
        self.others_of(std::slice::from_ref(&(0..rows)))
    }

    /// What is left of `runs`, which rise, without its rows.
    pub(crate) fn others_of(&self, runs: &[Range<u64>]) -> Vec<Range<u64>> {
        let mut left = Vec::new();
        for run in runs {
            let mut at = run.start;
            let first = self.runs.partition_point(|deleted| deleted.end <= run.start);
            for deleted in self.runs[first..].iter().take_while(|deleted| deleted.start < run.end) {
                if at < deleted.start {
                    left.push(at..deleted.start);
                }
                at = deleted.end;
            }
            if at < run.end {
                left.push(at..run.end);
            }
        }
        left
    }
}

/// A segment's delete vector. Opening costs nothing; it is read when a query needs it.
pub(crate) struct Deletes {
    meta: DeletesMeta,
    path: String,
    disk: Arc<dyn Disk>,
    rows: OnceLock<RowSet>,
    doomed: AtomicBool,
}

impl Deletes {
    /// The delete vector that the manifest describes with `meta`, of the segment called `segment`.
    pub(super) fn open(disk: Arc<dyn Disk>, segment: &str, meta: DeletesMeta) -> Self {
        let path = path(&meta.file_name(segment));
        Self { meta, path, disk, rows: OnceLock::new(), doomed: AtomicBool::new(false) }
    }

    /// Its rows.
    pub(super) fn rows(&self) -> Result<&RowSet, SegmentError> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = self.read()?;
        Ok(self.rows.get_or_init(|| rows))
    }

    fn read(&self) -> Result<RowSet, SegmentError> {
        let damaged = |what| SegmentError::Damaged { path: self.path.clone(), what };
        let mut bytes = Vec::with_capacity(self.meta.bytes as usize);
        read_checked(&*self.disk, &self.path, (self.meta.bytes, self.meta.crc), |part| {
            bytes.extend_from_slice(part);
        })?;
        let Some(runs) = bytes.strip_prefix(MAGIC) else {
            return Err(damaged("it is no delete vector, or one of a newer version of Tollgate"));
        };
        let (runs, rest) = runs.as_chunks::<8>();
        let run = |bytes: &[u8; 8]| {
            let number = u64::from_le_bytes(*bytes);
            let (first, rows) = (number & u64::from(u32::MAX), number >> 32);
            first..first + rows
        };
        let set = RowSet::new(runs.iter().map(run).collect());
        if !rest.is_empty() || set.len() != self.meta.rows {
            return Err(damaged("its number of rows is not what the manifest says"));
        }
        Ok(set)
    }

    /// Says that no manifest names it any more: its file is removed when the last view that has it is gone.
    pub(super) fn doom(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Deletes {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Relaxed)
            && let Err(error) = self.disk.remove(&self.path)
        {
            tracing::warn!(file = self.path, %error, "a delete vector that is no longer used could not be removed");
        }
    }
}

/// Writes `rows` as delete vector `number` of the segment called `segment`, under a temporary name and durably;
/// [`super::publish`] gives it its name. On an error nothing is left behind.
pub(crate) fn write_deletes(
    disk: &dyn Disk,
    segment: &str,
    number: u64,
    rows: &RowSet,
) -> Result<DeletesMeta, SegmentError> {
    let mut meta = DeletesMeta { number, rows: rows.len(), bytes: 0, crc: 0 };
    // A segment has some millions of rows at most.
    let run =
        |run: &Range<u64>| [(run.start as u32).to_le_bytes(), ((run.end - run.start) as u32).to_le_bytes()];
    let runs: Vec<u8> = rows.runs.iter().flat_map(run).flatten().collect();
    (meta.bytes, meta.crc) = write_beside(disk, &meta.file_name(segment), &[MAGIC, &runs])?;
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_rows_is_what_its_runs_say() {
        let set = RowSet::new(vec![7..9, 3..5, 4..6, 6..6, 9..10, 20..21]);
        assert_eq!(set.runs, [3..6, 7..10, 20..21]);
        assert_eq!(set.len(), 7);
        let inside: Vec<u64> = (0..25).filter(|row| set.contains(*row)).collect();
        assert_eq!(inside, [3, 4, 5, 7, 8, 9, 20]);
        assert_eq!(set.others(22), [0..3, 6..7, 10..20, 21..22]);
        assert_eq!(set.others_of(&[0..4, 8..9, 9..20, 20..21]), [0..3, 10..20]);
        assert_eq!(RowSet::default().others(2), vec![0..2; 1]);
        assert_eq!(set.with(&RowSet::new(vec![0..3, 6..7])).runs, [0..10, 20..21]);
        assert_eq!(RowSet::new(vec![0..9, 2..3]).others(9), []);
    }
}
