//! Reports as JSON: an array of objects with the vendor's keys. Numbers are JSON numbers, written from whole millionths.

use super::figures::{About, Counts, Row};
use super::names::Names;
use super::number::Millionths;
use super::request::{Report, ReportRequest, Role, ad_type_id};
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
        for row in rows {
            if !std::mem::take(is_empty) {
                out.push(b',');
            }
            out.push(b'{');
            let mut object = Object(out);
            match request.report {
                Report::AppCountry => country(&mut object, request, names, row),
                Report::App => app(&mut object, request, names, row),
                Report::Campaign | Report::Install => campaign(&mut object, request, names, row),
            }
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

fn date(about: &About) -> String {
    about.date.map(|day| day.to_string()).unwrap_or_default()
}

fn country(object: &mut Object<'_>, request: &ReportRequest, names: &Names<'_>, row: &Row) {
    let about = &row.about;
    let app = names.app(&about.app);
    object.text("dt", &date(about));
    object.text("appId", &about.app);
    object.text("app", app.name);
    object.text("platform", app.platform);
    object.text("countryCode", &about.country);
    object.text("adType", &about.ad_type);
    object.text("adLocation", &about.location);
    object.text("campaignType", about.campaign_type);
    if request.role == Some(Role::Advertiser) {
        // The vendor's own plural.
        side(object, &row.received, ["Received", "installsReceived", "Spent"]);
    } else {
        side(object, &row.delivered, ["Delivered", "installsDelivered", "Earned"]);
    }
}

fn app(object: &mut Object<'_>, request: &ReportRequest, names: &Names<'_>, row: &Row) {
    let about = &row.about;
    let app = names.app(&about.app);
    object.text("dt", &date(about));
    object.text("appId", &about.app);
    object.text("app", app.name);
    object.text("appBundleId", app.bundle);
    object.text("platform", app.platform);
    object.text("eventLocation", &about.location);
    object.text("role", request.role.map_or("all", Role::name));
    // Nobody tells Tollgate of these.
    object.number("bootups", 0);
    object.number("uniques", 0);
    sides(object, request, row);
}

fn campaign(object: &mut Object<'_>, request: &ReportRequest, names: &Names<'_>, row: &Row) {
    let about = &row.about;
    object.text("dt", &date(about));
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
    sides(object, request, row);
}

/// Both sides, or the one that was asked for.
fn sides(object: &mut Object<'_>, request: &ReportRequest, row: &Row) {
    if request.role != Some(Role::Advertiser) {
        side(object, &row.delivered, ["Delivered", "installDelivered", "Earned"]);
    }
    if request.role != Some(Role::Publisher) {
        side(object, &row.received, ["Received", "installReceived", "Spent"]);
    }
    if request.role == Some(Role::Advertiser) {
        // Clients of the advertiser's side ask for the plural, too.
        object.number("installsReceived", row.received.installs);
    }
}

fn side(object: &mut Object<'_>, counts: &Counts, [side, installs, money]: [&str; 3]) {
    object.number(&format!("impressions{side}"), counts.impressions);
    object.number(&format!("clicks{side}"), counts.clicks);
    object.number(installs, counts.installs);
    object.number(&format!("videoCompleted{side}"), counts.completed);
    object.number(&format!("ctr{side}"), counts.ctr());
    object.number(&format!("installRate{side}"), counts.install_rate());
    let amounts: [(&str, Millionths); 3] =
        [("money", counts.money()), ("ecpm", counts.ecpm()), ("cpcv", counts.cpcv())];
    for (name, amount) in amounts {
        object.number(&format!("{name}{money}"), amount);
    }
}
