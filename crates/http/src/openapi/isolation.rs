//! Two organizations. Every operation of the document is asked by a caller of the second one for objects of the first:
//! nothing of them is read, changed or even revealed. New operations are asked without being told to this test; only
//! a new sort of id in a path has to be.

use super::tests::parsed;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_catalog::{Actor, ClientVersion, Credential, Organization, User, refresh_oauth_client};
use tollgate_domain::{Event, EventKind, Number, OrganizationId, Status, Text, Timestamp};

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

/// An object of every sort, with the mark on it; `traffic` may change what concerns traffic.
async fn furnish(first: &Caller<'_>, traffic: &Caller<'_>) -> Vec<Ids> {
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
    let made = &first.app.made;
    let (organization, integration) = (made.organization_id.as_str(), made.integration_id.as_str());
    let path = format!("/api/v2/integrations/{integration}");
    assert_eq!(traffic.call("PATCH", &path, json_body(&json!({"name": MARK}))).await.status, 200);
    let group =
        json!({"name": MARK, "priority": 1, "integration": integration, "organization": organization});
    let group = traffic.make(&format!("{path}/filter-groups"), group, "created_item_id").await;
    let key = traffic.make("/api/v2/api-keys", json!({"name": MARK}), "created_item_id").await;
    let postbacks = format!("/tollgate/v1/integrations/{integration}/postbacks");
    let postback = json!({"name": MARK, "on": "approved", "url": format!("https://partner.example/{MARK}")});
    let postback = traffic.make(&postbacks, postback, "id").await;
    let transaction = traffic_of(first.app);
    first.app.postbacks.follow().await.unwrap();
    let log = format!("/tollgate/v1/integrations/{integration}/postback-deliveries");
    let delivery = traffic.call("GET", &log, None).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let export = format!("/api/v2/download-center/{integration}/clicks?fields=ip&extra_parameters={MARK}");
    let export = traffic.call("GET", &export, None).await.body["id"].as_str().unwrap().to_owned();
    let user = json!({"email": format!("{MARK}@example.com"), "role": "analyst"});
    let user = traffic.make("/tollgate/v1/users", user, "id").await;
    let forgotten = traffic.make("/tollgate/v1/privacy-requests", json!({"user_id": MARK}), "id").await;
    let campaign = json!({"id": format!("campaign-{MARK}"), "name": MARK, "app_id": app});
    let campaign = traffic.make("/tollgate/v1/campaigns", campaign, "id").await;
    let report = "/v5/analytics/install?dateMin=2026-03-01&dateMax=2026-03-01";
    let job = first.call("GET", report, None).await.body["jobId"].as_str().unwrap().to_owned();
    let traffic = [
        integration,
        &group,
        &key,
        &transaction,
        &postback,
        &delivery,
        &export,
        &forgotten,
        &job,
        &campaign,
        &user,
    ];
    ids([&app, &location, &list], organization, traffic)
}

/// An event of each kind, with the mark on it; answers the click's id.
fn traffic_of(app: &TestApp) -> String {
    let event = |kind| {
        let mut event = Event::new(kind, app.made.integration_id);
        event.set_number(
            Number::RequestTime,
            Timestamp::parse("time", "2026-03-01 12:00:00").unwrap().millis(),
        );
        event.set_status(Status::Approved);
        for column in [Text::OfferId, Text::Publisher, Text::ExternalTransactionId, Text::SubId] {
            event.set_text(column, MARK);
        }
        event
    };
    let mut events = [EventKind::Click, EventKind::Conversion, EventKind::Impression].map(event);
    events[1].set_text(Text::Hash, MARK);
    app.store(&mut events);
    events[0].id.to_string()
}

/// Ids that are well formed and nobody's.
fn nobodys() -> Vec<Ids> {
    let hex = "0123456789abcdef01234567";
    let ten = "aaaaaaaaaa";
    let transaction = "00000000000000000000000001";
    let long = "0123456789abcdef0123456789abcdef";
    let job = format!("{long}/01234567-89ab-4cde-8f01-23456789abcd");
    let traffic = [ten, ten, ten, transaction, ten, long, hex, long, &job, "campaign-nobodys", hex];
    ids([hex, "01234567-89ab-4cde-8f01-23456789abcd", hex], hex, traffic)
}

