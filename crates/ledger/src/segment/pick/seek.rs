//! Rows of a segment that have a value which is unique or nearly so: Bloom filters are asked first, then the column's
//! pages are read from the newest on, and nothing of other columns.

use super::super::footer::Footer;
use super::super::locate::IdWindow;
use super::super::reader::Segment;
use super::super::schema::Leaf;
use super::super::{SegmentError, guarded, parquet_error};
use super::hybrid::Hybrid;
use super::page::{Coding, Page, Scratch};
use super::{Dictionaries, bad, bloom, plain_text, take_levels};
use parquet::errors::ParquetError;
use std::ops::Range;
use tollgate_domain::{Column, Event, IntegrationId, Text};

/// Whole events decoded at a time, where only one of them is looked for.
const MOST_AT_A_TIME: usize = 512;

/// What is looked for.
#[derive(Clone, Copy)]
struct Sought<'a> {
    leaf: usize,
    bytes: &'a [u8],
}

impl Segment {
    /// The newest of `rows`, which are of one integration, that has this text in `column` and that `accept` takes.
    pub(crate) fn newest_with_text(
        &self,
        footer: &Footer,
        rows: Range<u64>,
        (column, text): (Text, &str),
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, SegmentError> {
        let Some(leaf) = footer.column(Column::Text(column)) else { return Ok(None) };
        self.newest_with(footer, rows, Sought { leaf, bytes: text.as_bytes() }, accept)
    }

    /// The newest event of `integration` with this idempotency key that `accept` takes.
    pub(crate) fn newest_with_key(
        &self,
        footer: &Footer,
        integration: IntegrationId,
        key: u128,
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, SegmentError> {
        let Some(leaf) = footer.position(Leaf::Key) else { return Ok(None) };
        let sought = Sought { leaf, bytes: &key.to_be_bytes() };
        self.newest_with(footer, footer.rows_of(integration), sought, accept)
    }

    fn newest_with(
        &self,
        footer: &Footer,
        rows: Range<u64>,
        sought: Sought<'_>,
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, SegmentError> {
        let mut window = IdWindow::default();
        let mut end = rows.end;
        while end > rows.start {
            let group = footer.group_of(end - 1);
            let start = footer.group_starts[group].max(rows.start);
            let found = self.newest_in(footer, &mut window, (group, start..end), sought, accept)?;
            if found.is_some() {
                return Ok(found);
            }
            end = start;
        }
        Ok(None)
    }

    /// The same of `rows` of one row group.
    fn newest_in(
        &self,
        footer: &Footer,
        window: &mut IdWindow,
        (group, rows): (usize, Range<u64>),
        sought: Sought<'_>,
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, SegmentError> {
        let in_file = parquet_error(self.path());
        if !bloom::may_have(footer, (group, sought.leaf), sought.bytes).map_err(&in_file)? {
            return Ok(None);
        }
        let deleted = self.deleted()?;
        let read = || Dictionaries::read(footer, group, &mut window.scratch).map_err(&in_file);
        let code = self.dictionaries(group, read)?.of(sought.leaf).code(sought.bytes);
        let mut end = rows.end;
        while end > rows.start {
            let (first, mut found) = guarded(self.path(), || {
                page_rows(footer, &mut window.scratch, (group, end - 1), sought, code).map_err(&in_file)
            })?;
            found.retain(|row| rows.contains(row) && !deleted.is_some_and(|deleted| deleted.contains(*row)));
            let event = self.newest_of(footer, window, &found, accept)?;
            if event.is_some() {
                return Ok(event);
            }
            end = first;
        }
        Ok(None)
    }

    /// The newest of `rows`, which rise, that `accept` takes. Mostly it is the last; who looks further reads more at a
    /// time.
    fn newest_of(
        &self,
        footer: &Footer,
        window: &mut IdWindow,
        mut rows: &[u64],
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, SegmentError> {
        let mut at_a_time = 1;
        while !rows.is_empty() {
            let (older, newer) = rows.split_at(rows.len().saturating_sub(at_a_time));
            let mut events = self.events(footer, window, newer)?;
            if let Some(newest) = events.iter().rposition(accept) {
                return Ok(Some(events.swap_remove(newest)));
            }
            (rows, at_a_time) = (older, (at_a_time * 8).min(MOST_AT_A_TIME));
        }
        Ok(None)
    }
}

/// The rows with the value in the page that has `row`, rising, behind the page's first row. Where the column has a
/// dictionary, `code` is the value's.
fn page_rows(
    footer: &Footer,
    scratch: &mut Scratch,
    (group, row): (usize, u64),
    sought: Sought<'_>,
    code: Option<u32>,
) -> Result<(u64, Vec<u64>), ParquetError> {
    let start = footer.group_starts[group];
    let place = footer.pages(group, sought.leaf).and_then(|pages| pages.of(row - start));
    let (place, rows) = place.ok_or_else(|| bad("the page index"))?;
    let compression = footer.arrow.metadata().row_group(group).column(sought.leaf).compression();
    let mut page = scratch.page(&footer.file, place, compression)?;
    let found = match footer.leaves[sought.leaf] {
        Leaf::Key => {
            rows_with(&mut page, (rows.end - rows.start) as usize, |page, _| keys(page, sought.bytes))
        }
        _ => rows_with(&mut page, (rows.end - rows.start) as usize, |page, present| match page.coding {
            Coding::Plain => texts(page.bytes, sought.bytes),
            Coding::Codes => codes(page.bytes, present, code),
            Coding::Deltas => None,
        }),
    };
    let (first, found) = (start + rows.start, found.ok_or_else(|| bad("a page"))?);
    Ok((first, found.into_iter().map(|row| first + row as u64).collect()))
}

/// The rows of a page that has `rows` of them, counted from its first, that stand at the positions which `positions`
/// finds among the values that are not absent, given how many those are.
fn rows_with(
    page: &mut Page<'_>,
    rows: usize,
    positions: impl FnOnce(&Page<'_>, usize) -> Option<Vec<usize>>,
) -> Option<Vec<usize>> {
    let levels = take_levels(page)?;
    let present = Hybrid::new(levels, 1)?.ones(0, rows)?;
    let positions = positions(page, present)?;
    let (mut levels, mut position, mut found) = (Hybrid::new(levels, 1)?, 0, Vec::new());
    for row in 0..rows {
        if found.len() == positions.len() {
            break;
        }
        let is_present = levels.at(row)? == 1;
        if is_present && position == positions[found.len()] {
            found.push(row);
        }
        position += usize::from(is_present);
    }
    (found.len() == positions.len()).then_some(found)
}

fn keys(page: &Page<'_>, key: &[u8]) -> Option<Vec<usize>> {
    let (keys, rest) = page.bytes.as_chunks::<16>();
    let is_plain = page.coding == Coding::Plain && rest.is_empty();
    is_plain.then(|| (0..keys.len()).filter(|at| keys[*at] == *key).collect())
}

fn texts(mut rest: &[u8], text: &[u8]) -> Option<Vec<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while !rest.is_empty() {
        if plain_text(&mut rest)? == text {
            found.push(at);
        }
        at += 1;
    }
    Some(found)
}

fn codes(bytes: &[u8], present: usize, code: Option<u32>) -> Option<Vec<usize>> {
    let Some(code) = code else { return Some(Vec::new()) };
    let (width, codes) = bytes.split_first()?;
    let (mut codes, mut found) = (Hybrid::new(codes, usize::from(*width))?, Vec::new());
    for at in 0..present {
        if codes.at(at)? == code {
            found.push(at);
        }
    }
    Some(found)
}
