//! Counters: how often each key was seen in its sliding window.
//!
//! **Exact semantic.** A window of `m` minutes is 60 buckets of `m` seconds; bucket `b` of time `t` (seconds) is
//! `t / m`. An event at `t` is judged against the events processed before it whose bucket lies in `(b - 60, b]`: the
//! window (t - w, t] but for an error of at most one bucket at its far end, and counting events of the same bucket
//! whatever their order. `t` is the event's own time, never later than its arrival. A key keeps the 60 buckets up to
//! its newest one. A late event goes into its bucket while the key has it, else it is judged but not counted. A key
//! that was not counted for a whole window of *arrival* time is forgotten; that is checked when it is read, so when the
//! sweeper gets to it changes nothing. Arrival time never goes back: while the server's clock does, the latest arrival
//! stands for it. A key whose newest bucket then lies a whole window ahead of an event's arrival begins afresh. For a period of the calendar the key includes the period, and `t` is the same for
//! all of its events: they lie in one bucket, whatever their order.
//!
//! **Structure.** 4,096 slots by the top bits of the key, each a table of its own with the `seq` up to which it includes
//! events. So a checkpoint can copy slot by slot while judging goes on between the copies (a fuzzy checkpoint):
//! after a restart every event is folded again from the oldest slot's `seq` on, and each slot skips what it has. Sweeping,
//! growing and evicting work on one slot at a time, which bounds what a single event can cost.
//!
//! **Determinism.** The state is a function of the events, their order, the secret key and the budget: eviction decides
//! by content, never by the layout of a table.

mod codec;
mod entry;
mod ring;
mod slot;

pub use codec::SlotError;

use crate::facts::{arrival_time, window_time};
use crate::feature::{KeyHasher, Keys, NO_KEY};
use slot::Slot;
use tollgate_domain::{Event, Timestamp};

/// What was counted under one key within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Events.
    pub total: u32,
    /// Of these, the events that hit the feature's share; all of them for a feature without one.
    pub hits: u32,
}

/// An event's place in time, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The time it is counted at.
    pub(crate) at: u32,
    /// Its arrival.
    pub(crate) arrival: u32,
    /// The latest arrival so far, its own included.
    pub(crate) clock: u32,
}

/// Seconds, saturating in the year 2106.
fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.seconds()).unwrap_or(u32::MAX)
}

/// The counters of one shard.
pub struct Counters {
    hasher: KeyHasher,
    slots: Vec<Slot>,
    slot_budget: usize,
    clock: u32,
    /// Whether `clock` came from an imported slot and nothing has been counted since.
    restoring: bool,
    seq: u64,
    evicted: u64,
    /// A buffer for `Plan::fold`.
    pub(crate) keys: Keys,
}

impl Counters {
    /// Slots there are, for `export_slot` and `import_slot`.
    pub const SLOTS: usize = 4096;

    /// Empty counters whose keys are hashed with the secret `key` (persist it beside the slots) and whose entries may
    /// take `budget` bytes of memory, all overhead included; 64 bytes for a key with up to four hits. Beyond the
    /// budget keys give way: expired ones first, then those that were counted longest ago.
    pub fn new(key: &[u8; 16], budget: usize) -> Self {
        Self {
            hasher: KeyHasher::new(key),
            slots: (0..Self::SLOTS).map(|_| Slot::default()).collect(),
            slot_budget: (budget / Self::SLOTS).max(2 * entry::BASE_COST),
            clock: 0,
            restoring: false,
            seq: 0,
            evicted: 0,
            keys: Keys::default(),
        }
    }

