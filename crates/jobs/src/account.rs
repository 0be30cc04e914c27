//! What an organization's events add up to over all time: earned by its apps, spent by its campaigns. Neither falls because
//! events go: what deleted ones counted is carried by the ledger, and integrations that were deleted are added up too.

use crate::analytics::{Millionths, integrations_ever};
use tollgate_catalog::OrganizationSnapshot;
use tollgate_domain::{KINDS_ALL, Timestamp, TxId};
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

/// Adds up all events that count, or counted when they were deleted. The calling thread waits.
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
        sources: integrations_ever(organization).map(|one| source(one.id)).collect(),
        kinds: KINDS_ALL.to_vec(),
        predicates: Vec::new(),
        keys: Vec::new(),
        step: Step::Day,
        as_of: None,
    };
    let (mut earned, mut spent) = (0, 0);
    let mut add = |price: i128, payout: i128, revenue: i128| {
        earned += price + payout * 1000;
        spent += price + revenue * 1000;
    };
    for row in view.rollup(&query, bounds)? {
        add(row.sums.counted_price, row.sums.counted_payout, row.sums.counted_revenue);
    }
    for source in &query.sources {
        let carried = view.carried(source.integration);
        add(carried.price, carried.payout, carried.revenue);
    }
    Ok(Totals { earned: Millionths::of_thousandths(earned), spent: Millionths::of_thousandths(spent) })
}
