//! One segment read: rows by position, by id, by predicates, by `seq`.

use super::cache::FooterCache;
use super::decode::{BatchRow, Decoded, Patched};
use super::deletes::{Deletes, RowSet};
use super::footer::Footer;
use super::locate::IdWindow;
use super::pick::Dictionaries;
use super::prune;
use super::schema::Leaf;
use super::{ROLLUP, SegmentError, SegmentMeta, disk_error, guarded, parquet_error, path, read_checked};
use crate::disk::Disk;
use crate::query::{Fields, Predicate};
use crate::rollup::RollupFile;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tollgate_domain::{Column, Event, IntegrationId, TxId};

/// A sealed segment. Opening costs nothing; the footer is read when a query needs it and kept in the cache.
pub struct Segment {
    meta: SegmentMeta,
    file: Arc<File>,
    deletes: Option<Arc<Deletes>>,
}

/// Its file, shared by the segment as it was before rows of it were deleted and as it is after.
struct File {
    path: String,
    disk: Arc<dyn Disk>,
    cache: Arc<FooterCache>,
    number: u64,
    doomed: AtomicBool,
    /// Whether there are sums beside it.
    has_rollup: AtomicBool,
}

/// Rows decoded at a time, so that memory stays bounded whatever is asked for.
const CHUNK: u64 = 65_536;

impl Segment {
    /// The segment that the manifest describes with `meta`. Nothing is read yet.
    pub fn open(disk: Arc<dyn Disk>, meta: SegmentMeta, cache: Arc<FooterCache>) -> Self {
        let (number, path) = (cache.register(), path(&meta.name));
        let (doomed, has_rollup) = (AtomicBool::new(false), AtomicBool::new(false));
        Self::with(Arc::new(File { path, disk, cache, number, doomed, has_rollup }), meta)
    }

    fn with(file: Arc<File>, meta: SegmentMeta) -> Self {
        file.has_rollup.fetch_or(meta.rollup.is_some(), Ordering::Relaxed);
        let deletes = meta.deletes.clone();
        let deletes = deletes.map(|deletes| Arc::new(Deletes::open(file.disk.clone(), &meta.name, deletes)));
        Self { meta, file, deletes }
    }

    /// The same file once more rows of it are deleted, as `meta` says.
    pub(crate) fn with_meta(&self, meta: SegmentMeta) -> Self {
        Self::with(self.file.clone(), meta)
    }

    /// The number it is known by while the process lives.
    pub(crate) fn number(&self) -> u64 {
        self.file.number
    }

    /// The rows that no reader may see; `None` when there are none.
    pub(crate) fn deleted(&self) -> Result<Option<&RowSet>, SegmentError> {
        self.deletes.as_ref().map(|deletes| deletes.rows()).transpose()
    }

    /// Whether any row is deleted.
    pub(crate) fn has_deletes(&self) -> bool {
        self.deletes.is_some()
    }

    /// The sums of its rows as they were judged, the deleted ones too.
    pub(crate) fn rollup(&self) -> Option<RollupFile> {
        let (disk, path) = (self.file.disk.clone(), format!("{}{ROLLUP}", self.file.path));
        self.meta.rollup.clone().map(|meta| RollupFile { disk, path, meta })
    }

    /// Where its file lies.
    pub(super) fn path(&self) -> &str {
        &self.file.path
    }

    /// What the manifest says of it.
    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// Says that no manifest names this segment any more: its file is removed when the last view that has it is gone.
    pub fn doom(&self) {
        self.file.doomed.store(true, Ordering::Relaxed);
        self.doom_deletes();
    }

    /// Says that another delete vector took the place of this one.
    pub(crate) fn doom_deletes(&self) {
        self.deletes.iter().for_each(|deletes| deletes.doom());
    }

    /// Reads the footer and compares it with the manifest, for a start that wants to know.
    pub fn check(&self) -> Result<(), SegmentError> {
        self.footer().map(|_| ())
    }

    /// Reads the footer before anybody asks for it; false when the cache has no room for that.
    pub(crate) fn warm(&self) -> Result<bool, SegmentError> {
        let has_room = self.file.cache.has_room();
        if has_room { self.footer().map(|_| true) } else { Ok(false) }
    }