    /// Keys held, forgotten ones that were not swept yet included.
    pub fn len(&self) -> usize {
        self.slots.iter().map(Slot::len).sum()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| slot.len() == 0)
    }

    /// Bytes charged to the budget.
    pub fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.bytes).sum()
    }

    /// Keys that gave way to the budget since these counters were made.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The newest `seq` that was counted, 0 before any.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// After all slots were imported: every event with a greater `seq` must be folded, in order.
    pub fn resume_after(&self) -> u64 {
        self.slots.iter().map(|slot| slot.seq).min().unwrap_or(0)
    }

    pub(crate) fn hasher(&self) -> KeyHasher {
        self.hasher
    }

    pub(crate) fn moment(&self, event: &Event) -> Moment {
        let arrival = seconds(arrival_time(event));
        Moment { at: seconds(window_time(event)), arrival, clock: self.clock.max(arrival) }
    }

    /// Reads where the search for each key begins. No branch depends on what is read, so that the cache misses of all
    /// overlap; those of searches do not, since a search goes on or ends by what it finds. The result means nothing, but
    /// has to be used.
    pub(crate) fn approach(&self, keys: &Keys) -> u64 {
        let known = keys.keys.iter().filter(|key| **key != NO_KEY);
        known.fold(0, |read, key| read ^ self.slots[slot_of(*key)].at_home(*key))
    }

    /// Finds the keys' places.
    pub(crate) fn locate(&self, keys: &mut Keys) {
        keys.places.clear();
        keys.places.extend(keys.keys.iter().map(|key| match *key {
            NO_KEY => slot::NOWHERE,
            key => self.slots[slot_of(key)].locate(key),
        }));
    }

    /// Reads what is going to be needed of a key at its place, so that the cache misses of several keys overlap. The
    /// result means nothing, but has to be used.
    #[inline]
    pub(crate) fn touch(&self, place: u32, key: u64, moment: &Moment) -> u32 {
        self.slots[slot_of(key)].touch(place, moment.at)
    }

    /// What the window of `window_minutes` that ends at `moment` holds for `key`, which is at `place`.
    #[inline]
    pub(crate) fn read(&self, place: u32, key: u64, window_minutes: u32, moment: &Moment) -> Tally {
        self.slots[slot_of(key)].read(place, window_minutes, moment)
    }

    /// Begins to count an event.
    pub(crate) fn advance(&mut self, event: &Event, moment: &Moment) {
        self.clock = moment.clock;
        self.restoring = false;
        self.seq = self.seq.max(event.seq);
    }

    /// Counts an event for the key, last seen at its place, unless the slot includes it already.
    #[inline]
    pub(crate) fn add(&mut self, seq: u64, at: (u32, u64), window_minutes: u32, moment: &Moment, hit: bool) {
        let (place, key) = at;
        let slot = &mut self.slots[slot_of(key)];
        if seq != 0 && seq <= slot.seq {
            return;
        }
        slot.add(place, key, window_minutes, moment, hit);
        if slot.bytes > self.slot_budget {
            self.evicted += slot.relieve(self.slot_budget, moment.clock);
        }
    }

    /// Makes the miss that an event was counted as for the key, which is at its place, a hit, unless the slot includes
    /// that already.
    pub(crate) fn turn(&mut self, seq: u64, at: (u32, u64), window_minutes: u32, moment: &Moment) {
        let (place, key) = at;
        let slot = &mut self.slots[slot_of(key)];
        if seq == 0 || seq > slot.seq {
            slot.turn(place, window_minutes, moment);
        }
    }

    /// Adds everything that `other` counted, for instance what an import judged with counters of its own. Both must
    /// have been made with the same key; otherwise `other` comes back untouched.
    pub fn merge(&mut self, other: Self) -> Result<(), Box<Self>> {
        if self.hasher.check() != other.hasher.check() {
            return Err(Box::new(other));
        }
        self.clock = self.clock.max(other.clock);
        self.restoring = false;
        for (slot, theirs) in self.slots.iter_mut().zip(other.slots) {
            slot.merge(theirs, self.clock);
            if slot.bytes > self.slot_budget {
                self.evicted += slot.relieve(self.slot_budget, self.clock);
            }
        }
        Ok(())
    }

    /// Appends slot `index` (0 to 4,095) to `out`: what it holds and the `seq` up to which it includes events. Equal
    /// states give equal bytes.
    pub fn export_slot(&self, index: usize, out: &mut Vec<u8>) {
        if let Some(slot) = self.slots.get(index) {
            let header = codec::Header {
                slot: index as u16,
                check: self.hasher.check(),
                seq: self.seq.max(slot.seq),
                clock: self.clock,
            };
            codec::write(&header, slot, out);
        }
    }

    /// Replaces slot `index` by what `bytes`, an export of the same slot, holds. Import every slot before anything is
    /// counted. On an error nothing changes.
    pub fn import_slot(&mut self, index: usize, bytes: &[u8]) -> Result<(), SlotError> {
        let (header, slot) = codec::read(bytes)?;
        if usize::from(header.slot) != index || index >= Self::SLOTS {
            return Err(SlotError::Damaged("it is another slot"));
        }
        if header.check != self.hasher.check() {
            return Err(SlotError::OtherKey);
        }
        // Slots were copied one after the other; folding starts at the oldest copy, so the clock must stand there too.
        self.clock = if self.restoring { self.clock.min(header.clock) } else { header.clock };
        self.restoring = true;
        self.slots[index] = slot;
        let slot = &mut self.slots[index];
        if slot.bytes > self.slot_budget {
            self.evicted += slot.relieve(self.slot_budget, header.clock);
        }
        Ok(())
    }
}

/// The slot of a key: its top 12 bits.
#[inline]
fn slot_of(key: u64) -> usize {
    (key >> 52) as usize
}
