//! Whatever is asked, figures are those that adding up the events one by one gives, to the micro-dollar: across reports,
//! levels, time zones, days on which clocks change, and the ledger's own forms of keeping events.

use super::{asked, event};
use crate::testing::TestApp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_catalog::{Actor, new_campaign};
use tollgate_domain::{
    Amendment, Campaign, Day, Event, EventKind, KINDS_ALL, Number, Status, Text, Timestamp,
};
use tollgate_jobs::analytics::{
    Aggregate, Counts, FigureError, Grouping, Report, ReportRequest, Row, figures,
};
use tollgate_ledger::group::Bounds;

/// Clocks of New York and Los Angeles are put forward on 2026-03-08, those of Berlin on 2026-03-29, and those of Santiago are
/// put back on 2026-04-04, a day of 25 hours.
const START: i64 = 1_772_323_200_000;
const ZONES: [&str; 6] =
    ["America/Los_Angeles", "Europe/Berlin", "UTC", "Asia/Kathmandu", "America/New_York", "America/Santiago"];

type Seed = (usize, i64, u32);

fn made(app: &TestApp, (kind, slot, random): Seed) -> Event {
    let mut event = event(app, KINDS_ALL[kind], "2026-03-01 00:00:00", &[]);
    event.set_number(Number::RequestTime, START + slot * 900_000 + i64::from(random % 900_000));
    let pick = |shift: u32, n: u32| random >> shift & (n - 1);
    for (column, name, code) in [
        (Text::AppId, "app", pick(0, 4)),
        (Text::AdLocation, "place", pick(2, 2)),
        (Text::Country, "C", pick(3, 4)),
        (Text::Campaign, "campaign", pick(5, 4)),
        (Text::EventId, "event", pick(7, 2)),
    ] {
        if code > 0 {
            event.set_text(column, &format!("{name}{code}"));
        }
    }
    event.set_text(Text::AdType, ["rewarded", "banner"][pick(8, 2) as usize]);
    if pick(9, 4) == 0 {
        event.set_status(Status::Rejected);
        event.set_number(Number::MonitoringMode, i64::from(pick(11, 2)));
    }
    match event.kind {
        EventKind::Impression => {
            // In test mode it has no price, and is an impression.
            let in_test = pick(13, 4) == 0;
            event.set_number(Number::Price, if in_test { 0 } else { i64::from(random % 9_999_991) });
            event.set_number(Number::TestMode, i64::from(in_test));
            event.set_number(Number::VideoCompleted, i64::from(pick(12, 2)));
        }
        _ => {
            event.set_number(Number::Payout, i64::from(random % 7919));
            event.set_number(Number::Revenue, i64::from(random % 104_729));
        }
    }
    event
}

/// Seals some, amends some, and leaves the others open.
fn store(app: &TestApp, seeds: &[Seed]) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for (n, part) in seeds.chunks(seeds.len() / 3 + 1).enumerate() {
        let mut events: Vec<Event> = part.iter().map(|seed| made(app, *seed)).collect();
        app.store(&mut events);
        all.extend(events);
        if n < 2 {
            app.ledger.seal(u64::MAX / 2).unwrap();
        }
        let late = all.len() / 2;
        if let Some(event) = all.get_mut(late) {
            let mut amendment = Amendment::of(event, Timestamp::from_millis(START));
            amendment.record.set_status(Status::Rejected);
            amendment.record.set_number(Number::MonitoringMode, 0);
            amendment.apply_to(event);
            let promise = app.ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
            app.ledger.amend(&promise, &mut amendment);
            app.ledger.commit().unwrap();
        }
    }
    all
}

/// What registered campaigns promote, and whether they are the publisher's own.
type Promoted = BTreeMap<String, (String, bool)>;

