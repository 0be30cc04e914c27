//! One slot: a table of entries that is swept, grown, relieved and copied by itself.

use super::entry::Entry;
use super::{Moment, Tally};
use hashbrown::HashTable;

/// A part of the counters.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) table: HashTable<Entry>,
    /// Includes every event up to this one.
    pub(super) seq: u64,
    /// Bytes charged to the budget.
    pub(super) bytes: usize,
    /// Number of entries at which the next new key sweeps first.
    sweep_at: usize,
}

/// Keys of one slot share their top bits, which the table looks at; this spreads them again.
#[inline]
fn table_hash(key: u64) -> u64 {
    key ^ key << 20
}

/// A slot with fewer entries is not worth sweeping.
const MIN_SWEEP: usize = 16;

impl Slot {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn read(&self, key: u64, window_minutes: u32, moment: &Moment) -> Tally {
        match self.table.find(table_hash(key), |entry| entry.key == key) {
            Some(entry) if entry.window_minutes() == window_minutes && !entry.forgotten(moment.clock) => {
                entry.read(moment.at)
            }
            _ => Tally::default(),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, key: u64, window_minutes: u32, moment: &Moment, hit: bool) {
        let Some(entry) = self.table.find_mut(table_hash(key), |entry| entry.key == key) else {
            return self.insert(Entry::new(key, window_minutes, moment, hit), moment.clock);
        };
        let before = entry.cost();
        // The window is part of the key, so another one means damage or a hash collision: begin afresh.
        if entry.forgotten(moment.clock) || entry.window_minutes() != window_minutes {
            *entry = Entry::new(key, window_minutes, moment, hit);
        } else {
            entry.add(moment, hit);
        }
        self.bytes = self.bytes + entry.cost() - before;
    }

    /// Inserts an entry whose key is not there.
    pub(super) fn insert(&mut self, entry: Entry, clock: u32) {
        if self.table.len() >= self.sweep_at {
            self.sweep(clock);
        }
        self.bytes += entry.cost();
        self.table.insert_unique(table_hash(entry.key), entry, |entry| table_hash(entry.key));
    }

    /// Drops what is forgotten. Runs when the slot has grown by a quarter since the last time, so an insertion pays
    /// for looking at a handful of entries on average, and for one slot at most.
    fn sweep(&mut self, clock: u32) {
        self.table.retain(|entry| !entry.forgotten(clock));
        self.bytes = self.table.iter().map(Entry::cost).sum();
        self.sweep_at = (self.table.len() + self.table.len() / 4).max(MIN_SWEEP);
        if self.table.capacity() > 8 * self.table.len().max(MIN_SWEEP) {
            self.table.shrink_to(self.sweep_at, |entry| table_hash(entry.key));
        }
    }

    /// Makes room: drops what is forgotten, and if that is not enough also what has expired beside the newest entry,
    /// then what was hit longest ago, down to seven eighths of the budget. Gives the number of keys that had to go
    /// although they were not forgotten.
    #[cold]
    pub(super) fn relieve(&mut self, budget: usize, clock: u32) -> u64 {
        self.sweep(clock);
        if self.bytes <= budget {
            return 0;
        }
        let newest = self.table.iter().map(|entry| entry.newest).max().unwrap_or(0);
        let rank = |entry: &Entry| (!entry.expired(newest), entry.newest, entry.key);
        let mut order: Vec<_> = self.table.iter().map(|entry| (rank(entry), entry.cost())).collect();
        order.sort_unstable();
        let target = budget - budget / 8;
        let (mut left, mut gone) = (self.bytes, 0);
        // The entry that is best worth keeping stays, however large it is.
        while left > target && gone + 1 < order.len() {
            left -= order[gone].1;
            gone += 1;
        }
        let bound = order[gone].0;
        self.table.retain(|entry| rank(entry) >= bound);
        self.bytes = left;
        gone as u64
    }

    /// Adds what another slot of the same place holds.
    pub(super) fn merge(&mut self, other: Self, clock: u32) {
        for theirs in other.table {
            if theirs.forgotten(clock) {
                continue;
            }
            match self.table.find_mut(table_hash(theirs.key), |entry| entry.key == theirs.key) {
                Some(entry)
                    if !entry.forgotten(clock) && entry.window_minutes() == theirs.window_minutes() =>
                {
                    let before = entry.cost();
                    entry.merge(&theirs);
                    self.bytes = self.bytes + entry.cost() - before;
                }
                Some(entry) => {
                    self.bytes = self.bytes + theirs.cost() - entry.cost();
                    *entry = theirs;
                }
                None => self.insert(theirs, clock),
            }
        }
    }
}
