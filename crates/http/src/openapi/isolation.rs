//! Two organizations. Every operation of the document is asked by a caller of the second one for objects of the first:
//! nothing of them is read, changed or even revealed. New operations are asked without being told to this test; only
//! a new sort of id in a path has to be.

use super::tests::parsed;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_catalog::{Actor, ClientVersion, Credential, Organization, refresh_oauth_client};
use tollgate_domain::OrganizationId;

/// Stands in every text of the first organization that is its own to choose.
const MARK: &str = "Zebra9f2c";

/// What the ids of a path stand for: those of objects of the first organization, or of none.
type Ids = BTreeMap<&'static str, String>;

struct Caller<'a> {
    app: &'a TestApp,
    credential: String,
}

/// A body and its type.
type Content = (&'static str, String);

fn json_body(body: &Value) -> Option<Content> {
    Some(("application/json", body.to_string()))
}

impl Caller<'_> {
    async fn call(&self, method: &str, path: &str, content: Option<Content>) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.credential));
        let Some((kind, body)) = content else {
            return self.app.send(request.body(Body::empty()).unwrap()).await;
        };
        self.app.send(request.header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap()).await
    }

    async fn make(&self, path: &str, body: Value, id: &str) -> String {
        let answered = self.call("POST", path, json_body(&body)).await;
        assert!(answered.status.is_success(), "{path}: {answered:?}");
        answered.body[id].as_str().unwrap().to_owned()
    }
}

async fn token(app: &TestApp, (id, secret): (&str, &str)) -> String {
    let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
    let request = Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/json");
    let answered = app.send(request.body(Body::from(body.to_string())).unwrap()).await;
    answered.body["access_token"].as_str().unwrap().to_owned()
}

/// Lets an organization do everything, so that nothing is refused for another reason; answers a client of it.
async fn settle(app: &TestApp, id: OrganizationId) -> Credential {
    let actor = Actor::command_line();
    let write = app.catalog.write(id, &actor, |draft| {
        let mut organization = draft.require::<Organization>(id.as_str(), None)?.value.clone();
        organization.disclosures_accepted = true;
        draft.update(organization, None)?;
        refresh_oauth_client(draft, ClientVersion::V5)
    });
    write.await.unwrap()
}

