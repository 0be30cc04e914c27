//! Writes a segment: rows of one kind and day are sorted, turned into columns in batches, and encoded as Parquet.

use super::columns::Batch;
use super::encoding;
use super::schema::{self, Presence};
use super::sink::{Refusal, Sink, Written};
use super::{IntegrationRange, SegmentError, SegmentMeta, disk_error, parquet_error, path, temporary_path};
use crate::disk::Disk;
use crate::row::{RawRow, RowHead};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use std::sync::{Arc, PoisonError};
use tollgate_domain::{Day, EventKind, IntegrationId, Number, Timestamp, TxId};

/// How many rows stand together in a file. Readers take any; tests and measurements use others than the default.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Rows of a row group.
    pub group_rows: usize,
    /// Rows of a data page.
    pub page_rows: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { group_rows: 262_144, page_rows: 2048 }
    }
}

/// Rows that are turned into columns at a time, and the bytes of rows after which a batch is closed early.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 32 << 20;

/// Writes `rows` (encoded, in any order, all of `kind` and with ids of `day`) as the segment `name`, under a temporary
/// name and durably; [`super::publish`] gives it its name. On an error nothing is left behind.
pub fn write(
    disk: &dyn Disk,
    name: &str,
    kind: EventKind,
    day: Day,
    rows: &[&[u8]],
) -> Result<SegmentMeta, SegmentError> {
    write_as(Layout::default(), disk, name, kind, day, rows)
}

/// [`write`] with another layout.
pub fn write_as(
    layout: Layout,
    disk: &dyn Disk,
    name: &str,
    kind: EventKind,
    day: Day,
    rows: &[&[u8]],
) -> Result<SegmentMeta, SegmentError> {
    let (order, facts) = Order::of(name, kind, day, rows)?;
    disk.create_dir(super::DIR).map_err(disk_error(super::DIR))?;
    let temporary = temporary_path(name);
    // A try that failed in this life of the process may have left it.
    let _ = disk.remove(&temporary);
    let refusal = Refusal::default();
    let written = write_file(layout, disk, name, &order, facts, refusal.clone());
    if written.is_err() {
        // Give the space back; if that fails too, the next start removes it.
        let _ = disk.remove(&temporary);
    }
    match refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(disk_error(&path(name))(error)),
        None => written,
    }
}

fn write_file(
    layout: Layout,
    disk: &dyn Disk,
    name: &str,
    order: &Order<'_>,
    facts: Facts,
    refusal: Refusal,
) -> Result<SegmentMeta, SegmentError> {
    let schema: SchemaRef = Arc::new(schema::schema(facts.presence));
    let sink = Sink::create(disk, &temporary_path(name), refusal).map_err(disk_error(&path(name)))?;
    let options = ArrowWriterOptions::new()
        .with_skip_arrow_metadata(true)
        .with_properties(encoding::properties(layout, order, &facts));
    let mut writer = ArrowWriter::try_new_with_options(sink, schema.clone(), options)
        .map_err(parquet_error(&path(name)))?;
    let mut batch = Batch::new(facts.presence);
    let mut bytes = 0;
    for sorted in &order.rows {
        batch.push(&RawRow::parse(sorted.bytes).map_err(|_| malformed(name))?);
        bytes += sorted.bytes.len();
        if batch.rows() == BATCH_ROWS || bytes >= BATCH_BYTES {
            flush(&mut writer, &schema, &mut batch).map_err(parquet_error(&path(name)))?;
            bytes = 0;
        }
    }
    if batch.rows() > 0 {
        flush(&mut writer, &schema, &mut batch).map_err(parquet_error(&path(name)))?;
    }
    end_data(&mut writer).map_err(parquet_error(&path(name)))?;
    let sink = writer.into_inner().map_err(parquet_error(&path(name)))?;
    let written = sink.finish().map_err(disk_error(&path(name)))?;
    Ok(facts.meta(name, &written, order))
}

