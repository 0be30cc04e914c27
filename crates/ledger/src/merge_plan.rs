//! Which segments are merged, and when: few enough files to look into, and no row written again more than a few times.
//!
//! Segments of one kind and day fall into tiers by their rows, each sixteen times the one below. Sixteen of a tier make
//! one of a higher tier, so a row is written again once a tier, until its segment has a million rows and is done with:
//! once where sealing is busy, three times where it seals some hundred rows at a time. A day that gets no more rows is
//! tidied up once more: what is left of it below a million rows is merged, where that at least doubles what the greatest
//! of them has.

use crate::segment::{Segment, SegmentMeta};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tollgate_domain::{Day, EventKind};

/// Rows at which the second tier begins, the third and so on. What is above all tiers is done with.
const TIERS: [u64; 5] = [16, 256, 4096, 65_536, DONE];
const DONE: u64 = 1 << 20;
/// Segments of one tier that are merged.
const FAN_IN: usize = 16;
/// Most rows of a merged segment.
const MOST_ROWS: u64 = 1 << 22;
/// Most segments that are merged at a time: each has its pages in memory.
const MOST_SOURCES: usize = 64;
/// Rows that are so few that writing them again costs next to nothing.
const FEW: u64 = 4096;
/// A day that got no segment for so long gets no more rows, or few.
const QUIET_AFTER: Duration = Duration::from_secs(15 * 60);
/// With more segments than this no day is spared: the manifest, which is written whole into every log file, grows with
/// them.
const MANY: usize = 2000;

/// Remembers since when nothing came to a day, and what cannot be merged.
#[derive(Default)]
pub(crate) struct Watch {
    /// For each kind and day: its newest segment, and since when that is.
    newest: BTreeMap<(EventKind, Day), (String, Instant)>,
    /// Segments that could not be read.
    broken: HashSet<String>,
}

impl Watch {
    /// Leaves these segments alone from now on.
    pub(crate) fn give_up(&mut self, sources: &[Arc<Segment>]) {
        self.broken.extend(sources.iter().map(|segment| segment.meta().name.clone()));
    }

    /// The segments to be merged next, if there are any: those of the day with most of them.
    pub(crate) fn next(&mut self, segments: &[Arc<Segment>], now: Instant) -> Option<Vec<Arc<Segment>>> {
        let many = segments.len() > MANY;
        let usable = segments.iter().filter(|segment| !self.broken.contains(&segment.meta().name));
        let days = by_day(usable.map(|segment| segment.meta()));
        self.newest.retain(|day, _| days.contains_key(day));
        // What is deleted is to be gone soon.
        if let Some(names) = days.values().find_map(|metas| with_deletes(metas)) {
            return Some(named(segments, &names));
        }
        let mut best: Option<Vec<&str>> = None;
        for (day, metas) in &days {
            let quiet = self.is_quiet(*day, metas, now) || many;
            let rows: Vec<u64> = metas.iter().map(|meta| meta.rows).collect();
            let chosen = tier(&rows).or_else(|| if quiet { leftovers(&rows) } else { None });
            let Some(chosen) = chosen else { continue };
            if best.as_ref().is_none_or(|best| best.len() < chosen.len()) {
                best = Some(chosen.into_iter().map(|at| metas[at].name.as_str()).collect());
            }
        }
        best.map(|names| named(segments, &names))
    }

    fn is_quiet(&mut self, day: (EventKind, Day), metas: &[&SegmentMeta], now: Instant) -> bool {
        let Some(newest) = metas.last() else { return false };
        let known = self.newest.entry(day).or_insert_with(|| (newest.name.clone(), now));
        if known.0 != newest.name {
            *known = (newest.name.clone(), now);
        }
        now.duration_since(known.1) >= QUIET_AFTER
    }
}

/// All segments of the kind and day that has most of them, when it has several.
pub(crate) fn all_of_a_day(segments: &[Arc<Segment>]) -> Option<Vec<Arc<Segment>>> {
    let days = by_day(segments.iter().map(|segment| segment.meta()));
    if let Some(names) = days.values().find_map(|metas| with_deletes(metas)) {
        return Some(named(segments, &names));
    }
    let most = days.into_values().max_by_key(Vec::len).filter(|metas| metas.len() > 1)?;
    let names: Vec<&str> = most.iter().take(MOST_SOURCES).map(|meta| meta.name.as_str()).collect();
    Some(named(segments, &names))
}

/// Those of a day's segments of which rows are deleted, as many as may be merged at a time.
fn with_deletes<'m>(metas: &[&'m SegmentMeta]) -> Option<Vec<&'m str>> {
    let deleted: Vec<&SegmentMeta> = metas.iter().copied().filter(|meta| meta.deletes.is_some()).collect();
    let rows: Vec<u64> = deleted.iter().map(|meta| meta.live_rows()).collect();
    let all: Vec<usize> = (0..rows.len()).collect();
    let names = deleted.iter().take(fitting(&all, &rows).max(1)).map(|meta| meta.name.as_str());
    Some(names.collect::<Vec<_>>()).filter(|names| !names.is_empty())
}

