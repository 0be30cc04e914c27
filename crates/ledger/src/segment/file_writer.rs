//! A segment's file in the making: columns go in, batch by batch, and come out as Parquet under a temporary name.

use super::encoding::{self, Contents, Variety};
use super::schema;
use super::sink::{Refusal, Sink, Written};
use super::writer::Layout;
use super::{IntegrationRange, SegmentError, disk_error, parquet_error, path, temporary_path};
use crate::disk::Disk;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use std::sync::{Arc, PoisonError};

/// Runs `write`, which writes the segment `name` and says through its [`Refusal`] why the disk refused. On an error
/// nothing is left behind.
pub(super) fn attempt<T, E: From<SegmentError>>(
    disk: &dyn Disk,
    name: &str,
    write: impl FnOnce(Refusal) -> Result<T, E>,
) -> Result<T, E> {
    disk.create_dir(super::DIR).map_err(disk_error(super::DIR))?;
    let temporary = temporary_path(name);
    // A try that failed in this life of the process may have left it.
    let _ = disk.remove(&temporary);
    let refusal = Refusal::default();
    let written = write(refusal.clone());
    if written.is_err() {
        // Give the space back; if that fails too, the next start removes it.
        let _ = disk.remove(&temporary);
    }
    match refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(disk_error(&path(name))(error).into()),
        None => written,
    }
}

/// The file that is being written.
pub(super) struct FileWriter {
    name: String,
    schema: SchemaRef,
    writer: ArrowWriter<Sink>,
}

impl FileWriter {
    pub(super) fn create(
        disk: &dyn Disk,
        name: &str,
        layout: Layout,
        contents: &Contents,
        variety: &Variety,
        refusal: Refusal,
    ) -> Result<Self, SegmentError> {
        let schema: SchemaRef = Arc::new(schema::schema(contents.presence));
        let sink = Sink::create(disk, &temporary_path(name), refusal).map_err(disk_error(&path(name)))?;
        let options = ArrowWriterOptions::new()
            .with_skip_arrow_metadata(true)
            .with_properties(encoding::properties(layout, contents, variety));
        let writer = ArrowWriter::try_new_with_options(sink, schema.clone(), options)
            .map_err(parquet_error(&path(name)))?;
        Ok(Self { name: name.to_owned(), schema, writer })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds rows: their columns in the order of the schema.
    pub(super) fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), SegmentError> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(ParquetError::from);
        batch.and_then(|batch| self.writer.write(&batch)).map_err(parquet_error(&path(&self.name)))
    }

    /// Writes the rest, durably.
    pub(super) fn finish(mut self, integrations: &[IntegrationRange]) -> Result<Written, SegmentError> {
        let path = path(&self.name);
        self.writer.append_key_value_metadata(encoding::integrations(integrations));
        end_data(&mut self.writer).map_err(parquet_error(&path))?;
        let sink = self.writer.into_inner().map_err(parquet_error(&path))?;
        sink.finish().map_err(disk_error(&path))
    }
}

/// Ends the last row group: the page index and the footer, which come now, are the file's tail.
fn end_data(writer: &mut ArrowWriter<Sink>) -> Result<(), ParquetError> {
    writer.flush()?;
    writer.sync()?;
    writer.inner_mut().begin_tail();
    Ok(())
}
