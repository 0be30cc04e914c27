//! A month's statement of what apps earned: gross, what was invalid by its sort and reason, and what is left; and what was
//! taken back late.
//!
//! What counts comes from the ledger's sums, what was rejected from the events themselves. Net is always what analytics
//! tell of the same days.

mod html;
mod late;
mod rejected;
mod table;

pub use html::html;
pub use late::{Restatement, restatements};
pub use table::csv;

use crate::analytics::{FigureError, Names, sources};
use std::collections::BTreeMap;
use tollgate_catalog::Snapshot;
use tollgate_domain::{Day, InvalidTraffic, KINDS_ALL, OrganizationId, Text};
use tollgate_ledger::export::ExportError;
use tollgate_ledger::group::{Bounds, Key, KeyValue};
use tollgate_ledger::rollup::{RollupQuery, Step};
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
    /// The sums.
    #[error(transparent)]
    Figures(#[from] FigureError),
    /// The events.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Events and what they are worth to the publisher, in thousandths of micro-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// How many.
    pub events: i64,
    /// What they earn, or would have earned.
    pub thousandths: i128,
}

impl Part {
    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.thousandths += other.thousandths;
    }
}

/// An app's part of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppStatement {
    /// The app's id; empty for events that name none.
    pub app: String,
    /// Its name.
    pub name: String,
    /// What was rejected, by its sort and reason.
    pub invalid: BTreeMap<(InvalidTraffic, String), Part>,
    /// What counts.
    pub net: Part,
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
    /// What was rejected after it had counted, and is among the invalid above.
    pub late: Vec<Restatement>,
}

/// Makes a statement. The calling thread waits.
pub fn statement(
    view: &View,
    snapshot: &Snapshot,
    request: &StatementRequest,
    bounds: &Bounds,
) -> Result<Statement, StatementError> {
    let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
    let days = (request.first, request.last, request.zone.as_str());
    let sources = sources(organization, days).map_err(FigureError::from)?;
    let query = RollupQuery {
        sources: sources.clone(),
        kinds: KINDS_ALL.to_vec(),
        predicates: Vec::new(),
        keys: vec![Key::Text(Text::AppId)],
        step: Step::Day,
        as_of: None,
    };
    let mut apps: BTreeMap<String, AppStatement> = BTreeMap::new();
    for row in view.rollup(&query, bounds).map_err(FigureError::from)? {
        let app = match row.keys.into_iter().next() {
            Some(KeyValue::Text(app)) => app,
            _ => String::new(),
        };
        let thousandths = row.sums.counted_price + row.sums.counted_payout * 1000;
        let part = Part { events: row.sums.approved + row.sums.monitored, thousandths };
        apps.entry(app).or_default().net.add(part);
    }
    for source in &sources {
        for kind in KINDS_ALL {
            rejected::add(view, request.organization, (source, *kind), &mut apps)?;
        }
    }
    let names = Names(organization);
    let mut apps: Vec<AppStatement> = apps
        .into_iter()
        .map(|(app, statement)| AppStatement { name: names.app_name(&app).to_owned(), app, ..statement })
        .filter(|statement| statement.gross() != Part::default())
        .collect();
    apps.sort_by(|a, b| (&a.name, &a.app).cmp(&(&b.name, &b.app)));
    let late = restatements(view, snapshot, request)?;
    let organization = organization.organization().map(|one| one.name.clone()).unwrap_or_default();
    Ok(Statement { request: request.clone(), organization, apps, late })
}
