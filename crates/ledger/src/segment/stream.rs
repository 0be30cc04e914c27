//! The rows of a segment that are not deleted, from the first to the last, some at a time, as columns in the order of another file's schema:
//! what merging does. Only the pages of the rows at hand are in memory.

use super::footer::Footer;
use super::schema::Leaf;
use super::{Segment, SegmentError, guarded, parquet_error};
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMillisecondType, UInt64Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array, new_null_array,
};
use arrow_schema::Schema;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection};
use tollgate_domain::{Column, IntegrationId, Number, TxId};

/// Most rows of a batch, and about the bytes that one may have.
const ROWS: u64 = 4096;
const BYTES: u64 = 4 << 20;

/// See the module.
pub(super) struct Stream {
    path: String,
    reader: ParquetRecordBatchReader,
    /// What each column of the file holds.
    leaves: Vec<Leaf>,
}

/// Rows that were read.
pub(super) struct Rows {
    pub(super) columns: Vec<ArrayRef>,
    integrations: StringArray,
    ids: FixedSizeBinaryArray,
    seqs: UInt64Array,
    arrivals: Option<ArrayRef>,
}

impl Stream {
    pub(super) fn open(segment: &Segment, footer: &Footer) -> Result<Self, SegmentError> {
        let path = segment.path().to_owned();
        let groups = footer.arrow.metadata().row_groups();
        let bytes: i64 = groups.iter().map(|group| group.total_byte_size()).sum();
        let row = bytes.unsigned_abs() / segment.meta().rows.max(1);
        let at_a_time = (BYTES / row.max(1)).clamp(64, ROWS) as usize;
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata((*footer.file).clone(), footer.arrow.clone())
                .with_batch_size(at_a_time);
        if let Some(deleted) = segment.deleted()? {
            let rows = segment.meta().rows;
            let kept = deleted.others(rows).into_iter().map(|run| run.start as usize..run.end as usize);
            reader = reader.with_row_selection(RowSelection::from_consecutive_ranges(kept, rows as usize));
        }
        let reader = reader.build().map_err(parquet_error(&path))?;
        Ok(Self { path, reader, leaves: footer.leaves.clone() })
    }

    /// The next rows, with the columns of `schema` and nulls where the file lacks one.
    pub(super) fn next(&mut self, schema: &Schema) -> Result<Option<Rows>, SegmentError> {
        let (reader, path) = (&mut self.reader, &self.path);
        let batch = guarded(path, || {
            let batch = reader.next().transpose();
            batch.map_err(|error| parquet_error(path)(error.into()))
        })?;
        let Some(batch) = batch else { return Ok(None) };
        let what = "its columns are not those of the layout";
        let rows = self.rows(schema, &batch).ok_or(SegmentError::Damaged { path: path.clone(), what })?;
        Ok(Some(rows))
    }

    fn rows(&self, schema: &Schema, batch: &RecordBatch) -> Option<Rows> {
        let column = |wanted: Leaf| {
            let at = self.leaves.iter().position(|leaf| *leaf == wanted)?;
            batch.columns().get(at)
        };
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(match column(Leaf::of(field.name())) {
                Some(array) if array.data_type() == field.data_type() => array.clone(),
                Some(_) => return None,
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
        }
        Some(Rows {
            columns,
            integrations: column(Leaf::Integration)?.as_string_opt::<i32>()?.clone(),
            ids: column(Leaf::Id)?.as_fixed_size_binary_opt()?.clone(),
            seqs: column(Leaf::Seq)?.as_primitive_opt::<UInt64Type>()?.clone(),
            arrivals: column(Leaf::Stored(Column::Number(Number::ArrivalTime))).cloned(),
        })
    }
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// What a row is sorted by; `None` when it is malformed.
    pub(super) fn key(&self, row: usize) -> Option<(IntegrationId, TxId)> {
        let id: [u8; 16] = self.ids.value(row).try_into().ok()?;
        Some((self.integrations.value(row).parse().ok()?, TxId::from_u128(u128::from_be_bytes(id))))
    }

    pub(super) fn seq(&self, row: usize) -> u64 {
        self.seqs.value(row)
    }

    pub(super) fn arrival(&self, row: usize) -> Option<i64> {
        let times = self.arrivals.as_ref()?.as_primitive_opt::<TimestampMillisecondType>()?;
        times.is_valid(row).then(|| times.value(row))
    }
}