    /// Reads the whole file and compares its checksum with the manifest's, for whoever has the time.
    pub fn verify(&self) -> Result<(), SegmentError> {
        self.read_whole(|_| {})
    }

    /// Gives the whole file to `part`, some at a time; its checksum is compared with the manifest's at the end.
    pub(crate) fn read_whole(&self, part: impl FnMut(&[u8])) -> Result<(), SegmentError> {
        read_checked(&*self.file.disk, &self.file.path, (self.meta.bytes, self.meta.crc), part)
    }

    pub(crate) fn footer(&self) -> Result<Arc<Footer>, SegmentError> {
        self.file.cache.footer(self.file.number, || {
            let file = self.file.disk.open(&self.file.path).map_err(disk_error(&self.file.path))?;
            guarded(&self.file.path, || Footer::read(&self.file.path, file, &self.meta))
        })
    }

    /// The dictionaries of a row group, read with `read` when they are not in the cache.
    pub(super) fn dictionaries(
        &self,
        group: usize,
        read: impl FnOnce() -> Result<Dictionaries, SegmentError>,
    ) -> Result<Arc<Dictionaries>, SegmentError> {
        self.file.cache.dictionaries(self.file.number, group, read)
    }

    /// The rows of `integration`, counted from the file's first.
    pub(crate) fn rows_of(&self, footer: &Footer, integration: IntegrationId) -> Range<u64> {
        footer.rows_of(integration)
    }

    /// The first of `rows` whose id is at least `bound`.
    pub(crate) fn lower_bound(
        &self,
        footer: &Footer,
        window: &mut IdWindow,
        rows: Range<u64>,
        bound: TxId,
    ) -> Result<u64, SegmentError> {
        window.lower_bound(&self.file.path, footer, rows, bound.to_u128())
    }

    /// The id of a row.
    pub(crate) fn id(&self, footer: &Footer, window: &mut IdWindow, row: u64) -> Result<TxId, SegmentError> {
        window.id(&self.file.path, footer, row).map(TxId::from_u128)
    }

    /// The event of an id.
    pub(crate) fn find(&self, integration: IntegrationId, id: TxId) -> Result<Option<Event>, SegmentError> {
        let (footer, mut window) = (self.footer()?, IdWindow::default());
        match self.row_of(&footer, &mut window, integration, id)? {
            Some(row) => Ok(self.events(&footer, &mut window, &[row])?.pop()),
            None => Ok(None),
        }
    }

    /// The row of an id, if it has one that is not deleted.
    pub(crate) fn row_of(
        &self,
        footer: &Footer,
        window: &mut IdWindow,
        integration: IntegrationId,
        id: TxId,
    ) -> Result<Option<u64>, SegmentError> {
        let rows = footer.rows_of(integration);
        let row = self.lower_bound(footer, window, rows.clone(), id)?;
        let is_it = row != rows.end && self.id(footer, window, row)? == id;
        Ok((is_it && !self.deleted()?.is_some_and(|deleted| deleted.contains(row))).then_some(row))
    }

    /// Whether the footer and bloom filters leave it possible that any of `rows` satisfies the filter.
    pub(crate) fn may_match(
        &self,
        footer: &Footer,
        rows: &Range<u64>,
        filter: &Filter<'_>,
    ) -> Result<bool, SegmentError> {
        prune::may_match(footer, rows, &filter.pruning()).map_err(parquet_error(&self.file.path))
    }

