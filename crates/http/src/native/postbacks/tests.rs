//! Postbacks through the router: what may be saved, what is answered, and the log of a real receiver.

use crate::native::apps::tests::call;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tollgate_catalog::Scope;
use tollgate_domain::{Event, EventKind, Number, Status, Text};
use tollgate_outbound::testing::{options, server};

fn path(app: &TestApp) -> String {
    format!("/integrations/{}/postbacks", app.made.integration_id)
}

fn new(name: &str) -> Value {
    json!({"name": name, "on": "approved", "url": "https://partner.example/p?tx={tx_id}"})
}

async fn make(app: &TestApp, body: Value) -> String {
    let made = call(app, "POST", &path(app), body).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, Some("\"1\"")), "{made:?}");
    made.body["id"].as_str().unwrap().to_owned()
}

/// A request with further headers.
async fn send(app: &TestApp, method: &str, path: &str, header: (&str, &str), body: &Value) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(format!("/tollgate/v1{path}"))
        .header("API-KEY", app.made.api_key.secret.expose())
        .header("Content-Type", "application/json")
        .header(header.0, header.1);
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_postback_is_made_read_changed_and_deleted() {
    let app = TestApp::new().await;
    let id = make(&app, new("first")).await;
    let one = format!("{}/{id}", path(&app));
    let expected = json!({
        "id": id, "integration_id": app.made.integration_id.to_string(), "name": "first", "active": true,
        "on": "approved", "reasons": [], "event_types": ["conversion"], "event_names": [], "offer_ids": [],
        "publisher_ids": [], "advertiser_ids": [], "url": "https://partner.example/p?tx={tx_id}", "method": "GET",
        "body": null, "delay_seconds": 0, "created_at": "2023-11-14T22:13:20.000Z",
        "updated_at": "2023-11-14T22:13:20.000Z",
    });
    let read = call(&app, "GET", &one, Value::Null).await;
    assert_eq!((&read.body, read.header("etag")), (&expected, Some("\"1\"")));
    let change = json!({
        "on": "rejected", "reasons": ["BOT"], "event_types": ["event", "conversion"], "event_names": ["deposit"],
        "offer_ids": ["7"], "delay_seconds": 60,
    });
    let changed = call(&app, "PATCH", &one, change).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, Some("\"2\"")), "{changed:?}");
    assert_eq!(changed.body["name"], "first");
    let cleared = json!({"on": "approved", "reasons": null, "event_names": null, "offer_ids": null,
                         "event_types": ["conversion"], "delay_seconds": null});
    assert_eq!(call(&app, "PATCH", &one, cleared).await.body, expected);
    let same = call(&app, "PATCH", &one, expected.clone()).await;
    assert_eq!((same.status.as_u16(), &same.body), (200, &expected), "what was read can be sent back");
    let lost = send(&app, "PATCH", &one, ("If-Match", "\"2\""), &json!({"name": "x"})).await;
    assert_eq!(lost.status, 412);
    assert_eq!(send(&app, "DELETE", &one, ("If-Match", "\"2\""), &Value::Null).await.status, 412);
    assert_eq!(call(&app, "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(call(&app, "GET", &one, Value::Null).await.status, 404);
    let restore = format!("/objects/postback/{id}/restore");
    assert_eq!(call(&app, "POST", &restore, json!({"version": 2})).await.status, 200);
    let back = call(&app, "GET", &one, Value::Null).await;
    assert_eq!((&back.body["reasons"], back.header("etag")), (&json!(["BOT"]), Some("\"5\"")));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    let id = make(&app, new("n")).await;
    for (body, fields) in [
        (json!({}), &["name", "on", "url"][..]),
        (json!({"name": "", "on": "maybe", "url": "ftp://x"}), &["name", "on", "url"]),
        (json!({"name": null, "on": null, "url": null}), &["name", "on", "url"]),
        (json!({"name": "n", "on": "approved", "url": "http://partner.example/"}), &["url"]),
        (
            json!({"name": "n", "on": "approved", "url": "https://a.example/", "publisher_id": ["1"], "integration_id": "x"}),
            &["integration_id", "publisher_id"],
        ),
        (json!({"name": "n", "on": "approved", "url": "https://10.0.0.1/"}), &["url"]),
        (json!({"name": "n", "on": "approved", "url": "https://[host].example/"}), &["url"]),
        (
            json!({"name": "n", "on": "approved", "url": format!("https://a.example/{}", "x".repeat(4096))}),
            &["url"],
        ),
        (
            json!({"name": "n", "on": "approved", "url": "https://a.example/", "reasons": ["BOT"]}),
            &["reasons"],
        ),
        (
            json!({"name": "n", "on": "approved", "url": "https://a.example/", "event_names": ["x"], "body": "a=1"}),
            &["event_names", "body"],
        ),
        (
            json!({"name": "n", "on": "approved", "url": "https://a.example/", "event_types": [], "delay_seconds": 86_401,
                   "offer_ids": ["1", "1"], "method": "PUT"}),
            &["delay_seconds", "event_types", "method", "offer_ids[1]"],
        ),
    ] {
        let refused = call(&app, "POST", &path(&app), body.clone()).await;
        let mut found = refused.error_fields();
        found.sort_unstable();
        let mut expected = fields.to_vec();
        expected.sort_unstable();
        assert_eq!((refused.status.as_u16(), found), (400, expected), "{body}");
    }
    let one = format!("{}/{id}", path(&app));
    let refused = call(&app, "PATCH", &one, json!({"reasons": ["BOT"], "url": "https://localhost/"})).await;
    assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, vec!["url"]));
    let refused = call(&app, "PATCH", &one, json!({"id": "aaaaaaaaaa", "publisher": ["1"]})).await;
    assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, vec!["id", "publisher"]));
    assert_eq!(call(&app, "GET", &one, Value::Null).await.header("etag"), Some("\"1\""));
    let log = path(&app).replace("postbacks", "postback-deliveries");
    for (list, name) in [(path(&app), "status"), (log.clone(), "postback_id"), (log, "page")] {
        let refused = call(&app, "GET", &format!("{list}?limit=1&{name}=1"), Value::Null).await;
        assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, vec![name]), "{list}");
    }
    for missing in ["/integrations/aaaaaaaaaa/postbacks".to_owned(), "/integrations/x/postbacks".to_owned()] {
        assert_eq!(call(&app, "POST", &missing, new("n")).await.status, 404);
        assert_eq!(call(&app, "GET", &missing, Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn an_integration_has_a_hundred_and_they_go_with_it() {
    let app = TestApp::new().await;
    let first = send(&app, "POST", &path(&app), ("Idempotency-Key", "k"), &new("n")).await;
    let again = send(&app, "POST", &path(&app), ("Idempotency-Key", "k"), &new("n")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(first.body, again.body);
    for n in 1..100 {
        make(&app, new(&n.to_string())).await;
    }
    let full = call(&app, "POST", &path(&app), new("101")).await;
    assert_eq!((full.status.as_u16(), &full.body["code"]), (400, &json!("too_many_postbacks")));
    let (mut seen, mut query) = (Vec::new(), "?limit=40".to_owned());
    loop {
        let page = call(&app, "GET", &format!("{}{query}", path(&app)), Value::Null).await;
        seen.extend(page.body["items"].as_array().unwrap().iter().map(|one| one["id"].to_string()));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        query = format!("?limit=40&cursor={cursor}");
    }
    assert!(seen.len() == 100 && seen.is_sorted());
    let refused = call(&app, "GET", &format!("{}?limit=101&cursor=x", path(&app)), Value::Null).await;
    assert_eq!(refused.error_fields(), ["limit", "cursor"]);
    let id = first.body["id"].as_str().unwrap();
    let integration = format!("/integrations/{}", app.made.integration_id);
    assert_eq!(app.call("DELETE", &integration, Value::Null).await.status, 200);
    let restore = format!("/objects/postback/{id}/restore");
    let orphan = call(&app, "POST", &restore, json!({"version": 1})).await;
    assert_eq!((orphan.status.as_u16(), &orphan.body["code"]), (400, &json!("parent_missing")));
    let restore = format!("/objects/integration/{}/restore", app.made.integration_id);
    assert_eq!(call(&app, "POST", &restore, json!({"version": 1})).await.status, 200);
    let back = call(&app, "GET", &path(&app), Value::Null).await;
    assert_eq!(back.body["items"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_log_tells_what_became_of_it_and_it_is_sent_again() {
    let address = server(|head, stream| {
        assert!(head.starts_with("GET /p?tx=x%201 HTTP/1.1\r\n"), "{head}");
        write!(stream, "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
    });
    let app = TestApp::with_outbound(options(&[("partner.example", address)])).await;
    let body = json!({"name": "n", "on": "approved", "url": "http://partner.example/p?tx={tx_id}"});
    let id = make(&app, body).await;
    let mut event = Event::new(EventKind::Conversion, app.made.integration_id);
    event.set_number(Number::RequestTime, 1_700_000_000_000);
    event.set_status(Status::Approved);
    event.set_text(Text::ExternalTransactionId, "x 1");
    let mut events = [event];
    app.store(&mut events);
    app.postbacks.follow().await.unwrap();
    let log = format!("/integrations/{}/postback-deliveries", app.made.integration_id);
    let read = async |query: &str| call(&app, "GET", &format!("{log}{query}"), Value::Null).await;
    let waiting = read("").await.body["items"][0].clone();
    let expected = json!({
        "id": waiting["id"], "postback_id": id, "conversion_id": events[0].id.to_string(), "on": "approved",
        "status": "pending", "method": "GET", "url": "http://partner.example/p?tx=x%201", "body": null,
        "created_at": "2023-11-14T22:13:20.000Z", "due_at": "2023-11-14T22:13:20.000Z", "finished_at": null,
        "attempts": [],
    });
    assert_eq!(waiting, expected);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(app.postbacks.clone().run(stopped, std::time::Duration::from_secs(5)));
    let failed = async |attempts: usize| {
        for _ in 0..200 {
            let page = read("?status=failed").await;
            let found = page.body["items"][0]["attempts"].as_array().map_or(0, Vec::len);
            if found == attempts {
                return page.body["items"][0].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("never {attempts} attempts");
    };
    let first = failed(1).await;
    assert_eq!(
        (&first["attempts"][0]["status_code"], &first["attempts"][0]["error"]),
        (&json!(410), &Value::Null)
    );
    assert_eq!((&first["due_at"], &first["finished_at"]), (&Value::Null, &json!("2023-11-14T22:13:20.000Z")));
    let retry = format!("{log}/{}/retry", first["id"].as_str().unwrap());
    let retried = call(&app, "POST", &retry, Value::Null).await;
    assert_eq!((retried.status.as_u16(), &retried.body["status"]), (200, &json!("pending")));
    assert_eq!(failed(2).await["id"], first["id"]);
    let one = format!("{}/{id}", path(&app));
    call(&app, "PATCH", &one, json!({"active": false})).await;
    let conflict = call(&app, "POST", &retry, Value::Null).await;
    assert_eq!((conflict.status.as_u16(), &conflict.body["code"]), (409, &json!("postback_inactive")));
    for (query, expected) in [
        ("?status=delivered", 0),
        (&format!("?postback={id}"), 1),
        ("?postback=aaaaaaaaaa", 0),
        (&format!("?conversion_id={}", events[0].id.to_string().to_lowercase()), 1),
        ("?from=2023-11-14T22:13:20Z&to=2023-11-14T22:13:21Z", 1),
        ("?to=2023-11-14T22:13:20Z", 0),
    ] {
        assert_eq!(read(query).await.body["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let refused = read("?status=lost&conversion_id=x&from=now&limit=0&cursor=x").await;
    let mut fields = refused.error_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["conversion_id", "cursor", "from", "limit", "status"]);
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_test_answers_what_came_of_it() {
    let address = server(|_, stream| write!(stream, "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"));
    let app = TestApp::with_outbound(options(&[("partner.example", address)])).await;
    let url = "http://partner.example/p?o={offer_id}&d={delivery_id}";
    let id = make(&app, json!({"name": "n", "on": "rejected", "url": url, "offer_ids": ["a&b"]})).await;
    let test = format!("{}/{id}/test", path(&app));
    let done = call(&app, "POST", &test, Value::Null).await;
    let delivery = done.body["delivery_id"].as_str().unwrap();
    assert_eq!(done.body["url"], format!("http://partner.example/p?o=a%26b&d={delivery}"));
    let told = (&done.body["delivered"], &done.body["status_code"], &done.body["error"]);
    assert_eq!((done.status.as_u16(), told), (200, (&json!(true), &json!(201), &Value::Null)));
    assert!(done.body["duration_ms"].is_u64());
    call(&app, "PATCH", &format!("{}/{id}", path(&app)), json!({"url": "http://nowhere.example/"})).await;
    let lost = call(&app, "POST", &test, Value::Null).await;
    assert_eq!((lost.status.as_u16(), &lost.body["error"]), (200, &json!("unresolved")));
    let reader = app.key_with(&[Scope::Read]).await;
    let request = Request::post(format!("/tollgate/v1{test}")).header("API-KEY", reader);
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 403);
}
