//! What was rejected after it had counted: each time with its reason, the day it happened on, and what it takes back.

use super::rejected::micros;
use super::{Part, StatementError, StatementRequest};
use crate::analytics::{FigureError, sources};
use crate::lines::Lines;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tollgate_catalog::Snapshot;
use tollgate_domain::row::Field;
use tollgate_domain::{Day, EventKind, Timestamp};
use tollgate_ledger::export::{Encoding, ExportQuery, Format};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::view::View;

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
        Part { events: self.events, thousandths: self.earned * 1000 }
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
}

const FIELDS: [&str; 7] =
    ["request_time", "app_id", "campaign", "rejection", "evidence", "payout", "revenue"];

/// What was taken back of the days of a request. The calling thread waits.
pub fn restatements(
    view: &View,
    snapshot: &Snapshot,
    request: &StatementRequest,
) -> Result<Vec<Restatement>, StatementError> {
    let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
    let days = (request.first, request.last, request.zone.as_str());
    let sources = sources(organization, days).map_err(FigureError::from)?;
    let encoding = Encoding {
        format: Format::Ndjson,
        fields: FIELDS.iter().filter_map(|name| Field::from_name(name)).collect(),
        extra_parameters: Vec::new(),
        organization: request.organization,
    };
    type About = (Day, Option<Day>, String, String, String);
    let mut all: BTreeMap<About, (i64, i128, i128)> = BTreeMap::new();
    for source in &sources {
        let kind = EventKind::Conversion;
        let late = Predicate::parse(kind, "late_rejection", None, "true").map_err(FigureError::from)?;
        let query = ExportQuery {
            kind,
            integration: source.integration,
            from: source.from,
            to: source.to,
            predicates: vec![late],
            as_of: None,
        };
        let mut take = |line: &[u8]| {
            let late: Late = serde_json::from_slice(line)?;
            let day = |time: &Option<String>| local_day(time.as_deref()?, &source.zone);
            let Some(happened) = day(&late.request_time) else { return Ok(()) };
            let last = late.evidence.iter().rfind(|finding| finding.r#type == "late_rejection");
            let rejected_on = last.and_then(|finding| day(&finding.at));
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let about =
                (happened, rejected_on, text(&late.app_id), text(&late.campaign), text(&late.rejection));
            let sums = all.entry(about).or_default();
            sums.0 += 1;
            sums.1 += micros(&late.payout);
            sums.2 += micros(&late.revenue);
            Ok(())
        };
        let mut lines = Lines::new(&mut take);
        view.export(&query, &encoding, 1, &mut lines, &mut |_| ControlFlow::Continue(()))?;
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