    /// Which of `rows` (all of `integration`, with the ids `window` finds) satisfy every predicate, in rising order.
    pub(crate) fn matching(
        &self,
        footer: &Footer,
        window: &mut IdWindow,
        integration: IntegrationId,
        rows: Range<u64>,
        filter: &Filter<'_>,
    ) -> Result<Vec<u64>, SegmentError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let deleted = self.deleted()?;
        let mut matches = Vec::new();
        let mut first = rows.start;
        for decoded in self.decode(footer, &filter.leaves(footer), std::slice::from_ref(&rows))? {
            for row in 0..decoded.rows() {
                let at = first + row as u64;
                let needs_id = filter.needs_id || !filter.patches.is_empty();
                let id = if needs_id { self.id(footer, window, at)? } else { TxId::default() };
                let fields = decoded.row(row, integration, id);
                let in_cut = filter.as_of.is_none_or(|cut| decoded.seq(row).is_some_and(|seq| seq <= cut));
                let is_there = !deleted.is_some_and(|deleted| deleted.contains(at));
                if in_cut && is_there && filter.matches(&fields) {
                    matches.push(at);
                }
            }
            first += decoded.rows() as u64;
        }
        Ok(matches)
    }

    /// Rows with `seq` in `range` that are not deleted, in the file's order.
    pub(crate) fn with_seq(&self, footer: &Footer, range: &Range<u64>) -> Result<Vec<u64>, SegmentError> {
        let leaf = footer.position(Leaf::Seq).ok_or_else(|| self.damaged())?;
        let mut rows = Vec::new();
        for run in prune::rows_with_seq(footer, leaf, range) {
            let mut first = run.start;
            for decoded in self.decode(footer, &[leaf], std::slice::from_ref(&run))? {
                let hits =
                    (0..decoded.rows()).filter(|row| decoded.seq(*row).is_some_and(|s| range.contains(&s)));
                rows.extend(hits.map(|row| first + row as u64));
                first += decoded.rows() as u64;
            }
        }
        if let Some(deleted) = self.deleted()? {
            rows.retain(|row| !deleted.contains(*row));
        }
        Ok(rows)
    }

    /// The `seq` of each of `rows`, in their order.
    pub(crate) fn seqs(&self, footer: &Footer, rows: Range<u64>) -> Result<Vec<u64>, SegmentError> {
        let leaf = footer.position(Leaf::Seq).ok_or_else(|| self.damaged())?;
        let mut seqs = Vec::with_capacity((rows.end - rows.start) as usize);
        for decoded in self.decode(footer, &[leaf], &[rows])? {
            for row in 0..decoded.rows() {
                seqs.push(decoded.seq(row).ok_or_else(|| self.damaged())?);
            }
        }
        Ok(seqs)
    }

    /// Decodes some leaves (rising) of the rows in `runs` (rising, disjoint, not empty).
    fn decode(
        &self,
        footer: &Footer,
        leaves: &[usize],
        runs: &[Range<u64>],
    ) -> Result<Vec<Decoded>, SegmentError> {
        guarded(&self.file.path, || self.decode_pages(footer, leaves, runs))
    }

    fn decode_pages(
        &self,
        footer: &Footer,
        leaves: &[usize],
        runs: &[Range<u64>],
    ) -> Result<Vec<Decoded>, SegmentError> {
        let (groups, selection, rows) = selection(footer, runs);
        let schema = footer.arrow.metadata().file_metadata().schema_descr();
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata((*footer.file).clone(), footer.arrow.clone())
                .with_projection(ProjectionMask::leaves(schema, leaves.iter().copied()))
                .with_row_groups(groups)
                .with_row_selection(selection)
                .with_batch_size(rows.min(CHUNK) as usize)
                .build()
                .map_err(parquet_error(&self.file.path))?;
        let kinds: Vec<Leaf> = leaves.iter().map(|leaf| footer.leaves[*leaf]).collect();
        let mut all = Vec::new();
        let mut decoded_rows = 0;
        for batch in reader {
            let batch = batch.map_err(|error| parquet_error(&self.file.path)(error.into()))?;
            decoded_rows += batch.num_rows() as u64;
            all.push(Decoded::of(self.meta.kind, &kinds, &batch).ok_or_else(|| self.damaged())?);
        }
        if decoded_rows == rows { Ok(all) } else { Err(self.damaged()) }
    }

    pub(super) fn damaged(&self) -> SegmentError {
        SegmentError::Damaged {
            path: self.file.path.clone(),
            what: "its columns are not those of the layout",
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.cache.forget(self.number);
        if !self.doomed.load(Ordering::Relaxed) {
            return;
        }
        let rollup = self.has_rollup.load(Ordering::Relaxed).then(|| format!("{}{ROLLUP}", self.path));
        for path in rollup.iter().chain([&self.path]) {
            if let Err(error) = self.disk.remove(path) {
                tracing::warn!(segment = path, %error, "a segment that is no longer used could not be removed");
            }
        }
    }
}

