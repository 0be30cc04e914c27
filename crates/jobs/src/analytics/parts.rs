//! A report's rows, some days at a time: what is in memory is never that of the whole time, however much there is.

use super::figures::{FigureError, Row, figures_of};
use super::request::ReportRequest;
use super::rows::Known;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use tollgate_catalog::{OrganizationSnapshot, Snapshot};
use tollgate_domain::Day;
use tollgate_ledger::group::{Bounds, GroupError};
use tollgate_ledger::rollup::Step;
use tollgate_ledger::view::View;

/// Days of a part at first, so that the first rows are there soon; fewer once a part has many rows, more once one has few:
/// years without events are soon over.
const DAYS: i32 = 2;
const MANY: usize = 50_000;
const FEW: usize = 20_000;

/// Hands over the rows of a report, sorted by what they are about, in parts of some days each; the next part is counted
/// meanwhile. The calling thread waits.
pub fn figures<E: From<FigureError>>(
    view: &View,
    snapshot: &Snapshot,
    request: &ReportRequest,
    bounds: &Bounds,
    take: &mut dyn FnMut(Vec<Row>) -> Result<(), E>,
) -> Result<(), E> {
    let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
    std::thread::scope(|scope| {
        let (give, parts) = mpsc::sync_channel(1);
        scope.spawn(move || {
            // Whoever takes no more is not told why there would be no more.
            let _ = count(view, organization, request, bounds, &give).map_err(|error| give.send(Err(error)));
        });
        // An error drops the receiver, and nothing more is counted.
        parts.into_iter().try_for_each(|part| take(part?))
    })
}

/// Counts part after part, for as long as somebody takes them.
fn count(
    view: &View,
    organization: &Arc<OrganizationSnapshot>,
    request: &ReportRequest,
    bounds: &Bounds,
    give: &SyncSender<Result<Vec<Row>, FigureError>>,
) -> Result<(), FigureError> {
    let step = request.aggregate.step();
    let (mut first, mut days, mut known) = (request.first, DAYS, Known::default());
    while first <= request.last {
        days = days.min(request.last.number() - first.number() + 1);
        let last = last_of_part(step, first, days).min(request.last);
        known.bound();
        let rows = match figures_of(view, organization, (request, first, last), &mut known, bounds) {
            // The shortest time of a row cannot be parted.
            Err(FigureError::Group(GroupError::TooMany)) if last > last_of_part(step, first, 1) => {
                days = (days / 2).max(1);
                continue;
            }
            made => made?,
        };
        days = match rows.len() {
            0..FEW => days.saturating_mul(2),
            FEW..=MANY => days,
            _ => (days / 2).max(1),
        };
        if give.send(Ok(rows)).is_err() {
            break;
        }
        first = Day::from_number(last.number() + 1);
    }
    Ok(())
}

/// The last day of a part of about so many days, so that no row's time is in two.
fn last_of_part(step: Step, first: Day, days: i32) -> Day {
    let within = Day::from_number(first.number() + days - 1);
    let mut last = match step {
        Step::Day => return within,
        Step::Week => Day::from_number(step.start(within).number() + 6),
        // Days of the next month, whichever it is: its first is the day after this one's last.
        Step::Month => {
            let next = step.start(Day::from_number(step.start(within).number() + 31));
            Day::from_number(next.number() - 1)
        }
    };
    if days == 1 {
        return last;
    }
    // A part that ends in the middle of a row's time ends before it, if that leaves anything.
    let before = Day::from_number(step.start(within).number() - 1);
    if last != within && before >= first {
        last = before;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_rows_do() {
        let day = |text: &str| Day::parse("day", text).unwrap();
        for (step, first, days, last) in [
            (Step::Day, "2026-03-05", 31, "2026-04-04"),
            (Step::Day, "2026-03-05", 1, "2026-03-05"),
            // Weeks begin on Mondays: 2026-03-02 and 2026-03-30 are such.
            (Step::Week, "2026-03-05", 31, "2026-03-29"),
            (Step::Week, "2026-03-05", 1, "2026-03-08"),
            (Step::Week, "2026-03-05", 3, "2026-03-08"),
            (Step::Month, "2026-02-01", 31, "2026-02-28"),
            (Step::Month, "2026-03-05", 31, "2026-03-31"),
            (Step::Month, "2026-03-05", 1, "2026-03-31"),
            (Step::Month, "2026-12-31", 2, "2026-12-31"),
            (Step::Month, "2026-12-05", 7, "2026-12-31"),
        ] {
            assert_eq!(last_of_part(step, day(first), days), day(last), "{step:?} {first} {days}");
        }
    }
}
