//! What was rejected after it had counted: each time with its reason, the day it happened on, and what it takes back.

use super::rejected::micros;
use super::{Month, Part, StatementError};
use crate::analytics::{FigureError, sources};
use crate::events::Events;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io;
use tollgate_catalog::Snapshot;
use tollgate_domain::{Day, EventKind, IntegrationId, OrganizationId, Timestamp, TxId};
use tollgate_ledger::export::ExportQuery;
use tollgate_ledger::group::{Bounds, GroupError};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::view::View;

/// Restatements that are told at most.
const MOST: usize = 100_000;

/// Which of a restatement's days are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestatedBy {
    /// The day that was restated.
    #[default]
    Day,
    /// The day on which it was.
    RejectedOn,
}

impl RestatedBy {
    /// Both with their names on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("date", Self::Day), ("rejected_on", Self::RejectedOn)];
}

/// Which restatements are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestatementRequest {
    /// Whose.
    pub organization: OrganizationId,
    /// What the days are.
    pub by: RestatedBy,
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
    /// IANA name of the zone that days are in.
    pub zone: String,
}

/// Conversions of one day that were rejected late on one day, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restatement {
    /// The day that was restated.
    pub day: Day,
    /// The day on which it was; `None` where nothing says so.
    pub rejected_on: Option<Day>,
    /// The app whose earnings they were; empty where they name none.
    pub app: String,
    /// The campaign whose spending they were; empty where they name none.
    pub campaign: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub events: i64,
    /// What publishers had earned by them, in micro-dollars.
    pub earned: i128,
    /// What advertisers had spent on them, in micro-dollars.
    pub spent: i128,
}

impl Restatement {
    /// What it takes back from a publisher.
    pub fn part(&self) -> Part {
        Part { events: self.events, micros: self.earned }
    }
}

/// What is read of a conversion.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Late {
    request_time: Option<String>,
    arrival_time: Option<String>,
    app_id: Option<String>,
    campaign: Option<String>,
    rejection: Option<String>,
    evidence: Vec<Finding>,
    payout: Option<Box<RawValue>>,
    revenue: Option<Box<RawValue>>,
}

/// Of the evidence, what a late rejection says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Finding {
    r#type: String,
    was: String,
    at: Option<String>,
    /// That of the first of several.
    first_at: Option<String>,
}

const FIELDS: [&str; 8] =
    ["request_time", "arrival_time", "app_id", "campaign", "rejection", "evidence", "payout", "revenue"];

/// A conversion that counted and was rejected later.
#[derive(Debug)]
pub(super) struct TakenBack {
    pub(super) at: Timestamp,
    arrived: Option<Timestamp>,
    /// When it was first; `None` where nothing says so.
    pub(super) rejected: Option<Timestamp>,
    pub(super) app: String,
    campaign: String,
    reason: String,
    /// In micro-dollars, as `spent`.
    pub(super) earned: i128,
    spent: i128,
}

impl TakenBack {
    /// When it is booked: when it happened, or came where that was later.
    pub(super) fn booked(&self) -> Timestamp {
        self.arrived.map_or(self.at, |arrived| arrived.max(self.at))
    }

    /// Whether it was due with an earlier month and rejected in this one.
    pub(super) fn is_taken_off(&self, month: &Month) -> bool {
        self.booked() < month.from && self.rejected.is_some_and(|rejected| month.has(rejected))
    }
}

