//! Sixty buckets of counts for keys with more hits than fit in place.

use super::Tally;
use super::entry::BUCKETS;
use std::ops::Range;

/// Counts by bucket, bucket `b` at `b % 60`: a byte each until one needs more.
#[derive(Debug, Clone)]
enum Buckets {
    Narrow([u8; BUCKETS as usize]),
    Wide(Box<[u32; BUCKETS as usize]>),
}

impl Buckets {
    const NONE: Self = Self::Narrow([0; BUCKETS as usize]);

    fn get(&self, n: usize) -> u32 {
        match self {
            Self::Narrow(counts) => counts[n].into(),
            Self::Wide(counts) => counts[n],
        }
    }

    /// Sets a count; says whether that takes more memory from now on.
    fn set(&mut self, n: usize, count: u32) -> bool {
        match (&mut *self, u8::try_from(count)) {
            (Self::Narrow(counts), Ok(count)) => counts[n] = count,
            (Self::Narrow(_), Err(_)) => {
                self.widen();
                self.set(n, count);
                return true;
            }
            (Self::Wide(counts), _) => counts[n] = count,
        }
        false
    }

    fn widen(&mut self) {
        if let Self::Narrow(counts) = self {
            *self = Self::Wide(Box::new(counts.map(u32::from)));
        }
    }

    fn cost(&self) -> usize {
        match self {
            Self::Narrow(_) => 0,
            Self::Wide(_) => size_of::<[u32; BUCKETS as usize]>() + 16,
        }
    }
}

/// A ring's form: it tracks misses.
pub(super) const HAS_MISSES: u8 = 1;
/// A ring's form: a bucket once had more than 255 events.
const WIDE_TOTALS: u8 = 2;
/// A ring's form: a bucket once had more than 255 misses.
const WIDE_MISSES: u8 = 4;

/// A window's buckets, their sums kept. What every look needs stands first, in one line of the cache.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Ring {
    total: u32,
    hits: u32,
    /// Bytes of memory it takes, itself and the allocator's part included.
    cost: u32,
    /// Absent while every event hits, which is so for every feature without a share.
    misses: Option<Box<Buckets>>,
    totals: Buckets,
}

impl Ring {
    pub(super) fn new() -> Self {
        let mut ring = Self { total: 0, hits: 0, cost: 0, misses: None, totals: Buckets::NONE };
        ring.weigh();
        ring
    }

    /// Adds `total` events, `hits` of which hit. Sums saturate: a window of four billion events is over any threshold.
    pub(super) fn add(&mut self, bucket: u32, total: u32, hits: u32) {
        let n = (bucket % BUCKETS) as usize;
        let (before, before_hits) = self.bucket(bucket);
        let mut grows = self.totals.set(n, before.saturating_add(total));
        self.total = self.total.saturating_add(self.totals.get(n) - before);
        if total > hits && self.misses.is_none() {
            self.track_misses();
            grows = true;
        }
        if let Some(misses) = &mut self.misses {
            let missed = misses.get(n).saturating_add(total - hits);
            grows |= misses.set(n, missed.min(self.totals.get(n)));
        }
        if grows {
            self.weigh();
        }
        self.hits = self.hits.saturating_sub(before_hits).saturating_add(self.bucket(bucket).1);
    }

    /// Makes one of a bucket's misses a hit, if it has any.
    pub(super) fn turn(&mut self, bucket: u32) {
        let n = (bucket % BUCKETS) as usize;
        if let Some(misses) = &mut self.misses
            && let Some(left) = misses.get(n).checked_sub(1)
        {
            misses.set(n, left);
            self.hits = self.hits.saturating_add(1);
        }
    }

    fn track_misses(&mut self) -> &mut Buckets {
        self.misses.get_or_insert_with(|| Box::new(Buckets::NONE))
    }

    /// How the ring is held, for an export: what it costs decides about eviction, so a restored one must cost the same.
    pub(super) fn form(&self) -> u8 {
        let wide = |buckets: &Buckets| matches!(buckets, Buckets::Wide(_));
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        flag(self.misses.is_some(), HAS_MISSES)
            + flag(wide(&self.totals), WIDE_TOTALS)
            + flag(self.misses.as_deref().is_some_and(wide), WIDE_MISSES)
    }

    /// Gives an empty ring the form that `form` told.
    pub(super) fn set_form(&mut self, form: u8) {
        if form & WIDE_TOTALS != 0 {
            self.totals.widen();
        }
        if form & HAS_MISSES != 0 {
            let misses = self.track_misses();
            if form & WIDE_MISSES != 0 {
                misses.widen();
            }
        }
        self.weigh();
    }

    pub(super) fn clear(&mut self, bucket: u32) {
        let n = (bucket % BUCKETS) as usize;
        let (total, hits) = self.bucket(bucket);
        if total == 0 {
            return;
        }
        self.total = self.total.saturating_sub(total);
        self.hits = self.hits.saturating_sub(hits);
        self.totals.set(n, 0);
        if let Some(misses) = &mut self.misses {
            misses.set(n, 0);
        }
    }

    /// (total, hits) of a bucket.
    pub(super) fn bucket(&self, bucket: u32) -> (u32, u32) {
        let n = (bucket % BUCKETS) as usize;
        let total = self.totals.get(n);
        (total, total - self.misses.as_ref().map_or(0, |misses| misses.get(n)))
    }

    /// The sum over ages `from` to `to`, both included, counted back from bucket `newest`. What is few is looked at:
    /// the buckets inside, or those outside.
    pub(super) fn sum(&self, newest: u32, from: u32, to: u32) -> Tally {
        let outside = from + (BUCKETS - 1 - to);
        if outside > BUCKETS / 2 {
            return self.sum_of(newest, from..to + 1);
        }
        let younger = self.sum_of(newest, 0..from);
        let older = self.sum_of(newest, to + 1..BUCKETS);
        Tally {
            total: self.total.saturating_sub(younger.total).saturating_sub(older.total),
            hits: self.hits.saturating_sub(younger.hits).saturating_sub(older.hits),
        }
    }

    fn sum_of(&self, newest: u32, ages: Range<u32>) -> Tally {
        let known = ages.start..ages.end.min(newest.saturating_add(1));
        known.fold(Tally::default(), |sum, age| {
            let (total, hits) = self.bucket(newest - age);
            Tally { total: sum.total.saturating_add(total), hits: sum.hits.saturating_add(hits) }
        })
    }

    /// Bytes of memory it takes.
    #[inline]
    pub(super) fn cost(&self) -> usize {
        self.cost as usize
    }

    /// Counts its bytes again after it took more.
    #[cold]
    fn weigh(&mut self) {
        let misses = self.misses.as_ref().map_or(0, |misses| size_of::<Buckets>() + 16 + misses.cost());
        self.cost = (size_of::<Self>() + 16 + self.totals.cost() + misses) as u32;
    }
}
