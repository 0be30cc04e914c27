//! What is known of a segment's file once its footer is read.

use super::locate::IdPages;
use super::schema::{self, Leaf};
use super::{SegmentError, SegmentMeta, parquet_error};
use crate::disk::DiskFile;
use bytes::{Buf, Bytes};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::{Column, IntegrationId, TxId};

/// An open segment file as the Parquet library reads it: by position, never mapped.
#[derive(Clone)]
pub(crate) struct SegmentFile {
    file: Arc<dyn DiskFile>,
    length: u64,
}

impl Length for SegmentFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for SegmentFile {
    type T = bytes::buf::Reader<Bytes>;

    /// The library walks a file like this only where it has no page index, which every segment has.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let rest = self.length.saturating_sub(start);
        self.get_bytes(start, rest as usize).map(Buf::reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} lie beyond the end")));
        }
        let mut bytes = vec![0; length];
        self.file.read_at(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

impl SegmentFile {
    /// Says that what stands at `place` will be read soon.
    pub(super) fn will_read(&self, place: Range<u64>) {
        self.file.will_read(place);
    }

    /// Makes `bytes` what stands at `place`.
    pub(super) fn read_into(&self, place: Range<u64>, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
        if place.end > self.length || place.start > place.end {
            return Err(ParquetError::EOF(format!(
                "bytes {} to {} lie beyond the end",
                place.start, place.end
            )));
        }
        bytes.resize((place.end - place.start) as usize, 0);
        Ok(self.file.read_at(place.start, bytes)?)
    }
}

/// The data pages of one column in one row group.
pub(super) struct Pages<'a> {
    locations: &'a [PageLocation],
    /// Rows of the row group.
    rows: u64,
}

impl Pages<'_> {
    /// Where the page with a row lies, and the rows it has; rows are counted from the row group's first.
    pub(super) fn of(&self, row: u64) -> Option<(Range<u64>, Range<u64>)> {
        let next = self.locations.partition_point(|page| page.first_row_index as u64 <= row);
        let page = self.locations.get(next.checked_sub(1)?)?;
        let end = self.locations.get(next).map_or(self.rows, |next| next.first_row_index as u64);
        let start = page.offset as u64;
        let place = start..start.checked_add(u64::try_from(page.compressed_page_size).ok()?)?;
        (row < end).then_some((place, page.first_row_index as u64..end))
    }
}

/// The end of a file, read and checked.
struct Tail {
    start: u64,
    bytes: Bytes,
}