/// What rows must satisfy.
pub(crate) struct Filter<'a> {
    predicates: &'a [Predicate],
    as_of: Option<u64>,
    needs_id: bool,
    columns: Vec<Column>,
    /// What amendments set of the rows with these ids, in order; empty when no predicate could tell.
    patches: Vec<(TxId, Event)>,
}

impl<'a> Filter<'a> {
    pub(crate) fn new(predicates: &'a [Predicate], as_of: Option<u64>) -> Self {
        let needs_id = predicates.iter().any(|predicate| predicate.field.needs_id());
        let columns = predicates.iter().flat_map(|predicate| predicate.field.columns()).copied().collect();
        Self { predicates, as_of, needs_id, columns, patches: Vec::new() }
    }

    /// Says what amendments set of rows, by id, in the order of ids.
    pub(crate) fn patch(&mut self, patches: Vec<(TxId, Event)>) {
        self.patches = patches;
    }

    /// The predicates that statistics may be asked about: where rows are amended, those that no amendment touches.
    fn pruning(&self) -> Vec<&'a Predicate> {
        let all = self.predicates.iter();
        all.filter(|predicate| self.patches.is_empty() || !predicate.is_amendable()).collect()
    }

    fn matches(&self, row: &BatchRow<'_>) -> bool {
        match self.patches.binary_search_by_key(&row.id(), |(id, _)| *id) {
            Ok(at) => {
                let row = Patched { row, patch: &self.patches[at].1 };
                self.predicates.iter().all(|predicate| predicate.matches(&row))
            }
            Err(_) => self.predicates.iter().all(|predicate| predicate.matches(row)),
        }
    }

    /// Whether every row satisfies it.
    pub(crate) fn is_empty(&self) -> bool {
        self.predicates.is_empty() && self.as_of.is_none()
    }

    /// The leaves to be decoded: at least one, so that rows are counted.
    fn leaves(&self, footer: &Footer) -> Vec<usize> {
        let mut leaves: Vec<usize> =
            self.columns.iter().filter_map(|column| footer.column(*column)).collect();
        if self.as_of.is_some() || leaves.is_empty() {
            leaves.extend(footer.position(Leaf::Seq));
        }
        leaves.sort_unstable();
        leaves.dedup();
        leaves
    }
}

/// Rising rows as runs of neighbours.
pub(crate) fn runs(rows: impl IntoIterator<Item = u64>) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some(run) if run.end == row => run.end += 1,
            _ => runs.push(row..row + 1),
        }
    }
    runs
}

/// The row groups that `runs` touch, the selection within them, and the number of rows.
pub(super) fn selection(footer: &Footer, runs: &[Range<u64>]) -> (Vec<usize>, RowSelection, u64) {
    let mut groups: Vec<usize> = Vec::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    // Rows of the chosen groups before the current one.
    let mut before = 0u64;
    let mut rows = 0;
    for run in runs {
        let mut at = run.start;
        while at < run.end {
            let group = footer.group_of(at);
            if groups.last() != Some(&group) {
                if let Some(last) = groups.last() {
                    before += footer.group_starts[last + 1] - footer.group_starts[*last];
                }
                groups.push(group);
            }
            let end = run.end.min(footer.group_starts[group + 1]);
            let offset = before as i128 - i128::from(footer.group_starts[group]);
            let place = |row: u64| (i128::from(row) + offset) as usize;
            ranges.push(place(at)..place(end));
            rows += end - at;
            at = end;
        }
    }
    let total: u64 = groups.iter().map(|g| footer.group_starts[g + 1] - footer.group_starts[*g]).sum();
    (groups, RowSelection::from_consecutive_ranges(ranges.into_iter(), total as usize), rows)
}
