//! How the columns of one segment are encoded. Measured with `benches/pages.rs`; the reasons stand in
//! docs/FORMATS.md, "Segments".

use super::IntegrationRange;
use super::schema::{self, Presence};
use super::writer::Layout;
use crate::query::Fields;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::schema::types::ColumnPath;
use std::collections::HashSet;
use tollgate_domain::{Column, ColumnType, Day, EventKind, Number, Text};

/// Readers keep the dictionaries of a row group in memory, or decode them again: a great one would cost more than it saves.
const DICTIONARY_BYTES: usize = 64 << 10;
/// Rows that are looked at to see which columns repeat themselves.
pub(super) const SAMPLE: usize = 1024;
/// A column with so few values in a sample stays uncompressed: its codes are what is left of it, zstd makes them no tenth
/// smaller, and a reader would set a decompressor up for each page. With more values a dictionary may grow full, and what
/// comes after it is texts.
const BARE: usize = 128;

/// What a segment will hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents {
    pub(super) kind: EventKind,
    pub(super) day: Day,
    pub(super) rows: u64,
    pub(super) presence: Presence,
}

pub(super) fn properties(layout: Layout, contents: &Contents, variety: &Variety) -> WriterProperties {
    let rows = contents.rows.min(layout.group_rows as u64);
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("tollgate ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(layout.group_rows))
        .set_data_page_row_count_limit(layout.page_rows)
        .set_write_batch_size(layout.page_rows.min(1024))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(key_values(contents)));
    for name in [schema::ID, schema::SEQ, schema::KEY] {
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_statistics_enabled(path(name), EnabledStatistics::Page);
    }
    builder = builder
        .set_column_encoding(path(schema::SEQ), Encoding::DELTA_BINARY_PACKED)
        .set_column_compression(path(schema::SEQ), Compression::UNCOMPRESSED)
        .set_column_compression(path(schema::INTEGRATION), Compression::UNCOMPRESSED);
    for name in [schema::KEY, Text::ExternalTransactionId.name(), Text::ClickRealTxId.name()] {
        builder = builder
            .set_column_bloom_filter_enabled(path(name), true)
            .set_column_bloom_filter_fpp(path(name), 0.01)
            .set_column_bloom_filter_max_ndv(path(name), rows);
    }
    contents.presence.columns().fold(builder, |builder, column| of_column(builder, column, variety)).build()
}

fn of_column(builder: WriterPropertiesBuilder, column: Column, variety: &Variety) -> WriterPropertiesBuilder {
    let path = path(column.name());
    if column.column_type() == ColumnType::Time {
        return builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
            .set_column_statistics_enabled(path, EnabledStatistics::Page);
    }
    let (present, distinct) = variety.of(column);
    // Of a column that few rows have, the sample tells little.
    let builder = if distinct <= BARE && present >= SAMPLE / 16 && distinct * 2 <= present {
        builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED)
    } else {
        builder
    };
    builder.set_column_dictionary_enabled(path, distinct * 2 <= present)
}

fn path(name: &str) -> ColumnPath {
    ColumnPath::from(name)
}

/// How many values a sample has of each column, and how many of them are distinct.
pub(super) struct Variety {
    texts: Vec<(usize, usize)>,
    numbers: Vec<(usize, usize)>,
}

impl Variety {
    /// That of some rows, about [`SAMPLE`] of them.
    pub(super) fn of_rows(rows: &[impl Fields]) -> Self {
        Self {
            texts: Text::ALL.iter().map(|c| count(rows.iter().filter_map(|row| row.text(*c)))).collect(),
            numbers: Number::ALL
                .iter()
                .map(|c| count(rows.iter().filter_map(|row| row.number(*c))))
                .collect(),
        }
    }

    fn of(&self, column: Column) -> (usize, usize) {
        match column {
            Column::Text(column) => self.texts[column as usize],
            Column::Number(column) => self.numbers[column as usize],
        }
    }
}

fn count<T: std::hash::Hash + Eq>(values: impl Iterator<Item = T>) -> (usize, usize) {
    let mut present = 0;
    let distinct: HashSet<T> = values.inspect(|_| present += 1).collect();
    (present, distinct.len())
}

fn key_values(contents: &Contents) -> Vec<KeyValue> {
    vec![
        KeyValue::new(schema::META_VERSION.to_owned(), schema::VERSION.to_string()),
        KeyValue::new(schema::META_KIND.to_owned(), contents.kind.name().to_owned()),
        KeyValue::new(schema::META_DAY.to_owned(), contents.day.to_string()),
    ]
}

/// The footer's entry that says where each integration's rows lie.
pub(super) fn integrations(ranges: &[IntegrationRange]) -> KeyValue {
    let mut list = String::with_capacity(ranges.len() * 18);
    for range in ranges {
        list.push_str(&format!("{} {}\n", range.0, range.3));
    }
    KeyValue::new(schema::META_INTEGRATIONS.to_owned(), list)
}
