//! A slot as bytes. Little-endian; version 1:
//!
//! ```text
//! u8 version | u16 slot | u64 key check | u64 seq | u32 clock | u32 entries | entry*
//! entry: u64 key | u32 newest | u32 touched | u32 window minutes * 256 + tag | buckets
//!   tag 0-4: that many hits in place, a byte each: age in buckets, 0x80 when it hit the share
//!   tag 255: a ring: u8 form (1: has misses, 2: wide totals, 4: wide misses) | u8 n | n * (u8 age, u32 total, u32 misses)
//! ```
//!
//! Entries rise by key and buckets by age, so that equal states are equal bytes. What is forgotten is left out. A
//! checksum is the business of the file around it.

use super::entry::{BUCKETS, Entry, INLINE};
use super::ring::HAS_MISSES;
use super::slot::Slot;

const VERSION: u8 = 1;
const RING: u32 = 255;

/// Why a slot cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// It was written by a version of Tollgate that this one does not know.
    #[error("counter slot has format version {0}, known is {VERSION}")]
    Version(u8),
    /// It was written with another secret key.
    #[error("counter slot was written with another secret key")]
    OtherKey,
    /// It is not what an export writes.
    #[error("counter slot is damaged: {0}")]
    Damaged(&'static str),
}

/// What stands before the entries.
pub(super) struct Header {
    pub(super) slot: u16,
    pub(super) check: u64,
    pub(super) seq: u64,
    pub(super) clock: u32,
}

pub(super) fn write(header: &Header, slot: &Slot, out: &mut Vec<u8>) {
    let mut entries: Vec<&Entry> = slot.entries().filter(|entry| !entry.forgotten(header.clock)).collect();
    entries.sort_unstable_by_key(|entry| entry.key);
    out.push(VERSION);
    out.extend(header.slot.to_le_bytes());
    out.extend(header.check.to_le_bytes());
    out.extend(header.seq.to_le_bytes());
    out.extend(header.clock.to_le_bytes());
    out.extend((entries.len() as u32).to_le_bytes());
    for entry in entries {
        write_entry(entry, out);
    }
}

fn write_entry(entry: &Entry, out: &mut Vec<u8>) {
    let places = entry.places();
    let tag = if entry.ring.is_some() { RING } else { places.len() as u32 };
    out.extend(entry.key.to_le_bytes());
    out.extend(entry.newest.to_le_bytes());
    out.extend(entry.touched.to_le_bytes());
    out.extend((entry.window_minutes() << 8 | tag).to_le_bytes());
    match &entry.ring {
        None => {
            let from = out.len();
            out.extend(places);
            // Ages are the low bits and places come in the order of processing.
            out[from..].sort_unstable_by_key(|place| (place & 0x7f, *place));
        }
        Some(ring) => {
            out.push(ring.form());
            let count_at = out.len();
            out.push(0);
            for (age, total, hits) in entry.buckets() {
                out[count_at] += 1;
                out.push(age as u8);
                out.extend(total.to_le_bytes());
                out.extend((total - hits).to_le_bytes());
            }
        }
    }
}

/// Reads a slot back.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, Slot), SlotError> {
    let mut input = Input(bytes);
    let version = input.u8()?;
    if version != VERSION {
        return Err(SlotError::Version(version));
    }
    let header = Header { slot: input.u16()?, check: input.u64()?, seq: input.u64()?, clock: input.u32()? };
    let mut slot = Slot::default();
    slot.seq = header.seq;
    // Keys rise, and none is 0.
    let mut last = 0;
    for _ in 0..input.u32()? {
        let entry = read_entry(&mut input)?;
        if (entry.key >> 52) as u16 != header.slot {
            return Err(SlotError::Damaged("a key belongs to another slot"));
        }
        if last >= entry.key {
            return Err(SlotError::Damaged("its keys do not rise"));
        }
        last = entry.key;
        slot.insert(entry, 0);
    }
    if !input.0.is_empty() {
        return Err(SlotError::Damaged("it is too long"));
    }
    Ok((header, slot))
}

fn read_entry(input: &mut Input<'_>) -> Result<Entry, SlotError> {
    let (key, newest, touched, packed) = (input.u64()?, input.u32()?, input.u32()?, input.u32()?);
    let (window, tag) = (packed >> 8, packed & 0xff);
    if window == 0 {
        return Err(SlotError::Damaged("a window has no length"));
    }
    let mut entry = Entry::empty(key, window, newest, touched);
    // No bucket lies before the epoch.
    let oldest = BUCKETS.min((newest / window).saturating_add(1));
    let age_of = |age: u8| {
        let known = u32::from(age) < oldest;
        known.then_some(u32::from(age)).ok_or(SlotError::Damaged("a bucket is outside its window"))
    };
    if tag as usize <= INLINE {
        for _ in 0..tag {
            let place = input.u8()?;
            entry.restore(false, age_of(place & 0x7f)?, 1, u32::from(place >> 7));
        }
        return Ok(entry);
    }
    if tag != RING {
        return Err(SlotError::Damaged("an entry has an unknown form"));
    }
    let form = input.u8()?;
    let has_misses = form & HAS_MISSES != 0;
    let mut next_age = 0;
    entry.restore_ring(form);
    for _ in 0..input.u8()? {
        let (age, total, misses) = (age_of(input.u8()?)?, input.u32()?, input.u32()?);
        if age < next_age || misses > total || (misses > 0 && !has_misses) {
            return Err(SlotError::Damaged("a bucket contradicts another"));
        }
        next_age = age + 1;
        entry.restore(true, age, total, total - misses);
    }
    Ok(entry)
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SlotError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(SlotError::Damaged("it is cut short"))?;
        self.0 = tail;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, SlotError> {
        self.take().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, SlotError> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, SlotError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, SlotError> {
        self.take().map(u64::from_le_bytes)
    }
}