/// Of the three campaigns of events two are registered, one of them of cross promotion; both promote the same app.
async fn register(app: &TestApp) -> Promoted {
    let shop = app.publisher().await.new_app(json!({"nickname": "Shop"})).await;
    let mut promoted = Promoted::new();
    for (id, kind) in [("campaign1", "network"), ("campaign2", "cross_promo")] {
        let campaign = json!({"id": id, "name": id, "campaign_type": kind, "app": shop});
        let campaign: Campaign = serde_json::from_value(campaign).unwrap();
        let actor = Actor::command_line();
        let write = app
            .catalog
            .write(app.made.organization_id, &actor, |draft| new_campaign(draft, campaign.clone()));
        write.await.unwrap();
        promoted.insert(id.to_owned(), (shop.clone(), kind == "cross_promo"));
    }
    promoted
}

#[derive(Debug, Clone)]
struct Question {
    report: &'static str,
    aggregate: &'static str,
    zone: &'static str,
    role: &'static str,
    first: i64,
    days: i64,
    /// A parameter and its value; the value `shop` is the promoted app.
    filter: Option<(&'static str, &'static str)>,
}

/// What may be asked of each report beside its days.
const FILTERS: [(&str, &str, &str); 9] = [
    ("campaign", "campaignId", "campaign1"),
    ("campaign", "campaignType", "cross_promo"),
    ("campaign", "campaignType", "network"),
    ("app", "appId", "app1"),
    ("app", "appId", "shop"),
    ("app", "campaignType", "cross_promo"),
    ("appcountry", "adLocation", "place1"),
    ("appcountry", "adTypeIds", "10"),
    ("appcountry", "appIds", "shop"),
];

fn question() -> impl Strategy<Value = Question> {
    let report = prop_oneof![Just("campaign"), Just("app"), Just("appcountry")];
    let aggregate = prop_oneof![Just("daily"), Just("weekly"), Just("monthly")];
    let role = prop_oneof![Just("publisher"), Just("advertiser")];
    (report, aggregate, 0..ZONES.len(), role, 1i64..32, 0i64..33, 0..2 * FILTERS.len()).prop_map(
        |(report, aggregate, zone, role, first, days, filter)| {
            let filter = FILTERS.get(filter).filter(|(of, ..)| *of == report);
            let filter = filter.map(|(_, name, value)| (*name, *value));
            Question { report, aggregate, zone: ZONES[zone], role, first, days, filter }
        },
    )
}

/// Impressions, clicks, installs, completed videos, and money in thousandths of micro-dollars.
type Figures = [i128; 5];

impl Question {
    fn dates(&self) -> (jiff::civil::Date, jiff::civil::Date) {
        let first = jiff::civil::date(2026, 3, self.first as i8);
        (first, first.checked_add(jiff::Span::new().days(self.days)).unwrap())
    }

    /// What a row is about, unless it is not told or was not asked for.
    fn about(&self, dt: String, event: &Event, promoted: &Promoted) -> Option<Vec<String>> {
        let text = |column| event.text_or_empty(column).to_owned();
        let country = if text(Text::Country).is_empty() { "unknown".into() } else { text(Text::Country) };
        let campaign = promoted.get(event.text_or_empty(Text::Campaign));
        let is_of_targets = self.role == "advertiser" && self.report != "campaign";
        let target = campaign.map(|(target, _)| target.clone()).unwrap_or_default();
        let app = if is_of_targets { target } else { text(Text::AppId) };
        let is_told = match (self.report, self.role) {
            ("campaign", "publisher") => true,
            ("campaign", _) => !text(Text::Campaign).is_empty(),
            _ => !app.is_empty(),
        };
        // Nobody registered the places that events name: they are the network's.
        let is_by_campaign = self.report == "campaign" || is_of_targets;
        let is_own = is_by_campaign && campaign.is_some_and(|(_, is_own)| *is_own);
        let is_asked = match self.filter {
            None => true,
            Some(("campaignId", id)) => text(Text::Campaign) == id,
            Some(("campaignType", kind)) => is_own == (kind == "cross_promo"),
            Some(("appId" | "appIds", "shop")) => promoted.values().any(|(shop, _)| *shop == app),
            Some(("appId", id)) => app == id,
            Some(("adLocation", place)) => !is_of_targets && text(Text::AdLocation) == place,
            Some(_) => text(Text::AdType) == "banner",
        };
        let key = match self.report {
            "campaign" => vec![dt, text(Text::Campaign), text(Text::AdType)],
            "app" => vec![dt, app],
            _ => {
                let place = if is_of_targets { String::new() } else { text(Text::AdLocation) };
                let kind = if is_own { "cross_promo" } else { "network" };
                vec![dt, app, country, place, text(Text::AdType), kind.to_owned()]
            }
        };
        (is_told && is_asked).then_some(key)
    }