fn by_day<'m>(
    metas: impl Iterator<Item = &'m SegmentMeta>,
) -> BTreeMap<(EventKind, Day), Vec<&'m SegmentMeta>> {
    let mut days: BTreeMap<_, Vec<&SegmentMeta>> = BTreeMap::new();
    for meta in metas {
        days.entry((meta.kind, meta.day)).or_default().push(meta);
    }
    days
}

fn named(segments: &[Arc<Segment>], names: &[&str]) -> Vec<Arc<Segment>> {
    let names: HashSet<&str> = names.iter().copied().collect();
    segments.iter().filter(|segment| names.contains(segment.meta().name.as_str())).cloned().collect()
}

/// The segments of one tier, by position, when they are to be merged; `rows` has how many rows each segment of a day has.
fn tier(rows: &[u64]) -> Option<Vec<usize>> {
    let mut below = 0;
    for end in TIERS {
        let mut inside: Vec<usize> = (0..rows.len()).filter(|at| (below..end).contains(&rows[*at])).collect();
        let all: u64 = inside.iter().map(|at| rows[*at]).sum();
        if inside.len() >= FAN_IN || all >= MOST_ROWS {
            inside.sort_by_key(|at| rows[*at]);
            inside.truncate(fitting(&inside, rows));
            return Some(inside);
        }
        below = end;
    }
    None
}

/// The segments of a quiet day, by position, that are not done with, when merging them is worth it.
fn leftovers(rows: &[u64]) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = (0..rows.len()).filter(|at| rows[*at] < DONE).collect();
    left.sort_by_key(|at| rows[*at]);
    left.truncate(fitting(&left, rows));
    let mut smaller = 0;
    let mut worth = 0;
    for (place, at) in left.iter().enumerate() {
        if place > 0 && rows[*at] <= smaller + FEW {
            worth = place + 1;
        }
        smaller += rows[*at];
    }
    left.truncate(worth);
    (worth > 1).then_some(left)
}

/// How many of the first may be merged at a time.
fn fitting(chosen: &[usize], rows: &[u64]) -> usize {
    let mut all = 0;
    let fits = chosen.iter().take(MOST_SOURCES).take_while(|at| {
        all += rows[**at];
        all <= MOST_ROWS
    });
    fits.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets segments of `sealed` rows come one after the other and merges as planned. Returns the segments left, and how
    /// often each row was written again, on average and at most.
    fn simulate(sealed: impl Iterator<Item = u64>) -> (Vec<u64>, f64, u32) {
        let (mut segments, mut most, mut all, mut written): (Vec<(u64, u32)>, _, _, _) = (vec![], 0, 0, 0);
        let mut merge = |segments: &mut Vec<(u64, u32)>, mut chosen: Vec<usize>| {
            chosen.sort_unstable();
            let taken: Vec<_> = chosen.iter().rev().map(|at| segments.remove(*at)).collect();
            let rows = taken.iter().map(|taken| taken.0).sum();
            let times = taken.iter().map(|taken| taken.1).max().unwrap() + 1;
            written += rows;
            most = most.max(times);
            segments.push((rows, times));
        };
        let rows = |segments: &[(u64, u32)]| segments.iter().map(|segment| segment.0).collect::<Vec<u64>>();
        for new in sealed {
            all += new;
            segments.push((new, 0));
            while let Some(chosen) = tier(&rows(&segments)) {
                merge(&mut segments, chosen);
            }
        }
        while let Some(chosen) = leftovers(&rows(&segments)) {
            merge(&mut segments, chosen);
        }
        (rows(&segments), written as f64 / all as f64, most)
    }

    #[test]
    fn a_day_ends_in_few_segments_and_rows_are_written_again_few_times() {
        // A busy day, an ordinary one, a slow one that seals every minute, and one of single rows.
        for (count, size, left_at_most, times) in
            [(400, 262_144, 30, 2), (1000, 20_000, 21, 3), (1440, 60, 1, 4), (3000, 1, 1, 4)]
        {
            let (left, average, most) = simulate(std::iter::repeat_n(size, count));
            assert!(left.len() <= left_at_most, "{count} of {size}: {left:?}");
            assert!(average <= 4.0 && most <= times, "{count} of {size}: {average} times, {most} at most");
            assert!(left.iter().all(|rows| *rows <= MOST_ROWS));
        }
        let (left, average, _) = simulate((0..2000).map(|n| [1, 70_000, 12, 262_144, 900][n % 5]));
        assert!(left.len() <= 60 && average <= 4.0, "{left:?}, {average} times");
    }

    #[test]
    fn a_great_segment_is_not_written_again_for_a_few_late_rows() {
        assert_eq!(leftovers(&[800_000, 3000, 20]), Some(vec![2, 1]));
        assert_eq!(leftovers(&[800_000, 3020]), None);
        assert_eq!(leftovers(&[800_000, 3020, 799_000]), Some(vec![1, 2, 0]));
        assert_eq!(leftovers(&[DONE, 5]), None);
    }

    #[test]
    fn no_more_are_merged_than_fit() {
        assert_eq!(tier(&[524_288; 9]).map(|chosen| chosen.len()), Some(8));
        assert_eq!(tier(&[1; 500]).map(|chosen| chosen.len()), Some(MOST_SOURCES));
        assert_eq!(tier(&[1; 15]), None);
    }
}
