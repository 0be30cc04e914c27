//! A month's statement of what apps earned: gross, what was invalid by its sort and reason, and what is left; what was
//! taken back late, what came late, and what is due.
//!
//! What counts comes from the ledger's sums, what was rejected from the events themselves. Net is always what analytics
//! tell of the same days. Every event is booked in one month: that in which it happened, or came where that was later.
//! What is due is what of the events booked in the month counted when it was over, less what of those booked before was
//! rejected in it. It never changes once the month is over, and over all months it adds up to what counts. Each line is
//! rounded once, to micro-dollars, what is due too.

mod apps;
mod forgotten;
mod html;
mod late;
mod rejected;
mod table;

pub use forgotten::Forgotten;
pub use html::html;
pub use late::{RestatedBy, Restatement, RestatementRequest, restatements};
pub use table::csv;

use crate::analytics::{FigureError, Names, integrations_ever, sources};
use crate::events::ReadError;
use crate::privacy::PrivacyError;
use crate::retention::{not_known, not_whole};
use apps::{Apps, Reading};
use jiff::tz::TimeZone;
use late::{Restatements, local_day};
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_catalog::{OrganizationSnapshot, Snapshot};
use tollgate_domain::{Day, Invalid, InvalidTraffic, KINDS_ALL, OrganizationId, Timestamp, TxId};
use tollgate_ledger::export::ExportError;
use tollgate_ledger::group::{Bounds, GroupSource};
use tollgate_ledger::rollup::Step;
use tollgate_ledger::view::View;

/// How long after a month's end its statement can be made, in milliseconds: what came in its last moments is on the disk
/// by then.
const SETTLED_MS: i64 = 10 * 60 * 1000;

/// Which statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRequest {
    /// Whose.
    pub organization: OrganizationId,
    /// The first day of the month.
    pub first: Day,
    /// Its last day.
    pub last: Day,
    /// IANA name of the zone that days are in.
    pub zone: String,
}

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The sums, or what was asked for.
    #[error(transparent)]
    Figures(#[from] FigureError),
    /// The events.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// What is known of deletions.
    #[error(transparent)]
    Deletions(#[from] PrivacyError),
}

impl From<ReadError> for StatementError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Bounds(error) => Self::Figures(error.into()),
            ReadError::Export(error) => Self::Export(error),
        }
    }
}

/// Events and what they are worth to the publisher, in micro-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// How many.
    pub events: i64,
    /// What they earn, or would have earned.
    pub micros: i128,
}

impl Part {
    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.micros += other.micros;
    }
}

/// An app's part of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppStatement {
    /// The app's id; empty for events that name none of the organization's.
    pub app: String,
    /// Its name.
    pub name: String,
    /// What was rejected, by its sort and reason.
    pub invalid: BTreeMap<(InvalidTraffic, String), Part>,
    /// What counts.
    pub net: Part,
    /// Of the invalid, what counted until the month was over: it is taken off a later statement.
    pub later: Part,
    /// Of the net, what came after the month: it is due with the month in which it came.
    pub came_later: Part,
    /// What was due with earlier months and was rejected in this one.
    pub earlier: Part,
    /// What came in this month, of each earlier one: all that counted when this month was over.
    pub came: BTreeMap<Day, Part>,
    /// What is to be paid.
    pub due: Part,
}

impl AppStatement {
    /// Everything, had nothing been rejected.
    pub fn gross(&self) -> Part {
        let mut gross = self.net;
        self.invalid.values().for_each(|part| gross.add(*part));
        gross
    }

    /// What was rejected as one sort of invalid traffic.
    pub fn invalid_of(&self, sort: InvalidTraffic) -> Part {
        let mut sum = Part::default();
        let theirs = self.invalid.iter().filter(|((one, _), _)| *one == sort);
        theirs.for_each(|(_, part)| sum.add(*part));
        sum
    }

    /// What came in this month, of all earlier ones.
    pub fn came_of_earlier(&self) -> Part {
        let mut sum = Part::default();
        self.came.values().for_each(|part| sum.add(*part));
        sum
    }

