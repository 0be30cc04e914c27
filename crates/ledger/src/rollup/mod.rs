//! Sums that are kept beside the events: by integration, kind, quarter of an hour and some combinations of keys, so that
//! figures over long times are there at once. They never say anything that the events do not.
//!
//! Each segment has a file with the sums of its rows as they were judged, and each overlay one with what its amendments
//! change; both are named by the manifest's frame that names what they sum up. Figures are the sum over those files, what
//! amendments of open rows change, and the open rows themselves. Where a file is missing, does not have the set, or does
//! not fit the question (rows were deleted, a cut lies within the segment, a border within a slot), the events are read.

mod care;
mod check;
mod coded;
mod collect;
mod file;
mod fold;
mod make;
mod ready;
mod sets;
mod sums;
#[cfg(test)]
mod tests;

pub(crate) use care::{Care, Compared};
pub(crate) use check::check;
pub use coded::CodedSums;
pub(crate) use collect::{Asked, Groups};
pub(crate) use file::{RollupFile, write};
pub(crate) use fold::Fold;
pub(crate) use make::{changes, changes_of_rows, of_sources};
pub(crate) use ready::ready;
pub(crate) use sums::MEASURED;
pub use sums::Sums;

use crate::group::{Bounds, Dictionary, GroupError, GroupSource, Key, KeyValue};
use crate::query::Predicate;
use crate::segment::Wanted;
use crate::sweep;
use crate::view::View;
use collect::Collector;
use std::ops::ControlFlow;
use tollgate_domain::{Day, EventKind};

/// A slot's length: every offset of a time zone that is in use is a multiple of it.
const SLOT_MS: i64 = 15 * 60 * 1000;
/// Slots of a UTC day.
const SLOTS: usize = 96;
/// Bytes that a part of a file has at most; what says that it has more is damaged.
const MOST_BYTES: u64 = 1 << 30;

/// What [`Key::Date`] tells: the day itself, or the first day of a longer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// The day.
    #[default]
    Day,
    /// The Monday of its week.
    Week,
    /// The first day of its month.
    Month,
}

impl Step {
    /// The first day of the time that has `day`.
    pub fn start(self, day: Day) -> Day {
        match self {
            Self::Day => day,
            // 1970-01-01 was a Thursday.
            Self::Week => Day::from_number(day.number() - (day.number() + 3).rem_euclid(7)),
            Self::Month => {
                let (_, _, of_month) = day.civil();
                Day::from_number(day.number() - of_month as i32 + 1)
            }
        }
    }
}

/// What is to be summed up.
#[derive(Debug, Clone)]
pub struct RollupQuery {
    /// Where the events are.
    pub sources: Vec<GroupSource>,
    /// The kinds of events, each told by itself.
    pub kinds: Vec<EventKind>,
    /// What every event must satisfy.
    pub predicates: Vec<Predicate>,
    /// Up to [`RollupQuery::MAX_KEYS`] keys.
    pub keys: Vec<Key>,
    /// What [`Key::Date`] tells.
    pub step: Step,
    /// Only rows and amendments with at most this `seq`.
    pub as_of: Option<u64>,
}

impl RollupQuery {
    /// Keys that events are summed up by at most.
    pub const MAX_KEYS: usize = 6;
}

/// The sums of one kind of events with the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupRow {
    /// The kind.
    pub kind: EventKind,
    /// A value for each key.
    pub keys: Vec<KeyValue>,
    /// The sums.
    pub sums: Sums,
}

impl View {
    /// Sums up events within `bounds`, by kind and then by keys. The calling thread waits.
    pub fn rollup(&self, query: &RollupQuery, bounds: &Bounds) -> Result<Vec<RollupRow>, GroupError> {
        Ok(self.coded_rollup(query, &Dictionary::default(), bounds)?.into_rows())
    }

    /// The same, by the codes that values have in `dictionary`: where there are many rows, each value's text is made once.
    /// The calling thread waits.
    pub fn coded_rollup<'d>(
        &self,
        query: &RollupQuery,
        dictionary: &'d Dictionary,
        bounds: &Bounds,
    ) -> Result<CodedSums<'d>, GroupError> {
        let keys = &query.keys[..query.keys.len().min(RollupQuery::MAX_KEYS)];
        let mut kinds = Vec::new();
        for kind in &query.kinds {
            let mut groups = Groups::default();
            for source in &query.sources {
                let asked = Asked {
                    kind: *kind,
                    integration: source.integration,
                    range: source.from..source.to,
                    zone: &source.zone,
                    keys,
                    step: query.step,
                    predicates: &query.predicates,
                };
                self.sum_up(&asked, query.as_of, dictionary, bounds, &mut groups)?;
            }
            kinds.push((*kind, groups));
        }
        Ok(CodedSums { keys: keys.to_vec(), dictionary, kinds })
    }

    /// Adds to `groups` what is asked of one kind and integration.
    fn sum_up(
        &self,
        asked: &Asked<'_>,
        as_of: Option<u64>,
        dictionary: &Dictionary,
        bounds: &Bounds,
        groups: &mut Groups,
    ) -> Result<(), GroupError> {
        let rest = ready(self, asked, as_of, dictionary, bounds, groups)?;
        let walk = rest.all((asked.kind, asked.integration), asked.range.clone(), asked.predicates, as_of);
        let columns = collect::columns(asked.keys, asked.predicates);
        let wanted = Wanted { ids: false, seqs: false, columns };
        let threads = bounds.threads.max(1);
        let mut collectors: Vec<_> = (0..threads).map(|_| Collector::new(asked, dictionary)).collect();
        let mut refused = None;
        let mut take = |(count, read), _| {
            let fits = if count > bounds.groups { Err(GroupError::TooMany) } else { bounds.spend(read) };
            refused = fits.err();
            if refused.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let _ = sweep::run(&rest, &walk, &wanted, &mut collectors, &mut take)?;
        for collector in collectors {
            ready::merge(groups, collector.groups);
        }
        if groups.len() > bounds.groups {
            refused.get_or_insert(GroupError::TooMany);
        }
        refused.map_or(Ok(()), Err)
    }
}
