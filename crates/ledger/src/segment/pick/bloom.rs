//! Whether a row group may have a value, by its Bloom filter: of the filter's 100 kB and more, the one block of 32 bytes
//! is read in which the value's bits stand.

use super::super::footer::Footer;
use super::bad;
use super::thrift::Thrift;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use twox_hash::XxHash64;

/// No header is longer; the least filter is.
const HEADER: u64 = 32;
const BLOCK: u64 = 32;

/// Whether `leaf` of a row group may have `value`. Without a filter it may.
pub(in super::super) fn may_have(
    footer: &Footer,
    (group, leaf): (usize, usize),
    value: &[u8],
) -> Result<bool, ParquetError> {
    let chunk = footer.arrow.metadata().row_group(group).column(leaf);
    let Some(offset) = chunk.bloom_filter_offset() else { return Ok(true) };
    let offset = u64::try_from(offset).map_err(|_| bad("a bloom filter's place"))?;
    let mut bytes = Vec::with_capacity(HEADER as usize);
    footer.file.read_into(offset..offset.saturating_add(HEADER), &mut bytes)?;
    let (length, start) = header(&bytes).ok_or_else(|| bad("the header of a bloom filter"))?;
    // The upper half of the hash says which block, as the Parquet format has it; the library asks the rest of the block.
    let block = ((XxHash64::oneshot(0, value) >> 32) * (length / BLOCK)) >> 32;
    let start = offset.saturating_add(start + block * BLOCK);
    footer.file.read_into(start..start.saturating_add(BLOCK), &mut bytes)?;
    Ok(Sbbf::new(&bytes).check(value))
}

/// The length of the filter behind this header, and that of the header.
fn header(bytes: &[u8]) -> Option<(u64, u64)> {
    let (mut length, mut thrift) = (None, Thrift(bytes));
    thrift.each_field(0, &mut |thrift, id, kind| match id {
        1 => thrift.number_into(&mut length),
        _ => thrift.skip(kind, 1),
    })?;
    let length = u64::try_from(length?).ok().filter(|length| (1..=1 << 22).contains(&(length / BLOCK)))?;
    Some((length, (bytes.len() - thrift.0.len()) as u64))
}
