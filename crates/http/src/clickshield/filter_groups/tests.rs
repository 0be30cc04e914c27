use crate::testing::TestApp;
use serde_json::{Value, json};

fn collection(app: &TestApp) -> String {
    format!("/integrations/{}/filter-groups", app.made.integration_id)
}

fn group(app: &TestApp, name: &str, priority: Value) -> Value {
    json!({"name": name, "priority": priority, "integration": app.made.integration_id,
           "organization": app.made.organization_id})
}

async fn default_id(app: &TestApp) -> String {
    let listed = app.call("GET", &format!("{}?filter[priority]=null", collection(app)), Value::Null).await;
    listed.body["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_group_lives_and_dies() {
    let app = TestApp::new().await;
    let mut full = group(&app, "Affiliates", json!(7));
    let own = json!({
        "active": false, "description": "What it is for", "advertiser_ids": ["a"], "offer_ids": ["o1", "o2"],
        "publisher_ids": [], "monitoring_mode": false, "rtb_enabled": true, "tags": ["t"],
        "click_filter_preset_id": 1, "conversion_filter_preset_id": 101,
        "filters": [{"type": "duplicate_user", "enabled": true, "applies_to": ["click"], "action": "flag",
                     "params": {"data_points": ["ip"], "lookback_minutes": 60}}],
    });
    full.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let id = app.call("POST", &collection(&app), full.clone()).await.created_id();
    let path = format!("{}/{id}", collection(&app));
    let read = app.call("GET", &path, Value::Null).await.body;
    for (name, value) in full.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
    for name in ["id", "created_at", "updated_at", "last_updated_by"] {
        assert!(read[name].is_string(), "{name}");
    }
    assert_eq!(app.call("PATCH", &path, read.clone()).await.status, 200, "what was read can be sent back");
    assert_eq!(app.call("GET", &path, Value::Null).await.body, read);

    let change = json!({"name": "Renamed", "monitoring_mode": null, "offer_ids": [], "filters": []});
    let updated = app.call("PATCH", &path, change).await;
    assert_eq!((updated.status.as_u16(), updated.body), (200, json!({})));
    let read = app.call("GET", &path, Value::Null).await.body;
    assert_eq!((&read["name"], &read["monitoring_mode"]), (&json!("Renamed"), &Value::Null));
    assert_eq!(
        (&read["offer_ids"], &read["filters"], &read["tags"]),
        (&json!([]), &json!([]), &json!(["t"]))
    );

    assert_eq!(app.call("DELETE", &path, Value::Null).await.body, json!({}));
    assert_eq!(app.call("GET", &path, Value::Null).await.status, 404);
    assert_eq!(app.call("DELETE", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_minimal_group_has_the_defaults_and_a_form_makes_one() {
    let app = TestApp::new().await;
    let id = app.call("POST", &collection(&app), group(&app, "Small", json!(1))).await.created_id();
    let read = app.call("GET", &format!("{}/{id}", collection(&app)), Value::Null).await.body;
    for (name, value) in [
        ("active", json!(true)),
        ("monitoring_mode", Value::Null),
        ("rtb_enabled", Value::Null),
        ("description", json!("")),
        ("filters", json!([])),
        ("tags", json!([])),
        ("click_filter_preset_id", Value::Null),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
    let form = format!(
        "name=F&priority=2&integration={}&organization={}&active=false&monitoring_mode=&offer_ids[]=1&offer_ids[]=2\
         &filters=%5B%7B%22type%22%3A%22bot%22%7D%5D",
        app.made.integration_id, app.made.organization_id
    );
    let id = app.form("POST", &collection(&app), &form).await.created_id();
    let read = app.call("GET", &format!("{}/{id}", collection(&app)), Value::Null).await.body;
    assert_eq!((&read["offer_ids"], &read["active"]), (&json!(["1", "2"]), &json!(false)));
    assert_eq!(read["filters"], json!([{"type": "bot", "enabled": true, "action": "reject", "params": {}}]));
}

#[tokio::test]
async fn every_violated_rule_is_named_at_once() {
    let app = TestApp::new().await;
    app.call("POST", &collection(&app), group(&app, "First", json!(1))).await.created_id();
    let bad = json!({
        "priority": 1, "integration": "zzzzzzzzzz", "tags": vec!["x"; 51], "offer_ids": ["a", "a"], "odd": 1,
        "click_filter_preset_id": 102, "conversion_filter_preset_id": 5,
        "filters": [
            {"type": "bot", "params": {"crawlers": "maybe"}}, {"enabled": true}, {"type": "nonsense"},
            {"type": "duplicate_user", "params": {"lookback_minutes": 0, "surprise": 1}, "applies_to": ["impression", "x"]}
        ],
    });
    let answered = app.call("POST", &collection(&app), bad).await;
    assert_eq!(answered.status, 400);
    let fields = answered.error_fields();
    for field in [
        "name",
        "organization",
        "integration",
        "priority",
        "tags",
        "offer_ids[1]",
        "odd",
        "click_filter_preset_id",
        "conversion_filter_preset_id",
        "filters[0].params.crawlers",
        "filters[1].type",
        "filters[2].type",
        "filters[3].params.lookback_minutes",
        "filters[3].params.surprise",
        "filters[3].applies_to[1]",
    ] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    assert_eq!(app.call("GET", &collection(&app), Value::Null).await.body["meta"]["total_count"], 2);
}

#[tokio::test]
async fn a_priority_belongs_to_one_group() {
    let app = TestApp::new().await;
    app.call("POST", &collection(&app), group(&app, "A", json!(1))).await.created_id();
    let second = app.call("POST", &collection(&app), group(&app, "B", json!(2))).await.created_id();
    let taken = app.call("POST", &collection(&app), group(&app, "C", json!(1))).await;
    assert_eq!((taken.status.as_u16(), taken.error_fields()), (400, vec!["priority"]));
    let path = format!("{}/{second}", collection(&app));
    assert_eq!(app.call("PATCH", &path, json!({"priority": 1})).await.error_fields(), ["priority"]);
    assert_eq!(app.call("PATCH", &path, json!({"priority": null})).await.error_fields(), ["priority"]);
    assert_eq!(app.call("PATCH", &path, json!({"priority": 2})).await.status, 200);
    for priority in [json!(0), json!(-1), json!(1.5), json!("1"), json!(4_000_000_000_u64)] {
        let answered = app.call("POST", &collection(&app), group(&app, "D", priority)).await;
        assert_eq!(answered.error_fields(), ["priority"]);
    }
    let other = app.call("POST", "/integrations", json!({"name": "Other"})).await.created_id();
    let mut body = group(&app, "A", json!(1));
    body["integration"] = other.clone().into();
    app.call("POST", &format!("/integrations/{other}/filter-groups"), body).await.created_id();
}

#[tokio::test]
async fn the_default_group_stays_last_and_unbound() {
    let app = TestApp::new().await;
    let path = format!("{}/{}", collection(&app), default_id(&app).await);
    let bad = json!({"priority": 1, "offer_ids": ["a"], "name": "Renamed"});
    assert_eq!(app.call("PATCH", &path, bad).await.error_fields(), ["priority", "offer_ids"]);
    assert_eq!(
        app.call("PATCH", &path, json!({"monitoring_mode": false, "priority": null})).await.status,
        200
    );
    let refused = app.call("DELETE", &path, Value::Null).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (400, &json!("rule_broken")));
    app.call("POST", &collection(&app), group(&app, "Z", json!(9))).await.created_id();
    let listed = app.call("GET", &collection(&app), Value::Null).await.body;
    assert_eq!(listed["data"][1]["name"], "Default");
    assert_eq!(listed["data"][1]["monitoring_mode"], false);
}

#[test]
fn the_filters_that_init_makes_are_legal() {
    assert_eq!(tollgate_screening::validate(&tollgate_catalog::init::default_filters()), Ok(()));
}

#[tokio::test]
async fn off_takes_a_side_out_and_custom_comes_with_filters() {
    let app = TestApp::new().await;
    let path = format!("{}/{}", collection(&app), default_id(&app).await);
    assert_eq!(app.call("PATCH", &path, json!({"click_filter_preset_id": 9})).await.status, 200);
    let read = app.call("GET", &path, Value::Null).await.body;
    let filters = read["filters"].as_array().unwrap();
    assert!(filters.iter().all(|one| !one["applies_to"].to_string().contains("click")), "{filters:?}");
    let bot = filters.iter().find(|one| one["type"] == "bot").unwrap();
    assert_eq!(bot["applies_to"], json!(["conversion", "impression"]));
    assert_eq!(read["click_filter_preset_id"], 9);
    let change = json!({"filters": [{"type": "bot", "applies_to": ["click"]}]});
    assert_eq!(app.call("PATCH", &path, change).await.status, 200);
    assert_eq!(app.call("GET", &path, Value::Null).await.body["click_filter_preset_id"], 1);
}

#[tokio::test]
async fn a_preset_alone_replaces_its_side() {
    let app = TestApp::new().await;
    let path = format!("{}/{}", collection(&app), default_id(&app).await);
    let types = |read: &Value, kind: &str| -> Vec<String> {
        let filters = read["filters"].as_array().unwrap().iter();
        let of_kind = filters.filter(|one| {
            one["applies_to"].as_array().is_none_or(|kinds| kinds.iter().any(|known| known == kind))
        });
        of_kind.map(|one| one["type"].as_str().unwrap().to_owned()).collect()
    };
    let read = async || app.call("GET", &path, Value::Null).await.body;
    assert_eq!(app.call("PATCH", &path, json!({"click_filter_preset_id": 2})).await.status, 200);
    let mobile = read().await;
    let expected = [
        "bot",
        "proxy",
        "old_device",
        "duplicate_user",
        "duplicate_user",
        "device_id",
        "rejection_threshold",
    ];
    assert_eq!(types(&mobile, "click"), expected);
    assert_eq!(types(&mobile, "conversion"), ["bot", "proxy", "duplicate_user"], "the other side stays");
    assert_eq!(mobile["click_filter_preset_id"], 2);
    assert_eq!(app.call("PATCH", &path, mobile.clone()).await.status, 200, "what was read can be sent back");
    assert_eq!(read().await, mobile);

    let both = json!({"click_filter_preset_id": 7, "conversion_filter_preset_id": 103});
    assert_eq!(app.call("PATCH", &path, both).await.status, 200);
    let search = read().await;
    assert_eq!(types(&search, "click"), ["bot", "proxy", "click_flooding", "keyword"]);
    assert_eq!(types(&search, "conversion").len(), 10);

    let mut filters = search["filters"].clone();
    let keyword = filters.as_array_mut().unwrap().iter_mut().find(|one| one["type"] == "keyword").unwrap();
    keyword["params"] = json!({"blocked": ["free"]});
    let change = json!({"click_filter_preset_id": 7, "filters": filters});
    assert_eq!(app.call("PATCH", &path, change).await.status, 200);
    let changed = read().await;
    assert_eq!(changed["filters"], filters, "a body with both keeps the filters");
    assert_eq!(
        (&changed["click_filter_preset_id"], &changed["conversion_filter_preset_id"]),
        (&json!(1), &json!(103)),
        "what is not the preset's any more is Custom"
    );
    assert_eq!(app.call("PATCH", &path, json!({"click_filter_preset_id": 1})).await.status, 200);
    assert_eq!(read().await["filters"], filters, "Custom leaves the filters alone");
    let wrong = app.call("PATCH", &path, json!({"conversion_filter_preset_id": 2})).await;
    assert_eq!((wrong.status.as_u16(), wrong.error_fields()), (400, vec!["conversion_filter_preset_id"]));
}

#[tokio::test]
async fn presets_and_the_catalogue_can_be_read() {
    let app = TestApp::new().await;
    let listed = app.call("GET", "/filter-presets?filter[kind]=conversion", Value::Null).await.body;
    let names: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|one| (&one["id"], &one["name"])).collect();
    let [custom, mobile, leads, off] = [101, 102, 103, 109].map(|id| json!(id));
    let [a, b, c, d] = ["Custom", "Mobile CPI", "LeadGen", "Off"].map(|name| json!(name));
    assert_eq!(names, [(&custom, &a), (&mobile, &b), (&leads, &c), (&off, &d)]);
    assert_eq!((&listed["data"][0]["filters"], &listed["data"][3]["filters"]), (&Value::Null, &json!([])));
    let filters = listed["data"][1]["filters"].clone();
    let body = json!({"name": "G", "priority": 5, "integration": app.made.integration_id, "filters": filters,
        "organization": app.made.organization_id, "conversion_filter_preset_id": 102});
    let id = app.call("POST", &collection(&app), body).await.created_id();
    let read = app.call("GET", &format!("{}/{id}", collection(&app)), Value::Null).await.body;
    assert_eq!((&read["filters"], &read["conversion_filter_preset_id"]), (&filters, &json!(102)));

    let catalogue = app.call("GET", "/filter-presets?catalogue=1", Value::Null).await.body;
    assert_eq!(catalogue["oneOf"].as_array().unwrap().len(), tollgate_screening::CATALOGUE.len());
    for query in ["catalogue=2", "catalogue=1&x=1", "filter[filters]=1"] {
        assert_eq!(
            app.call("GET", &format!("/filter-presets?{query}"), Value::Null).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn bulk_requests_do_all_or_nothing() {
    let app = TestApp::new().await;
    let a = app.call("POST", &collection(&app), group(&app, "A", json!(1))).await.created_id();
    let b = app.call("POST", &collection(&app), group(&app, "B", json!(2))).await.created_id();
    let path = format!("{}?organization={}", collection(&app), app.made.organization_id);
    let update = app.call("PATCH", &path, json!({"data": [a, b], "monitoring_mode": true})).await;
    assert_eq!((update.status.as_u16(), update.body), (200, json!({})));
    let count = async |filter: &str| {
        let listed = app.call("GET", &format!("{}?{filter}", collection(&app)), Value::Null).await;
        listed.body["meta"]["total_count"].as_u64().unwrap()
    };
    assert_eq!(count("filter[monitoring_mode]=true").await, 3);

    let stranger = format!("{}?organization=000000000000000000000000", collection(&app));
    assert_eq!(app.call("DELETE", &stranger, json!({"data": [a]})).await.status, 404);
    let default = default_id(&app).await;
    for (ids, status) in
        [(json!([a, "zzzzzzzzzz"]), 404), (json!([a, default]), 400), (json!([]), 400), (json!([a, a]), 400)]
    {
        assert_eq!(app.call("DELETE", &path, json!({"data": ids})).await.status.as_u16(), status);
    }
    let other = app.call("POST", "/integrations", json!({"name": "Other"})).await.created_id();
    let groups = app.call("GET", &format!("/integrations/{other}/filter-groups"), Value::Null).await.body;
    for stranger in [json!("zzzzzzzzzz"), groups["data"][0]["id"].clone()] {
        let body = json!({"data": [a, stranger, b], "monitoring_mode": false});
        assert_eq!(app.call("PATCH", &path, body).await.status, 404);
    }
    assert_eq!(count("filter[monitoring_mode]=true").await, 3, "not even the first was changed");
    assert_eq!(
        app.call("PATCH", &path, json!({"data": [a], "odd": 1})).await.error_fields(),
        ["monitoring_mode", "odd"]
    );
    assert_eq!(count("").await, 3);
    assert_eq!(app.call("DELETE", &path, json!({"data": [a, b]})).await.body, json!({}));
    assert_eq!(count("").await, 1);
}
