//! Reports as JSON: an array of objects with the vendor's keys. Numbers are JSON numbers, written from whole millionths.

use super::figures::{About, Counts, Row};
use super::names::Names;
use super::number::Millionths;
use super::request::{Report, ReportRequest, Role, ad_type_id};
use hashbrown::HashMap;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use tollgate_catalog::OrganizationSnapshot;
use tollgate_domain::row::string;

/// Bytes of what rows are about that are kept from one part of a report to the next.
const MOST_WRITTEN: usize = 16 << 20;

/// An object in the making.
struct Object<'b>(&'b mut Vec<u8>);

impl Object<'_> {
    /// A key that needs no escapes.
    fn key(&mut self, key: &'static str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        string(value, self.0);
    }

    fn count(&mut self, key: &'static str, count: i64) {
        self.key(key);
        self.0.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
    }

    fn millionths(&mut self, key: &'static str, number: Millionths) {
        self.key(key);
        match number {
            Millionths(0) => self.0.push(b'0'),
            // Writing into memory does not fail.
            number => drop(write!(self.0, "{number}")),
        }
    }
}

/// The answer to a request whose figures are told at once, while it is written.
pub struct JsonRows<'a> {
    request: &'a ReportRequest,
    names: Names<'a>,
    out: Vec<u8>,
    is_empty: bool,
    abouts: Abouts,
}

/// What rows of many days are about, written once. Each is kept as long as its address says which it is.
#[derive(Default)]
struct Abouts {
    written: Vec<u8>,
    places: HashMap<usize, (Arc<About>, Range<usize>)>,
}

impl Abouts {
    /// Its bytes; `write` makes them.
    fn of(&mut self, about: &Arc<About>, write: impl FnOnce(&mut Object<'_>)) -> &[u8] {
        let Self { written, places } = self;
        let (_, place) = places.entry(Arc::as_ptr(about).addr()).or_insert_with(|| {
            let start = written.len();
            write(&mut Object(written));
            (about.clone(), start..written.len())
        });
        &written[place.clone()]
    }

    fn bound(&mut self) {
        if self.written.len() > MOST_WRITTEN {
            *self = Self::default();
        }
    }
}

impl<'a> JsonRows<'a> {
    /// No rows yet.
    pub fn new(request: &'a ReportRequest, organization: &'a Arc<OrganizationSnapshot>) -> Self {
        Self {
            request,
            names: Names(organization),
            out: vec![b'['],
            is_empty: true,
            abouts: Abouts::default(),
        }
    }

    /// Adds rows.
    pub fn add(&mut self, rows: &[Row]) {
        let Self { request, names, out, is_empty, abouts } = self;
        abouts.bound();
        let (mut day, mut date) = (None, String::new());
        for row in rows {
            if day.replace(row.date) != Some(row.date) {
                date = row.date.to_string();
            }
            if !std::mem::take(is_empty) {
                out.push(b',');
            }
            out.push(b'{');
            let mut object = Object(out);
            object.text("dt", &date);
            let about = abouts.of(&row.about, |object| write_about(object, request, names, &row.about));
            object.0.extend_from_slice(about);
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
    object.count("bootups", 0);
    object.count("uniques", 0);
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
    object.count("adTypeId", i64::from(ad_type_id(&about.ad_type)));
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
        object.count("installsReceived", row.received.installs);
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

fn side(object: &mut Object<'_>, counts: &Counts, installs: &'static str, titles: &Titles) {
    object.count(titles.impressions, counts.impressions);
    object.count(titles.clicks, counts.clicks);
    object.count(installs, counts.installs);
    object.count(titles.completed, counts.completed);
    object.millionths(titles.ctr, counts.ctr());
    object.millionths(titles.install_rate, counts.install_rate());
    object.millionths(titles.money, counts.money());
    object.millionths(titles.ecpm, counts.ecpm());
    object.millionths(titles.cpcv, counts.cpcv());
}