fn flush(writer: &mut ArrowWriter<Sink>, schema: &SchemaRef, batch: &mut Batch) -> Result<(), ParquetError> {
    let arrays = batch.finish()?;
    writer.write(&RecordBatch::try_new(schema.clone(), arrays)?)
}

/// Ends the last row group: the page index and the footer, which come now, are the file's tail.
fn end_data(writer: &mut ArrowWriter<Sink>) -> Result<(), ParquetError> {
    writer.flush()?;
    writer.sync()?;
    writer.inner_mut().begin_tail();
    Ok(())
}

fn malformed(name: &str) -> SegmentError {
    SegmentError::Rows { path: path(name), what: "a row to be sealed is malformed" }
}

/// The rows in the order of the file.
pub(super) struct Order<'a> {
    pub(super) kind: EventKind,
    pub(super) day: Day,
    pub(super) rows: Vec<Sorted<'a>>,
}

pub(super) struct Sorted<'a> {
    integration: IntegrationId,
    id: TxId,
    pub(super) bytes: &'a [u8],
}

impl<'a> Order<'a> {
    fn of(name: &str, kind: EventKind, day: Day, rows: &[&'a [u8]]) -> Result<(Self, Facts), SegmentError> {
        let refuse = |what| SegmentError::Rows { path: path(name), what };
        let mut facts = Facts { min_seq: u64::MAX, ..Facts::default() };
        let mut sorted = Vec::with_capacity(rows.len());
        for bytes in rows {
            let head = RowHead::parse(bytes).map_err(|_| malformed(name))?;
            if head.kind != kind || head.id.time().day() != day {
                return Err(refuse("a row to be sealed is of another kind or day"));
            }
            facts.add(&head, bytes);
            sorted.push(Sorted { integration: head.integration, id: head.id, bytes });
        }
        if sorted.is_empty() {
            return Err(refuse("there are no rows to be sealed"));
        }
        sorted.sort_unstable_by_key(|row| (row.integration, row.id));
        sorted.iter().for_each(|row| facts.place(row));
        Ok((Self { kind, day, rows: sorted }, facts))
    }
}

/// What a pass over the rows finds before any column is built.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) presence: Presence,
    min_seq: u64,
    max_seq: u64,
    max_arrival: Option<i64>,
    pub(super) integrations: Vec<IntegrationRange>,
}

impl Facts {
    /// Adds a row, in any order.
    fn add(&mut self, head: &RowHead, row: &[u8]) {
        self.presence.texts |= head.text_mask;
        self.presence.numbers |= head.number_mask;
        self.presence.keys |= head.key != 0;
        self.min_seq = self.min_seq.min(head.seq);
        self.max_seq = self.max_seq.max(head.seq);
        self.max_arrival = self.max_arrival.max(head.number_in(row, Number::ArrivalTime));
    }

    /// Adds a row's place, in the order of the file.
    fn place(&mut self, row: &Sorted<'_>) {
        match self.integrations.last_mut() {
            Some(last) if last.0 == row.integration => {
                last.2 = row.id;
                last.3 += 1;
            }
            _ => self.integrations.push(IntegrationRange(row.integration, row.id, row.id, 1)),
        }
    }

    fn meta(self, name: &str, written: &Written, order: &Order<'_>) -> SegmentMeta {
        let ids = || order.rows.iter().map(|row| row.id);
        let listed = self.integrations.len() <= SegmentMeta::MAX_INTEGRATIONS;
        SegmentMeta {
            name: name.to_owned(),
            kind: order.kind,
            day: order.day,
            rows: order.rows.len() as u64,
            bytes: written.bytes,
            crc: written.crc,
            tail: written.tail,
            tail_crc: written.tail_crc,
            min_id: ids().min().unwrap_or_default(),
            max_id: ids().max().unwrap_or_default(),
            min_seq: self.min_seq,
            max_seq: self.max_seq,
            max_arrival: self.max_arrival.map(Timestamp::from_millis),
            has_keys: self.presence.keys,
            integrations: listed.then_some(self.integrations),
            overlay: None,
        }
    }
}
