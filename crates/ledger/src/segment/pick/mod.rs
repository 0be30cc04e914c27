//! A few rows read from a segment: of each column the page that has them, and of that page their values alone.
//!
//! The Parquet library decodes whole pages into arrays, and sets up buffers, a decompressor and the column's dictionary
//! for each column of each query: 2 ms for the 35 columns of one row (docs/adr/0007). What is here reads the encodings
//! that [`super::encoding`] makes the library write, and no others.

pub(super) mod bloom;
mod deltas;
mod dictionary;
mod hybrid;
mod page;
mod seek;
#[cfg(test)]
mod tests;
mod thrift;

pub(super) use dictionary::Dictionaries;
pub(super) use page::{Coding, Scratch};

use super::footer::Footer;
use super::locate::IdWindow;
use super::reader::Segment;
use super::schema::Leaf;
use super::{SegmentError, guarded, parquet_error};
use dictionary::Dictionary;
use hybrid::Hybrid;
use page::Page;
use parquet::errors::ParquetError;
use tollgate_domain::{Column, ColumnType, Event};

/// Room for the texts of a customary event.
const TEXT_BYTES: usize = 512;

impl Segment {
    /// The events at `rows`, which rise strictly.
    pub(crate) fn events(
        &self,
        footer: &Footer,
        window: &mut IdWindow,
        rows: &[u64],
    ) -> Result<Vec<Event>, SegmentError> {
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let integration = footer.integration_of(*row).ok_or_else(|| self.damaged())?;
            let mut event = Event::new(self.meta().kind, integration);
            event.id = self.id(footer, window, *row)?;
            event.reserve(TEXT_BYTES);
            events.push(event);
        }
        guarded(self.path(), || self.fill(footer, &mut window.scratch, rows, &mut events))?;
        Ok(events)
    }

    fn fill(
        &self,
        footer: &Footer,
        scratch: &mut Scratch,
        rows: &[u64],
        events: &mut [Event],
    ) -> Result<(), SegmentError> {
        let mut done = 0;
        while let Some(row) = rows.get(done) {
            let group = footer.group_of(*row);
            let end = done + rows[done..].partition_point(|row| *row < footer.group_starts[group + 1]);
            footer.fetch(group, picked_leaves(footer), &rows[done..end]);
            let dictionaries = self.dictionaries(group, || {
                Dictionaries::read(footer, group, scratch).map_err(parquet_error(self.path()))
            })?;
            let mut picked = Picked { footer, group, rows: &rows[done..end], events: &mut events[done..end] };
            for leaf in picked_leaves(footer) {
                picked.fill(leaf, dictionaries.of(leaf), scratch).map_err(parquet_error(self.path()))?;
            }
            done = end;
        }
        Ok(())
    }
}

/// The leaves that say something of a row which is not known already.
fn picked_leaves(footer: &Footer) -> impl Iterator<Item = usize> {
    let is_picked = |leaf: &Leaf| !matches!(leaf, Leaf::Integration | Leaf::Id | Leaf::Unknown);
    footer.leaves.iter().enumerate().filter(move |(_, leaf)| is_picked(leaf)).map(|(at, _)| at)
}

/// Rows of one row group that are being read.
struct Picked<'a> {
    footer: &'a Footer,
    group: usize,
    /// They rise strictly, and are counted from the file's first.
    rows: &'a [u64],
    events: &'a mut [Event],
}

impl Picked<'_> {
    /// Sets what `leaf` says of the rows.
    fn fill(
        &mut self,
        leaf: usize,
        dictionary: &Dictionary,
        scratch: &mut Scratch,
    ) -> Result<(), ParquetError> {
        let kind = self.footer.leaves[leaf];
        let start = self.footer.group_starts[self.group];
        let pages = self.footer.pages(self.group, leaf).ok_or_else(|| bad("the page index"))?;
        let compression = self.footer.arrow.metadata().row_group(self.group).column(leaf).compression();
        let mut done = 0;
        while let Some(row) = self.rows.get(done) {
            let (place, rows) = pages.of(row - start).ok_or_else(|| bad("the page index"))?;
            let end = done + self.rows[done..].partition_point(|row| row - start < rows.end);
            let mut page = scratch.page(&self.footer.file, place, compression)?;
            let within = self.rows[done..end].iter().map(|row| (row - start - rows.start) as usize);
            let events = &mut self.events[done..end];
            let wanted = Wanted::new(kind, &mut page, within, events);
            wanted.and_then(|mut wanted| wanted.set(&page, dictionary)).ok_or_else(|| bad("a page"))?;
            done = end;
        }
        Ok(())
    }
}

/// Values of a page that are wanted: of which rows, and where in the page they stand among those that are not absent.
struct Wanted<'e> {
    kind: Leaf,
    events: &'e mut [Event],
    /// Which of `events`, in step with `positions`.
    slots: Vec<usize>,
    positions: Vec<usize>,
}

