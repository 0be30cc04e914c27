//! A month's statement of what apps earned: gross, what was invalid by its sort and reason, and what is left; what was
//! taken back late, and what is due.
//!
//! What counts comes from the ledger's sums, what was rejected from the events themselves. Net is always what analytics
//! tell of the same days. What is due never changes once the month is over: what is rejected later is taken off the
//! statement of the month in which it is. Each line is rounded once, to micro-dollars; sums are those of the lines.

mod apps;
mod html;
mod late;
mod rejected;
mod table;

pub use html::html;
pub use late::{RestatedBy, Restatement, RestatementRequest, restatements};
pub use table::csv;

use crate::analytics::{FigureError, Names, integrations_ever, sources};
use crate::events::ReadError;
use crate::retention::not_whole;
use apps::Apps;
use std::collections::BTreeMap;
use tollgate_catalog::{OrganizationSnapshot, Snapshot};
use tollgate_domain::{Day, Invalid, InvalidTraffic, KINDS_ALL, OrganizationId, Timestamp};
use tollgate_ledger::export::ExportError;
use tollgate_ledger::group::{Bounds, GroupSource};
use tollgate_ledger::view::View;

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
    /// What counted in earlier months and was rejected in this one.
    pub earlier: Part,
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

    /// What is to be paid: what counted when the month was over, less what was taken back of earlier ones.
    pub fn due(&self) -> Part {
        let Self { net, later, earlier, .. } = self;
        Part {
            events: net.events + later.events - earlier.events,
            micros: net.micros + later.micros - earlier.micros,
        }
    }

    fn is_empty(&self) -> bool {
        self.gross() == Part::default() && self.earlier == Part::default()
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
    /// What was rejected after it had counted: of this month's days, or in this month of earlier days.
    pub late: Vec<Restatement>,
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
    check(organization, &sources, now).map_err(FigureError::from)?;
    let names = Names(organization);
    let mut apps = Apps::default();
    apps.count(view, &names, &sources, bounds)?;
    for source in &sources {
        for kind in KINDS_ALL {
            rejected::add(view, &names, (source, *kind), bounds, &mut apps)?;
        }
    }
    let mut apps = apps.told(&names);
    let late = late(view, snapshot, request, bounds)?;
    for one in &late {
        let app = names.known_app(&one.app);
        let at = apps.iter().position(|known| known.app == app).unwrap_or_else(|| {
            apps.push(AppStatement {
                name: names.app_name(app).to_owned(),
                app: app.to_owned(),
                ..AppStatement::default()
            });
            apps.len() - 1
        });
        if one.day < request.first {
            apps[at].earlier.add(one.part());
        } else if one.rejected_on.is_some_and(|day| day > request.last) {
            apps[at].later.add(one.part());
        }
    }
    apps.retain(|app| !app.is_empty());
    apps.sort_by(|a, b| (&a.name, &a.app).cmp(&(&b.name, &b.app)));
    let organization = organization.organization().map(|one| one.name.clone()).unwrap_or_default();
    Ok(Statement { request: request.clone(), organization, apps, late })
}

/// What was taken back of the month, and in the month of days before it.
fn late(
    view: &View,
    snapshot: &Snapshot,
    request: &StatementRequest,
    bounds: &Bounds,
) -> Result<Vec<Restatement>, StatementError> {
    let StatementRequest { organization, first, last, zone } = request.clone();
    let of = RestatementRequest { organization, by: RestatedBy::RejectedOn, first, last, zone };
    let mut all = restatements(view, snapshot, &of, bounds)?;
    all.retain(|one| one.day < first);
    let of = RestatementRequest { by: RestatedBy::Day, ..of };
    all.extend(restatements(view, snapshot, &of, bounds)?);
    Ok(all)
}

/// A statement is of a whole month, all of which is there.
fn check(
    organization: &OrganizationSnapshot,
    sources: &[GroupSource],
    now: Timestamp,
) -> Result<(), Invalid> {
    let refuse = |message: String| Err(Invalid::new("month", message));
    let Some(source) = sources.first() else { return Ok(()) };
    let (from, to) = (source.from.time(), source.to.time());
    if to > now {
        return refuse(format!("is not over: a statement can be made from {to} on"));
    }
    let missing = integrations_ever(organization).find_map(|one| not_whole(one, from, now));
    missing.map_or(Ok(()), |why| refuse(format!("is too early: {why}")))
}
