//! Looking after sums while there is nothing to merge: segments that have none get some, and every day those of some
//! segments are compared with the events.

use super::file::write;
use super::fold::Fold;
use crate::ledger::{Ledger, LedgerError, lock};
use crate::manifest::{ManifestChange, NewRollup};
use crate::segment::{self, ROLLUP, Segment};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long after the start sums are first compared with events, and how often from then on.
const FIRST_AFTER: Duration = Duration::from_secs(10 * 60);
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Segments whose sums are compared each time.
const AT_A_TIME: u64 = 32;

/// What comparing found since the start.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) segments: AtomicU64,
    pub(crate) wrong: AtomicU64,
}

/// What a thread remembers that looks after sums.
pub(crate) struct Care {
    /// Segments that cannot have sums: too many values, or it cannot be read.
    hopeless: HashSet<String>,
    next: Instant,
    /// How many are to be compared still.
    left: u64,
}

impl Default for Care {
    fn default() -> Self {
        Self { hopeless: HashSet::new(), next: Instant::now() + FIRST_AFTER, left: 0 }
    }
}

impl Ledger {
    /// Does one thing of what is to be done; false when that is nothing.
    pub(crate) fn care_for_sums(
        &self,
        care: &mut Care,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, LedgerError> {
        if self.sum_up_one(&mut care.hopeless, go_on)? {
            return Ok(true);
        }
        if Instant::now() >= care.next {
            (care.next, care.left) = (Instant::now() + EVERY, AT_A_TIME);
        }
        let more = care.left > 0 && self.compare_sums(go_on);
        care.left = if more { care.left - 1 } else { 0 };
        Ok(more)
    }

    /// Gives sums to the segments that have none, as those of older versions; how many got some. `go_on` is asked now and
    /// then, and ends it when it says false. After an error that is not harmless the process must stop.
    pub fn sum_up(&self, go_on: &dyn Fn() -> bool) -> Result<u64, LedgerError> {
        let (mut done, mut hopeless) = (0, HashSet::new());
        while go_on() && self.sum_up_one(&mut hopeless, go_on)? {
            done += 1;
        }
        Ok(done - hopeless.len() as u64)
    }

    /// Gives sums to one segment; false when none is left, or when the log has no room for the change just now.
    fn sum_up_one(
        &self,
        hopeless: &mut HashSet<String>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, LedgerError> {
        let segments = lock(&self.0.books).segments();
        let lacks = |segment: &&Arc<Segment>| {
            let meta = segment.meta();
            meta.rollup.is_none() && meta.deletes.is_none() && !hopeless.contains(&meta.name)
        };
        let Some(segment) = segments.iter().find(lacks).cloned() else { return Ok(false) };
        let meta = segment.meta();
        let mut fold = Fold::new(meta.day, meta.rows);
        let alive = fold.alive();
        let name = format!("{}{ROLLUP}", meta.name);
        let written = match fold.add_segment_rows(&segment, &alive, go_on) {
            Ok(false) => return Ok(false),
            Ok(true) => write(&*self.0.disk, &name, &fold)?,
            Err(error) => {
                tracing::error!(%error, "a segment cannot be summed up");
                None
            }
        };
        let Some(rollup) = written else {
            hopeless.insert(meta.name.clone());
            return Ok(true);
        };
        let _no_sealing = lock(&self.0.sealing);
        let current = lock(&self.0.books).segments();
        if !current.iter().any(|current| Arc::ptr_eq(current, &segment)) {
            segment::discard(&*self.0.disk, &[&name]);
            return Ok(true);
        }
        segment::publish(&*self.0.disk, &[&name])?;
        let mut change = ManifestChange::new(lock(&self.0.books).sealed_seq());
        change.rollups.push(NewRollup { segment: meta.name.clone(), rollup });
        if !self.adopt(change)? {
            segment::withdraw(&*self.0.disk, &[&name]);
            return Ok(false);
        }
        Ok(true)
    }

    /// Compares the sums of one segment with its events, each time those of another; false when there are none. What is
    /// wrong is logged and counted ([`crate::LedgerStats::wrong_sums`]).
    pub fn compare_sums(&self, go_on: &dyn Fn() -> bool) -> bool {
        let view = self.view();
        let with_sums: Vec<&Arc<Segment>> =
            view.segments().iter().filter(|segment| segment.meta().rollup_bytes() > 0).collect();
        if with_sums.is_empty() {
            return false;
        }
        let compared = &self.0.compared;
        // A step that shares no factor with the number of segments gets to all of them, far ones after one another.
        let number = compared.segments.fetch_add(1, Ordering::Relaxed) as usize;
        let segment = with_sums[number * step(with_sums.len()) % with_sums.len()];
        let wrong = super::check(segment, view.overlay(segment), go_on);
        for wrong in wrong.unwrap_or_else(|error| vec![error.to_string()]) {
            tracing::error!(%wrong, "sums and events disagree; reports may be wrong");
            compared.wrong.fetch_add(1, Ordering::Relaxed);
        }
        true
    }
}

/// A step through `count` places that gets to all of them.
fn step(count: usize) -> usize {
    let shares = |a: usize, b: usize| {
        let (mut a, mut b) = (a, b);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a > 1
    };
    (count / 3 + 1..).find(|step| !shares(*step, count)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_gets_everywhere() {
        for count in 1..200 {
            let places: HashSet<usize> = (0..count).map(|number| number * step(count) % count).collect();
            assert_eq!(places.len(), count);
        }
    }
}
