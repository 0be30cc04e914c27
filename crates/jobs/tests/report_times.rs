//! How long reports take over a year of events: `cargo test --release -p tollgate-jobs --test report_times -- --ignored
//! --nocapture`, with `TOLLGATE_EVENTS` (2,000,000 unless given). It tells times and judges nothing but the figures.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Catalog, FILE_NAME};
use tollgate_domain::{
    Clock, Day, Entropy, Event, IntegrationId, KINDS_ALL, Number, Status, Text, Timestamp, TxIdKey,
};
use tollgate_jobs::analytics::{Aggregate, Grouping, Report, ReportRequest, Role, figures};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::group::Bounds;
use tollgate_ledger::{Ledger, Options};

const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);
const START: i64 = 20_454 * 86_400_000;
const YEAR_MS: i64 = 365 * 86_400_000;
const LOT: u64 = 262_144;
/// Events that are promised and committed together.
const TOGETHER: u64 = 1000;

struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// SplitMix64.
struct Random(AtomicU64);

impl Random {
    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for Random {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next() as u8);
    }
}

fn event(integration: IntegrationId, time: i64, random: &Random) -> Event {
    let bits = random.next();
    let mut event = Event::new(KINDS_ALL[(bits % 3) as usize], integration);
    event.set_number(Number::RequestTime, time);
    let mut code = |column, prefix: &str, n: u64| {
        let unit = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        event.set_text(column, &format!("{prefix}{}", (unit * unit * unit * n as f64) as u64));
    };
    code(Text::AppId, "app-", 20);
    code(Text::AdLocation, "place-", 2);
    code(Text::Country, "C", 20);
    code(Text::Campaign, "campaign-", 40);
    code(Text::Creative, "creative-", 8);
    event.set_text(Text::AdType, "rewarded");
    event.set_status(if bits >> 60 == 0 { Status::Rejected } else { Status::Approved });
    event.set_number(Number::Price, (bits >> 8 & 1023) as i64 * 1000);
    event.set_number(Number::Payout, (bits >> 20 & 63) as i64 * 10_000);
    event
}

fn fill(ledger: &Ledger, integration: IntegrationId, events: u64) {
    let random = Random(AtomicU64::new(7));
    for first in (0..events).step_by(TOGETHER as usize) {
        ledger.keep().unwrap();
        let promise = ledger.promise(TOGETHER, 1 << 20).unwrap();
        for number in first..(first + TOGETHER).min(events) {
            let time = START + (i128::from(number) * i128::from(YEAR_MS) / i128::from(events)) as i64;
            ledger.append(&promise, &mut event(integration, time, &random), |_| {});
        }
        ledger.commit().unwrap();
        drop(promise);
        if (first + TOGETHER) % LOT < TOGETHER || first + TOGETHER >= events {
            while ledger.seal(LOT).unwrap().is_some() {}
        }
    }
}

/// Asks so often, and tells the median, the 99th percentile and the longest.
fn timed(name: &str, times: usize, mut ask: impl FnMut() -> usize) {
    let mut taken: Vec<Duration> = Vec::with_capacity(times);
    let mut rows = 0;
    for _ in 0..times {
        let started = Instant::now();
        rows = ask();
        taken.push(started.elapsed());
    }
    taken.sort_unstable();
    let (median, p99) = (taken[times / 2], taken[(times * 99).div_ceil(100) - 1]);
    println!(
        "{name:<46} {rows:>8} rows, median {median:.1?}, p99 {p99:.1?}, longest {:.1?}",
        taken[times - 1]
    );
    assert!(rows > 0, "{name}");
}

#[tokio::test]
#[ignore = "measures; takes minutes"]
async fn a_year_by_country_and_a_month_by_creative() {
    #[allow(clippy::disallowed_methods, reason = "how much is measured is the runner's choice")]
    let events =
        std::env::var("TOLLGATE_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000_000);
    let dir = tempfile::tempdir().unwrap();
    let entropy = Arc::new(Random(AtomicU64::new(1)));
    let made = initialise(dir.path(), &InitOptions::default(), Arc::new(TestClock), entropy.clone()).await;
    let made = made.unwrap();
    let catalog = Catalog::open(&dir.path().join(FILE_NAME), Arc::new(TestClock), entropy.clone()).await;
    let snapshot = catalog.unwrap().snapshot();
    let disk = Arc::new(RealDisk::new(dir.path().join("ledger")).unwrap());
    let options = Options { max_open_bytes: 4 << 30, ..Options::default() };
    let (ledger, _) = Ledger::open(disk, entropy, TxIdKey([7; 16]), options, u64::MAX, &mut |_| {}).unwrap();
    fill(&ledger, made.integration_id, events);
    println!("{events} events in {} segments", ledger.view().segments().len());
    let view = ledger.view();
    let day = |offset: i32| Day::from_number((START / 86_400_000) as i32 + offset);
    let year = ReportRequest {
        organization: made.organization_id,
        report: Report::AppCountry,
        first: day(1),
        last: day(360),
        aggregate: Aggregate::Daily,
        zone: "America/Los_Angeles".to_owned(),
        role: Some(Role::Publisher),
        grouping: None,
        campaigns: Vec::new(),
        apps: Vec::new(),
        campaign_type: None,
        platform: None,
        ad_location: None,
        ad_types: Vec::new(),
    };
    let month = ReportRequest {
        report: Report::Campaign,
        grouping: Some(Grouping::AppCreative),
        role: None,
        first: day(100),
        last: day(130),
        ..year.clone()
    };
    let monthly = ReportRequest { aggregate: Aggregate::Monthly, ..year.clone() };
    let bounds = Bounds::threads(2);
    let ask = |request: &ReportRequest| figures(&view, &snapshot, request, &bounds).unwrap().len();
    timed("appcountry, all apps, a year by day", 30, || ask(&year));
    timed("appcountry, all apps, a year by month", 30, || ask(&monthly));
    timed("campaign by app,creative, a month by day", 10, || ask(&month));
}
