//! Prices out and in through the router: the file that was read changes nothing when it is sent back, a bad line stops all
//! of them, and nobody prices another's locations.

use crate::chartboost::testing::Publisher;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tollgate_catalog::{Actor, Organization};

const ALL: &str = "/tollgate/v1/prices.csv";
const CSV: (&str, &str) = ("content-type", "text/csv");

/// A location with a price for the US and a default; answers its UUID.
async fn locate(publisher: &Publisher<'_>, app: &str, name: &str) -> String {
    let body = json!({"name": name, "ad_type": "rewarded", "type": "fixed_cpm", "country_targeting": [
        {"country": "US", "price": 1.5}, {"country": "default", "price": 0.25}]});
    let made = publisher.call("POST", &format!("/v5/apps/{app}/ad-locations"), body).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.body["uuid"].as_str().unwrap().to_owned()
}

async fn read(app: &TestApp, path: &str) -> (String, String) {
    let request = Request::get(path).header("API-KEY", app.made.api_key.secret.expose());
    let (headers, text) = app.text(request.body(Body::empty()).unwrap()).await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    (text, headers["etag"].to_str().unwrap().to_owned())
}

async fn put(publisher: &Publisher<'_>, path: &str, body: &str) -> Answered {
    publisher.send("PUT", path, body, &[CSV]).await
}

fn changes(answered: &Answered) -> Vec<(&str, Option<f64>, Option<f64>)> {
    assert_eq!(answered.status, 200, "{answered:?}");
    let changes = answered.body["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|one| (one["country"].as_str().unwrap(), one["old"].as_f64(), one["new"].as_f64()))
        .collect()
}

#[tokio::test]
async fn a_file_goes_out_and_comes_back_changed() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let uuid = locate(&publisher, &id, "a, b").await;
    let (text, tag) = read(&app, ALL).await;
    let expected = format!(
        "app_id,ad_location,name,ad_type,country,price\r\n\
         {id},{uuid},\"a, b\",rewarded,US,1.5\r\n{id},{uuid},\"a, b\",rewarded,default,0.25\r\n"
    );
    assert_eq!(text, expected);
    let same = put(&publisher, ALL, &text).await;
    assert_eq!((changes(&same), same.body["changed_locations"].as_u64()), (vec![], Some(0)));
    assert_eq!(read(&app, ALL).await.1, tag, "nothing changed");
    let other = text.replace("US,1.5", "CA,2.125001");
    let wanted = vec![("CA", None, Some(2.125001)), ("US", Some(1.5), None)];
    let tried = put(&publisher, &format!("{ALL}?dry_run=true"), &other).await;
    assert_eq!((changes(&tried), tried.body["dry_run"].as_bool()), (wanted.clone(), Some(true)));
    assert_eq!(read(&app, ALL).await, (text, tag.clone()), "a dry run stores nothing");
    let done = publisher.send("PUT", ALL, &other, &[CSV, ("If-Match", &tag)]).await;
    assert_eq!((changes(&done), done.body["dry_run"].as_bool()), (wanted, Some(false)));
    assert_eq!(read(&app, &format!("/tollgate/v1/apps/{id}/prices.csv")).await.0, other);
    let late = publisher.send("PUT", ALL, &other, &[CSV, ("If-Match", &tag)]).await;
    assert_eq!((late.status.as_u16(), late.body["code"].as_str()), (412, Some("precondition_failed")));
    let listed = publisher.get(&format!("/v5/apps/{id}/ad-locations")).await;
    assert!(listed.body.to_string().contains("2.125001"), "{listed:?}");
}

#[tokio::test]
async fn post_leaves_the_prices_that_the_file_does_not_name() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let uuid = locate(&publisher, &id, "a").await;
    let path = format!("/tollgate/v1/apps/{id}/prices.csv");
    let body = format!("ad_location,country,price\n{uuid},DE,3\n{uuid},US,2\n");
    let done = publisher.send("POST", &path, &body, &[CSV]).await;
    assert_eq!(changes(&done), [("US", Some(1.5), Some(2.0)), ("DE", None, Some(3.0))]);
    let (text, _) = read(&app, &path).await;
    let cells: Vec<_> =
        text.lines().skip(1).map(|line| line.split(',').skip(4).collect::<Vec<_>>()).collect();
    assert_eq!(cells, [["US", "2"], ["default", "0.25"], ["DE", "3"]]);
}

