//! One key's window: up to four hits in place, then a ring of 60 buckets.

use super::ring::Ring;
use super::{Moment, Tally};

/// Buckets to a window.
pub(super) const BUCKETS: u32 = 60;
/// Hits that need no ring.
pub(super) const INLINE: usize = 4;
/// What an entry without a ring is charged: 32 bytes, in a table that growing leaves half empty.
pub(super) const BASE_COST: usize = 64;
/// Bit of an in-place hit that hit the feature's share; the lower bits are its age in buckets.
const HIT: u8 = 0x80;

/// A key and its window. 32 bytes: ten million of them must fit into a gigabyte.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: u64,
    pub(super) ring: Option<Box<Ring>>,
    /// Time of the newest hit, seconds.
    pub(super) newest: u32,
    /// The latest arrival of all when an event was last counted, seconds.
    pub(super) touched: u32,
    /// Window in minutes, which is also a bucket's length in seconds, times 256, plus the number of hits in place.
    packed: u32,
    places: [u8; INLINE],
}

const _: () = assert!(size_of::<Entry>() == 32);

impl Entry {
    pub(super) fn new(key: u64, window_minutes: u32, moment: &Moment, hit: bool) -> Self {
        let mut places = [0; INLINE];
        places[0] = place(0, hit);
        Self {
            key,
            ring: None,
            newest: moment.at,
            touched: moment.clock,
            packed: window_minutes << 8 | 1,
            places,
        }
    }

    /// A place in a table that no entry takes.
    pub(super) fn free() -> Self {
        Self::empty(0, 0, 0, 0)
    }

    /// An entry without any hit.
    pub(super) fn empty(key: u64, window_minutes: u32, newest: u32, touched: u32) -> Self {
        Self { key, ring: None, newest, touched, packed: window_minutes << 8, places: [0; INLINE] }
    }

    #[inline]
    pub(super) fn window_minutes(&self) -> u32 {
        self.packed >> 8
    }

    #[inline]
    fn len(&self) -> usize {
        (self.packed & 0xff) as usize
    }

    fn set_len(&mut self, len: usize) {
        self.packed = self.packed & !0xff | len as u32;
    }

    #[inline]
    pub(super) fn places(&self) -> &[u8] {
        &self.places[..self.len().min(INLINE)]
    }

    /// Whether nothing was counted for a whole window of arrival time.
    #[inline]
    pub(super) fn forgotten(&self, clock: u32) -> bool {
        u64::from(clock) >= u64::from(self.touched) + u64::from(self.window_minutes()) * 60
    }

    /// Whether the newest hit lies a whole window after an event that arrives now, which can only be when the server's
    /// clock was ahead and was set back: nothing would be counted under the key until the time comes again.
    #[inline]
    pub(super) fn lies_ahead(&self, arrival: u32) -> bool {
        u64::from(self.newest) >= u64::from(arrival) + u64::from(self.window_minutes()) * 60
    }

    /// Whether the newest hit is out of the window of an event at `time`.
    pub(super) fn expired(&self, time: u32) -> bool {
        u64::from(time) >= u64::from(self.newest) + u64::from(self.window_minutes()) * 60
    }

    /// Bytes charged to the budget.
    #[inline]
    pub(super) fn cost(&self) -> usize {
        match &self.ring {
            None => BASE_COST,
            Some(ring) => BASE_COST + ring.cost(),
        }
    }

    /// Reads what counting an event at `at` is going to look at beside the entry itself.
    #[inline]
    pub(super) fn touch(&self, at: u32) -> u32 {
        self.ring.as_ref().map_or(0, |ring| ring.bucket(at / self.window_minutes().max(1)).1)
    }

    /// What lies in the 60 buckets that end with that of `at`.
    pub(super) fn read(&self, at: u32) -> Tally {
        let bucket = at / self.window_minutes().max(1);
        let newest = self.newest / self.window_minutes().max(1);
        // Ages, counted back from the newest bucket, that lie in (bucket - 60, bucket].
        let (from, to) = if bucket >= newest {
            match BUCKETS.checked_sub(bucket - newest + 1) {
                Some(to) => (0, to),
                None => return Tally::default(),
            }
        } else {
            (newest - bucket, BUCKETS - 1)
        };
        match &self.ring {
            Some(ring) => ring.sum(newest, from, to),
            None => self.places().iter().fold(Tally::default(), |tally, place| {
                let (age, hit) = unplace(*place);
                let inside = u32::from((from..=to).contains(&age));
                Tally { total: tally.total + inside, hits: tally.hits + inside * u32::from(hit) }
            }),
        }
    }

