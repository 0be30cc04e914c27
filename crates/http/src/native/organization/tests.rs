use crate::chartboost::apps::tests::{change_organization, make_app};
use crate::native::apps::tests::call;
use crate::testing::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn disclosures_are_accepted_once_and_for_all() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let id = make_app(&publisher, "n").await;
    change_organization(&home, |one| one.disclosures_accepted = false).await;
    let path = format!("/v5/apps/{id}");
    assert_eq!(publisher.call("PATCH", &path, json!({"nickname": "m"})).await.status, 403);
    let native = [
        ("PUT", format!("/apps/{id}/review"), json!({"status": "Approved"})),
        ("PATCH", format!("/apps/{id}/settings"), json!({"icon": null})),
    ];
    for (method, path, body) in native {
        let refused = call(&home, method, &path, body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (403, &json!("disclosure_not_accepted"))
        );
    }
    for _ in 0..2 {
        let accepted = call(&home, "POST", "/disclosures/accept", Value::Null).await;
        assert_eq!((accepted.status.as_u16(), accepted.body), (200, json!({"disclosures_accepted": true})));
    }
    let updated = publisher.call("PATCH", &path, json!({"nickname": "m"})).await;
    assert_eq!((updated.status.as_u16(), &updated.body["is_coppa_disclosure_read"]), (200, &json!(true)));
}

#[tokio::test]
async fn settings_are_read_and_changed() {
    let home = TestApp::new().await;
    let none = json!({"app_review": "automatic", "seller_lines": [],
        "auto_cpm": {"interstitial": [], "rewarded": [], "banner": []}});
    let read = call(&home, "GET", "/settings", Value::Null).await;
    assert_eq!((read.status.as_u16(), &read.body, read.header("etag")), (200, &none, Some("\"1\"")));
    let full = json!({
        "app_review": "manual",
        "seller_lines": [
            {"ad_system": "ads.example.com", "account": "pub-1", "relationship": "DIRECT",
             "authority": "f08c47fec0942fa0"},
            {"ad_system": "b.example", "account": "2:3", "relationship": "RESELLER", "authority": null}
        ],
        "auto_cpm": {
            "interstitial": [{"country": "US", "price": 1.5}, {"country": "default", "price": 0.1}],
            "rewarded": [], "banner": [{"country": "DE", "price": 0.05}]
        }
    });
    let changed = call(&home, "PATCH", "/settings", full.clone()).await;
    assert_eq!((changed.status.as_u16(), &changed.body), (200, &full));
    assert_eq!(
        call(&home, "PATCH", "/settings", full.clone()).await.header("etag"),
        Some("\"2\""),
        "nothing changed"
    );
    let part = call(&home, "PATCH", "/settings", json!({"auto_cpm": {"banner": []}})).await.body;
    let mut expected = full;
    expected["auto_cpm"]["banner"] = json!([]);
    assert_eq!(part, expected);
    let app = make_app(&home.publisher().await, "n").await;
    let read = home.publisher().await.get(&format!("/v5/apps/{app}")).await.body;
    assert_eq!(read["publishing_application"]["status"], "Pending");
}

#[tokio::test]
async fn bad_settings_are_named_at_once() {
    let home = TestApp::new().await;
    let bad = json!({
        "app_review": "never",
        "seller_lines": [
            {}, 1, {"ad_system": "x", "account": "a,b", "relationship": "direct", "authority": "-"}
        ],
        "auto_cpm": {"interstitial": [{"country": "US", "price": 0}], "banner": null, "rewarded": [{}]}
    });
    let refused = call(&home, "PATCH", "/settings", bad).await;
    let mut fields = refused.error_fields();
    fields.sort_unstable();
    let expected = [
        "app_review",
        "auto_cpm.banner",
        "auto_cpm.interstitial[0].price",
        "auto_cpm.rewarded[0].country",
        "auto_cpm.rewarded[0].price",
        "seller_lines[0].account",
        "seller_lines[0].ad_system",
        "seller_lines[0].relationship",
        "seller_lines[1]",
        "seller_lines[2].account",
        "seller_lines[2].ad_system",
        "seller_lines[2].authority",
        "seller_lines[2].relationship",
    ];
    assert_eq!((refused.status.as_u16(), fields), (400, expected.to_vec()));
    let read = call(&home, "GET", "/settings", Value::Null).await;
    assert_eq!(read.header("etag"), Some("\"1\""), "nothing stored");
}