#[tokio::test]
async fn one_bad_line_stops_the_file_and_every_one_is_named() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let (good, automatic) = (locate(&publisher, &id, "a").await, "00000000-0000-4000-8000-000000000001");
    let (before, _) = read(&app, ALL).await;
    let body = format!(
        "app_id,ad_location,name,ad_type,country,price\n{id},{good},a,rewarded,US,9\n{id},{good},b,banner,US,9\n\
         {id},{automatic},,,US,1\nffffffffffffffffffffffff,{good},,,US,1\n{id},{good},,,Mars,0\n"
    );
    for path in [ALL, "/tollgate/v1/prices.csv?dry_run=true"] {
        let refused = put(&publisher, path, &body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("content-type")),
            (400, Some("application/problem+json"))
        );
        let expected = [
            "lines[3].name",
            "lines[3].ad_type",
            "lines[3].country",
            "lines[4].ad_location",
            "lines[5].app_id",
            "lines[6].country",
            "lines[6].price",
        ];
        assert_eq!(refused.error_fields(), expected, "{refused:?}");
        assert_eq!(read(&app, ALL).await.0, before);
    }
    let many: String = (0..251)
        .map(|n| {
            format!("{good},{}{},1\n", char::from(b'A' + (n / 26) as u8), char::from(b'A' + (n % 26) as u8))
        })
        .collect();
    let refused = put(
        &publisher,
        &format!("/tollgate/v1/apps/{id}/prices.csv"),
        &format!("ad_location,country,price\n{many}"),
    )
    .await;
    assert_eq!(refused.status, 400);
    for (body, kind, status) in
        [("", "text/csv", 400), ("a", "text/csv", 400), ("{}", "application/json", 415)]
    {
        assert_eq!(
            publisher.send("PUT", ALL, body, &[("content-type", kind)]).await.status,
            status,
            "{body:?}"
        );
    }
    assert_eq!(put(&publisher, &format!("{ALL}?dry_run=maybe"), &before).await.status, 400);
}

/// For the neighbour.
async fn accept_disclosures(app: &TestApp) {
    let (id, actor) = ("ffffffffffffffffffffffff", Actor::command_line());
    let write = app.catalog.write(id.parse().unwrap(), &actor, |draft| {
        let organization = draft.require::<Organization>(id, None)?.value.clone();
        draft.update(Organization { disclosures_accepted: true, ..organization }, None)
    });
    write.await.unwrap();
}

#[tokio::test]
async fn files_hold_ones_own_prices_only() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    locate(&publisher, &id, "a").await;
    let (text, tag) = read(&app, ALL).await;
    let other = app.other_publisher().await;
    let path = format!("/tollgate/v1/apps/{id}/prices.csv");
    assert_eq!(put(&other, ALL, &text).await.body["code"], "disclosure_not_accepted");
    accept_disclosures(&app).await;
    let refused = put(&other, ALL, &text.replace("1.5", "9")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.error_fields()),
        (400, vec!["lines[2].app_id", "lines[3].app_id"])
    );
    for method in ["GET", "PUT", "POST"] {
        let missing = other.send(method, &path, &text, &[CSV]).await;
        assert_eq!((missing.status.as_u16(), missing.body["code"].as_str()), (404, Some("not_found")));
    }
    assert_eq!(read(&app, ALL).await, (text, tag));
    let nothing = publisher.call("DELETE", &format!("/v5/apps/{id}"), Value::Null).await;
    assert_eq!(nothing.status, 204);
    assert_eq!(read(&app, ALL).await.0, "app_id,ad_location,name,ad_type,country,price\r\n");
}