    /// Counts an event.
    pub(super) fn add(&mut self, moment: &Moment, hit: bool) {
        let length = self.window_minutes().max(1);
        let (bucket, newest) = (moment.at / length, self.newest / length);
        if bucket > newest {
            self.shift(newest, bucket);
        }
        let age = newest.saturating_sub(bucket);
        if age >= BUCKETS {
            return;
        }
        self.newest = self.newest.max(moment.at);
        self.touched = moment.clock;
        self.insert(bucket, age, 1, u32::from(hit));
    }

    /// Makes a miss of the bucket of `at` a hit, if the window still has one.
    pub(super) fn turn(&mut self, at: u32) {
        let length = self.window_minutes().max(1);
        let (bucket, newest) = (at / length, self.newest / length);
        let Some(age) = newest.checked_sub(bucket).filter(|age| *age < BUCKETS) else { return };
        if let Some(ring) = &mut self.ring {
            return ring.turn(bucket);
        }
        let len = self.len().min(INLINE);
        if let Some(miss) = self.places[..len].iter_mut().find(|miss| **miss == place(age, false)) {
            *miss = place(age, true);
        }
    }

    /// Adds `total` events, `hits` of which hit, to `bucket`, which is `age` buckets older than the newest.
    fn insert(&mut self, bucket: u32, age: u32, total: u32, hits: u32) {
        let len = self.len();
        if self.ring.is_none() && len + total as usize <= INLINE {
            for n in 0..total {
                self.places[len + n as usize] = place(age, n < hits);
            }
            return self.set_len(len + total as usize);
        }
        self.ring_at(bucket + age).add(bucket, total, hits);
    }

    /// The ring, made from the hits in place if there is none; the newest bucket is `newest`.
    fn ring_at(&mut self, newest: u32) -> &mut Ring {
        let (places, len) = (self.places, self.len());
        self.packed &= !0xff;
        self.ring.get_or_insert_with(|| {
            let mut ring = Box::new(Ring::new());
            for place in &places[..len.min(INLINE)] {
                let (age, hit) = unplace(*place);
                ring.add(newest - age, 1, u32::from(hit));
            }
            ring
        })
    }

    /// Makes `bucket` the newest instead of `newest`, dropping what leaves the window.
    fn shift(&mut self, newest: u32, bucket: u32) {
        let by = bucket - newest;
        if by >= BUCKETS {
            self.ring = None;
            return self.set_len(0);
        }
        match &mut self.ring {
            Some(ring) => (newest + 1..=bucket).for_each(|bucket| ring.clear(bucket)),
            None => {
                let mut kept = 0;
                for n in 0..self.len() {
                    let (age, hit) = unplace(self.places[n]);
                    if age + by < BUCKETS {
                        self.places[kept] = place(age + by, hit);
                        kept += 1;
                    }
                }
                self.set_len(kept);
            }
        }
    }

    /// The non-empty buckets as (age, total, hits), in no particular order.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let newest = self.newest / self.window_minutes().max(1);
        let ring = self.ring.iter().flat_map(move |ring| {
            (0..BUCKETS.min(newest.saturating_add(1))).map(move |age| {
                let (total, hits) = ring.bucket(newest - age);
                (age, total, hits)
            })
        });
        let places = self.places().iter().map(|place| {
            let (age, hit) = unplace(*place);
            (age, 1, u32::from(hit))
        });
        ring.chain(places).filter(|(_, total, _)| *total > 0)
    }

    /// Adds what `other`, the same key counted elsewhere, holds.
    pub(super) fn merge(&mut self, other: &Self) {
        let length = self.window_minutes().max(1);
        let (ours, theirs) = (self.newest / length, other.newest / length);
        if theirs > ours {
            self.shift(ours, theirs);
        }
        let newest = ours.max(theirs);
        self.newest = self.newest.max(other.newest);
        self.touched = self.touched.max(other.touched);
        for (age, total, hits) in other.buckets() {
            let age = newest - theirs + age;
            if age < BUCKETS {
                self.insert(newest - age, age, total, hits);
            }
        }
    }

    /// Restores a bucket from an export: as a hit in place, or into the ring.
    pub(super) fn restore(&mut self, in_ring: bool, age: u32, total: u32, hits: u32) {
        let newest = self.newest / self.window_minutes().max(1);
        if in_ring {
            self.ring_at(newest).add(newest - age, total, hits);
        } else {
            self.insert(newest - age, age, total, hits);
        }
    }

    /// Restores an empty ring from an export.
    pub(super) fn restore_ring(&mut self, form: u8) {
        self.ring_at(0).set_form(form);
    }
}

fn place(age: u32, hit: bool) -> u8 {
    age as u8 | if hit { HIT } else { 0 }
}

fn unplace(place: u8) -> (u32, bool) {
    (u32::from(place & !HIT), place & HIT != 0)
}