/// What parameters stand for, once for each kind of object that a path may name.
fn ids([app, location, list]: [&str; 3], organization: &str, traffic: [&str; 11]) -> Vec<Ids> {
    let [integration, group, key, transaction, postback, delivery, export, forgotten, job, campaign, user] =
        traffic;
    let (job_hex, job_uuid) = job.split_once('/').unwrap();
    let whole_job = format!("{job_hex}%2F{job_uuid}");
    let artifact = format!("click_logs-{export}.csv");
    let kinds = [
        ("app", app.to_owned()),
        ("ad_location", format!("{app}%2F{location}")),
        ("category_list", list.to_owned()),
        ("monetization_settings", app.to_owned()),
        ("organization", organization.to_owned()),
        ("integration", integration.to_owned()),
        ("filter_group", group.to_owned()),
        ("api_key", key.to_owned()),
        ("postback", postback.to_owned()),
        ("campaign", campaign.to_owned()),
    ];
    let with_kind = |(kind, id): (&str, String)| {
        let mut all = Ids::from([("kind", kind.to_owned()), ("id", id), ("version", "1".to_owned())]);
        let own = [
            ("app_id", app),
            ("ad_location_id", location),
            ("list_id", list),
            ("integration_id", integration),
            ("filter_group_id", group),
            ("api_key_id", key),
            ("tx_id", transaction),
            ("postback_id", postback),
            ("delivery_id", delivery),
            ("export_id", export),
            ("artifact_name", &artifact),
            ("privacy_request_id", forgotten),
            ("campaign_id", campaign),
            ("job_id", &whole_job),
            ("job_hex", job_hex),
            ("job_uuid", job_uuid),
            ("user_id", user),
        ];
        all.extend(own.map(|(name, id)| (name, id.to_owned())));
        all
    };
    kinds.into_iter().map(with_kind).collect()
}

/// Parameters that are ids: answers that differ in nothing else tell nothing.
const NAMING: [&str; 18] = [
    "campaign_id",
    "user_id",
    "job_id",
    "job_hex",
    "job_uuid",
    "artifact_name",
    "privacy_request_id",
    "app_id",
    "ad_location_id",
    "list_id",
    "id",
    "integration_id",
    "filter_group_id",
    "api_key_id",
    "tx_id",
    "postback_id",
    "delivery_id",
    "export_id",
];

/// Whether a request names an object that belongs to someone.
fn names_an_object(template: &str, operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let by_query = |one: &Value| {
        one["in"] == "query" && ["integration_id", "integration", "artifact_name"].contains(&name_of(one))
    };
    template.contains('{') || parameters.iter().any(by_query)
}

fn name_of(parameter: &Value) -> &str {
    parameter["name"].as_str().unwrap()
}