    /// What jiff and a plain sum say.
    fn expected(&self, events: &[Event], promoted: &Promoted) -> BTreeMap<Vec<String>, Figures> {
        let zone = jiff::tz::TimeZone::get(self.zone).unwrap();
        let (first, last) = self.dates();
        let mut sums: BTreeMap<Vec<String>, Figures> = BTreeMap::new();
        for event in events {
            let at = jiff::Timestamp::from_millisecond(event.at().millis()).unwrap();
            let date = at.to_zoned(zone.clone()).date();
            let counts = event.number(Number::Status) == Some(Status::Approved as i64)
                || event.number(Number::MonitoringMode) == Some(1);
            if !counts || date < first || date > last {
                continue;
            }
            let dt = match self.aggregate {
                "daily" => date,
                "weekly" => {
                    let back = i64::from(date.weekday().to_monday_zero_offset());
                    date.checked_sub(jiff::Span::new().days(back)).unwrap()
                }
                _ => date.first_of_month(),
            };
            let Some(key) = self.about(dt.to_string(), event, promoted) else { continue };
            let number = |column| i128::from(event.number(column).unwrap_or(0));
            let money = if self.role == "publisher" { Number::Payout } else { Number::Revenue };
            let is = |one: bool| i128::from(one);
            let sums = sums.entry(key).or_default();
            sums[0] += is(event.kind == EventKind::Impression);
            sums[1] += is(event.kind == EventKind::Click);
            sums[2] += is(event.kind == EventKind::Conversion && event.text(Text::EventId).is_none());
            sums[3] += is(event.number(Number::VideoCompleted) == Some(1));
            sums[4] += number(Number::Price) + 1000 * number(money);
        }
        sums.retain(|_, figures| *figures != Figures::default());
        sums
    }

    fn told(&self, body: &Value) -> BTreeMap<Vec<String>, [i128; 5]> {
        let (side, money) =
            if self.role == "publisher" { ("Delivered", "moneyEarned") } else { ("Received", "moneySpent") };
        let installs = if self.report == "appcountry" { "installs" } else { "install" };
        let names: &[&str] = match self.report {
            "campaign" => &["dt", "campaignId"],
            "app" => &["dt", "appId"],
            _ => &["dt", "appId", "countryCode", "adLocation", "adType", "campaignType"],
        };
        let row = |row: &Value| {
            let mut key: Vec<String> =
                names.iter().map(|name| row[name].as_str().unwrap().to_owned()).collect();
            if self.report == "campaign" {
                let is_banner = row["adTypeId"] == 10;
                key.push(if is_banner { "banner" } else { "rewarded" }.to_owned());
            }
            let count = |name: String| i128::from(row[&name].as_i64().unwrap());
            let micros = (row[money].as_f64().unwrap() * 1e6).round() as i128;
            let figures = [
                count(format!("impressions{side}")),
                count(format!("clicks{side}")),
                count(format!("{installs}{side}")),
                count(format!("videoCompleted{side}")),
                micros,
            ];
            (key, figures)
        };
        body.as_array().unwrap().iter().map(row).collect()
    }
}

