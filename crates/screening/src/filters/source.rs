//! What the filters have in common that judge a source by the share of its events that hit a condition.
//!
//! A source is an offer's traffic from a publisher, or from a sub id of it. Traffic that names no publisher or no sub
//! id is a source of its own: nobody escapes by leaving them out.

use crate::counters::Tally;
use crate::feature::FeatureId;
use crate::filter::{Observation, Report};
use crate::flip::Flip;
use crate::params::{Integer, Params, Percent};
use crate::verdict::{Finding, Value};
use tollgate_domain::Text;

/// The columns that tell one source from another.
pub(super) fn source_columns(by_sub_id: bool) -> Vec<Text> {
    let mut columns = vec![Text::OfferId, Text::Publisher];
    columns.extend(by_sub_id.then_some(Text::SubId));
    columns
}

/// How large a share may be.
pub(super) struct Limit {
    /// Events before which the share says nothing.
    min_events: u32,
    /// In hundredths of a percent.
    threshold: u32,
    /// The parameters that these two come from.
    declared: (&'static Integer, &'static Percent),
    /// What the events are that hit, in words.
    hits: &'static str,
}

impl Limit {
    /// Reads both parameters. `hits` says in words what hits.
    pub(super) fn new(
        params: &Params<'_>,
        min_events: &'static Integer,
        threshold: &'static Percent,
        hits: &'static str,
    ) -> Self {
        Self {
            min_events: params.count(min_events),
            threshold: params.hundredths(threshold),
            declared: (min_events, threshold),
            hits,
        }
    }

    /// Reports `finding` when the share of the event's source, before the event, is over the limit.
    pub(super) fn judge(
        &self,
        seen: &Observation<'_>,
        feature: Option<FeatureId>,
        finding: Finding<'_>,
        report: &mut impl Report,
    ) {
        let Some(feature) = feature else { return };
        let tally = seen.tally(feature).unwrap_or_default();
        report.check(
            tally.total >= self.min_events && self.is_over(tally),
            || {
                finding
                    .observed(Value::Percent(share(tally)))
                    .threshold(Value::Percent(self.threshold))
                    .counted(feature, tally)
            },
            || self.flip(tally),
        );
    }

    /// Whether the share is too large, however few the events.
    fn is_over(&self, tally: Tally) -> bool {
        u64::from(tally.hits) * 10_000 > u64::from(self.threshold) * u64::from(tally.total)
    }

    fn flip(&self, tally: Tally) -> Flip {
        let (min_events, threshold) = self.declared;
        let (hits, total) = (u64::from(tally.hits) * 10_000, u64::from(tally.total));
        if self.is_over(tally) {
            return match tally.total < self.min_events {
                true => min_events.at_most(tally.total.into()),
                false => threshold.at_least(hits.div_ceil(total.max(1))),
            };
        }
        let Some(rest @ 1..) = 10_000u64.checked_sub(self.threshold.into()) else {
            return Flip::none("no share is over 100 %");
        };
        // So many more that the share is over the threshold, and at least so many that it counts.
        let over = (u64::from(self.threshold) * total - hits) / rest + 1;
        Flip::more(over.max(u64::from(self.min_events).saturating_sub(total)), self.hits)
    }
}

/// In hundredths of a percent; nothing of nothing.
fn share(tally: Tally) -> u32 {
    let hits = u64::from(tally.hits) * 10_000;
    // A share is at most 10,000.
    hits.checked_div(tally.total.into()).unwrap_or(0) as u32
}
