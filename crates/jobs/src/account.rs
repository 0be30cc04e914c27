//! What an organization's events add up to over all time: earned by its apps, spent by its campaigns.

use crate::analytics::Millionths;
use tollgate_catalog::OrganizationSnapshot;
use tollgate_domain::{Integration, KINDS_ALL, Timestamp, TxId};
use tollgate_ledger::group::{Bounds, GroupError, GroupSource};
use tollgate_ledger::rollup::{RollupQuery, Step};
use tollgate_ledger::view::View;

/// What events add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What publishers earned.
    pub earned: Millionths,
    /// What advertisers spent.
    pub spent: Millionths,
}

/// Adds up all events that count. The calling thread waits.
pub fn totals(
    view: &View,
    organization: &OrganizationSnapshot,
    bounds: &Bounds,
) -> Result<Totals, GroupError> {
    let source = |integration| GroupSource {
        integration,
        from: TxId::first_at(Timestamp::from_millis(0)),
        to: TxId::from_u128(u128::MAX),
        zone: jiff::tz::TimeZone::UTC,
    };
    let query = RollupQuery {
        sources: organization.table::<Integration>().iter().map(|one| source(one.id)).collect(),
        kinds: KINDS_ALL.to_vec(),
        predicates: Vec::new(),
        keys: Vec::new(),
        step: Step::Day,
        as_of: None,
    };
    let (mut earned, mut spent) = (0, 0);
    for row in view.rollup(&query, bounds)? {
        earned += row.sums.counted_price + row.sums.counted_payout * 1000;
        spent += row.sums.counted_price + row.sums.counted_revenue * 1000;
    }
    Ok(Totals { earned: Millionths::of_thousandths(earned), spent: Millionths::of_thousandths(spent) })
}
