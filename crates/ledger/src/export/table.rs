//! Strips written as Parquet.

use super::shape::Extra;
use super::{Encoding, Made};
use crate::query::Fields;
use crate::scan::ScanError;
use crate::segment::Patched;
use crate::sweep::{Stored, Strip, Worker};
use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};
use std::sync::Arc;
use tollgate_domain::row::{Field, Value};
use tollgate_domain::{Column, ColumnType, Number, Text};

/// Rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// Digits of an amount in dollars, and how many of them are decimals: as many as there are of micro-dollars.
const MONEY: (u8, i8) = (19, 6);

/// The file's columns.
pub(super) fn schema(encoding: &Encoding) -> SchemaRef {
    let fields = encoding.fields.iter().map(|field| (field.name(), data_type(*field)));
    let extra = encoding.extra_parameters.iter().map(|name| (name.as_str(), DataType::Utf8));
    let columns = fields.chain(extra).map(|(name, data_type)| ArrowField::new(name, data_type, true));
    Arc::new(Schema::new(columns.collect::<Vec<_>>()))
}

fn data_type(field: Field) -> DataType {
    let Field::Stored(column) = field else { return DataType::Utf8 };
    match column.column_type() {
        _ if matches!(column, Column::Number(Number::Status | Number::RtbOutcome)) => DataType::Utf8,
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        ColumnType::Money => DataType::Decimal128(MONEY.0, MONEY.1),
        ColumnType::Integer => DataType::Int64,
        ColumnType::Boolean => DataType::Boolean,
    }
}

/// Turns strips into batches.
pub(super) struct TableWorker<'e> {
    pub(super) encoding: &'e Encoding,
    pub(super) schema: SchemaRef,
}

impl Worker for TableWorker<'_> {
    type Made = Made<Result<RecordBatch, ArrowError>>;

    fn work(&mut self, strip: &Strip) -> Result<Self::Made, ScanError> {
        let mut builders: Vec<Builder> =
            self.schema.fields().iter().map(|field| Builder::of(field.data_type())).collect();
        for (part, range) in &strip.order {
            let part = &strip.parts[*part];
            match &part.stored {
                Stored::Events(events) => {
                    events[range.clone()].iter().for_each(|event| self.push(event, &mut builders));
                }
                Stored::Columns(columns) => {
                    let mut patches = part.patches(range).iter().peekable();
                    for row in range.clone() {
                        let stored = columns.row(row);
                        match patches.next_if(|(patched, _)| *patched == row) {
                            Some((_, patch)) => self.push(&Patched { row: &stored, patch }, &mut builders),
                            None => self.push(&stored, &mut builders),
                        }
                    }
                }
            }
        }
        let arrays = builders.into_iter().map(Builder::finish).collect();
        Ok(Made::of(strip, RecordBatch::try_new(self.schema.clone(), arrays)))
    }
}

impl TableWorker<'_> {
    fn push(&self, row: &impl Fields, builders: &mut [Builder]) {
        let Encoding { fields, organization, extra_parameters, .. } = self.encoding;
        let (of_fields, of_extra) = builders.split_at_mut(fields.len());
        for (field, builder) in fields.iter().zip(of_fields) {
            builder.push(Value::of(row, organization, *field));
        }
        if !extra_parameters.is_empty() {
            let extra = Extra::of(row.text(Text::ExtraParameters));
            for (name, builder) in extra_parameters.iter().zip(of_extra) {
                builder.push(extra.value(name));
            }
        }
    }
}

enum Builder {
    Text(StringBuilder, Vec<u8>),
    Time(TimestampMillisecondBuilder),
    Money(Decimal128Builder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
}

impl Builder {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Timestamp(..) => {
                Self::Time(TimestampMillisecondBuilder::new().with_data_type(data_type.clone()))
            }
            DataType::Decimal128(..) => {
                Self::Money(Decimal128Builder::new().with_data_type(data_type.clone()))
            }
            DataType::Int64 => Self::Integer(Int64Builder::new()),
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            _ => Self::Text(StringBuilder::new(), Vec::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(builder, _), Value::Null) => builder.append_null(),
            (Self::Text(builder, _), Value::Text(text) | Value::Json(text)) => builder.append_value(text),
            (Self::Text(builder, plain), value) => {
                plain.clear();
                value.write_plain(plain);
                builder.append_value(std::str::from_utf8(plain).unwrap_or_default());
            }
            (Self::Time(builder), Value::Time(time)) => builder.append_value(time.millis()),
            (Self::Time(builder), _) => builder.append_null(),
            (Self::Money(builder), Value::Money(money)) => builder.append_value(money.micros().into()),
            (Self::Money(builder), _) => builder.append_null(),
            (Self::Integer(builder), Value::Integer(number)) => builder.append_value(number),
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Boolean(builder), Value::Boolean(flag)) => builder.append_value(flag),
            (Self::Boolean(builder), _) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder, _) => Arc::new(builder.finish()),
            Self::Time(mut builder) => Arc::new(builder.finish()),
            Self::Money(mut builder) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// A Parquet file that is being written. Its bytes are handed on as they come.
pub(super) struct Table {
    writer: ArrowWriter<Vec<u8>>,
}

impl Table {
    pub(super) fn new(schema: SchemaRef) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_created_by(concat!("tollgate ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(other)?;
        Ok(Self { writer })
    }

    /// Writes a batch; returns how many bytes were handed on.
    pub(super) fn write(
        &mut self,
        batch: Result<RecordBatch, ArrowError>,
        out: &mut dyn Write,
    ) -> io::Result<u64> {
        self.writer.write(&batch.map_err(io::Error::other)?).map_err(other)?;
        self.writer.sync()?;
        hand_on(self.writer.inner_mut(), out)
    }

    /// Writes the rest.
    pub(super) fn finish(mut self, out: &mut dyn Write) -> io::Result<u64> {
        self.writer.finish().map_err(other)?;
        self.writer.sync()?;
        hand_on(self.writer.inner_mut(), out)
    }
}

/// The writer counts what it writes by itself, so its buffer can be emptied between row groups.
fn hand_on(buffer: &mut Vec<u8>, out: &mut dyn Write) -> io::Result<u64> {
    out.write_all(buffer)?;
    let bytes = buffer.len() as u64;
    buffer.clear();
    Ok(bytes)
}

fn other(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