impl Late {
    /// What was said of it when it was rejected late.
    fn finding(&self) -> Option<&Finding> {
        self.evidence.iter().rfind(|finding| finding.r#type == "late_rejection")
    }

    /// `None` where its time cannot be read.
    fn taken_back(self) -> Option<TakenBack> {
        let time = |text: &Option<String>| Timestamp::parse("", text.as_deref()?).ok();
        let last = self.finding();
        Some(TakenBack {
            at: time(&self.request_time)?,
            arrived: time(&self.arrival_time),
            rejected: last.and_then(|finding| time(&finding.first_at).or_else(|| time(&finding.at))),
            app: self.app_id.unwrap_or_default(),
            campaign: self.campaign.unwrap_or_default(),
            reason: self.rejection.unwrap_or_default(),
            earned: micros(&self.payout),
            spent: micros(&self.revenue),
        })
    }
}

/// Hands over each conversion of an integration with an id from the first up to but without the second that counted and
/// was rejected later. The calling thread waits.
pub(super) fn each(
    (view, organization, bounds): (&View, OrganizationId, &Bounds),
    (integration, from, to): (IntegrationId, TxId, TxId),
    take: &mut dyn FnMut(TakenBack) -> io::Result<()>,
) -> Result<(), StatementError> {
    let (kind, events) = (EventKind::Conversion, Events::new(view, organization, &FIELDS, bounds));
    let flag = |name: &str, operator: &str| {
        Predicate::parse(kind, name, Some(operator), "true").map_err(FigureError::from)
    };
    let query = |predicates| ExportQuery { kind, integration, from, to, predicates, as_of: None };
    let restated = query(vec![flag("restated", "eq")?]);
    events.each(&restated, &mut |late: Late| late.taken_back().map_or(Ok(()), &mut *take))?;
    // Amendments of versions that did not know of the first flag say in words what the conversion was.
    let unmarked = query(vec![flag("late_rejection", "eq")?, flag("restated", "ne")?]);
    events.each(
        &unmarked,
        &mut |late: Late| match late.finding().is_some_and(|said| said.was == "approved") {
            true => late.taken_back().map_or(Ok(()), &mut *take),
            false => Ok(()),
        },
    )?;
    Ok(())
}

/// What restatements are told apart by.
type About = (Day, Option<Day>, String, String, String);

/// Restatements while they are added up.
#[derive(Debug, Default)]
pub(super) struct Restatements(BTreeMap<About, (i64, i128, i128)>);

impl Restatements {
    /// Adds a conversion, which may be given up once there are too many.
    pub(super) fn add(&mut self, late: TakenBack, zone: &TimeZone) {
        let Some(day) = local_day(late.at, zone) else { return };
        let rejected_on = late.rejected.and_then(|at| local_day(at, zone));
        let about = (day, rejected_on, late.app, late.campaign, late.reason);
        if self.0.len() <= MOST || self.0.contains_key(&about) {
            let sums = self.0.entry(about).or_default();
            *sums = (sums.0 + 1, sums.1 + late.earned, sums.2 + late.spent);
        }
    }

    /// All of them, by what they are about.
    pub(super) fn told(self) -> Result<Vec<Restatement>, StatementError> {
        if self.0.len() > MOST {
            return Err(FigureError::from(GroupError::TooMany).into());
        }
        let told = |((day, rejected_on, app, campaign, reason), (events, earned, spent))| Restatement {
            day,
            rejected_on,
            app,
            campaign,
            reason,
            events,
            earned,
            spent,
        };
        Ok(self.0.into_iter().map(told).collect())
    }
}

/// What was taken back of the days of a request, or on them. The calling thread waits.
pub fn restatements(
    view: &View,
    snapshot: &Snapshot,
    request: &RestatementRequest,
    bounds: &Bounds,
) -> Result<Vec<Restatement>, StatementError> {
    let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
    let days = (request.first, request.last, request.zone.as_str());
    let mut all = Restatements::default();
    for source in &sources(organization, days).map_err(FigureError::from)? {
        let from = match request.by {
            RestatedBy::Day => source.from,
            // What is rejected on some day may have happened at any time before.
            RestatedBy::RejectedOn => TxId::default(),
        };
        let within = source.from.time()..source.to.time();
        each((view, request.organization, bounds), (source.integration, from, source.to), &mut |late| {
            let is_asked = request.by == RestatedBy::Day
                || late.rejected.is_some_and(|rejected| within.contains(&rejected));
            if is_asked {
                all.add(late, &source.zone);
            }
            Ok(())
        })?;
    }
    all.told()
}

pub(super) fn local_day(time: Timestamp, zone: &TimeZone) -> Option<Day> {
    let date = jiff::Timestamp::from_millisecond(time.millis()).ok()?.to_zoned(zone.clone()).date();
    Day::from_civil(date.year().into(), date.month().into(), date.day().into())
}
