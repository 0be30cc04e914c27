//! Columns of many rows as the file has them, for whoever reads them all: texts stay codes of their row group's
//! dictionary where they are stored so.

use super::decode::{self, Numbers};
use super::footer::Footer;
use super::reader::{Segment, selection};
use super::schema::Leaf;
use super::{SegmentError, guarded, parquet_error};
use crate::query::Fields;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, UInt64Type};
use arrow_array::{Array, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Encoding;
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::{Column, EventKind, IntegrationId, Number, Text, TxId};

/// So many columns at most are asked of the disk at once, as reports need them. Files have most of all columns, megabytes of
/// each row group, and the commits of clicks would wait behind them.
const FEW: usize = 8;

/// What is read of each row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) ids: bool,
    pub(crate) seqs: bool,
    pub(crate) columns: Vec<Column>,
}

/// Rows of one integration and one row group. A column that the file does not have is not among them.
pub(crate) struct Columns {
    kind: EventKind,
    integration: IntegrationId,
    rows: usize,
    ids: Option<FixedSizeBinaryArray>,
    seqs: Option<UInt64Array>,
    texts: Vec<(Text, Texts)>,
    numbers: Vec<(Number, Numbers)>,
}

/// A text column.
pub(crate) enum Texts {
    /// Codes into a dictionary.
    Coded(Codes),
    /// The texts themselves.
    Plain(StringArray),
}

/// Codes of a dictionary.
pub(crate) struct Codes {
    keys: arrow_buffer::ScalarBuffer<i32>,
    nulls: Option<NullBuffer>,
    /// The dictionary.
    pub(crate) values: StringArray,
}

impl Codes {
    /// A row's code; `None` where it has no text.
    #[inline]
    pub(crate) fn code(&self, row: usize) -> Option<usize> {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => None,
            _ => Some(self.keys[row] as usize),
        }
    }
}

impl Texts {
    #[inline]
    fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Coded(codes) => codes.code(row).map(|code| codes.values.value(code)),
            Self::Plain(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

impl Columns {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The ids, where they were asked for: rising.
    #[inline]
    pub(crate) fn id(&self, row: usize) -> TxId {
        self.ids.as_ref().map_or_else(TxId::default, |ids| TxId::from_u128(decode::number(ids.value(row))))
    }

    /// The `seq` of a row, where they were asked for.
    pub(crate) fn seq(&self, row: usize) -> Option<u64> {
        self.seqs.as_ref().map(|seqs| seqs.value(row))
    }

    pub(crate) fn texts(&self, column: Text) -> Option<&Texts> {
        self.texts.iter().find(|(have, _)| *have == column).map(|(_, texts)| texts)
    }

    pub(crate) fn numbers(&self, column: Number) -> Option<&Numbers> {
        self.numbers.iter().find(|(have, _)| *have == column).map(|(_, numbers)| numbers)
    }

    pub(crate) fn row(&self, row: usize) -> ColumnsRow<'_> {
        ColumnsRow { columns: self, row }
    }
}

/// One row of [`Columns`].
#[derive(Clone, Copy)]
pub(crate) struct ColumnsRow<'a> {
    columns: &'a Columns,
    row: usize,
}

impl Fields for ColumnsRow<'_> {
    fn kind(&self) -> EventKind {
        self.columns.kind
    }

    fn integration(&self) -> IntegrationId {
        self.columns.integration
    }

    fn id(&self) -> TxId {
        self.columns.id(self.row)
    }

    fn text(&self, column: Text) -> Option<&str> {
        self.columns.texts(column)?.text(self.row)
    }

    fn number(&self, column: Number) -> Option<i64> {
        self.columns.numbers(column)?.value(self.row)
    }
}

impl Segment {
    /// The columns of the rows in `runs` (rising, disjoint, not empty, of one integration), in the file's order.
    pub(crate) fn columns(
        &self,
        footer: &Footer,
        wanted: &Wanted,
        integration: IntegrationId,
        runs: &[Range<u64>],
    ) -> Result<Vec<Columns>, SegmentError> {
        let leaves = leaves(footer, wanted);
        let read = |runs: Vec<Range<u64>>| {
            let (group, rows) =
                (footer.group_of(runs[0].start), runs.iter().map(|run| run.end - run.start).sum());
            guarded(self.path(), || self.read_columns(footer, group, &leaves, integration, (&runs, rows)))
        };
        by_group(footer, runs).into_iter().map(read).collect()
    }