impl Length for Tail {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Tail {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let rest = self.len().saturating_sub(start);
        self.get_bytes(start, rest as usize).map(Buf::reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let from = start.checked_sub(self.start).map(|from| from as usize);
        let part = from.and_then(|from| Some(from..from.checked_add(length)?));
        match part.filter(|part| part.end <= self.bytes.len()) {
            Some(part) => Ok(self.bytes.slice(part)),
            None => Err(ParquetError::EOF(format!("{length} bytes at {start} lie outside the tail"))),
        }
    }
}

/// The footer, the page index, and where each integration's rows lie.
pub(crate) struct Footer {
    pub(super) file: Arc<SegmentFile>,
    pub(super) arrow: ArrowReaderMetadata,
    pub(super) leaves: Vec<Leaf>,
    /// First row of each row group, then the number of rows.
    pub(super) group_starts: Vec<u64>,
    pub(super) id_pages: IdPages,
    integrations: Vec<(IntegrationId, u64)>,
    pub(super) bytes: usize,
}

impl Footer {
    pub(super) fn read(
        path: &str,
        file: Arc<dyn DiskFile>,
        meta: &SegmentMeta,
    ) -> Result<Self, SegmentError> {
        let damaged = |what| SegmentError::Damaged { path: path.to_owned(), what };
        let length = file.length().map_err(super::disk_error(path))?;
        if length != meta.bytes {
            return Err(damaged("its size is not what the manifest says"));
        }
        let file = SegmentFile { file, length };
        let start = length.checked_sub(meta.tail).ok_or_else(|| damaged("it is shorter than its tail"))?;
        let bytes = file.get_bytes(start, meta.tail as usize).map_err(parquet_error(path))?;
        if crc32c::crc32c(&bytes) != meta.tail_crc {
            return Err(damaged("its footer is not what was written"));
        }
        let tail = Tail { start, bytes };
        let metadata = ParquetMetaDataReader::new()
            .with_column_index_policy(PageIndexPolicy::Optional)
            .with_offset_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&tail)
            .map_err(parquet_error(path))?;
        let metadata = Arc::new(metadata);
        let entry = |name: &str| {
            let list = metadata.file_metadata().key_value_metadata()?;
            list.iter().find(|pair| pair.key == name)?.value.as_deref()
        };
        let version = entry(schema::META_VERSION).and_then(|text| text.parse::<u32>().ok());
        if version.ok_or_else(|| damaged("the layout's version is missing"))? > schema::VERSION {
            return Err(damaged("the file was written by a newer version of Tollgate"));
        }
        let mut group_starts = vec![0];
        for group in metadata.row_groups() {
            group_starts.push(group_starts[group_starts.len() - 1] + group.num_rows() as u64);
        }
        let integrations = entry(schema::META_INTEGRATIONS).and_then(parse_integrations);
        let integrations = integrations.ok_or_else(|| damaged("the list of integrations is missing"))?;
        let ends = integrations.last().map_or(0, |last| last.1);
        if ends != meta.rows || group_starts.last() != Some(&meta.rows) {
            return Err(damaged("its number of rows is not what the manifest says"));
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let arrow = ArrowReaderMetadata::try_new(metadata.clone(), options).map_err(parquet_error(path))?;
        let columns = metadata.file_metadata().schema_descr().columns();
        let leaves: Vec<_> = columns.iter().map(|column| Leaf::of(column.name())).collect();
        for needed in [Leaf::Integration, Leaf::Id, Leaf::Seq] {
            if !leaves.contains(&needed) {
                return Err(damaged("the integration, the id or the sequence number is missing"));
            }
        }
        let id_pages = leaves.iter().position(|leaf| *leaf == Leaf::Id);
        let id_pages = id_pages.and_then(|leaf| IdPages::of(&metadata, leaf, &group_starts));
        let id_pages = id_pages.ok_or_else(|| damaged("the page index of the ids is missing"))?;
        let bytes = metadata.memory_size() + integrations.len() * 24 + leaves.len() * 256 + id_pages.bytes();
        Ok(Self { file: Arc::new(file), arrow, leaves, group_starts, id_pages, integrations, bytes })
    }

    /// Its integrations, in order.
    pub(crate) fn integrations(&self) -> impl Iterator<Item = IntegrationId> {
        self.integrations.iter().map(|(integration, _)| *integration)
    }

    /// The rows of an integration, counted from the file's first.
    pub(super) fn rows_of(&self, integration: IntegrationId) -> Range<u64> {
        match self.integrations.binary_search_by_key(&integration, |entry| entry.0) {
            Ok(0) => 0..self.integrations[0].1,
            Ok(at) => self.integrations[at - 1].1..self.integrations[at].1,
            Err(_) => 0..0,
        }
    }

    /// The greatest id of each page that has some of `rows`, and how many of them it has. Where a page has another
    /// integration's rows too, the id may be one of theirs.
    pub(crate) fn page_ends(&self, rows: &Range<u64>) -> impl Iterator<Item = (TxId, u64)> {
        self.id_pages.ends(rows).map(|(id, rows)| (TxId::from_u128(id), rows))
    }

    /// Bytes that these columns of a row have on average, read, in the row groups of `rows`; no less than they would in
    /// the group where they have most.
    pub(crate) fn row_bytes<'c>(&self, rows: &Range<u64>, columns: impl Iterator<Item = &'c Column>) -> u64 {
        let leaves: Vec<usize> = columns.filter_map(|column| self.column(*column)).collect();
        let of_group = |group: usize| {
            let stored = self.arrow.metadata().row_group(group);
            let bytes: i64 = leaves.iter().map(|leaf| self.unfolded(stored.column(*leaf))).sum();
            bytes.unsigned_abs() / stored.num_rows().unsigned_abs().max(1)
        };
        (self.group_of(rows.start)..=self.group_of(rows.end.saturating_sub(1)))
            .map(of_group)
            .max()
            .unwrap_or(0)
    }

