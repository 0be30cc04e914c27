//! The run-length and bit-packed hybrid of the Parquet format: levels and codes of a dictionary.

use super::varint;

/// Numbers of `width` bits, read at rising positions.
pub(super) struct Hybrid<'a> {
    rest: &'a [u8],
    width: usize,
    /// The run at hand: its first position, and the one after its last.
    first: usize,
    end: usize,
    run: Run<'a>,
}

enum Run<'a> {
    Same(u32),
    Packed(&'a [u8]),
}

impl<'a> Hybrid<'a> {
    /// `None` for more than 32 bits.
    pub(super) fn new(bytes: &'a [u8], width: usize) -> Option<Self> {
        (width <= 32).then_some(Self { rest: bytes, width, first: 0, end: 0, run: Run::Same(0) })
    }

    /// The number at a position that is no less than the last one asked for; `None` beyond the end.
    pub(super) fn at(&mut self, position: usize) -> Option<u32> {
        while position >= self.end {
            self.next_run()?;
        }
        match &self.run {
            Run::Same(value) => Some(*value),
            Run::Packed(bytes) => packed(bytes, self.width, position - self.first),
        }
    }

    /// How many of the positions from `from` up to but without `to` are 1, where numbers have one bit.
    pub(super) fn ones(&mut self, from: usize, to: usize) -> Option<usize> {
        let (mut at, mut ones) = (from, 0);
        while at < to {
            while at >= self.end {
                self.next_run()?;
            }
            let end = to.min(self.end);
            ones += match &self.run {
                Run::Same(value) => *value as usize * (end - at),
                Run::Packed(bytes) => ones_in(bytes, at - self.first, end - self.first)?,
            };
            at = end;
        }
        Some(ones)
    }

    fn next_run(&mut self) -> Option<()> {
        let head = varint(&mut self.rest)? as usize;
        self.first = self.end;
        let (length, bytes) = if head & 1 == 1 {
            let groups = head >> 1;
            (groups.checked_mul(8)?, groups.checked_mul(self.width)?)
        } else {
            (head >> 1, self.width.div_ceil(8))
        };
        self.end = self.first.checked_add(length)?;
        // The last group may be cut where the page ends.
        let (bytes, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.rest = rest;
        if head & 1 == 1 {
            self.run = Run::Packed(bytes);
            return Some(());
        }
        let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        self.run = Run::Same(value);
        (u64::from(value) >> self.width == 0).then_some(())
    }
}

/// The number at `position` of numbers of `width` bits, least significant first.
fn packed(bytes: &[u8], width: usize, position: usize) -> Option<u32> {
    super::bits(bytes, position.checked_mul(width)?, width).map(|bits| bits as u32)
}

fn ones_in(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let (first, last) = (from / 8, to.div_ceil(8));
    let bytes = bytes.get(first..last)?;
    let all: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    let (head, tail) = (from % 8, to.div_ceil(8) * 8 - to);
    let before = bytes.first().map_or(0, |byte| (byte & ((1u16 << head) - 1) as u8).count_ones());
    let after = bytes.last().map_or(0, |byte| (u16::from(*byte) >> (8 - tail)).count_ones());
    Some((all - before - after) as usize)
}
