//! What was rejected after it had counted: each time with its reason, the day it happened on, and what it takes back.

use super::rejected::micros;
use super::{Part, StatementError};
use crate::analytics::{FigureError, sources};
use crate::events::Events;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tollgate_catalog::Snapshot;
use tollgate_domain::{Day, EventKind, OrganizationId, Timestamp, TxId};
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
    at: Option<String>,
    /// That of the first of several.
    first_at: Option<String>,
}

const FIELDS: [&str; 7] =
    ["request_time", "app_id", "campaign", "rejection", "evidence", "payout", "revenue"];

/// What restatements are told apart by.
type About = (Day, Option<Day>, String, String, String);

impl Late {
    fn about(&self, zone: &jiff::tz::TimeZone) -> Option<About> {
        let day = |time: &Option<String>| local_day(time.as_deref()?, zone);
        let last = self.evidence.iter().rfind(|finding| finding.r#type == "late_rejection");
        let rejected_on = last.and_then(|finding| day(&finding.first_at).or_else(|| day(&finding.at)));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (app, campaign) = (text(&self.app_id), text(&self.campaign));
        Some((day(&self.request_time)?, rejected_on, app, campaign, text(&self.rejection)))
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
    let events = Events::new(view, request.organization, &FIELDS, bounds);
    let mut all: BTreeMap<About, (i64, i128, i128)> = BTreeMap::new();
    for source in &sources(organization, days).map_err(FigureError::from)? {
        let kind = EventKind::Conversion;
        let restated = Predicate::parse(kind, "restated", None, "true").map_err(FigureError::from)?;
        let from = match request.by {
            RestatedBy::Day => source.from,
            // What is rejected on some day may have happened at any time before.
            RestatedBy::RejectedOn => TxId::default(),
        };
        let (integration, to) = (source.integration, source.to);
        let query = ExportQuery { kind, integration, from, to, predicates: vec![restated], as_of: None };
        events.each(&query, &mut |late: Late| {
            let Some(about) = late.about(&source.zone) else { return Ok(()) };
            let is_asked = match request.by {
                RestatedBy::Day => true,
                RestatedBy::RejectedOn => {
                    about.1.is_some_and(|day| (request.first..=request.last).contains(&day))
                }
            };
            if is_asked && (all.len() <= MOST || all.contains_key(&about)) {
                let sums = all.entry(about).or_default();
                sums.0 += 1;
                sums.1 += micros(&late.payout);
                sums.2 += micros(&late.revenue);
            }
            Ok(())
        })?;
    }
    if all.len() > MOST {
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
    Ok(all.into_iter().map(told).collect())
}

fn local_day(time: &str, zone: &jiff::tz::TimeZone) -> Option<Day> {
    let time = Timestamp::parse("", time).ok()?;
    let date = jiff::Timestamp::from_millisecond(time.millis()).ok()?.to_zoned(zone.clone()).date();
    Day::from_civil(date.year().into(), date.month().into(), date.day().into())
}
