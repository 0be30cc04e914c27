//! From the control plane to the ledger: a price that is set over the management API is on the next impression, and a
//! location that traffic names first comes to stand in the API.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Made, Reply, Server};

struct Publisher<'a> {
    made: &'a Made,
    server: &'a Server,
    bearer: String,
}

impl<'a> Publisher<'a> {
    fn new(made: &'a Made, server: &'a Server) -> Self {
        let client = &made.all["oauth"]["v5"];
        let body = json!({
            "client_id": client["client_id"], "client_secret": client["client_secret"],
            "audience": "https://public.api.gateway.chartboost.com", "grant_type": "client_credentials",
        });
        let json = [("content-type", "application/json")];
        let reply =
            server.connect().send("POST", "/oauth/token", &json, body.to_string().as_bytes()).unwrap();
        let token = reply.json()["access_token"].as_str().unwrap().to_owned();
        Self { made, server, bearer: format!("Bearer {token}") }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.connect().send(method, path, &headers, body.as_bytes()).unwrap()
    }

    fn app(&self) -> String {
        let app = json!({
            "nickname": "Game", "orientations": ["portrait"], "is_live": false, "is_test_mode_on": false,
            "is_directed_at_kids_under_13": "NO", "platform": "android",
        });
        let made = self.call("POST", "/v5/apps", &app);
        assert_eq!(made.status, 200, "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    fn impression(&self, app: &str, location: &str) -> Reply {
        let path = format!(
            "/g/{}/impression?app_id={app}&ad_location={location}&ad_type=banner",
            self.made.integration
        );
        self.server.connect().get(&path, &self.made.api_key)
    }

    /// Prices of all impressions, the oldest first.
    fn prices(&self) -> Vec<Value> {
        let rows = self.made.report(self.server, "impression-table", ("2020-01-01", "2099-12-31"));
        rows.iter().rev().map(|row| row["price"].clone()).collect()
    }
}

#[test]
fn a_price_is_on_the_next_impression() {
    let made = Made::new();
    let server = made.serve();
    let publisher = Publisher::new(&made, &server);
    let app = publisher.app();
    let priced = |price: f64| json!([{"country": "default", "price": price}]);
    let locations = format!("/v5/apps/{app}/ad-locations");
    let home = json!({
        "name": "Home", "ad_type": "banner", "type": "fixed_cpm", "country_targeting": priced(5.0),
    });
    let location = publisher.call("POST", &locations, &home).json();
    let one = format!("{locations}/{}", location["uuid"].as_str().unwrap());
    assert_eq!(publisher.impression(&app, "Home").status, 200);
    for price in [7.25, 0.01] {
        let changed = publisher.call("PATCH", &one, &json!({"country_targeting": priced(price)}));
        assert_eq!(changed.status, 200, "{}", changed.text());
        // At once: whoever read the answer of the change sees it applied.
        assert_eq!(publisher.impression(&app, "Home").status, 200);
    }
    assert_eq!(publisher.prices(), [json!(5), json!(7.25), json!(0.01)]);
}

#[test]
fn traffic_makes_locations_and_unknown_apps_are_refused() {
    let made = Made::new();
    let server = made.serve();
    let publisher = Publisher::new(&made, &server);
    let app = publisher.app();
    let refused = publisher.impression("0123456789abcdef01234567", "Home");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["errors"][0]["field"], "app_id", "{}", refused.text());
    assert_eq!(publisher.impression(&app, "Level+1").status, 200);
    let begin = Instant::now();
    let listed = loop {
        let listed = publisher.call("GET", &format!("/v5/apps/{app}/ad-locations"), &Value::Null).json();
        if !listed["items"].as_array().unwrap().is_empty() {
            break listed;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "the location does not appear");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let location = &listed["items"][0];
    assert_eq!(
        (&location["name"], &location["type"], &location["country_targeting"]),
        (&json!("Level 1"), &json!("auto_cpm"), &json!([]))
    );
    let read = publisher.call("GET", &format!("/v5/apps/{app}"), &Value::Null).json();
    assert_eq!(
        (&read["is_sdk_active"], &read["metadata"]["ad_location_counts"]["banner"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(
        publisher.prices(),
        [json!(0)],
        "the refused impression is not stored, the other costs nothing"
    );
}