    fn read_columns(
        &self,
        footer: &Footer,
        group: usize,
        leaves: &[usize],
        integration: IntegrationId,
        (runs, rows): (&[Range<u64>], u64),
    ) -> Result<Columns, SegmentError> {
        if leaves.len() <= FEW {
            footer.fetch_run(group, leaves, &(runs[0].start..runs[runs.len() - 1].end));
        }
        let arrow = coded(footer, group, leaves).map_err(parquet_error(self.path()))?;
        let schema = footer.arrow.metadata().file_metadata().schema_descr();
        let (_, selection, _) = selection(footer, runs);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata((*footer.file).clone(), arrow)
            .with_projection(ProjectionMask::leaves(schema, leaves.iter().copied()))
            .with_row_groups(vec![group])
            .with_batch_size(rows as usize);
        if rows != footer.group_starts[group + 1] - footer.group_starts[group] {
            builder = builder.with_row_selection(selection);
        }
        let mut reader = builder.build().map_err(parquet_error(self.path()))?;
        let batch = reader.next().ok_or_else(|| self.damaged())?;
        let batch = batch.map_err(|error| parquet_error(self.path())(error.into()))?;
        if batch.num_rows() as u64 != rows {
            return Err(self.damaged());
        }
        let kinds: Vec<Leaf> = leaves.iter().map(|leaf| footer.leaves[*leaf]).collect();
        columns(self.meta().kind, integration, &kinds, &batch).ok_or_else(|| self.damaged())
    }
}

/// The leaves to be read, rising: at least one, so that rows are counted.
fn leaves(footer: &Footer, wanted: &Wanted) -> Vec<usize> {
    let mut leaves: Vec<usize> = wanted.columns.iter().filter_map(|column| footer.column(*column)).collect();
    if wanted.ids {
        leaves.extend(footer.position(Leaf::Id));
    }
    if wanted.seqs || leaves.is_empty() {
        leaves.extend(footer.position(Leaf::Seq));
    }
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

/// Runs split so that each list lies in one row group.
fn by_group(footer: &Footer, runs: &[Range<u64>]) -> Vec<Vec<Range<u64>>> {
    let mut groups: Vec<(usize, Vec<Range<u64>>)> = Vec::new();
    for run in runs {
        let mut at = run.start;
        while at < run.end {
            let group = footer.group_of(at);
            let end = run.end.min(footer.group_starts[group + 1]);
            match groups.last_mut() {
                Some((last, runs)) if *last == group => runs.push(at..end),
                _ => groups.push((group, std::iter::once(at..end).collect())),
            }
            at = end;
        }
    }
    groups.into_iter().map(|(_, runs)| runs).collect()
}

/// The file's metadata with those texts as dictionaries that are stored so in all of the row group's pages.
fn coded(
    footer: &Footer,
    group: usize,
    leaves: &[usize],
) -> Result<ArrowReaderMetadata, parquet::errors::ParquetError> {
    let group = footer.arrow.metadata().row_group(group);
    let is_coded = |leaf: usize| {
        let chunk = group.column(leaf);
        let all = |encoding| chunk.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(encoding));
        chunk.dictionary_page_offset().is_some()
            && (all(Encoding::RLE_DICTIONARY) || all(Encoding::PLAIN_DICTIONARY))
    };
    let field = |(leaf, field): (usize, &Arc<Field>)| {
        let is_text = *field.data_type() == DataType::Utf8 && leaves.binary_search(&leaf).is_ok();
        if is_text && is_coded(leaf) {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(coded))
        } else {
            field.clone()
        }
    };
    let fields: Vec<Arc<Field>> = footer.arrow.schema().fields().iter().enumerate().map(field).collect();
    let options =
        ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(Arc::new(Schema::new(fields)));
    ArrowReaderMetadata::try_new(footer.arrow.metadata().clone(), options)
}

/// The columns of `batch`, which are those of `leaves` in this order; `None` when a type is not the layout's.
fn columns(
    kind: EventKind,
    integration: IntegrationId,
    leaves: &[Leaf],
    batch: &RecordBatch,
) -> Option<Columns> {
    let (rows, texts, numbers) = (batch.num_rows(), Vec::new(), Vec::new());
    let mut columns = Columns { kind, integration, rows, ids: None, seqs: None, texts, numbers };
    for (leaf, array) in leaves.iter().zip(batch.columns()) {
        match leaf {
            Leaf::Id => columns.ids = Some(decode::sixteen(array)?),
            Leaf::Seq => columns.seqs = Some(array.as_primitive_opt::<UInt64Type>()?.clone()),
            Leaf::Stored(Column::Text(column)) => columns.texts.push((*column, text_column(array)?)),
            Leaf::Stored(Column::Number(column)) => columns.numbers.push((*column, decode::numbers(array)?)),
            Leaf::Integration | Leaf::Key | Leaf::Unknown => {}
        }
    }
    Some(columns)
}

fn text_column(array: &dyn Array) -> Option<Texts> {
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Some(Texts::Plain(plain.clone()));
    }
    let coded = array.as_dictionary_opt::<Int32Type>()?;
    let values = coded.values().as_string_opt::<i32>()?.clone();
    let keys = coded.keys();
    Some(Texts::Coded(Codes { keys: keys.values().clone(), nulls: keys.nulls().cloned(), values }))
}
