//! Where in a segment an id stands. The file is sorted by (integration, id), so within one integration's rows the page
//! index leads to one page of ids, which is decoded here without the detour through Arrow.

use super::footer::Footer;
use super::pick::{Coding, Scratch};
use super::{SegmentError, guarded, parquet_error};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use std::ops::Range;

/// The data pages of the id column over all row groups.
pub(super) struct IdPages {
    leaf: usize,
    /// First row of each page, then the number of rows.
    starts: Vec<u64>,
    /// Greatest id of each page; the last row's where a page has rows of one integration only.
    greatest: Vec<u128>,
}

impl IdPages {
    pub(super) fn of(metadata: &ParquetMetaData, leaf: usize, group_starts: &[u64]) -> Option<Self> {
        let (mut starts, mut greatest) = (Vec::new(), Vec::new());
        let index = metadata.page_index()?;
        for (group, start) in group_starts.iter().enumerate().take(metadata.num_row_groups()) {
            let ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(bounds) = index.column_index(group, leaf)? else {
                return None;
            };
            for (page, location) in index.page_locations(group, leaf)?.iter().enumerate() {
                starts.push(start + location.first_row_index as u64);
                greatest.push(u128::from_be_bytes(bounds.max_value(page)?.try_into().ok()?));
            }
        }
        starts.push(*group_starts.last()?);
        starts.windows(2).all(|pair| pair[0] < pair[1]).then_some(Self { leaf, starts, greatest })
    }

    pub(super) fn bytes(&self) -> usize {
        self.starts.len() * 24
    }

    /// The greatest id of each page that has some of `rows`, and how many it has.
    pub(super) fn ends(&self, rows: &Range<u64>) -> impl Iterator<Item = (u128, u64)> {
        let rows = rows.clone();
        let pages =
            if rows.is_empty() { 0..0 } else { self.page_of(rows.start)..self.page_of(rows.end - 1) + 1 };
        pages.map(move |page| {
            let (start, end) = (self.starts[page].max(rows.start), self.starts[page + 1].min(rows.end));
            (self.greatest[page], end - start)
        })
    }

    /// The page of a row.
    fn page_of(&self, row: u64) -> usize {
        self.starts.partition_point(|start| *start <= row).saturating_sub(1)
    }
}

/// A window on the ids of a segment: the page that was looked at last, and what it takes to read another.
#[derive(Default)]
pub(crate) struct IdWindow {
    first: u64,
    ids: Vec<u128>,
    pub(super) scratch: Scratch,
}

impl IdWindow {
    /// The id of a row. Rows are looked up in one place after the other, so mostly in the page at hand.
    pub(super) fn id(&mut self, path: &str, footer: &Footer, row: u64) -> Result<u128, SegmentError> {
        if row < self.first || row >= self.first + self.ids.len() as u64 {
            guarded(path, || self.load(path, footer, footer.id_pages.page_of(row)))?;
        }
        let at = (row - self.first) as usize;
        self.ids.get(at).copied().ok_or_else(|| damaged(path))
    }

    /// The first of `rows`, which are all of one integration, whose id is at least `bound`; the end of `rows` if none.
    pub(super) fn lower_bound(
        &mut self,
        path: &str,
        footer: &Footer,
        rows: Range<u64>,
        bound: u128,
    ) -> Result<u64, SegmentError> {
        if rows.is_empty() {
            return Ok(rows.end);
        }
        let pages = &footer.id_pages;
        let (first, last) = (pages.page_of(rows.start), pages.page_of(rows.end - 1));
        // Pages between the outer two hold rows of this integration only, so their greatest id is their last. The
        // outer two may hold another's rows too and have to be looked into.
        let inner = (first + 1).min(last)..last;
        let page = inner.start + pages.greatest[inner.clone()].partition_point(|greatest| *greatest < bound);
        if page == inner.start {
            let found = self.bound_in_page(path, footer, first, &rows, bound)?;
            if found < pages.starts[first + 1] || first == last {
                return Ok(found);
            }
        }
        self.bound_in_page(path, footer, page, &rows, bound)
    }

    /// The first of `rows` within `page` whose id is at least `bound`, else the end of what the two share.
    fn bound_in_page(
        &mut self,
        path: &str,
        footer: &Footer,
        page: usize,
        rows: &Range<u64>,
        bound: u128,
    ) -> Result<u64, SegmentError> {
        let start = footer.id_pages.starts[page];
        if self.first != start || self.ids.is_empty() {
            guarded(path, || self.load(path, footer, page))?;
        }
        let from = rows.start.max(start);
        let to = rows.end.min(footer.id_pages.starts[page + 1]);
        let shared = &self.ids[(from - start) as usize..(to - start) as usize];
        Ok(from + shared.partition_point(|id| *id < bound) as u64)
    }

    fn load(&mut self, path: &str, footer: &Footer, page: usize) -> Result<(), SegmentError> {
        let pages = &footer.id_pages;
        let (start, end) = (pages.starts[page], pages.starts[page + 1]);
        let group = footer.group_of(start);
        let place = footer.pages(group, pages.leaf).and_then(|p| p.of(start - footer.group_starts[group]));
        let (place, _) = place.ok_or_else(|| damaged(path))?;
        let compression = footer.arrow.metadata().row_group(group).column(pages.leaf).compression();
        let read = self.scratch.page(&footer.file, place, compression).map_err(parquet_error(path))?;
        let (ids, rest) = read.bytes.as_chunks::<16>();
        if read.coding != Coding::Plain || ids.len() as u64 != end - start || !rest.is_empty() {
            return Err(damaged(path));
        }
        self.ids.clear();
        self.ids.extend(ids.iter().map(|id| u128::from_be_bytes(*id)));
        self.first = start;
        Ok(())
    }
}

fn damaged(path: &str) -> SegmentError {
    SegmentError::Damaged { path: path.to_owned(), what: "a page of ids is not what the page index says" }
}
