//! One slot: a table of entries that is swept, grown, relieved and copied by itself.
//!
//! The table is open addressing with linear probing over 32-byte entries, and nothing is ever removed alone: sweeping
//! and growing build it anew. That leaves one cache miss to a look-up, where a general hash table has two, and look-ups
//! are most of what judging an event costs.

use super::entry::Entry;
use super::{Moment, Tally};

/// A part of the counters.
#[derive(Default)]
pub(super) struct Slot {
    /// Entries at their places; a free place has key 0.
    places: Box<[Entry]>,
    len: usize,
    /// Includes every event up to this one.
    pub(super) seq: u64,
    /// Bytes charged to the budget.
    pub(super) bytes: usize,
}

/// The smallest table that is made.
const MIN_PLACES: usize = 8;
/// Says that a key is not in the table.
pub(super) const NOWHERE: u32 = u32::MAX;

impl Slot {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter(|entry| entry.key != 0)
    }

    /// Where the search for a key begins. The lower half of the key decides, since its top bits chose the slot.
    #[inline]
    fn home(&self, key: u64) -> usize {
        ((u64::from(key as u32) * self.places.len() as u64) >> 32) as usize
    }

    /// The key at the place where the search for a key begins.
    #[inline]
    pub(super) fn at_home(&self, key: u64) -> u64 {
        self.places.get(self.home(key)).map_or(0, |entry| entry.key)
    }

    /// The place of a key, or `NOWHERE`. Some place is always free, so the search ends.
    #[inline]
    pub(super) fn locate(&self, key: u64) -> u32 {
        if self.places.is_empty() {
            return NOWHERE;
        }
        let mut place = self.home(key);
        loop {
            let found = self.places[place].key;
            if found == key {
                return place as u32;
            }
            if found == 0 {
                return NOWHERE;
            }
            place = if place + 1 == self.places.len() { 0 } else { place + 1 };
        }
    }

    /// Reads what looking at and counting under the key at `place` needs.
    #[inline]
    pub(super) fn touch(&self, place: u32, at: u32) -> u32 {
        self.places.get(place as usize).map_or(0, |entry| entry.touch(at))
    }

    /// What an entry holds for a window that ends at `moment`.
    #[inline]
    pub(super) fn read(&self, place: u32, window_minutes: u32, moment: &Moment) -> Tally {
        match self.places.get(place as usize) {
            Some(entry) if entry.window_minutes() == window_minutes && !entry.forgotten(moment.clock) => {
                entry.read(moment.at)
            }
            _ => Tally::default(),
        }
    }

    /// Counts an event for the key, which was at `place` when it was last looked for.
    #[inline]
    pub(super) fn add(&mut self, place: u32, key: u64, window_minutes: u32, moment: &Moment, hit: bool) {
        let place = match self.places.get(place as usize) {
            Some(entry) if entry.key == key => place,
            _ => self.locate(key),
        };
        let Some(entry) = self.places.get_mut(place as usize) else {
            return self.insert(Entry::new(key, window_minutes, moment, hit), moment.clock);
        };
        let before = entry.cost();
        // The window is part of the key, so another one means damage or a hash collision: begin afresh.
        let other = entry.window_minutes() != window_minutes;
        if other || entry.forgotten(moment.clock) || entry.lies_ahead(moment.arrival) {
            *entry = Entry::new(key, window_minutes, moment, hit);
        } else {
            entry.add(moment, hit);
        }
        self.bytes = self.bytes + entry.cost() - before;
    }

    /// Makes a miss that was counted at `moment` a hit, if the key's window still has one.
    pub(super) fn turn(&mut self, place: u32, window_minutes: u32, moment: &Moment) {
        if let Some(entry) = self.places.get_mut(place as usize)
            && entry.window_minutes() == window_minutes
            && !entry.forgotten(moment.clock)
        {
            entry.turn(moment.at);
        }
    }

    /// Inserts an entry whose key is not there. A table that is three quarters full is swept, and grows if that left
    /// it more than half full: so insertions pay for a few moves of entries each on average.
    pub(super) fn insert(&mut self, entry: Entry, clock: u32) {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.sweep(clock);
        }
        self.bytes += entry.cost();
        self.place(entry);
    }

    fn place(&mut self, entry: Entry) {
        let mut place = self.home(entry.key);
        while self.places[place].key != 0 {
            place = if place + 1 == self.places.len() { 0 } else { place + 1 };
        }
        self.places[place] = entry;
        self.len += 1;
    }

    /// Drops what is forgotten and gives the table a size that leaves it half full or emptier.
    fn sweep(&mut self, clock: u32) {
        self.rebuild(|entry| !entry.forgotten(clock));
    }

    /// Keeps the entries that `keep` wants.
    fn rebuild(&mut self, keep: impl Fn(&Entry) -> bool) {
        let kept = self.entries().filter(|entry| keep(entry)).count();
        let places = self.places.len();
        let fits = places >= MIN_PLACES && kept * 2 <= places && kept * 8 >= places;
        let size = if fits { places } else { (kept * 2).max(MIN_PLACES) };
        let fresh = (0..size).map(|_| Entry::free()).collect();
        let old = std::mem::replace(&mut self.places, fresh);
        (self.len, self.bytes) = (0, 0);
        for entry in old.into_iter().filter(|entry| entry.key != 0 && keep(entry)) {
            self.bytes += entry.cost();
            self.place(entry);
        }
    }

    /// Makes room: drops what is forgotten, and if that is not enough also what has expired beside the newest entry,
    /// then what was counted longest ago, down to seven eighths of the budget. Gives the number of keys that had to go
    /// although they were not forgotten. Arrival decides about age, as the newest hit of a calendar period is the
    /// period's beginning; between events that came together, as in an import, their own time does.
    #[cold]
    pub(super) fn relieve(&mut self, budget: usize, clock: u32) -> u64 {
        self.sweep(clock);
        if self.bytes <= budget {
            return 0;
        }
        let newest = self.entries().map(|entry| entry.newest).max().unwrap_or(0);
        let rank = |entry: &Entry| (!entry.expired(newest), entry.touched, entry.newest, entry.key);
        let mut order: Vec<_> = self.entries().map(|entry| (rank(entry), entry.cost())).collect();
        order.sort_unstable();
        let target = budget - budget / 8;
        let (mut left, mut gone) = (self.bytes, 0);
        // The entry that is best worth keeping stays, however large it is.
        while left > target && gone + 1 < order.len() {
            left -= order[gone].1;
            gone += 1;
        }
        let bound = order[gone].0;
        self.rebuild(|entry| rank(entry) >= bound);
        gone as u64
    }

    /// Adds what another slot of the same place holds.
    pub(super) fn merge(&mut self, other: Self, clock: u32) {
        for theirs in other.places.into_iter().filter(|entry| entry.key != 0 && !entry.forgotten(clock)) {
            let place = self.locate(theirs.key);
            let Some(entry) = self.places.get_mut(place as usize) else {
                self.insert(theirs, clock);
                continue;
            };
            let before = entry.cost();
            if entry.forgotten(clock) || entry.window_minutes() != theirs.window_minutes() {
                *entry = theirs;
            } else {
                entry.merge(&theirs);
            }
            self.bytes = self.bytes + entry.cost() - before;
        }
    }
}