    /// Bytes that a column chunk has once it is read: of texts, what the file says of them where it does.
    fn unfolded(&self, chunk: &ColumnChunkMetaData) -> i64 {
        let stored = chunk.uncompressed_size();
        chunk.unencoded_byte_array_data_bytes().map_or(stored, |texts| texts.max(stored))
    }

    /// The leaf that holds `leaf`, if the file has it.
    pub(super) fn position(&self, leaf: Leaf) -> Option<usize> {
        self.leaves.iter().position(|have| *have == leaf)
    }

    /// The leaf of a stored column, if the file has it.
    pub(super) fn column(&self, column: Column) -> Option<usize> {
        self.position(Leaf::Stored(column))
    }

    /// The rows of each integration, counted from the file's first.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = Range<u64>> {
        let mut start = 0;
        self.integrations.iter().map(move |(_, end)| std::mem::replace(&mut start, *end)..*end)
    }

    /// The integration that a row belongs to.
    pub(super) fn integration_of(&self, row: u64) -> Option<IntegrationId> {
        let at = self.integrations.partition_point(|(_, end)| *end <= row);
        self.integrations.get(at).map(|(integration, _)| *integration)
    }

    /// The pages of a leaf in a row group.
    pub(super) fn pages(&self, group: usize, leaf: usize) -> Option<Pages<'_>> {
        let locations = self.arrow.metadata().page_index()?.page_locations(group, leaf)?;
        Some(Pages { locations, rows: self.group_starts.get(group + 1)? - self.group_starts[group] })
    }

    /// Has the pages of some columns fetched that have some of `rows`, which are of row group `group`, rise and are counted
    /// from the file's first: whoever reads one after the other waits for the disk once.
    pub(super) fn fetch(&self, group: usize, leaves: impl Iterator<Item = usize>, rows: &[u64]) {
        let start = self.group_starts[group];
        for pages in leaves.filter_map(|leaf| self.pages(group, leaf)) {
            let mut rest = rows;
            while let Some((place, page)) = rest.first().and_then(|row| pages.of(row - start)) {
                rest = &rest[rest.partition_point(|row| row - start < page.end)..];
                self.file.will_read(place);
            }
        }
    }

    /// The same for all rows of `rows`, which are not none, and some columns with their dictionaries.
    pub(super) fn fetch_run(&self, group: usize, leaves: &[usize], rows: &Range<u64>) {
        let start = self.group_starts[group];
        self.fetch_dictionaries(group, leaves.iter().copied());
        for pages in leaves.iter().filter_map(|leaf| self.pages(group, *leaf)) {
            let ends = pages.of(rows.start - start).zip(pages.of(rows.end - 1 - start));
            if let Some(((first, _), (last, _))) = ends {
                self.file.will_read(first.start..last.end);
            }
        }
    }

    /// Has dictionaries of a row group fetched.
    pub(super) fn fetch_dictionaries(&self, group: usize, leaves: impl Iterator<Item = usize>) {
        leaves
            .filter_map(|leaf| self.dictionary_place(group, leaf))
            .for_each(|place| self.file.will_read(place));
    }

    /// Where a leaf's dictionary in a row group lies, if it has one: just before its first page.
    pub(super) fn dictionary_place(&self, group: usize, leaf: usize) -> Option<Range<u64>> {
        let start = self.arrow.metadata().row_group(group).column(leaf).dictionary_page_offset()? as u64;
        Some(start..self.pages(group, leaf)?.of(0)?.0.start)
    }

    /// The row group of a row.
    pub(super) fn group_of(&self, row: u64) -> usize {
        self.group_starts.partition_point(|start| *start <= row).saturating_sub(1)
    }
}

/// Integrations with the row after their last.
fn parse_integrations(text: &str) -> Option<Vec<(IntegrationId, u64)>> {
    let mut end = 0u64;
    let mut list: Vec<(IntegrationId, u64)> = Vec::new();
    for line in text.lines() {
        let (integration, rows) = line.split_once(' ')?;
        end = end.checked_add(rows.parse().ok()?)?;
        list.push((integration.parse().ok()?, end));
    }
    list.windows(2).all(|pair| pair[0].0 < pair[1].0).then_some(list)
}
