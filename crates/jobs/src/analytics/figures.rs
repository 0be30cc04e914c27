//! The figures of a report: sums of the ledger, told by what the report tells apart.
//!
//! An event counts when it was approved, or rejected under monitoring mode only. What a publisher earned is the price of its
//! impressions and what events say that publishers get; what an advertiser spent is the same price and what events say
//! that advertisers pay. Amounts are added up in thousandths of micro-dollars and rounded once.

use super::names::Names;
use super::number::Millionths;
use super::request::{Grouping, Report, ReportRequest, Role, ad_type_name};
use super::rows::{Known, Rows};
use std::sync::Arc;
use tollgate_catalog::{OrganizationSnapshot, Stored};
use tollgate_domain::{Campaign, Day, EventKind, Integration, Invalid, KINDS_ALL, Text, TxId};
use tollgate_ledger::group::{Bounds, GroupError, GroupSource, Key, KeyValue};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::rollup::{RollupQuery, Sums};
use tollgate_ledger::view::View;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// What was asked for is not legal.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The sums could not be made.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The organization is gone.
    #[error("the organization does not exist any more")]
    NoOrganization,
}

/// What a row is about. Empty: not told apart, or events that do not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct About {
    /// The app that showed ads; of an advertiser's report by app, the promoted one.
    pub app: String,
    /// The campaign's id.
    pub campaign: String,
    /// The id of the app that the campaign promotes.
    pub target: String,
    /// `network` or `cross_promo`.
    pub campaign_type: &'static str,
    /// The country.
    pub country: String,
    /// The place in the app.
    pub location: String,
    /// What events call the ad type.
    pub ad_type: String,
    /// The ad.
    pub creative: String,
}

/// How much there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Impressions.
    pub impressions: i64,
    /// Clicks.
    pub clicks: i64,
    /// Installs.
    pub installs: i64,
    /// Videos that were watched to their end.
    pub completed: i64,
    /// In thousandths of micro-dollars.
    pub thousandths: i128,
}

impl Counts {
    pub(super) fn add(&mut self, kind: EventKind, role: Role, sums: &Sums) {
        let counted = sums.approved + sums.monitored;
        match kind {
            EventKind::Impression => {
                self.impressions += counted;
                self.completed += sums.completed;
            }
            EventKind::Click => self.clicks += counted,
            EventKind::Conversion => self.installs += sums.installs,
        }
        let money = match role {
            Role::Publisher => sums.counted_payout,
            Role::Advertiser => sums.counted_revenue,
        };
        self.thousandths += sums.counted_price + money * 1000;
    }

    pub(super) fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// In micro-dollars.
    pub fn money(&self) -> Millionths {
        Millionths::of_thousandths(self.thousandths)
    }

    /// Clicks of an impression.
    pub fn ctr(&self) -> Millionths {
        Millionths::share(self.clicks, self.impressions)
    }

    /// Installs of a click.
    pub fn install_rate(&self) -> Millionths {
        Millionths::share(self.installs, self.clicks)
    }

    /// Money of a thousand impressions: thousandths of micro-dollars of one.
    pub fn ecpm(&self) -> Millionths {
        Millionths::quotient(self.thousandths, self.impressions.into())
    }

    /// Money of a completed video.
    pub fn cpcv(&self) -> Millionths {
        Millionths::quotient(self.thousandths, i128::from(self.completed) * 1000)
    }
}

/// One row of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The first day of its time.
    pub date: Day,
    /// What it is about.
    pub about: Arc<About>,
    /// A publisher's side.
    pub delivered: Counts,
    /// An advertiser's side.
    pub received: Counts,
}

/// Every integration of an organization, those too that were deleted: what they counted stays counted.
pub fn integrations_ever(
    organization: &OrganizationSnapshot,
) -> impl Iterator<Item = &Arc<Stored<Integration>>> {
    let table = organization.table::<Integration>();
    table.iter().chain(table.iter_former())
}

