//! The newest sealed rows, kept in memory by id: whoever looks an event up mostly asks for one of them, and reading a
//! row's columns from a segment takes a page of each.
//!
//! Rows are kept as the log has them, compressed some at a time, and never change; merging does not concern them. What
//! amends them stays where it is. A row that is not here is simply not here. Sealing adds what it sealed; after a start,
//! and after rows were deleted, a thread reads the newest ones from segments again ([`fill`]).

mod chunk;
mod fill;
#[cfg(test)]
mod tests;

use crate::row::RowHead;
use chunk::{Chunk, Packer};
use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tollgate_domain::TxId;

/// The newest sealed rows, as many as the budget has room for.
pub(crate) struct Near {
    budget: usize,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The ones that came last are at the back.
    chunks: VecDeque<Chunk>,
    bytes: usize,
    /// How often everything was forgotten: what was read before that must not come in after it.
    cleared: u64,
}

impl Near {
    /// Room for about `budget` bytes; 0 keeps nothing.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, inner: RwLock::default() }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.read().bytes
    }

    /// Adds rows that were just sealed; the oldest give way.
    pub(crate) fn add<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) {
        if self.budget == 0 {
            return;
        }
        let mut packer = Packer::default();
        for row in rows {
            // Rows were parsed when they were sealed.
            let Ok(head) = RowHead::parse(row) else { continue };
            packer.push(head.id, row);
            if packer.is_full() {
                self.write().append(packer.take(), self.budget);
            }
        }
        if !packer.is_empty() {
            self.write().append(packer.take(), self.budget);
        }
    }

    /// Adds older rows than all that are here, read when it had been cleared `cleared` times. False when there is no
    /// room for them, or it was cleared since.
    fn add_older(&self, cleared: u64, chunk: Chunk) -> bool {
        let mut inner = self.write();
        let fits = inner.cleared == cleared && inner.bytes + chunk.bytes() <= self.budget;
        if fits {
            inner.bytes += chunk.bytes();
            inner.chunks.push_front(chunk);
        }
        fits
    }

    /// The row of an id, if it is here.
    pub(crate) fn find(&self, id: TxId) -> Option<Vec<u8>> {
        let inner = self.read();
        let packed = inner.chunks.iter().rev().find_map(|chunk| chunk.find(id))?;
        drop(inner);
        packed.row(id)
    }

    /// Forgets everything, because rows were deleted.
    pub(crate) fn clear(&self) {
        let mut inner = self.write();
        inner.chunks.clear();
        inner.bytes = 0;
        inner.cleared += 1;
    }

    fn cleared(&self) -> u64 {
        self.read().cleared
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Adds newer rows than all that are here.
    fn append(&mut self, chunk: Chunk, budget: usize) {
        self.bytes += chunk.bytes();
        match self.chunks.back_mut() {
            // Sealings of few rows share one.
            Some(last) if last.has_room_for(&chunk) => {
                self.bytes -= last.bytes() + chunk.bytes();
                last.join(chunk);
                self.bytes += last.bytes();
            }
            _ => self.chunks.push_back(chunk),
        }
        while self.bytes > budget {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }
}
