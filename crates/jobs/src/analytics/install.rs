//! The report of installs: a line for each conversion that counts and is no later event of one, oldest first by integration.

use super::figures::{FigureError, sources};
use super::names::Names;
use super::request::{ReportRequest, Role, ad_type_id};
use crate::events::{Events, ReadError};
use serde::Deserialize;
use std::io::{self, Write};
use tollgate_catalog::Snapshot;
use tollgate_domain::{CampaignType, EventKind, Timestamp};
use tollgate_ledger::export::{ExportError, ExportQuery};
use tollgate_ledger::group::Bounds;
use tollgate_ledger::query::Predicate;
use tollgate_ledger::view::View;

/// The titles of its columns. Clients know some by their place: 2, 11, 12, 13, 21 and 23.
pub(super) const TITLES: [&str; 24] = [
    "Install Time",
    "Click Time",
    "Campaign",
    "Campaign ID",
    "Campaign Type",
    "To App Name",
    "To App ID",
    "To App Bundle",
    "To App Platform",
    "Creative",
    "Ad Type",
    "From App Name",
    "From App ID",
    "From App Bundle",
    "From App Platform",
    "Ad Location",
    "Publisher",
    "Offer",
    "Transaction ID",
    "Click ID",
    "Device ID",
    "Country",
    "Currency",
    "Cost Value",
];

/// What is read of a conversion.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Install {
    status: Option<String>,
    monitoring_mode: Option<bool>,
    event_id: Option<String>,
    event_name: Option<String>,
    request_time: Option<String>,
    click_time: Option<String>,
    campaign: Option<String>,
    creative: Option<String>,
    ad_type: Option<String>,
    app_id: Option<String>,
    ad_location: Option<String>,
    publisher: Option<String>,
    offer_id: Option<String>,
    tx_id: Option<String>,
    click_real_tx_id: Option<String>,
    device_id: Option<String>,
    country: Option<String>,
    revenue: Option<Box<serde_json::value::RawValue>>,
    payout: Option<Box<serde_json::value::RawValue>>,
}

const FIELDS: [&str; 19] = [
    "status",
    "monitoring_mode",
    "event_id",
    "event_name",
    "request_time",
    "click_time",
    "campaign",
    "creative",
    "ad_type",
    "app_id",
    "ad_location",
    "publisher",
    "offer_id",
    "tx_id",
    "click_real_tx_id",
    "device_id",
    "country",
    "revenue",
    "payout",
];

/// Writes the lines of a request to `out`. The calling thread waits.
pub(super) fn write(
    view: &View,
    snapshot: &Snapshot,
    request: &ReportRequest,
    out: &mut csv::Writer<impl Write>,
    bounds: &Bounds,
) -> Result<(), InstallError> {
    let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
    let events = Events::new(view, request.organization, &FIELDS, bounds);
    let predicates = |field: &str, values: &[String]| {
        let texts = values.iter().map(String::as_str);
        // Any text is a legal value of a text column.
        Predicate::parse_all(EventKind::Conversion, field, "in", texts).unwrap_or_default()
    };
    let zone = jiff::tz::TimeZone::get(&request.zone).ok();
    let mut report = ReportLines { request, names: Names(organization), out, zone };
    let sources = sources(organization, (request.first, request.last, &request.zone));
    for source in sources.map_err(FigureError::from)? {
        let mut all = predicates("campaign", &request.campaigns);
        all.extend(predicates("app_id", &request.apps));
        let query = ExportQuery {
            kind: EventKind::Conversion,
            integration: source.integration,
            from: source.from,
            to: source.to,
            predicates: all,
            as_of: None,
        };
        events.each(&query, &mut |install| report.take(&install))?;
    }
    Ok(())
}

/// Why the lines could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum InstallError {
    #[error(transparent)]
    Figures(#[from] FigureError),
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl From<ReadError> for InstallError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Bounds(error) => Self::Figures(error.into()),
            ReadError::Export(error) => Self::Export(error),
        }
    }
}

/// Takes conversions, and writes those that are installs as lines of the report.
struct ReportLines<'a, W: Write> {
    request: &'a ReportRequest,
    names: Names<'a>,
    out: &'a mut csv::Writer<W>,
    zone: Option<jiff::tz::TimeZone>,
}

impl<W: Write> ReportLines<'_, W> {
    fn take(&mut self, install: &Install) -> io::Result<()> {
        let counts = install.status.as_deref() == Some("approved") || install.monitoring_mode == Some(true);
        let is_later = [&install.event_id, &install.event_name].into_iter().any(Option::is_some);
        let campaign = install.campaign.as_deref().unwrap_or_default();
        let known = self.names.campaign(campaign);
        let target = known.map(|one| one.app.to_string()).unwrap_or_default();
        let of_type = |asked: CampaignType| self.names.campaign_type(campaign) == asked;
        let of_platform = |asked| self.names.platform(&target) == Some(asked);
        let is_asked = self.request.campaign_type.is_none_or(of_type)
            && self.request.platform.is_none_or(of_platform)
            && (self.request.role != Some(Role::Advertiser) || !campaign.is_empty());
        if !counts || is_later || !is_asked {
            return Ok(());
        }
        let app = install.app_id.as_deref().unwrap_or_default();
        let creative = install.creative.as_deref().unwrap_or_default();
        let cost = match self.request.role {
            Some(Role::Publisher) => &install.payout,
            Some(Role::Advertiser) | None => &install.revenue,
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [from, to] = [self.names.app(app), self.names.app(&target)];
        let record: [String; TITLES.len()] = [
            self.local(&install.request_time),
            self.local(&install.click_time),
            self.names.campaign_name(campaign).to_owned(),
            campaign.to_owned(),
            self.names.campaign_type(campaign).name().to_owned(),
            to.name.to_owned(),
            target.clone(),
            to.bundle.to_owned(),
            to.platform.to_owned(),
            known.map_or(creative, |one| one.creative_name(creative)).to_owned(),
            ad_type_id(install.ad_type.as_deref().unwrap_or_default()).to_string(),
            from.name.to_owned(),
            app.to_owned(),
            from.bundle.to_owned(),
            from.platform.to_owned(),
            text(&install.ad_location),
            text(&install.publisher),
            text(&install.offer_id),
            text(&install.tx_id),
            text(&install.click_real_tx_id),
            text(&install.device_id),
            install.country.clone().unwrap_or_else(|| "unknown".to_owned()),
            "USD".to_owned(),
            cost.as_ref().map_or("0", |raw| raw.get()).to_owned(),
        ];
        Ok(self.out.write_record(&record)?)
    }

    /// A time as clocks of the request's zone show it.
    fn local(&self, time: &Option<String>) -> String {
        let parsed = time.as_deref().and_then(|time| Timestamp::parse("", time).ok());
        let instant = parsed.and_then(|time| jiff::Timestamp::from_millisecond(time.millis()).ok());
        let local = instant.zip(self.zone.clone()).map(|(instant, zone)| instant.to_zoned(zone));
        local.map(|local| local.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }
}
