//! Rows by id, compressed some at a time.

use crate::decompress::decompress;
use crate::row::RowHead;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use tollgate_domain::TxId;
use zstd::bulk::Compressor;

/// Rows that are compressed together, and the bytes after which fewer are.
const BLOCK_ROWS: usize = 16;
const BLOCK_BYTES: usize = 16 << 10;
/// Rows of a chunk, and bytes of its blocks.
pub(super) const CHUNK_ROWS: usize = 14_336; // What a table of 16,384 places has room for.
const CHUNK_BYTES: usize = 8 << 20;
/// Quick; a higher level would save a tenth of the memory.
const LEVEL: i32 = 1;
/// What an id takes in a table.
const PLACE_BYTES: usize = 20;

/// Some thousands of rows.
#[derive(Default)]
pub(super) struct Chunk {
    /// The least and the greatest id.
    bounds: Option<(TxId, TxId)>,
    /// In which block an id is, by its random part.
    places: HashMap<u64, u32, BuildHasherDefault<Random>>,
    blocks: Vec<Arc<[u8]>>,
    /// Bytes of the blocks.
    bytes: usize,
}

/// Some rows, compressed.
pub(super) struct Block(Arc<[u8]>);

/// The random part of ids is its own hash.
#[derive(Default)]
pub(super) struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

fn random(id: TxId) -> u64 {
    id.to_u128() as u64
}

impl Chunk {
    /// Bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes + self.places.capacity() * PLACE_BYTES
    }

    /// The greatest id.
    pub(super) fn greatest(&self) -> Option<TxId> {
        self.bounds.map(|(_, greatest)| greatest)
    }

    /// The block that has a row with this id, or with one that ends like it.
    pub(super) fn find(&self, id: TxId) -> Option<Block> {
        let (least, greatest) = self.bounds?;
        if id < least || id > greatest {
            return None;
        }
        let block = self.blocks.get(*self.places.get(&random(id))? as usize)?;
        Some(Block(block.clone()))
    }

    /// Whether another's rows may be added.
    pub(super) fn has_room_for(&self, other: &Self) -> bool {
        self.places.len() + other.places.len() <= CHUNK_ROWS && self.bytes + other.bytes <= CHUNK_BYTES
    }

    /// Adds another's rows.
    pub(super) fn join(&mut self, other: Self) {
        let before = self.blocks.len() as u32;
        self.places.extend(other.places.iter().map(|(id, block)| (*id, before + block)));
        self.blocks.extend(other.blocks);
        self.bytes += other.bytes;
        if let Some((least, greatest)) = other.bounds {
            self.extend(least);
            self.extend(greatest);
        }
    }

    fn extend(&mut self, id: TxId) {
        let (least, greatest) = self.bounds.unwrap_or((id, id));
        self.bounds = Some((least.min(id), greatest.max(id)));
    }
}

impl Block {
    /// The row with this id, if it is this block's.
    pub(super) fn row(&self, id: TxId) -> Option<Vec<u8>> {
        let (length, packed) = self.0.split_first_chunk::<4>()?;
        let mut rows = Vec::new();
        decompress(packed, u32::from_le_bytes(*length) as usize, &mut rows).ok()?;
        let mut rest = &rows[..];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (row, next) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            if RowHead::parse(row).is_ok_and(|head| head.id == id) {
                return Some(row.to_vec());
            }
            rest = next;
        }
        None
    }
}

/// Makes chunks of rows.
#[derive(Default)]
pub(super) struct Packer {
    chunk: Chunk,
    /// Rows of the next block.
    rows: Vec<u8>,
    ids: Vec<TxId>,
    compressor: Option<Compressor<'static>>,
}

impl Packer {
    /// Adds a row.
    pub(super) fn push(&mut self, id: TxId, row: &[u8]) {
        self.rows.extend_from_slice(&(row.len() as u32).to_le_bytes());
        self.rows.extend_from_slice(row);
        self.ids.push(id);
        if self.ids.len() == BLOCK_ROWS || self.rows.len() >= BLOCK_BYTES {
            self.close_block();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.chunk.places.len() + self.ids.len() >= CHUNK_ROWS || self.chunk.bytes >= CHUNK_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunk.places.is_empty() && self.ids.is_empty()
    }

    /// What was added since the last time.
    pub(super) fn take(&mut self) -> Chunk {
        self.close_block();
        std::mem::take(&mut self.chunk)
    }

    /// Rows that cannot be compressed, for want of memory, are left out: this is a cache.
    fn close_block(&mut self) {
        if let Some(block) = self.compressed() {
            let number = self.chunk.blocks.len() as u32;
            self.chunk.places.extend(self.ids.iter().map(|id| (random(*id), number)));
            self.ids.iter().for_each(|id| self.chunk.extend(*id));
            self.chunk.bytes += block.len() + size_of::<Arc<[u8]>>();
            self.chunk.blocks.push(block);
        }
        self.rows.clear();
        self.ids.clear();
    }

    fn compressed(&mut self) -> Option<Arc<[u8]>> {
        if self.ids.is_empty() {
            return None;
        }
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(LEVEL).ok()?),
        };
        let packed = compressor.compress(&self.rows).ok()?;
        Some([&(self.rows.len() as u32).to_le_bytes()[..], &packed].concat().into())
    }
}
