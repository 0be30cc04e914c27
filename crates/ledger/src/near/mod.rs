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
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tollgate_domain::TxId;

/// The newest sealed rows, as many as the budget has room for.
pub(crate) struct Near {
    budget: usize,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// What is sealed next is added to the last.
    chunks: Vec<Chunk>,
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
                self.append(packer.take());
            }
        }
        if !packer.is_empty() {
            self.append(packer.take());
        }
    }

    fn append(&self, chunk: Chunk) {
        let mut inner = self.write();
        let removed = inner.append(chunk, self.budget);
        // Giving memory back takes its time, and somebody may wait for the lock.
        drop(inner);
        drop(removed);
    }

    /// Adds rows that are older than most, read when it had been cleared `cleared` times. False when there is no room for
    /// them, or it was cleared since.
    fn add_older(&self, cleared: u64, chunk: Chunk) -> bool {
        let mut inner = self.write();
        let fits = inner.cleared == cleared && inner.bytes + chunk.bytes() <= self.budget;
        if fits {
            inner.bytes += chunk.bytes();
            let before_last = inner.chunks.len().saturating_sub(1);
            inner.chunks.insert(before_last, chunk);
        }
        fits
    }

    /// The row of an id, if it is here.
    pub(crate) fn find(&self, id: TxId) -> Option<Vec<u8>> {
        Self::found(self.read(), id)
    }

    /// The row of an id, if it is here and nobody is changing what is here just now.
    pub(crate) fn find_at_once(&self, id: TxId) -> Option<Vec<u8>> {
        Self::found(self.inner.try_read().ok()?, id)
    }

    fn found(inner: RwLockReadGuard<'_, Inner>, id: TxId) -> Option<Vec<u8>> {
        let block = inner.chunks.iter().rev().find_map(|chunk| chunk.find(id))?;
        drop(inner);
        block.row(id)
    }

    /// Forgets everything, because rows were deleted. What it was is handed back, to be dropped without a lock.
    #[must_use]
    pub(crate) fn clear(&self) -> impl Sized + use<> {
        let mut inner = self.write();
        inner.bytes = 0;
        inner.cleared += 1;
        std::mem::take(&mut inner.chunks)
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
    /// Adds rows that were just sealed, and takes away those chunks whose rows are the oldest, as far as there is no room
    /// for them: imports bring rows that are older than what is here.
    fn append(&mut self, chunk: Chunk, budget: usize) -> Vec<Chunk> {
        match self.chunks.last_mut() {
            // Sealings of few rows share one.
            Some(last) if last.has_room_for(&chunk) => {
                self.bytes -= last.bytes();
                last.join(chunk);
                self.bytes += last.bytes();
            }
            _ => {
                self.bytes += chunk.bytes();
                self.chunks.push(chunk);
            }
        }
        let mut removed = Vec::new();
        while self.bytes > budget {
            let oldest = (0..self.chunks.len()).min_by_key(|at| self.chunks[*at].greatest());
            let Some(oldest) = oldest else { break };
            let chunk = self.chunks.remove(oldest);
            self.bytes -= chunk.bytes();
            removed.push(chunk);
        }
        removed
    }
}
