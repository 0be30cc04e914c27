//! 10,000 apps with 20 locations each: how long list pages take, how soon a change is in force, how long a start takes.
//! `cargo test --release -p tollgate-http --lib scale -- --ignored --nocapture`

use crate::chartboost::testing::Publisher;
use crate::testing::TestApp;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tollgate_catalog::{Actor, Draft, Refused, new_ad_location, new_app};
use tollgate_domain::{
    AdLocation, AdLocationType, AdType, App, AppChange, AppId, Market, Money, Orientation, Platform,
    PriceTable,
};

/// That of the binary, which is what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const APPS: usize = 10_000;
const LOCATIONS: usize = 20;
const REQUESTS: usize = 500;
const CHANGES: usize = 50;

/// One of a few price tables, of a handful of countries.
fn prices(number: usize) -> PriceTable {
    let markets = ["default", "US", "DE", "FR", "JP"].map(|market| market.parse::<Market>().unwrap());
    let price = |at: usize| Money::from_micros(1_000_000 + 10_000 * (number % 8 + at) as i64);
    let prices: Vec<_> = markets.into_iter().enumerate().map(|(at, market)| (market, price(at))).collect();
    PriceTable::new(&prices).unwrap()
}

fn fill(draft: &mut Draft<'_>, number: usize) -> Result<(), Refused> {
    let platforms = [Platform::Android, Platform::Ios, Platform::Amazon];
    let change = AppChange {
        nickname: Some(format!("App {:05}", number * 7919 % APPS)),
        name: Some(Some(format!("Game number {number}"))),
        platform: Some(platforms[number % platforms.len()]),
        orientations: Some(vec![Orientation::Portrait]),
        is_live: Some(false),
        is_test_mode_on: Some(false),
        is_directed_at_kids_under_13: Some(false),
        ..AppChange::default()
    };
    let app = new_app(draft, &change)?;
    let ad_types = [AdType::Interstitial, AdType::Rewarded, AdType::Banner];
    for at in 0..LOCATIONS {
        let name = format!("Location {at}").parse()?;
        new_ad_location(draft, app, |id| AdLocation {
            id,
            name,
            ad_type: ad_types[at % ad_types.len()],
            location_type: AdLocationType::FixedCpm,
            prices: prices(number + at),
        })?;
    }
    Ok(())
}

async fn fill_all(home: &TestApp) {
    let actor = Actor::system("test");
    for hundred in 0..APPS / 100 {
        let write = home.catalog.write(home.made.organization_id, &actor, |draft| {
            (0..100).try_for_each(|number| fill(draft, hundred * 100 + number))
        });
        write.await.unwrap();
    }
}

/// Prints the 50th and the 99th percentile and answers the latter.
fn tell(what: &str, mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    let (p50, p99) = (taken[taken.len() / 2], taken[taken.len() * 99 / 100]);
    println!("{what}: p50 {p50:?}, p99 {p99:?}");
    p99
}

async fn pages(publisher: &Publisher<'_>, query: impl Fn(usize) -> String) -> Vec<Duration> {
    let mut taken = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        let path = format!("/v5/apps?{}", query(number));
        let start = Instant::now();
        let text = publisher.text(&path).await;
        taken.push(start.elapsed());
        assert!(text.starts_with("{\"items\":["), "{path}");
    }
    taken
}

/// Changes prices and looks for them where the gateway does, as soon as the change is answered.
async fn changes(home: &TestApp, publisher: &Publisher<'_>) -> Vec<Duration> {
    let listed = publisher.get("/v5/apps?limit=1&page=5000").await.body;
    let app: AppId = listed["items"][0]["id"].as_str().unwrap().parse().unwrap();
    let locations = format!("/v5/apps/{app}/ad-locations");
    let mut body = new_location();
    let made = publisher.call("POST", &locations, body.clone()).await.body;
    let path = format!("{locations}/{}", made["uuid"].as_str().unwrap());
    let mut taken = Vec::with_capacity(CHANGES);
    for number in 1..=CHANGES {
        body["country_targeting"][0]["price"] = json!(number);
        let start = Instant::now();
        assert_eq!(publisher.call("PATCH", &path, body.clone()).await.status, 200);
        let snapshot = home.catalog.snapshot();
        let (organization, _) = snapshot.app(app).unwrap();
        let location = organization.ad_location(app, "new", AdType::Banner).unwrap();
        assert_eq!(location.prices.price(None), Some(Money::from_micros(number as i64 * 1_000_000)));
        taken.push(start.elapsed());
    }
    taken
}

fn new_location() -> Value {
    json!({"name": "new", "type": "fixed_cpm", "ad_type": "banner",
        "country_targeting": [{"country": "default", "price": 1}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; meaningful in release builds only"]
async fn pages_changes_and_a_start_with_ten_thousand_apps() {
    let home = TestApp::new().await;
    fill_all(&home).await;
    let publisher = home.publisher().await;
    assert_eq!(publisher.get("/v5/apps").await.body["total"], APPS);
    let mut worst = Duration::ZERO;
    for (what, taken) in [
        ("first pages of 25", pages(&publisher, |_| "page=1".to_owned()).await),
        ("any page of 25", pages(&publisher, |n| format!("page={}", n * 37 % 400 + 1)).await),
        (
            "any page of 25, descending",
            pages(&publisher, |n| format!("direction=desc&page={}", n * 37 % 400 + 1)).await,
        ),
        ("one platform", pages(&publisher, |n| format!("platform_filters=ios&page={}", n % 100 + 1)).await),
        ("a keyword", pages(&publisher, |n| format!("keyword_filter=NUMBER+{n}")).await),
        ("pages of 1,000", pages(&publisher, |n| format!("limit=1000&page={}", n % 10 + 1)).await),
    ] {
        worst = worst.max(tell(what, taken));
    }
    let visible = tell("a change is in force", changes(&home, &publisher).await);
    let start = Instant::now();
    let again = home.open_again().await;
    let started = start.elapsed();
    let snapshot = again.snapshot();
    let organization = snapshot.organization(home.made.organization_id).unwrap();
    assert_eq!(organization.table::<App>().len(), APPS);
    assert_eq!(organization.table::<AdLocation>().len(), APPS * LOCATIONS + 1);
    println!("a start: {started:?}");
    if !cfg!(debug_assertions) {
        assert!(worst <= Duration::from_millis(5), "pages: {worst:?}");
        assert!(visible <= Duration::from_millis(100), "changes: {visible:?}");
        assert!(started < Duration::from_secs(2), "start: {started:?}");
    }
}