    fn is_empty(&self) -> bool {
        self.gross() == Part::default() && self.earlier == Part::default() && self.came.is_empty()
    }
}

/// A month's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What was asked for.
    pub request: StatementRequest,
    /// The organization's name.
    pub organization: String,
    /// Every app that has any event, by its name.
    pub apps: Vec<AppStatement>,
    /// What was rejected after it had counted: of this month's days, or in this month of what was due before.
    pub late: Vec<Restatement>,
    /// What was deleted at a person's request, if somebody looked for it.
    pub forgotten: Vec<Forgotten>,
}

/// The month of a statement, in its zone.
#[derive(Debug)]
struct Month {
    first: Day,
    /// Its first instant.
    from: Timestamp,
    /// The first instant after it.
    to: Timestamp,
    zone: TimeZone,
}

impl Month {
    fn has(&self, time: Timestamp) -> bool {
        (self.from..self.to).contains(&time)
    }

    /// The first day of the month that has `time`.
    fn month_of(&self, time: Timestamp) -> Day {
        Step::Month.start(local_day(time, &self.zone).unwrap_or(self.first))
    }
}

/// Makes a statement at `now`: of a month that is over, and of which every event is kept. The calling thread waits.
pub fn statement(
    view: &View,
    snapshot: &Snapshot,
    request: &StatementRequest,
    (now, bounds): (Timestamp, &Bounds),
) -> Result<Statement, StatementError> {
    let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
    let days = (request.first, request.last, request.zone.as_str());
    let sources = sources(organization, days).map_err(FigureError::from)?;
    let name = organization.organization().map(|one| one.name.clone()).unwrap_or_default();
    let (mut apps, mut late) = (Vec::new(), Vec::new());
    if let Some(source) = sources.first() {
        let (from, to, zone) = (source.from.time(), source.to.time(), source.zone.clone());
        let month = Month { first: request.first, from, to, zone };
        check(view, organization, &month, now).map_err(FigureError::from)?;
        (apps, late) = counted(view, organization, (&sources, &month), bounds)?;
    }
    let (request, forgotten) = (request.clone(), Vec::new());
    Ok(Statement { request, organization: name, apps, late, forgotten })
}

/// The apps by their name, and what was taken back of the month, and in it of what was due before.
fn counted(
    view: &View,
    organization: &Arc<OrganizationSnapshot>,
    (sources, month): (&[GroupSource], &Month),
    bounds: &Bounds,
) -> Result<(Vec<AppStatement>, Vec<Restatement>), StatementError> {
    let names = Names(organization);
    let mut apps = Apps::default();
    apps.count(&Reading { view, names: &names, bounds }, sources, month)?;
    for source in sources {
        for kind in KINDS_ALL {
            rejected::add(view, &names, (source, *kind), bounds, &mut apps)?;
        }
    }
    let mut restated = Restatements::default();
    for source in sources {
        // What is rejected in the month may have happened at any time before.
        let events = (source.integration, TxId::default(), source.to);
        late::each((view, organization.id(), bounds), events, &mut |late| {
            apps.take_back(&late, &names, month);
            if month.has(late.at) || late.is_taken_off(month) {
                restated.add(late, &month.zone);
            }
            Ok(())
        })?;
    }
    let mut apps = apps.told(&names);
    apps.retain(|app| !app.is_empty());
    apps.sort_by(|a, b| (&a.name, &a.app).cmp(&(&b.name, &b.app)));
    Ok((apps, restated.told()?))
}

/// A statement is of a whole month, all of which is there, and all that came or was taken back in it.
fn check(
    view: &View,
    organization: &OrganizationSnapshot,
    month: &Month,
    now: Timestamp,
) -> Result<(), Invalid> {
    let refuse = |message: String| Err(Invalid::new("month", message));
    let settled = month.to.plus_millis(SETTLED_MS);
    if settled > now {
        return refuse(format!("is not over: a statement can be made from {settled} on"));
    }
    let missing = integrations_ever(organization).find_map(|one| {
        not_whole(view, one, month.from, now).or_else(|| not_known(view, one.id, month.from))
    });
    missing.map_or(Ok(()), |why| refuse(format!("is too early: {why}")))
}
