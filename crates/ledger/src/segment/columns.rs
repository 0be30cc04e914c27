//! Rows turned into columns. A column costs something only for the rows that have it: absent values are filled in bulk
//! when the next present one, or the end of the batch, comes.

use super::schema::Presence;
use crate::row::{RawRow, bits};
use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeBinaryArray, Int64Array, PrimitiveArray, StringArray, UInt64Array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use std::sync::Arc;
use tollgate_domain::{Column, ColumnType, Number, Text};

/// Columns of the rows that come next in a row group.
pub(super) struct Batch {
    rows: usize,
    integrations: Texts,
    ids: Vec<u8>,
    seqs: Vec<u64>,
    keys: Option<Keys>,
    texts: Vec<Texts>,
    numbers: Vec<Numbers>,
    presence: Presence,
}

impl Batch {
    pub(super) fn new(presence: Presence) -> Self {
        Self {
            rows: 0,
            integrations: Texts::default(),
            ids: Vec::new(),
            seqs: Vec::new(),
            keys: presence.keys.then(Keys::default),
            texts: (0..Text::COUNT).map(|_| Texts::default()).collect(),
            numbers: (0..Number::COUNT).map(|_| Numbers::default()).collect(),
            presence,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row. Whether its texts are UTF-8 is asked of all together, by [`Batch::finish`].
    pub(super) fn push(&mut self, row: &RawRow<'_>) {
        let head = &row.head;
        self.integrations.push(self.rows, head.integration.as_bytes());
        self.ids.extend_from_slice(&head.id.to_u128().to_be_bytes());
        self.seqs.push(head.seq);
        if let Some(keys) = &mut self.keys {
            keys.push(head.key);
        }
        for at in bits(head.text_mask) {
            self.texts[at].push(self.rows, row.text(Text::ALL[at]).unwrap_or_default());
        }
        for at in bits(u64::from(head.number_mask)) {
            self.numbers[at].push(self.rows, row.number(Number::ALL[at]).unwrap_or_default());
        }
        self.rows += 1;
    }

    /// The arrays in the order of [`super::schema::schema`]; the batch is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let ids = Buffer::from_vec(take_sized(&mut self.ids));
        let mut arrays: Vec<ArrayRef> = vec![
            self.integrations.finish(rows)?,
            Arc::new(FixedSizeBinaryArray::try_new(16, ids, None)?),
            Arc::new(UInt64Array::from(take_sized(&mut self.seqs))),
        ];
        if let Some(keys) = &mut self.keys {
            arrays.push(keys.finish()?);
        }
        for column in self.presence.columns() {
            arrays.push(match column {
                Column::Text(text) => self.texts[text as usize].finish(rows)?,
                Column::Number(number) => self.numbers[number as usize].finish(number.column_type(), rows)?,
            });
        }
        Ok(arrays)
    }
}

/// Takes a batch's values out and leaves room for as many again: the next batch is much like this one.
fn take_sized<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
}

/// Idempotency keys, null where there is none.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    present: Validity,
}

impl Keys {
    fn push(&mut self, key: u128) {
        self.bytes.extend_from_slice(&key.to_be_bytes());
        let row = self.bytes.len() / 16 - 1;
        if key != 0 {
            self.present.mark(row);
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        let nulls = self.present.finish(bytes.len() / 16);
        Ok(Arc::new(FixedSizeBinaryArray::try_new(16, bytes, nulls)?))
    }
}

#[derive(Default)]
struct Texts {
    ends: Vec<i32>,
    bytes: Vec<u8>,
    present: Validity,
}

impl Texts {
    fn push(&mut self, row: usize, text: &[u8]) {
        self.pad(row);
        self.bytes.extend_from_slice(text);
        // A batch's texts stay far below 2 GiB: rows are bounded by the log's frame.
        self.ends.push(self.bytes.len() as i32);
        self.present.mark(row);
    }

    /// Gives the rows up to `row` that have no text their empty place.
    fn pad(&mut self, row: usize) {
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        self.ends.resize(row + 1, self.bytes.len() as i32);
    }

    fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.pad(rows);
        let ends = OffsetBuffer::new(ScalarBuffer::from(take_sized(&mut self.ends)));
        let bytes = Buffer::from_vec(take_sized(&mut self.bytes));
        Ok(Arc::new(StringArray::try_new(ends, bytes, self.present.finish(rows))?))
    }
}

#[derive(Default)]
struct Numbers {
    values: Vec<i64>,
    present: Validity,
}

impl Numbers {
    fn push(&mut self, row: usize, value: i64) {
        self.values.resize(row, 0);
        self.values.push(value);
        self.present.mark(row);
    }

    fn finish(&mut self, column_type: ColumnType, rows: usize) -> Result<ArrayRef, ArrowError> {
        let mut values = take_sized(&mut self.values);
        values.resize(rows, 0);
        let nulls = self.present.finish(rows);
        Ok(match column_type {
            ColumnType::Boolean => {
                let values = values.iter().map(|value| *value != 0).collect();
                Arc::new(BooleanArray::new(values, nulls))
            }
            ColumnType::Time => {
                let times = PrimitiveArray::<TimestampMillisecondType>::try_new(values.into(), nulls)?;
                Arc::new(times.with_timezone("UTC"))
            }
            _ => Arc::new(Int64Array::try_new(values.into(), nulls)?),
        })
    }
}

/// Which rows of a column have a value. No bits are kept while every row has one.
#[derive(Default)]
struct Validity {
    rows: usize,
    bits: Option<BooleanBufferBuilder>,
}

impl Validity {
    /// Says that `row` has a value and that those since the last marked one have none.
    fn mark(&mut self, row: usize) {
        if row > self.rows || self.bits.is_some() {
            self.absent_until(row);
            if let Some(bits) = &mut self.bits {
                bits.append(true);
            }
        }
        self.rows = row + 1;
    }

    fn absent_until(&mut self, row: usize) {
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(row.max(1024));
            bits.append_n(self.rows, true);
            bits
        });
        bits.append_n(row - self.rows, false);
    }

    fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.rows < rows {
            self.absent_until(rows);
        }
        self.rows = 0;
        self.bits.take().map(|mut bits| NullBuffer::new(bits.finish()))
    }
}
