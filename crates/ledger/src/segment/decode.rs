//! Decoded columns of a segment read as rows: to test predicates on them and to copy them into events.

use super::schema::Leaf;
use crate::query::Fields;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType, UInt64Type};
use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use tollgate_domain::{Column, Event, EventKind, IntegrationId, Number, Text, TxId};

/// Rows of one segment, some columns of them.
pub(super) struct Decoded {
    kind: EventKind,
    rows: usize,
    seqs: Option<UInt64Array>,
    texts: Vec<(Text, StringArray)>,
    numbers: Vec<(Number, Numbers)>,
}

/// A number column.
pub(crate) enum Numbers {
    Whole(Int64Array),
    Flags(BooleanArray),
}

impl Numbers {
    #[inline]
    pub(crate) fn value(&self, row: usize) -> Option<i64> {
        match self {
            Self::Whole(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Flags(array) => array.is_valid(row).then(|| i64::from(array.value(row))),
        }
    }
}

impl Decoded {
    /// The columns of `batch`, which are those of `leaves` in this order; `None` when a type is not the layout's.
    pub(super) fn of(kind: EventKind, leaves: &[Leaf], batch: &RecordBatch) -> Option<Self> {
        let mut decoded =
            Self { kind, rows: batch.num_rows(), seqs: None, texts: Vec::new(), numbers: Vec::new() };
        for (leaf, array) in leaves.iter().zip(batch.columns()) {
            match leaf {
                Leaf::Seq => decoded.seqs = Some(array.as_primitive_opt::<UInt64Type>()?.clone()),
                Leaf::Stored(Column::Text(column)) => {
                    decoded.texts.push((*column, array.as_string_opt::<i32>()?.clone()));
                }
                Leaf::Stored(Column::Number(column)) => decoded.numbers.push((*column, numbers(array)?)),
                Leaf::Integration | Leaf::Id | Leaf::Key | Leaf::Unknown => {}
            }
        }
        Some(decoded)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn seq(&self, row: usize) -> Option<u64> {
        self.seqs.as_ref().map(|seqs| seqs.value(row))
    }

    pub(super) fn text(&self, column: Text, row: usize) -> Option<&str> {
        let (_, array) = self.texts.iter().find(|(have, _)| *have == column)?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// A row as predicates see it; its integration and id are known beforehand.
    pub(super) fn row(&self, row: usize, integration: IntegrationId, id: TxId) -> BatchRow<'_> {
        BatchRow { columns: self, row, integration, id }
    }
}

pub(super) fn sixteen(array: &dyn Array) -> Option<FixedSizeBinaryArray> {
    array.as_fixed_size_binary_opt().filter(|array| array.value_length() == 16).cloned()
}

pub(super) fn numbers(array: &dyn Array) -> Option<Numbers> {
    if let Some(flags) = array.as_boolean_opt() {
        return Some(Numbers::Flags(flags.clone()));
    }
    if let Some(times) = array.as_primitive_opt::<TimestampMillisecondType>() {
        return Some(Numbers::Whole(Int64Array::new(times.values().clone(), times.nulls().cloned())));
    }
    array.as_primitive_opt::<Int64Type>().cloned().map(Numbers::Whole)
}

/// `bytes`, which are sixteen, as a number.
#[inline]
pub(super) fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// A row of decoded columns. A column that was not read, or that the file does not have, reads as absent.
pub(super) struct BatchRow<'a> {
    columns: &'a Decoded,
    row: usize,
    integration: IntegrationId,
    id: TxId,
}

impl Fields for BatchRow<'_> {
    fn kind(&self) -> EventKind {
        self.columns.kind
    }

    fn integration(&self) -> IntegrationId {
        self.integration
    }

    fn id(&self) -> TxId {
        self.id
    }

    fn text(&self, column: Text) -> Option<&str> {
        self.columns.text(column, self.row)
    }

    fn number(&self, column: Number) -> Option<i64> {
        let (_, array) = self.columns.numbers.iter().find(|(have, _)| *have == column)?;
        array.value(self.row)
    }
}

/// A row with what amendments set of it.
pub(crate) struct Patched<'a, R> {
    pub(crate) row: &'a R,
    /// Has the columns that were set and no others.
    pub(crate) patch: &'a Event,
}

impl<R: Fields> Fields for Patched<'_, R> {
    fn kind(&self) -> EventKind {
        self.row.kind()
    }

    fn integration(&self) -> IntegrationId {
        self.row.integration()
    }

    fn id(&self) -> TxId {
        self.row.id()
    }

    fn text(&self, column: Text) -> Option<&str> {
        self.patch.text(column).or_else(|| self.row.text(column))
    }

    fn number(&self, column: Number) -> Option<i64> {
        self.patch.number(column).or_else(|| self.row.number(column))
    }
}
