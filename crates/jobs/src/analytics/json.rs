//! Reports as JSON: an array of objects with the vendor's keys. Numbers are JSON numbers, written from whole millionths.

use super::figures::{About, Counts, Row};
use super::names::Names;
use super::request::{Report, ReportRequest, Role, ad_type_id};
use std::collections::HashMap;
use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;
use tollgate_catalog::OrganizationSnapshot;
use tollgate_domain::row::string;

/// An object in the making.
struct Object<'b>(&'b mut Vec<u8>);

impl Object<'_> {
    fn key(&mut self, key: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        string(key, self.0);
        self.0.push(b':');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        string(value, self.0);
    }

    fn number(&mut self, key: &str, value: impl Display) {
        self.key(key);
        // Writing into memory does not fail.
        let _ = write!(self.0, "{value}");
    }
}

/// The answer to a request whose figures are told at once, while it is written.
pub struct JsonRows<'a> {
    request: &'a ReportRequest,
    names: Names<'a>,
    out: Vec<u8>,
    is_empty: bool,
}

impl<'a> JsonRows<'a> {
    /// No rows yet.
    pub fn new(request: &'a ReportRequest, organization: &'a Arc<OrganizationSnapshot>) -> Self {
        Self { request, names: Names(organization), out: vec![b'['], is_empty: true }
    }

    /// Adds rows.
    pub fn add(&mut self, rows: &[Row]) {
        let Self { request, names, out, is_empty } = self;
        // What rows of many days are about is written once; the rows keep their addresses.
        let (mut abouts, mut known) = (Vec::new(), HashMap::new());
        let (mut day, mut date) = (None, String::new());
        for row in rows {
            if day.replace(row.date) != Some(row.date) {
                date = row.date.to_string();
            }
            let about = known.entry(Arc::as_ptr(&row.about)).or_insert_with(|| {
                let start = abouts.len();
                write_about(&mut Object(&mut abouts), request, names, &row.about);
                start..abouts.len()
            });
            if !std::mem::take(is_empty) {
                out.push(b',');
            }
            out.push(b'{');
            let mut object = Object(out);
            object.text("dt", &date);
            object.0.extend_from_slice(&abouts[about.clone()]);
            write_sides(&mut object, request, row);
            out.push(b'}');
        }
    }

    /// What was written since it was last taken, once it is so many bytes.
    pub fn take(&mut self, bytes: usize) -> Option<Vec<u8>> {
        (self.out.len() >= bytes).then(|| std::mem::take(&mut self.out))
    }

    /// The rest.
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }
}

/// Everything but the day and the figures.
fn write_about(object: &mut Object<'_>, request: &ReportRequest, names: &Names<'_>, about: &About) {
    match request.report {
        Report::AppCountry => country(object, names, about),
        Report::App => app(object, request, names, about),
        Report::Campaign | Report::Install => campaign(object, request, names, about),
    }
}

fn country(object: &mut Object<'_>, names: &Names<'_>, about: &About) {
    let app = names.app(&about.app);
    object.text("appId", &about.app);
    object.text("app", app.name);
    object.text("platform", app.platform);
    object.text("countryCode", &about.country);
    object.text("adType", &about.ad_type);
    object.text("adLocation", &about.location);
    object.text("campaignType", about.campaign_type);
}

fn app(object: &mut Object<'_>, request: &ReportRequest, names: &Names<'_>, about: &About) {
    let app = names.app(&about.app);
    object.text("appId", &about.app);
    object.text("app", app.name);
    object.text("appBundleId", app.bundle);
    object.text("platform", app.platform);
    object.text("eventLocation", &about.location);
    object.text("role", request.role.map_or("all", Role::name));
    // Nobody tells Tollgate of these.
    object.number("bootups", 0);
    object.number("uniques", 0);
}

fn campaign(object: &mut Object<'_>, request: &ReportRequest, names: &Names<'_>, about: &About) {
    object.text("campaign", names.campaign_name(&about.campaign));
    object.text("campaignId", &about.campaign);
    object.text("campaignTarget", &about.target);
    object.text("campaignType", about.campaign_type);
    let billing = names.campaign(&about.campaign).map_or("", |campaign| campaign.billing.name());
    object.text("campaignSubType", billing);
    object.text("app", names.app(&about.target).name);
    object.text("creative", &about.creative);
    object.text("role", request.role.map_or("all", Role::name));
    object.number("adTypeId", ad_type_id(&about.ad_type));
}

/// Both sides, or the one that was asked for. What was installed has a plural in a report by country, as the vendor has it.
fn write_sides(object: &mut Object<'_>, request: &ReportRequest, row: &Row) {
    let is_by_country = request.report == Report::AppCountry;
    let asks = |role: Role| request.role.map_or(role == Role::Publisher || !is_by_country, |one| one == role);
    if asks(Role::Publisher) {
        let installs = if is_by_country { "installsDelivered" } else { "installDelivered" };
        side(object, &row.delivered, installs, &DELIVERED);
    }
    if asks(Role::Advertiser) {
        let installs = if is_by_country { "installsReceived" } else { "installReceived" };
        side(object, &row.received, installs, &RECEIVED);
    }
    if request.role == Some(Role::Advertiser) && !is_by_country {
        // Clients of the advertiser's side ask for the plural, too.
        object.number("installsReceived", row.received.installs);
    }
}

/// What a side's figures are called; all but installs.
struct Titles {
    impressions: &'static str,
    clicks: &'static str,
    completed: &'static str,
    ctr: &'static str,
    install_rate: &'static str,
    money: &'static str,
    ecpm: &'static str,
    cpcv: &'static str,
}

const DELIVERED: Titles = Titles {
    impressions: "impressionsDelivered",
    clicks: "clicksDelivered",
    completed: "videoCompletedDelivered",
    ctr: "ctrDelivered",
    install_rate: "installRateDelivered",
    money: "moneyEarned",
    ecpm: "ecpmEarned",
    cpcv: "cpcvEarned",
};

const RECEIVED: Titles = Titles {
    impressions: "impressionsReceived",
    clicks: "clicksReceived",
    completed: "videoCompletedReceived",
    ctr: "ctrReceived",
    install_rate: "installRateReceived",
    money: "moneySpent",
    ecpm: "ecpmSpent",
    cpcv: "cpcvSpent",
};

fn side(object: &mut Object<'_>, counts: &Counts, installs: &str, titles: &Titles) {
    object.number(titles.impressions, counts.impressions);
    object.number(titles.clicks, counts.clicks);
    object.number(installs, counts.installs);
    object.number(titles.completed, counts.completed);
    object.number(titles.ctr, counts.ctr());
    object.number(titles.install_rate, counts.install_rate());
    object.number(titles.money, counts.money());
    object.number(titles.ecpm, counts.ecpm());
    object.number(titles.cpcv, counts.cpcv());
}
