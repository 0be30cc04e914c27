//! Figures of the past are told as they were: what campaigns promoted, whatever became of them; and what places are for.

use super::{asked, event, row};
use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_catalog::{Actor, new_ad_location};
use tollgate_domain::{AdLocation, AdLocationType, AdType, EventKind, Number, PriceTable, Text};

const DAYS: &str = "dateMin=2026-03-01&dateMax=2026-03-31";

#[tokio::test]
async fn deleting_a_campaign_its_app_and_its_integration_changes_no_figure() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let shop = publisher.new_app(json!({"nickname": "Shop"})).await;
    let body = json!({"id": "own", "name": "Own", "app_id": shop, "campaign_type": "cross_promo"});
    assert_eq!(app.native("POST", "/campaigns", body).await.status, 201);
    let texts = [(Text::AppId, shop.as_str()), (Text::Campaign, "own"), (Text::AdType, "rewarded")];
    let mut click = event(&app, EventKind::Click, "2026-03-09 20:00:00", &texts);
    click.set_number(Number::Revenue, 1_000_000);
    app.store(&mut [click]);
    let reports = [
        format!("/v3/metrics/campaign?{DAYS}&platform=Google+Play&campaignType=cross_promo"),
        format!("/v3/metrics/app?{DAYS}&role=advertiser&appId={shop}"),
        format!("/v3/metrics/appcountry?{DAYS}&platform=Google+Play"),
    ];
    let told = async || {
        let mut bodies = Vec::new();
        for path in &reports {
            let body = asked(&app, path).await.body;
            assert_eq!(body.as_array().map(Vec::len), Some(1), "{path}: {body}");
            bodies.push(body);
        }
        bodies
    };
    let before = told().await;
    assert_eq!(app.native("DELETE", "/campaigns/own", Value::Null).await.status, 204);
    assert_eq!(told().await, before);
    assert_eq!(publisher.call("DELETE", &format!("/v5/apps/{shop}"), Value::Null).await.status, 204);
    assert_eq!(told().await, before);
    let integration = format!("/integrations/{}", app.made.integration_id);
    assert!(app.call("DELETE", &integration, Value::Null).await.status.is_success());
    assert_eq!(told().await, before);
}

#[tokio::test]
async fn apps_are_asked_for_by_what_their_places_are_for() {
    let app = TestApp::new().await;
    let game = app.publisher().await.new_app(json!({"nickname": "Game"})).await;
    let (id, actor) = (game.parse().unwrap(), Actor::command_line());
    let own = |id| AdLocation {
        id,
        name: "Own".parse().unwrap(),
        ad_type: AdType::Banner,
        location_type: AdLocationType::CrossPromo,
        prices: PriceTable::default(),
    };
    let write = app.catalog.write(app.made.organization_id, &actor, |draft| new_ad_location(draft, id, own));
    write.await.unwrap();
    let place = |location, ad_type| {
        let texts = [(Text::AppId, game.as_str()), (Text::AdLocation, location), (Text::AdType, ad_type)];
        event(&app, EventKind::Impression, "2026-03-09 20:00:00", &texts)
    };
    app.store(&mut [place("Own", "banner"), place("Own", "rewarded"), place("Home", "banner")]);
    for (kind, impressions) in [("cross_promo", 1), ("network", 2)] {
        for grouping in ["app", "eventLocation", "date"] {
            let path =
                format!("/v3/metrics/app?{DAYS}&role=publisher&campaignType={kind}&groupBy={grouping}");
            let body = asked(&app, &path).await.body;
            let all: i64 = body
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["impressionsDelivered"].as_i64().unwrap())
                .sum();
            assert_eq!(all, impressions, "{path}: {body}");
        }
    }
    let body = asked(&app, &format!("/v3/metrics/app?{DAYS}&role=publisher")).await.body;
    assert_eq!(row(&body, "appId", &game)["impressionsDelivered"], 3);
}