/// The integrations of an organization over the days of a request.
pub fn sources(
    organization: &OrganizationSnapshot,
    (first, last, zone): (Day, Day, &str),
) -> Result<Vec<GroupSource>, Invalid> {
    let unknown = || Invalid::new("timezone", "must be the IANA name of a time zone");
    let zone = jiff::tz::TimeZone::get(zone).map_err(|_| unknown())?;
    let out = || Invalid::new("dateMax", "must be a day before the year 9999");
    let (from, _) = first.in_zone(&zone).ok_or_else(out)?;
    let (_, to) = last.in_zone(&zone).ok_or_else(out)?;
    let source = |one: &Arc<Stored<Integration>>| GroupSource {
        integration: one.id,
        from: TxId::first_at(from),
        to: TxId::first_at(to),
        zone: zone.clone(),
    };
    Ok(integrations_ever(organization).map(source).collect())
}

/// What is asked of the ledger for one side.
struct Side<'a> {
    request: &'a ReportRequest,
    names: &'a Names<'a>,
    role: Role,
}

/// The rows of a report of some of its days, sorted by what they are about. The calling thread waits.
pub(super) fn figures_of(
    view: &View,
    organization: &Arc<OrganizationSnapshot>,
    (request, first, last): (&ReportRequest, Day, Day),
    known: &mut Known,
    bounds: &Bounds,
) -> Result<Vec<Row>, FigureError> {
    let Known { dictionary, abouts } = known;
    let names = Names(organization);
    let sources = sources(organization, (first, last, &request.zone))?;
    let roles = match (request.role, request.report) {
        (Some(role), _) => vec![role],
        // What the vendor tells of countries is a publisher's.
        (None, Report::AppCountry) => vec![Role::Publisher],
        (None, _) => vec![Role::Publisher, Role::Advertiser],
    };
    let mut rows = Rows::new(abouts);
    for role in roles {
        let side = Side { request, names: &names, role };
        let Some(query) = side.query(sources.clone()) else { continue };
        let sums = view.coded_rollup(&query, dictionary, bounds)?;
        rows.add(role, &sums, &|values| side.about(&query.keys[1..], values));
    }
    Ok(rows.told())
}

