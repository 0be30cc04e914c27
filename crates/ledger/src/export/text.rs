//! Strips written as CSV or NDJSON: dictionaries are written once for a part, so that most cells are copies of bytes that
//! are ready.

use super::shape::{Extra, Shape};
use super::{Encoding, Made};
use crate::query::Fields;
use crate::scan::ScanError;
use crate::segment::{Codes, Columns, Numbers, Patched, Texts};
use crate::sweep::{Part, Stored, Strip, Worker};
use arrow_array::{Array, StringArray};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use tollgate_domain::row::{Field, Value};
use tollgate_domain::{Column, Number, Text, first_reason};

/// Buffers that were written and can be used again: fresh memory costs more than filling it.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// Writes strips.
pub(super) struct TextWorker<'e> {
    pub(super) encoding: &'e Encoding,
    pub(super) shape: &'e Shape,
    pub(super) spare: &'e Spare,
}

impl Worker for TextWorker<'_> {
    type Made = Made<Vec<u8>>;

    fn work(&mut self, strip: &Strip) -> Result<Self::Made, ScanError> {
        let mut out = self.spare.take();
        let parts: Vec<_> = strip.parts.iter().map(|part| (part, self.cells(part))).collect();
        for (part, range) in &strip.order {
            let (part, cells) = &parts[*part];
            match &part.stored {
                Stored::Columns(columns) => self.rows(cells, columns, part, range, &mut out),
                Stored::Events(events) => {
                    events[range.clone()].iter().for_each(|row| self.row(row, &mut out))
                }
            }
        }
        Ok(Made::of(strip, out))
    }
}

