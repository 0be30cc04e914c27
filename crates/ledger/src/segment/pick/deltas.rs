//! DELTA_BINARY_PACKED of the Parquet format: times and sequence numbers.

use super::{bits, unzigzag, varint};

/// Calls `each` with the values at `positions`, which rise strictly.
pub(super) fn at(mut bytes: &[u8], positions: &[usize], mut each: impl FnMut(i64)) -> Option<()> {
    let Some(last) = positions.last() else { return Some(()) };
    let head = Head::parse(&mut bytes)?;
    if *last >= head.values {
        return None;
    }
    let mut wanted = positions.iter().copied().peekable();
    let mut give = |position: usize, value: i64| {
        if wanted.next_if_eq(&position).is_some() {
            each(value);
        }
    };
    let (mut position, mut value) = (0, head.first);
    give(position, value);
    while position < *last {
        let least = unzigzag(varint(&mut bytes)?);
        let widths = bytes.get(..head.miniblocks)?;
        bytes = &bytes[head.miniblocks..];
        for width in widths.iter().map(|width| usize::from(*width)) {
            if width > 64 {
                return None;
            }
            if position >= *last {
                return Some(());
            }
            let (packed, rest) = bytes.split_at((head.miniblock * width).div_ceil(8).min(bytes.len()));
            let values = head.miniblock.min(*last - position);
            for at in 0..values {
                let step = bits(packed, at * width, width)? as i64;
                value = value.wrapping_add(least).wrapping_add(step);
                position += 1;
                give(position, value);
            }
            bytes = rest;
        }
    }
    Some(())
}

struct Head {
    /// Blocks of how many parts, and of how many values each of those.
    miniblocks: usize,
    miniblock: usize,
    values: usize,
    first: i64,
}

/// More in one block are damage; the writer has 256.
const MAX_BLOCK: u64 = 1 << 16;

impl Head {
    fn parse(bytes: &mut &[u8]) -> Option<Self> {
        let block = varint(bytes).filter(|block| *block <= MAX_BLOCK)? as usize;
        let miniblocks = varint(bytes).filter(|n| (1..=MAX_BLOCK).contains(n))? as usize;
        let miniblock = block.checked_div(miniblocks).filter(|values| *values > 0)?;
        let values = varint(bytes)? as usize;
        Some(Self { miniblocks, miniblock, values, first: unzigzag(varint(bytes)?) })
    }
}