impl Side<'_> {
    /// Whether the report is about apps, seen from those that are promoted.
    fn is_of_targets(&self) -> bool {
        self.role == Role::Advertiser && self.request.report != Report::Campaign
    }

    /// The date, and what rows are told apart by beside it.
    fn keys(&self) -> Vec<Key> {
        let text = Key::Text;
        let (campaign, app, ad_type) = (text(Text::Campaign), text(Text::AppId), text(Text::AdType));
        let (location, country) = (text(Text::AdLocation), text(Text::Country));
        let subject = if self.is_of_targets() { campaign } else { app };
        let others = match (self.request.report, self.request.grouping) {
            (Report::AppCountry, _) if self.is_of_targets() => vec![campaign, country, ad_type],
            (Report::AppCountry, _) => vec![app, location, ad_type, country],
            // What an ad location is for is told by its name and ad type.
            (Report::App, _) if !self.is_of_targets() && self.request.campaign_type.is_some() => {
                vec![app, location, ad_type]
            }
            // A place is where something is shown: what is promoted has none.
            (Report::App, Some(Grouping::EventLocation)) if !self.is_of_targets() => vec![app, location],
            (Report::App, _) => vec![subject],
            (_, None) => vec![campaign, ad_type],
            (_, Some(Grouping::Country)) => vec![campaign, country, ad_type],
            (_, Some(Grouping::App)) => vec![app, campaign, ad_type],
            (_, Some(Grouping::AppCreative)) => vec![app, campaign, text(Text::Creative), ad_type],
            (_, Some(Grouping::TargetCreative)) => vec![campaign, text(Text::Creative)],
            (_, Some(_)) => vec![campaign],
        };
        std::iter::once(Key::Date).chain(others).collect()
    }

    /// What the ledger is asked; `None` where nothing can be the answer.
    fn query(&self, sources: Vec<GroupSource>) -> Option<RollupQuery> {
        let request = self.request;
        let mut predicates = Vec::new();
        let mut among = |field: &str, values: &mut dyn Iterator<Item = &str>| {
            // Any text is a legal value of a text column.
            predicates
                .extend(Predicate::parse_all(EventKind::Click, field, "in", values).unwrap_or_default());
        };
        if !request.campaigns.is_empty() {
            among("campaign", &mut request.campaigns.iter().map(String::as_str));
        }
        if !request.apps.is_empty() && self.is_of_targets() {
            let promotes = |campaign: &&Campaign| request.apps.iter().any(|app| app == campaign.app.as_str());
            let ids: Vec<&str> = self.names.campaigns().filter(promotes).map(|one| one.id.as_str()).collect();
            if ids.is_empty() {
                return None;
            }
            among("campaign", &mut ids.into_iter());
        } else if !request.apps.is_empty() {
            among("app_id", &mut request.apps.iter().map(String::as_str));
        }
        if let Some(location) = &request.ad_location {
            if self.is_of_targets() {
                return None;
            }
            among("ad_location", &mut std::iter::once(location.as_str()));
        }
        if !request.ad_types.is_empty() {
            among("ad_type", &mut request.ad_types.iter().filter_map(|id| ad_type_name(*id)));
        }
        let step = request.aggregate.step();
        let (kinds, keys) = (KINDS_ALL.to_vec(), self.keys());
        Some(RollupQuery { sources, kinds, predicates, keys, step, as_of: None })
    }

    /// What a group of the ledger is about; `None` where the report does not tell it.
    fn about(&self, keys: &[Key], values: &mut dyn Iterator<Item = KeyValue>) -> Option<About> {
        let mut about = About::default();
        for (key, value) in keys.iter().zip(values) {
            match (key, value) {
                (Key::Text(Text::AppId), KeyValue::Text(text)) => about.app = text,
                (Key::Text(Text::Campaign), KeyValue::Text(text)) => about.campaign = text,
                (Key::Text(Text::Country), KeyValue::Text(text)) => about.country = text,
                (Key::Text(Text::AdLocation), KeyValue::Text(text)) => about.location = text,
                (Key::Text(Text::AdType), KeyValue::Text(text)) => about.ad_type = text,
                (Key::Text(Text::Creative), KeyValue::Text(text)) => about.creative = text,
                _ => {}
            }
        }
        self.judged(about)
    }

    /// What is told of it, unless it was not asked for.
    fn judged(&self, mut about: About) -> Option<About> {
        let campaign = self.names.campaign(&about.campaign);
        about.target = campaign.map(|campaign| campaign.app.to_string()).unwrap_or_default();
        if self.is_of_targets() {
            (about.app, about.campaign) = (about.target.clone(), String::new());
        }
        let is_of_apps = self.request.report != Report::Campaign;
        let is_told = match (is_of_apps, self.role) {
            (true, _) => !about.app.is_empty(),
            (false, Role::Advertiser) => !about.campaign.is_empty(),
            (false, Role::Publisher) => true,
        };
        let app = if is_of_apps { &about.app } else { &about.target };
        let of_platform = self.request.platform.is_none_or(|asked| self.names.platform(app) == Some(asked));
        let campaign_type = match (campaign, is_of_apps) {
            (Some(campaign), _) => campaign.campaign_type,
            (None, false) => self.names.campaign_type(&about.campaign),
            (None, true) => self.names.location_type(&about.app, &about.location, &about.ad_type),
        };
        let of_type = self.request.campaign_type.is_none_or(|asked| campaign_type == asked);
        about.campaign_type = campaign_type.name();
        (is_told && of_platform && of_type).then(|| self.folded(about))
    }

    /// Without what is not told apart.
    fn folded(&self, about: About) -> About {
        let About { app, campaign, target, campaign_type, country, location, ad_type, creative } = about;
        let empty = String::new;
        let one = About { campaign_type, ..About::default() };
        match (self.request.report, self.request.grouping) {
            (Report::AppCountry, _) => {
                let country = if country.is_empty() { "unknown".to_owned() } else { country };
                About { app, country, location, ad_type, ..one }
            }
            (Report::App, Some(Grouping::Date)) => About { campaign_type: "", ..one },
            (Report::App, Some(Grouping::EventLocation)) => About { app, location, campaign_type: "", ..one },
            (Report::App, _) => About { app, campaign_type: "", ..one },
            (_, Some(Grouping::Date)) => About { campaign_type: "", ..one },
            (_, Some(Grouping::CampaignType)) => one,
            (_, Some(Grouping::CampaignTarget)) => About { target, ..one },
            (_, Some(Grouping::TargetCreative)) => About { target, creative, ..one },
            (_, grouping) => {
                let country = match (grouping, country.is_empty()) {
                    (Some(Grouping::Country), true) => "unknown".to_owned(),
                    (Some(Grouping::Country), false) => country,
                    _ => empty(),
                };
                About { app, campaign, target, country, ad_type, creative, ..one }
            }
        }
    }
}