/// The path and query of a request: ids in the path, and every parameter of the query that must be there or that names an
/// integration. A parameter that nothing is known for fails: it is to be added here or above.
fn target(template: &str, operation: &Value, ids: &Ids) -> String {
    let mut target = filled(template, ids);
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let must_be =
        |one: &&Value| one["in"] == "query" && (one["required"] == true || name_of(one) == "integration_id");
    for (n, parameter) in parameters.iter().filter(must_be).enumerate() {
        let name = name_of(parameter);
        let value = match name {
            "integration" => &ids["integration_id"],
            "start_date" | "end_date" | "request_date" | "dateMin" | "dateMax" => "2026-03-01",
            "page[size]" => "100",
            "offer" | "publisher" | "hash" => MARK,
            "kind" => "click",
            "group_by" => "country",
            "format" => "csv",
            "fields" => "ip",
            "extra_parameters" | "signature" => MARK,
            "organization" => "0123456789abcdef01234567",
            "expires" => "4000000000",
            _ => ids.get(name).unwrap_or_else(|| panic!("{template}: there is no {name} to ask for")),
        };
        target = format!("{target}{}{name}={value}", if n == 0 { '?' } else { '&' });
    }
    target
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
    let taken =
        content.get("application/json").map_or("", |json| json["schema"]["$ref"].as_str().unwrap_or(""));
    if taken.ends_with("/NewPostback") || taken.ends_with("/PostbackChange") {
        return json_body(&json!({"name": "x", "on": "rejected", "url": "https://other.example/"}));
    }
    if taken.ends_with("/NewUser") || taken.ends_with("/UserChange") {
        return json_body(&json!({"email": "somebody@other.example", "role": "analyst"}));
    }
    // Elsewhere unknown fields do not matter, or are found after the object, so one body fits several.
    json_body(
        &json!({"name": "x", "title": "x", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-2"], "version": 1}),
    )
}

/// The answer as text, with the ids that were asked for taken out: they tell the caller nothing.
fn without(answered: &Answered, ids: &Ids) -> String {
    let text = format!("{} {:?} {}", answered.status, answered.headers, answered.body);
    let told = |text: String, name: &str| {
        let id = &ids[name];
        text.replace(id, "ID").replace(&id.replace("%2F", "/"), "ID")
    };
    NAMING.into_iter().fold(text, told)
}

#[tokio::test]
async fn nothing_of_one_organization_is_read_changed_or_revealed_to_another() {
    let app = TestApp::new().await;
    let own = token(&app, (&app.made.v5.id, app.made.v5.secret.expose())).await;
    let theirs = app.neighbour().await;
    let their_client = settle(&app, theirs.organization).await;
    let first = Caller { app: &app, credential: own };
    let own_key = Caller { app: &app, credential: app.made.api_key.secret.expose().to_owned() };
    let ids = furnish(&first, &own_key).await;
    let head = || app.catalog.snapshot().organization(app.made.organization_id).unwrap().head();
    let before = head();

    let other = token(&app, (&their_client.id, their_client.secret.expose())).await;
    let document = parsed();
    let mut asked = 0;
    for credential in [other.clone(), theirs.api_key.clone()] {
        let second = Caller { app: &app, credential };
        for (template, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = method.to_uppercase();
                for (ids, nobodys) in ids.iter().zip(nobodys()) {
                    let given = content(operation, ids);
                    let names = names_an_object(template, operation);
                    let compared = names || matches!(given, Some(("text/csv", _)));
                    let answered = second.call(&method, &target(template, operation, ids), given).await;
                    let seen = without(&answered, ids);
                    assert!(!seen.contains(MARK), "{method} {template} reveals: {seen}");
                    asked += 1;
                    if compared {
                        let path = target(template, operation, &nobodys);
                        let unknown = second.call(&method, &path, content(operation, &nobodys)).await;
                        let unknown = without(&unknown, &nobodys);
                        assert_eq!(seen, unknown, "{method} {template} tells what exists");
                    }
                    if names {
                        let status = answered.status.as_u16();
                        // A link without a right signature is refused, whatever it is to.
                        let expected: &[u16] =
                            if template.contains("/files/") { &[403] } else { &[401, 404] };
                        assert!(expected.contains(&status), "{method} {template}: {status}: {seen}");
                    }
                    if !template.contains("{kind}") {
                        break;
                    }
                }
            }
        }
    }
    assert!(asked > 120, "{asked}");
    assert_eq!(head(), before, "nothing of the first organization was written");

    point_at_them(&Caller { app: &app, credential: other }, &ids[0]).await;
    let key = Caller { app: &app, credential: theirs.api_key };
    point_at_them_by_key(&key, theirs.integration.as_str(), &ids[0]).await;
    let integration = format!("/api/v2/integrations/{}", ids[0]["integration_id"]);
    for (caller, path) in [
        (&first, format!("/v5/apps/{}", ids[0]["app_id"])),
        (&first, format!("/v5/lists/{}", ids[0]["list_id"])),
        (&own_key, format!("{integration}/filter-groups/{}", ids[0]["filter_group_id"])),
        (&own_key, format!("/api/v2/api-keys/{}", ids[0]["api_key_id"])),
        (&own_key, format!("/api/v2/download-center/exports/{}", ids[0]["export_id"])),
        (
            &own_key,
            format!(
                "/tollgate/v1/integrations/{}/postbacks/{}",
                ids[0]["integration_id"], ids[0]["postback_id"]
            ),
        ),
    ] {
        let answered = caller.call("GET", &path, None).await;
        assert_eq!(answered.status, 200, "the first one's are still there");
        assert!(answered.body.to_string().contains(MARK), "{path}");
    }
}

/// The second organization's own objects do not lead to those of the first one.
async fn point_at_them(second: &Caller<'_>, ids: &Ids) {
    let new_app = json!({"nickname": "n", "orientations": ["portrait"], "is_live": false, "is_test_mode_on": false,
                         "is_directed_at_kids_under_13": "NO", "platform": "ios"});
    let theirs = second.make("/v5/apps", new_app, "id").await;
    let settings = json!({"ad_blocking_settings": {"blocked_iab_categories_v1_list": ids["list_id"]}});
    let path = format!("/v5/apps/{theirs}/monetization_settings");
    assert_eq!(second.call("PATCH", &path, json_body(&settings)).await.status, 400);
    let path = format!("/v5/apps/{theirs}/ad-locations/{}", ids["ad_location_id"]);
    assert_eq!(second.call("PATCH", &path, json_body(&json!({"name": "x"}))).await.status, 404);
}

/// The same for what concerns traffic: through an integration of their own.
async fn point_at_them_by_key(second: &Caller<'_>, integration: &str, ids: &Ids) {
    let (group, click) = (&ids["filter_group_id"], &ids["tx_id"]);
    let groups = format!("/api/v2/integrations/{integration}/filter-groups");
    let one = format!("{groups}/{group}");
    let name = json!({"name": "x"});
    let (many, change) = (json!({"data": [group]}), json!({"data": [group], "monitoring_mode": true}));
    let own = format!("/tollgate/v1/integrations/{integration}");
    let postback = format!("{own}/postbacks/{}", ids["postback_id"]);
    let export = format!("/api/v2/download-center/exports/{}", ids["export_id"]);
    let retry = format!("{own}/postback-deliveries/{}/retry", ids["delivery_id"]);
    let lookup =
        format!("integration_id={integration}&request_date=2026-03-01&offer={MARK}&publisher={MARK}");
    for (method, path, body) in [
        ("GET", &one, None),
        ("PATCH", &one, json_body(&name)),
        ("DELETE", &one, None),
        ("PATCH", &groups, json_body(&change)),
        ("DELETE", &groups, json_body(&many)),
        ("GET", &postback, None),
        ("PATCH", &postback, json_body(&name)),
        ("DELETE", &postback, None),
        ("POST", &format!("{postback}/test"), None),
        ("GET", &export, None),
        ("DELETE", &export, None),
        ("GET", &format!("/api/v2/download-center/url?artifact_name={}", ids["artifact_name"]), None),
        ("POST", &format!("/tollgate/v1/exports/{}/cancel", ids["export_id"]), None),
        ("POST", &retry, None),
        ("GET", &format!("/api/v2/reports/v2/click?{lookup}&tx_id={click}"), None),
        ("GET", &format!("/api/v2/reports/v2/click?{lookup}&tx_id={MARK}"), None),
        ("GET", &format!("/api/v2/reports/v2/conversion?{lookup}&hash={MARK}"), None),
    ] {
        assert_eq!(second.call(method, path, body).await.status, 404, "{method} {path}");
    }
    let days =
        format!("integration_id={integration}&start_date=2026-03-01&end_date=2026-03-01&page[size]=100");
    for cursor in ["after", "before"] {
        let path = format!("/api/v2/reports/v2/click-table?{days}&page[{cursor}]={click}");
        let answered = second.call("GET", &path, None).await;
        assert_eq!(answered.body["data"]["data"], json!([]), "{path}: {answered:?}");
    }
    // A user of the first organization is nobody here.
    let snapshot = second.app.catalog.snapshot();
    let first = snapshot.organization(second.app.made.organization_id).unwrap();
    let user = first.table::<User>().iter().next().unwrap().id.clone();
    let ask = async |user: &str| {
        let key = json!({"name": "x", "user": user});
        let answered = second.call("POST", "/api/v2/api-keys", json_body(&key)).await;
        (answered.status.as_u16(), answered.body.to_string().replace(user, "ID"))
    };
    let refused = ask(&user).await;
    assert_eq!(refused.0, 400);
    assert_eq!(refused, ask("nobody").await);
}