/// One column of the file over the rows of a part.
enum Cell<'p> {
    /// The same in every row.
    Same(Vec<u8>),
    /// What is ready for each code of a dictionary, and for no text.
    Coded(&'p Codes, Ready),
    /// What is ready for each small number, and for none.
    Small(&'p Numbers, Ready),
    Text(&'p StringArray, Text),
    Number(&'p Numbers, Number),
    Field(Field),
    Extra(&'p str),
}

/// Values that are written already.
#[derive(Default)]
struct Ready {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Ready {
    fn of(count: usize, mut write: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let mut ready = Self { bytes: Vec::new(), ends: vec![0] };
        for value in 0..count {
            write(value, &mut ready.bytes);
            ready.ends.push(ready.bytes.len());
        }
        ready
    }

    /// How many values there are besides the last, which stands for none.
    fn none(&self) -> usize {
        self.ends.len() - 2
    }

    #[inline]
    fn get(&self, value: usize) -> &[u8] {
        &self.bytes[self.ends[value]..self.ends[value + 1]]
    }
}

/// Numbers below this that stand for words are written beforehand.
const SMALL: usize = 16;

impl TextWorker<'_> {
    fn cells<'p>(&'p self, part: &'p Part) -> Vec<Cell<'p>> {
        let Stored::Columns(columns) = &part.stored else { return Vec::new() };
        let fields = self.encoding.fields.iter().enumerate();
        let fields = fields.map(|(n, field)| match field {
            Field::RealTxId | Field::TxId => Cell::Field(*field),
            Field::IntegrationId | Field::Organization | Field::Kind => self.same(columns, n, *field),
            Field::Rejection => match columns.texts(Text::Rejections) {
                Some(Texts::Coded(codes)) => {
                    self.coded(n, codes, &|json| json.and_then(first_reason).map_or(Value::Null, Value::Text))
                }
                _ => Cell::Field(*field),
            },
            Field::Stored(Column::Text(column)) => match columns.texts(*column) {
                Some(Texts::Coded(codes)) => self.coded(n, codes, &|text| Value::of_text(*column, text)),
                Some(Texts::Plain(array)) => Cell::Text(array, *column),
                None => self.same(columns, n, *field),
            },
            Field::Stored(Column::Number(column)) => match columns.numbers(*column) {
                Some(numbers) => self.number(n, numbers, *column),
                None => self.same(columns, n, *field),
            },
        });
        let first = self.encoding.fields.len();
        let extra = self.encoding.extra_parameters.iter().enumerate();
        let extra = extra.map(|(n, name)| match columns.texts(Text::ExtraParameters) {
            Some(Texts::Coded(codes)) => self.coded_with(codes, &|json, out| {
                self.shape.put(first + n, Extra::of(json).value(name), out);
            }),
            _ => Cell::Extra(name),
        });
        fields.chain(extra).collect()
    }

    /// A field that is the same in all rows, or that none of them has.
    fn same<'p>(&self, columns: &Columns, n: usize, field: Field) -> Cell<'p> {
        let mut out = Vec::new();
        self.shape.put(n, Value::of(&columns.row(0), &self.encoding.organization, field), &mut out);
        Cell::Same(out)
    }

    fn coded<'p>(
        &self,
        n: usize,
        codes: &'p Codes,
        value: &dyn for<'a> Fn(Option<&'a str>) -> Value<'a>,
    ) -> Cell<'p> {
        self.coded_with(codes, &|text, out| self.shape.put(n, value(text), out))
    }

    fn coded_with<'p>(&self, codes: &'p Codes, write: &dyn Fn(Option<&str>, &mut Vec<u8>)) -> Cell<'p> {
        let count = codes.values.len();
        let text = |code| (code < count).then(|| codes.values.value(code));
        Cell::Coded(codes, Ready::of(count + 1, |code, out| write(text(code), out)))
    }

    fn number<'p>(&self, n: usize, numbers: &'p Numbers, column: Number) -> Cell<'p> {
        let is_small = matches!(column, Number::Status | Number::RtbOutcome);
        if !is_small && matches!(numbers, Numbers::Whole(_)) {
            return Cell::Number(numbers, column);
        }
        let value = |number: usize| Value::of_number(column, (number < SMALL).then_some(number as i64));
        Cell::Small(numbers, Ready::of(SMALL + 1, |number, out| self.shape.put(n, value(number), out)))
    }

    fn rows(
        &self,
        cells: &[Cell<'_>],
        columns: &Columns,
        part: &Part,
        range: &Range<usize>,
        out: &mut Vec<u8>,
    ) {
        let mut patches = part.patches(range).iter().peekable();
        for row in range.clone() {
            if let Some((_, patch)) = patches.next_if(|(patched, _)| *patched == row) {
                self.row(&Patched { row: &columns.row(row), patch }, out);
                continue;
            }
            for (n, cell) in cells.iter().enumerate() {
                self.cell(n, cell, columns, row, out);
            }
        }
    }

    #[inline]
    fn cell(&self, n: usize, cell: &Cell<'_>, columns: &Columns, row: usize, out: &mut Vec<u8>) {
        match cell {
            Cell::Same(bytes) => out.extend_from_slice(bytes),
            Cell::Coded(codes, ready) => {
                out.extend_from_slice(ready.get(codes.code(row).unwrap_or(ready.none())));
            }
            Cell::Small(numbers, ready) => match numbers.value(row).map(usize::try_from) {
                None => out.extend_from_slice(ready.get(ready.none())),
                Some(Ok(number)) if number < SMALL => out.extend_from_slice(ready.get(number)),
                // No word stands for it.
                Some(_) => out.extend_from_slice(ready.get(ready.none())),
            },
            Cell::Text(array, column) => {
                let text = array.is_valid(row).then(|| array.value(row));
                self.shape.put(n, Value::of_text(*column, text), out);
            }
            Cell::Number(numbers, column) => {
                self.shape.put(n, Value::of_number(*column, numbers.value(row)), out);
            }
            Cell::Field(field) => {
                let row = columns.row(row);
                self.shape.put(n, Value::of(&row, &self.encoding.organization, *field), out);
            }
            Cell::Extra(name) => {
                let row = columns.row(row);
                self.shape.put(n, Extra::of(row.text(Text::ExtraParameters)).value(name), out);
            }
        }
    }

    /// A row by itself, for those that are few.
    fn row(&self, row: &impl Fields, out: &mut Vec<u8>) {
        for (n, field) in self.encoding.fields.iter().enumerate() {
            self.shape.put(n, Value::of(row, &self.encoding.organization, *field), out);
        }
        if !self.encoding.extra_parameters.is_empty() {
            let extra = Extra::of(row.text(Text::ExtraParameters));
            for (n, name) in (self.encoding.fields.len()..).zip(&self.encoding.extra_parameters) {
                self.shape.put(n, extra.value(name), out);
            }
        }
    }
}

/// The stored columns that a file's columns are made of.
pub(super) fn columns(encoding: &Encoding) -> Vec<Column> {
    let mut columns: Vec<Column> = encoding.fields.iter().filter_map(|field| column(*field)).collect();
    if !encoding.extra_parameters.is_empty() {
        columns.push(Column::Text(Text::ExtraParameters));
    }
    columns
}

fn column(field: Field) -> Option<Column> {
    match field {
        Field::TxId => Some(Column::Text(Text::ExternalTransactionId)),
        Field::Rejection => Some(Column::Text(Text::Rejections)),
        Field::Stored(column) => Some(column),
        Field::RealTxId | Field::IntegrationId | Field::Organization | Field::Kind => None,
    }
}
