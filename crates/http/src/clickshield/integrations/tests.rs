use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_catalog::StoredSecret;

#[tokio::test]
async fn an_integration_lives_and_dies() {
    let app = TestApp::new().await;
    let full = json!({
        "name": "Shop", "active": false, "monitoring_mode": true, "rtb_enabled": true,
        "rtb_endpoint": "https://rtb.example.com/bid", "rtb_tmax_ms": 120, "time_zone": "Europe/Berlin",
        "redirect_url": "https://example.com/?tx={transaction_id}", "fallback_url": "https://example.com/f",
        "preview_url": "https://example.com/p", "allowed_hosts": ["example.com", "*.example.com"],
        "trust": "listed", "trusted_sources": ["192.0.2.0/24"], "ip_privacy": "truncated", "retention_days": 90,
        "click_retention_days": 30, "conversion_retention_days": 36_500, "impression_retention_days": null,
        "links": [{"url_id": "u1", "name": "One", "offer": "o1", "redirect_url": "https://example.com/1", "fallback_url": null},
            {"url_id": "u2", "name": "", "offer": "o2", "redirect_url": "https://example.com/2", "fallback_url": null}],
        "offer_groups": [{"name": "G", "offers": ["o1", "o2"]}],
    });
    let id = app.call("POST", "/integrations", full.clone()).await.created_id();
    let path = format!("/integrations/{id}");
    let read = app.call("GET", &path, Value::Null).await;
    for (name, value) in full.as_object().unwrap() {
        assert_eq!(&read.body[name], value, "{name}");
    }
    assert_eq!(read.body["id"], id);
    assert_eq!(read.body["organization"], app.made.organization_id.as_str());
    assert_eq!(read.body["created_at"], "2023-11-14T22:13:20.000Z");
    assert_eq!(read.body["last_updated_by"], format!("api_key:{}", app.made.api_key.id));

    let groups = app.call("GET", &format!("{path}/filter-groups"), Value::Null).await;
    let default = &groups.body["data"][0];
    assert_eq!((&default["name"], &default["priority"]), (&json!("Default"), &Value::Null));
    assert_eq!((&default["monitoring_mode"], &default["filters"]), (&json!(true), &json!([])));

    app.clock.advance_seconds(60);
    let change = json!({"active": true, "redirect_url": null, "links": null, "offer_groups": null});
    let updated = app.call("PATCH", &path, change).await;
    assert_eq!((updated.status.as_u16(), updated.body), (200, json!({})));
    let read = app.call("GET", &path, Value::Null).await.body;
    assert_eq!(
        (&read["active"], &read["redirect_url"], &read["links"]),
        (&json!(true), &Value::Null, &json!([]))
    );
    assert_eq!((&read["name"], &read["updated_at"]), (&json!("Shop"), &json!("2023-11-14T22:14:20.000Z")));

    let same = app.call("PATCH", &path, read.clone()).await;
    assert_eq!(same.status, 200, "what was read can be sent back: {same:?}");
    assert_eq!(app.call("GET", &path, Value::Null).await.body, read);

    assert_eq!(app.call("DELETE", &path, Value::Null).await.body, json!({}));
    for (method, path) in
        [("GET", path.clone()), ("DELETE", path.clone()), ("GET", format!("{path}/filter-groups"))]
    {
        assert_eq!(app.call(method, &path, Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn a_new_one_has_the_defaults() {
    let app = TestApp::new().await;
    let id = app
        .form("POST", "/integrations", "name=Form+made&allowed_hosts[]=a.com&allowed_hosts[]=b.com")
        .await
        .created_id();
    let read = app.call("GET", &format!("/integrations/{id}"), Value::Null).await.body;
    let expected = json!({"name": "Form made", "active": true, "monitoring_mode": false, "rtb_enabled": false,
        "time_zone": "UTC", "trust": "open", "ip_privacy": "full", "allowed_hosts": ["a.com", "b.com"],
        "retention_days": null, "click_retention_days": null, "conversion_retention_days": null,
        "impression_retention_days": null, "links": [], "offer_groups": []});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
}

#[tokio::test]
async fn every_violated_rule_is_named_at_once() {
    let app = TestApp::new().await;
    let bad = json!({
        "active": "yes", "rtb_tmax_ms": 9, "time_zone": "Mars", "redirect_url": "javascript:alert(1)",
        "allowed_hosts": ["a.com", "*"], "trust": "blind", "trusted_sources": ["300.1.1.1"], "retention_days": 0.5,
        "click_retention_days": 0, "conversion_retention_days": 36_501, "impression_retention_days": "long",
        "links": [{"url_id": "a"}, {"url_id": "a"}, {"name": "x", "odd": 1}], "offer_groups": [{"name": ""}],
        "signing_key": "short", "organization": "other", "surprise": true,
    });
    let answered = app.call("POST", "/integrations", bad.clone()).await;
    assert_eq!((answered.status.as_u16(), &answered.body["code"]), (400, &json!("invalid_parameters")));
    let mut fields = answered.error_fields();
    fields.sort_unstable();
    let expected = [
        "active",
        "allowed_hosts[1]",
        "click_retention_days",
        "conversion_retention_days",
        "impression_retention_days",
        "links[2].odd",
        "links[2].url_id",
        "name",
        "offer_groups[0].name",
        "offer_groups[0].offers",
        "organization",
        "redirect_url",
        "retention_days",
        "rtb_tmax_ms",
        "signing_key",
        "surprise",
        "time_zone",
        "trust",
        "trusted_sources[0]",
    ];
    assert_eq!(fields, expected);
    let path = format!("/integrations/{}", app.made.integration_id);
    let answered =
        app.call("PATCH", &path, json!({"links": [{"url_id": "a"}, {"url_id": "a"}], "name": null})).await;
    assert_eq!(answered.error_fields(), ["name", "links[1].url_id"]);
    assert_eq!(app.call("GET", &path, Value::Null).await.body["links"], json!([]));
}

#[tokio::test]
async fn a_click_can_go_down_an_offer_group_and_ends_somewhere() {
    let app = TestApp::new().await;
    let path = format!("/integrations/{}", app.made.integration_id);
    let link = |offer: &str, leads: bool| {
        let url = leads.then_some("https://example.com/");
        json!({"url_id": format!("u-{offer}"), "offer": offer, "redirect_url": url})
    };
    let change = |links: Value, groups: Value| json!({"links": links, "offer_groups": groups});
    let groups = json!([{"name": "A", "offers": ["o1", "o2"]}, {"name": "B", "offers": ["o3", "o1"]}]);
    let links = json!([link("o1", true), link("o2", false), link("o3", true)]);
    let answered = app.call("PATCH", &path, change(links.clone(), groups)).await;
    assert_eq!(
        (answered.status.as_u16(), answered.error_fields()),
        (400, vec!["offer_groups[0].offers[1]", "offer_groups[1].offers[1]"])
    );
    let groups = json!([{"name": "A", "offers": ["o1", "o3"]}]);
    assert_eq!(app.call("PATCH", &path, change(links, groups)).await.status, 200);
    for links in [json!([]), json!(null), json!([link("o1", true), link("o3", false)])] {
        let answered = app.call("PATCH", &path, json!({ "links": links })).await;
        assert_eq!(answered.status, 400, "{links}");
        assert!(answered.error_fields().iter().all(|field| *field == "links"), "{answered:?}");
    }
    assert_eq!(app.call("PATCH", &path, json!({"name": "other"})).await.status, 200);
}

#[tokio::test]
async fn the_signing_key_is_written_and_never_read() {
    let app = TestApp::new().await;
    let path = format!("/integrations/{}", app.made.integration_id);
    let key = "a signing key of some length";
    assert_eq!(app.call("PATCH", &path, json!({"signing_key": key})).await.status, 200);
    let entry = app.catalog.snapshot().integration(app.made.integration_id).unwrap().clone();
    assert_eq!(entry.signing_key.as_deref(), Some(&StoredSecret::Key(key.as_bytes().to_vec())));
    assert!(!app.call("GET", &path, Value::Null).await.body.to_string().contains("signing"));
    assert_eq!(app.call("PATCH", &path, json!({"signing_key": null})).await.status, 200);
    assert!(app.catalog.snapshot().integration(app.made.integration_id).unwrap().signing_key.is_none());
}

#[tokio::test]
async fn lists_page_sort_filter_and_pick() {
    let app = TestApp::new().await;
    for number in 0..5 {
        app.clock.advance_seconds(1);
        app.call("POST", "/integrations", json!({"name": format!("I{number}"), "active": number != 2}))
            .await
            .created_id();
    }
    let listed = app
        .call("GET", "/integrations?page[size]=2&page[number]=2&sort=-name&fields=name", Value::Null)
        .await;
    assert_eq!(
        listed.body,
        json!({"data": [{"name": "I2"}, {"name": "I1"}], "meta": {"links": {
            "next": {"page[number]": 3, "page[size]": 2}, "prev": {"page[number]": 1, "page[size]": 2}},
            "total_count": 6, "total_page": 3}})
    );
    let listed = app.call("GET", "/integrations?filter[active]=false", Value::Null).await;
    assert_eq!(
        (&listed.body["data"][0]["name"], &listed.body["meta"]["total_count"]),
        (&json!("I2"), &json!(1))
    );
    assert_eq!(listed.body["meta"]["links"], json!({"next": null, "prev": null}));
    let listed = app.call("GET", "/integrations?page[size]=0&page[numbr]=1&filter[x]=1", Value::Null).await;
    assert_eq!(
        (listed.status.as_u16(), listed.error_fields()),
        (400, vec!["page[size]", "filter[x]", "page[numbr]"])
    );
}

#[tokio::test]
async fn a_bidder_is_one_that_can_be_asked() {
    let app = TestApp::new().await;
    let path = format!("/integrations/{}", app.made.integration_id);
    for endpoint in [
        "http://bidder.example/",
        "https://10.0.0.1/bid",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://localhost:8443/",
        "https://bidder.example/?id={transaction_id}",
        "https://bidder.example/?id=${sub_id}",
        "https://bidder.example/?id=[publisher]",
    ] {
        let change = json!({"name": "n", "rtb_endpoint": endpoint});
        for (method, path) in [("POST", "/integrations"), ("PATCH", path.as_str())] {
            let answered = app.call(method, path, change.clone()).await;
            assert_eq!(answered.error_fields(), ["rtb_endpoint"], "{method} {endpoint}: {answered:?}");
        }
    }
    let fine = json!({"rtb_endpoint": "https://bidder.example:8443/bid?seat=1"});
    assert_eq!(app.call("PATCH", &path, fine).await.status, 200);

    let app = TestApp::with_outbound(tollgate_outbound::testing::options(&[])).await;
    let path = format!("/integrations/{}", app.made.integration_id);
    let inside = |endpoint: &str| app.call("PATCH", &path, json!({"rtb_endpoint": endpoint}));
    assert_eq!(inside("http://127.0.0.1:9000/bid").await.status, 200, "the operator allows it");
    assert_eq!(inside("http://10.0.0.1/bid").await.error_fields(), ["rtb_endpoint"]);
}
