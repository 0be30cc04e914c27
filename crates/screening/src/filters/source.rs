//! What the filters have in common that judge a source by the share of its events that hit a condition.
//!
//! A source is an offer's traffic from a publisher, or from a sub id of it. Traffic that names no publisher or no sub
//! id is a source of its own: nobody escapes by leaving them out.

use crate::counters::Tally;
use crate::feature::FeatureId;
use crate::filter::Observation;
use crate::verdict::{Finding, Report, Value};
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
    pub(super) min_events: u32,
    /// In hundredths of a percent.
    pub(super) threshold: u32,
}

impl Limit {
    /// Reports `finding` when the share of the event's source, before the event, is over the limit.
    pub(super) fn judge(
        &self,
        seen: &Observation<'_>,
        feature: Option<FeatureId>,
        finding: Finding<'_>,
        report: &mut Report<'_>,
    ) {
        let Some(feature) = feature else { return };
        let tally = seen.tally(feature).unwrap_or_default();
        if let Some(share) = self.exceeded(tally) {
            report.fire(
                &finding
                    .observed(Value::Percent(share))
                    .threshold(Value::Percent(self.threshold))
                    .counted(feature, tally),
            );
        }
    }

    /// The share in hundredths of a percent, if it is over the limit.
    fn exceeded(&self, tally: Tally) -> Option<u32> {
        let (hits, total) = (u64::from(tally.hits) * 10_000, u64::from(tally.total));
        let over = tally.total >= self.min_events && hits > u64::from(self.threshold) * total;
        // A share is at most 10,000, and there is no share of nothing.
        over.then(|| hits.checked_div(total).unwrap_or(0) as u32)
    }
}