/// An object of every sort, with the mark on it.
async fn furnish(first: &Caller<'_>) -> Vec<Ids> {
    let new_app = json!({
        "nickname": MARK, "name": MARK, "orientations": ["portrait"], "is_live": true, "is_test_mode_on": false,
        "store_app_id": format!("com.{MARK}"), "store_bundle_id": format!("com.{MARK}"),
        "store_app_url": format!("https://play.google.com/store/apps/details?id=com.{MARK}"),
        "is_directed_at_kids_under_13": "NO", "platform": "android",
    });
    let app = first.make("/v5/apps", new_app, "id").await;
    let location = json!({"name": MARK, "ad_type": "rewarded", "type": "fixed_cpm",
                          "country_targeting": [{"country": "default", "price": 5.0}]});
    let location = first.make(&format!("/v5/apps/{app}/ad-locations"), location, "uuid").await;
    let list = json!({"title": MARK, "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]});
    let list = first.make("/v5/lists", list, "id").await;
    let settings = json!({"ad_blocking_settings": {"blocked_iab_categories_v1_list": list,
                                                   "blocked_advertiser_store_ids": [format!("com.{MARK}")]}});
    let path = format!("/v5/apps/{app}/monetization_settings");
    assert_eq!(first.call("PATCH", &path, json_body(&settings)).await.status, 200);
    ids(
        [&app, &location, &list],
        first.app.made.organization_id.as_str(),
        first.app.made.integration_id.as_str(),
    )
}

/// Ids that are well formed and nobody's.
fn nobodys() -> Vec<Ids> {
    let hex = "0123456789abcdef01234567";
    ids([hex, "01234567-89ab-4cde-8f01-23456789abcd", hex], hex, "AAAAAAAAAA")
}

/// What the parameters of paths stand for, once for each kind of object that a path may name.
fn ids([app, location, list]: [&str; 3], organization: &str, integration: &str) -> Vec<Ids> {
    let kinds = [
        ("app", app.to_owned()),
        ("ad_location", format!("{app}%2F{location}")),
        ("category_list", list.to_owned()),
        ("monetization_settings", app.to_owned()),
        ("organization", organization.to_owned()),
        ("integration", integration.to_owned()),
    ];
    let with_kind = |(kind, id): (&str, String)| {
        let names = ["app_id", "ad_location_id", "list_id", "kind", "id", "version"];
        let values = [app, location, list, kind, &id, "1"].map(str::to_owned);
        names.into_iter().zip(values).collect()
    };
    kinds.into_iter().map(with_kind).collect()
}

/// The path with ids in it. A parameter that no id is known for fails: it is to be added above.
fn filled(template: &str, ids: &Ids) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => {
            ids.get(name).unwrap_or_else(|| panic!("{template}: there is no {name} to ask for")).clone()
        }
        None => part.to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A body that an operation takes. What no operation takes fails: it is to be added here.
fn content(operation: &Value, ids: &Ids) -> Option<Content> {
    let content = operation.get("requestBody")?["content"].as_object().unwrap();
    if content.contains_key("text/csv") {
        let (app, location) = (&ids["app_id"], &ids["ad_location_id"]);
        return Some((
            "text/csv",
            format!("app_id,ad_location,country,price\r\n{app},{location},default,7\r\n"),
        ));
    }
    assert!(content.contains_key("application/json") || content.len() == 1, "{content:?}");
    // Unknown fields do not matter, so one body fits several.
    json_body(
        &json!({"name": "x", "title": "x", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-2"], "version": 1}),
    )
}

/// The answer as text, with the ids that were asked for taken out: they tell the caller nothing.
fn without(answered: &Answered, ids: &Ids) -> String {
    let text = format!("{} {:?} {}", answered.status, answered.headers, answered.body);
    let names = ["app_id", "ad_location_id", "list_id", "id"];
    let told = |text: String, name: &str| {
        let id = &ids[name];
        text.replace(id, "ID").replace(&id.replace("%2F", "/"), "ID")
    };
    names.into_iter().fold(text, told)
}

#[tokio::test]
async fn nothing_of_one_organization_is_read_changed_or_revealed_to_another() {
    let app = TestApp::new().await;
    let own = token(&app, (&app.made.v5.id, app.made.v5.secret.expose())).await;
    let theirs = app.neighbour().await;
    let their_client = settle(&app, theirs.organization).await;
    let first = Caller { app: &app, credential: own };
    let ids = furnish(&first).await;
    let head = || app.catalog.snapshot().organization(app.made.organization_id).unwrap().head();
    let before = head();

    let other = token(&app, (&their_client.id, their_client.secret.expose())).await;
    let document = parsed();
    let mut asked = 0;
    for credential in [other.clone(), theirs.api_key] {
        let second = Caller { app: &app, credential };
        for (template, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = method.to_uppercase();
                for (ids, nobodys) in ids.iter().zip(nobodys()) {
                    let given = content(operation, ids);
                    let names = template.contains('{') || matches!(given, Some(("text/csv", _)));
                    let answered = second.call(&method, &filled(template, ids), given).await;
                    let seen = without(&answered, ids);
                    assert!(!seen.contains(MARK), "{method} {template} reveals: {seen}");
                    asked += 1;
                    if names {
                        let unknown = second
                            .call(&method, &filled(template, &nobodys), content(operation, &nobodys))
                            .await;
                        assert_eq!(
                            seen,
                            without(&unknown, &nobodys),
                            "{method} {template} tells what exists"
                        );
                    }
                    if template.contains('{') {
                        assert!(
                            [401, 404].contains(&answered.status.as_u16()),
                            "{method} {template}: {seen}"
                        );
                    }
                    if !template.contains("{kind}") {
                        break;
                    }
                }
            }
        }
    }
    assert!(asked > 60, "{asked}");
    assert_eq!(head(), before, "nothing of the first organization was written");

    // Nor can the second one's own objects point at them.
    let second = Caller { app: &app, credential: other };
    let new_app = json!({"nickname": "n", "orientations": ["portrait"], "is_live": false, "is_test_mode_on": false,
                         "is_directed_at_kids_under_13": "NO", "platform": "ios"});
    let theirs = second.make("/v5/apps", new_app, "id").await;
    let settings = json!({"ad_blocking_settings": {"blocked_iab_categories_v1_list": ids[0]["list_id"]}});
    let path = format!("/v5/apps/{theirs}/monetization_settings");
    assert_eq!(second.call("PATCH", &path, json_body(&settings)).await.status, 400);
    let path = format!("/v5/apps/{theirs}/ad-locations/{}", ids[0]["ad_location_id"]);
    assert_eq!(second.call("PATCH", &path, json_body(&json!({"name": "x"}))).await.status, 404);
    for (method, path) in [
        ("GET", format!("/v5/apps/{}", ids[0]["app_id"])),
        ("GET", format!("/v5/lists/{}", ids[0]["list_id"])),
    ] {
        assert_eq!(first.call(method, &path, None).await.status, 200, "the first one's are still there");
    }
}