/// However campaigns are grouped, all rows together are all events.
fn check_groupings(app: &TestApp, events: &[Event], promoted: &Promoted) {
    let (view, snapshot) = (app.ledger.view(), app.catalog.snapshot());
    let day = |text: &str| Day::parse("day", text).unwrap();
    for (name, grouping) in Grouping::OF_CAMPAIGNS {
        let request = ReportRequest {
            organization: app.made.organization_id,
            report: Report::Campaign,
            first: day("2026-03-01"),
            last: day("2026-04-30"),
            aggregate: Aggregate::Monthly,
            zone: "Europe/Berlin".to_owned(),
            role: None,
            grouping: Some(*grouping),
            campaigns: Vec::new(),
            apps: Vec::new(),
            campaign_type: None,
            platform: None,
            ad_location: None,
            ad_types: Vec::new(),
        };
        let rows_within = |bounds: &Bounds, request: &ReportRequest| {
            let mut rows: Vec<Row> = Vec::new();
            figures::<FigureError>(&view, &snapshot, request, bounds, &mut |part| {
                rows.extend(part);
                Ok(())
            })
            .unwrap();
            rows
        };
        // Few groups are counted at a time: by days, what is told stays the same.
        let by_day = ReportRequest { aggregate: Aggregate::Daily, ..request.clone() };
        let few = Bounds { groups: 40, ..Bounds::threads(2) };
        assert!(rows_within(&few, &by_day) == rows_within(&Bounds::threads(2), &by_day), "{name} in parts");
        let rows = rows_within(&Bounds::threads(2), &request);
        let sum = |side: &dyn Fn(&Row) -> Counts| {
            rows.iter().map(side).fold(Figures::default(), |sums, counts| {
                let Counts { impressions, clicks, installs, completed, thousandths } = counts;
                let more = [impressions, clicks, installs, completed].map(i128::from);
                [
                    sums[0] + more[0],
                    sums[1] + more[1],
                    sums[2] + more[2],
                    sums[3] + more[3],
                    sums[4] + thousandths,
                ]
            })
        };
        for (role, told) in
            [("publisher", sum(&|row| row.delivered)), ("advertiser", sum(&|row| row.received))]
        {
            let zone = "Europe/Berlin";
            let (report, aggregate) = ("campaign", "monthly");
            let all = Question { report, aggregate, zone, role, first: 1, days: 60, filter: None };
            let expected = all
                .expected(events, promoted)
                .into_values()
                .fold(Figures::default(), |sums, more| std::array::from_fn(|n| sums[n] + more[n]));
            assert_eq!(told, expected, "{name}, {role}");
        }
    }
}

/// Half to even, as the printed digits say it.
fn micros(thousandths: i128) -> i128 {
    let (whole, rest) = (thousandths / 1000, thousandths % 1000);
    match rest {
        501.. => whole + 1,
        500 if whole % 2 == 1 => whole + 1,
        _ => whole,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn figures_are_those_of_the_events(
        seeds in proptest::collection::vec((0usize..3, -96i64..4500, any::<u32>()), 1..250),
        questions in proptest::collection::vec(question(), 25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = TestApp::new().await;
            let promoted = register(&app).await;
            let events = store(&app, &seeds);
            for question in questions {
                let Question { report, aggregate, zone, role, .. } = &question;
                let (first, last) = question.dates();
                let mut path = format!(
                    "/v3/metrics/{report}?dateMin={first}&dateMax={last}&aggregate={aggregate}&timezone={zone}&role={role}"
                );
                if let Some((name, value)) = question.filter {
                    let shop = promoted.values().next().map_or("", |(shop, _)| shop);
                    path += &format!("&{name}={}", if value == "shop" { shop } else { value });
                }
                let answered = asked(&app, &path).await;
                assert_eq!(answered.status, 200, "{answered:?}");
                let mut expected = question.expected(&events, &promoted);
                expected.values_mut().for_each(|figures| figures[4] = micros(figures[4]));
                assert_eq!(question.told(&answered.body), expected, "{path}");
            }
            check_groupings(&app, &events, &promoted);
        });
    }
}