impl<'e> Wanted<'e> {
    /// Those of `rows` of the page, which rise. Takes the page's levels.
    fn new(
        kind: Leaf,
        page: &mut Page<'_>,
        rows: impl Iterator<Item = usize>,
        events: &'e mut [Event],
    ) -> Option<Self> {
        let mut wanted = Self { kind, slots: Vec::new(), positions: Vec::new(), events };
        if kind == Leaf::Seq {
            (wanted.slots, wanted.positions) = rows.enumerate().unzip();
            return Some(wanted);
        }
        let mut levels = Hybrid::new(take_levels(page)?, 1)?;
        let (mut next, mut present) = (0, 0);
        for (slot, row) in rows.enumerate() {
            present += levels.ones(next, row)?;
            next = row;
            if levels.at(row)? == 1 {
                wanted.slots.push(slot);
                wanted.positions.push(present);
            }
        }
        Some(wanted)
    }

    /// Sets them; `None` when the page is not what it should be.
    fn set(&mut self, page: &Page<'_>, dictionary: &Dictionary) -> Option<()> {
        match (self.kind, page.coding) {
            _ if self.positions.is_empty() => Some(()),
            (Leaf::Stored(_), Coding::Codes) => self.set_codes(page.bytes, dictionary),
            (Leaf::Stored(Column::Text(_)), Coding::Plain) => self.set_texts(page.bytes),
            (Leaf::Stored(column), Coding::Plain) if column.column_type() == ColumnType::Boolean => {
                self.set_each(|at| bits(page.bytes, at, 1).map(|bit| Value::Number(bit as i64)))
            }
            (Leaf::Stored(_), Coding::Plain) => {
                let (numbers, _) = page.bytes.as_chunks::<8>();
                self.set_each(|at| numbers.get(at).map(|n| Value::Number(i64::from_le_bytes(*n))))
            }
            (Leaf::Key, Coding::Plain) => {
                let (keys, _) = page.bytes.as_chunks::<16>();
                self.set_each(|at| keys.get(at).map(|key| Value::Key(u128::from_be_bytes(*key))))
            }
            (Leaf::Stored(Column::Number(_)) | Leaf::Seq, Coding::Deltas) => {
                let mut numbers = Vec::with_capacity(self.positions.len());
                deltas::at(page.bytes, &self.positions, |number| numbers.push(number))?;
                let mut numbers = numbers.into_iter();
                self.set_each(|_| numbers.next().map(Value::Number))
            }
            _ => None,
        }
    }

    fn set_codes(&mut self, bytes: &[u8], dictionary: &Dictionary) -> Option<()> {
        let (width, codes) = bytes.split_first()?;
        let mut codes = Hybrid::new(codes, usize::from(*width))?;
        self.set_each(|at| dictionary.value(codes.at(at)?))
    }

    fn set_texts(&mut self, mut rest: &[u8]) -> Option<()> {
        let mut next = 0;
        self.set_each(|at| {
            for _ in next..at {
                plain_text(&mut rest)?;
            }
            next = at + 1;
            std::str::from_utf8(plain_text(&mut rest)?).ok().map(Value::Text)
        })
    }

    /// Sets the values that `value` has at the positions, which it is asked for in rising order.
    fn set_each<'v>(&mut self, mut value: impl FnMut(usize) -> Option<Value<'v>>) -> Option<()> {
        for (slot, position) in self.slots.iter().zip(&self.positions) {
            let event = &mut self.events[*slot];
            match (self.kind, value(*position)?) {
                (Leaf::Stored(Column::Text(column)), Value::Text(text)) => event.set_text(column, text),
                (Leaf::Stored(Column::Number(column)), Value::Number(n)) => event.set_number(column, n),
                (Leaf::Seq, Value::Number(seq)) => event.seq = seq as u64,
                (Leaf::Key, Value::Key(key)) => event.key = key,
                _ => return None,
            }
        }
        Some(())
    }
}

/// A value of a column.
enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Key(u128),
}

/// Takes the levels, which say which values are absent, from the start of a page.
fn take_levels<'a>(page: &mut Page<'a>) -> Option<&'a [u8]> {
    let (length, rest) = page.bytes.split_first_chunk::<4>()?;
    let (levels, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    page.bytes = rest;
    Some(levels)
}

/// The next text of many, each behind its length.
fn plain_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(text)
}

/// A number of 7 bits a byte, least significant first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The signed number that stands behind an unsigned one: 0, -1, 1, -2, …
fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// `width` bits, 64 at most, from bit `start` on, least significant first.
fn bits(bytes: &[u8], start: usize, width: usize) -> Option<u64> {
    let (first, shift) = (start / 8, start % 8);
    let end = (start + width).div_ceil(8);
    let mut window = [0; 16];
    match bytes.get(first..first + 16) {
        Some(found) => window.copy_from_slice(found),
        None => window[..end.saturating_sub(first)].copy_from_slice(bytes.get(first..end)?),
    }
    let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    Some((u128::from_le_bytes(window) >> shift) as u64 & mask)
}

/// The file is not what the ledger writes.
fn bad(what: &str) -> ParquetError {
    ParquetError::General(format!("{what} is not what was written"))
}
