//! One page of one column: read by its place in the page index, its header parsed, decompressed.

use super::super::footer::SegmentFile;
use super::bad;
use super::thrift::Thrift;
use crate::decompress::decompress;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use std::ops::Range;

/// Room that pages are read into one after the other.
#[derive(Default)]
pub(in super::super) struct Scratch {
    stored: Vec<u8>,
    page: Vec<u8>,
}

/// How a page's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Coding {
    /// One after the other.
    Plain,
    /// As codes of the column's dictionary.
    Codes,
    /// As differences from value to value.
    Deltas,
}

/// A page, decompressed.
pub(in super::super) struct Page<'a> {
    pub(in super::super) coding: Coding,
    /// How many values it has, absent ones too.
    pub(super) values: usize,
    pub(in super::super) bytes: &'a [u8],
}

impl Scratch {
    /// The page that lies at `place` of the file.
    pub(in super::super) fn page(
        &mut self,
        file: &SegmentFile,
        place: Range<u64>,
        compression: Compression,
    ) -> Result<Page<'_>, ParquetError> {
        file.read_into(place, &mut self.stored)?;
        let (header, start) = Header::parse(&self.stored).ok_or_else(|| bad("the header of a page"))?;
        let body = self.stored.get(start..).and_then(|rest| rest.get(..header.stored));
        let body = body.ok_or_else(|| bad("the length of a page"))?;
        let bytes = match compression {
            Compression::UNCOMPRESSED => body,
            Compression::ZSTD(_) => {
                decompress(body, header.length, &mut self.page)?;
                &self.page
            }
            _ => return Err(bad("the compression of a page")),
        };
        if bytes.len() != header.length {
            return Err(bad("the length of a page"));
        }
        Ok(Page { coding: header.coding, values: header.values, bytes })
    }
}

/// What a page's header says: Thrift's compact protocol, `PageHeader` of the Parquet format.
struct Header {
    /// Bytes of the page, and as they are stored.
    length: usize,
    stored: usize,
    values: usize,
    coding: Coding,
}

/// Pages greater than this are damage: 512 rows have no more text.
const MAX_PAGE: i64 = 256 << 20;

impl Header {
    /// The header at the start of `bytes`, and its length.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (mut length, mut stored, mut values, mut coding) = (None, None, None, None);
        let mut thrift = Thrift(bytes);
        thrift.each_field(0, &mut |thrift, id, kind| match id {
            2 => thrift.number_into(&mut length),
            3 => thrift.number_into(&mut stored),
            // Both kinds of pages begin with the number of values and their encoding.
            5 | 7 if kind == Thrift::STRUCT => thrift.each_field(1, &mut |thrift, id, kind| match id {
                1 => thrift.number_into(&mut values),
                2 => thrift.number_into(&mut coding),
                _ => thrift.skip(kind, 2),
            }),
            _ => thrift.skip(kind, 1),
        })?;
        let size = |n: Option<i64>| n.filter(|n| (0..=MAX_PAGE).contains(n)).map(|n| n as usize);
        let coding = match coding? {
            0 => Coding::Plain,
            2 | 8 => Coding::Codes,
            5 => Coding::Deltas,
            _ => return None,
        };
        let header = Self { length: size(length)?, stored: size(stored)?, values: size(values)?, coding };
        Some((header, bytes.len() - thrift.0.len()))
    }
}
