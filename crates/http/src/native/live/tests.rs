//! Following events through the router: what is told, what is told to be lost, and how it ends.

use super::Streams;
use crate::testing::TestApp;
use crate::{ApiState, router};
use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tollgate_catalog::Scope;
use tollgate_domain::{Amendment, Event, EventKind, IntegrationId, Number, Status, Text, Timestamp};
use tower::ServiceExt;

/// Longer than any machine takes: it only keeps a test that fails from hanging.
const AT_MOST: Duration = Duration::from_secs(60);

/// Somebody who follows events.
struct Follower {
    body: BodyDataStream,
    read: String,
}

/// One event of the stream: its name, its id and its data.
type Told = (String, Option<String>, Value);

impl Follower {
    async fn open(
        router: &Router,
        headers: &[(&str, &str)],
        query: &str,
    ) -> Result<Self, (u16, Value, bool)> {
        let mut request = Request::get(format!("/tollgate/v1/live{query}")).header("host", "127.0.0.1:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        if parts.status != StatusCode::OK {
            let bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap();
            let is_told_when = parts.headers.contains_key("retry-after");
            return Err((parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap(), is_told_when));
        }
        assert_eq!(parts.headers["content-type"], "text/event-stream");
        assert_eq!(parts.headers["cache-control"], "no-store");
        Ok(Self { body: body.into_data_stream(), read: String::new() })
    }

    async fn of(app: &TestApp, query: &str) -> Self {
        Self::open(app.router(), &[("api-key", key(app))], query).await.unwrap()
    }

    /// What comes next, as it stands on the wire; `None` at the end.
    async fn piece(&mut self) -> Option<String> {
        loop {
            if let Some((piece, rest)) = self.read.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.read = rest;
                return Some(piece);
            }
            let bytes = tokio::time::timeout(AT_MOST, self.body.next()).await.expect("something comes")?;
            self.read.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        }
    }

    /// The next event; what only keeps the connection is passed over.
    async fn next(&mut self) -> Option<Told> {
        loop {
            let piece = self.piece().await?;
            let field = |name: &str| {
                let mut lines = piece.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                lines.next().map(str::to_owned)
            };
            if let Some(name) = field("event") {
                return Some((name, field("id"), serde_json::from_str(&field("data").unwrap()).unwrap()));
            }
        }
    }

    async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let (name, id, row) = self.next().await.expect("a row");
            assert_eq!((name.as_str(), &row["real_tx_id"]), ("row", &json!(id)), "{row}");
            ids.extend(id);
        }
        ids
    }

    async fn ends_for(&mut self, reason: &str) {
        assert_eq!(self.next().await, Some(("end".to_owned(), None, json!({"reason": reason}))));
        assert_eq!(self.next().await, None);
    }
}

fn key(app: &TestApp) -> &str {
    app.made.api_key.secret.expose()
}

fn event(kind: EventKind, integration: IntegrationId, n: i64, status: Status, monitored: bool) -> Event {
    let mut event = Event::new(kind, integration);
    event.set_number(Number::RequestTime, 1_700_000_000_000 + n);
    event.set_status(status);
    event.set_number(Number::MonitoringMode, i64::from(monitored));
    event.set_text(Text::Publisher, &format!("publisher \"{n}\"\r\n"));
    event
}

fn clicks(app: &TestApp, numbers: std::ops::Range<i64>) -> Vec<String> {
    let of = |n| event(EventKind::Click, app.made.integration_id, n, Status::Approved, false);
    let mut events: Vec<Event> = numbers.map(of).collect();
    app.store(&mut events);
    events.iter().map(|event| event.id.to_string()).collect()
}

#[tokio::test]
async fn events_are_told_as_they_come_to_those_who_want_them() {
    let app = TestApp::new().await;
    let neighbour = app.neighbour().await;
    let own = app.made.integration_id;
    clicks(&app, 0..1);
    let mut all = Follower::of(&app, "").await;
    let mut rejected = Follower::of(&app, "?kind=click,conversion&verdict=rejected").await;
    let mut objected = Follower::of(&app, "?verdict=rejected,monitored").await;
    let mut theirs = Follower::open(app.router(), &[("api-key", &neighbour.api_key)], "").await.unwrap();
    let mut events = [
        event(EventKind::Click, own, 1, Status::Approved, false),
        event(EventKind::Click, neighbour.integration, 2, Status::Rejected, false),
        event(EventKind::Conversion, own, 3, Status::Rejected, false),
        event(EventKind::Impression, own, 4, Status::Rejected, false),
        event(EventKind::Conversion, own, 5, Status::Rejected, true),
    ];
    app.store(&mut events);
    let id = |n: usize| events[n].id.to_string();
    assert_eq!(rejected.ids(1).await, [id(2)]);
    assert_eq!(objected.ids(3).await, [id(2), id(3), id(4)]);
    assert_eq!(theirs.ids(1).await, [id(1)]);
    let (name, _, row) = all.next().await.unwrap();
    let table = format!(
        "/reports/v2/click-table?integration_id={own}&start_date=2023-11-14&end_date=2023-11-14&page%5Bsize%5D=1"
    );
    let listed = app.call("GET", &table, Value::Null).await;
    assert_eq!((name.as_str(), &row), ("row", &listed.body["data"]["data"][0]), "{listed:?}");
    assert_eq!(all.ids(3).await, [id(2), id(3), id(4)]);
    let (own, other) =
        (format!("?integration_id={own}"), format!("?integration_id={}", neighbour.integration));
    Follower::of(&app, &own).await;
    for (query, status, field) in
        [(&*other, 404, None), ("?kind=clack&verdict=", 400, Some("kind")), ("?size=3", 400, Some("size"))]
    {
        let (refused, problem, _) =
            Follower::open(app.router(), &[("api-key", key(&app))], query).await.err().unwrap();
        assert_eq!((refused, problem["errors"][0]["field"].as_str()), (status, field), "{problem}");
    }
}

#[tokio::test]
async fn what_comes_too_fast_is_counted() {
    let app = TestApp::new().await;
    let mut follower = Follower::of(&app, "?kind=click").await;
    let ids = clicks(&app, 0..250);
    let lost = follower.next().await.unwrap();
    assert_eq!(lost, ("lost".to_owned(), None, json!({"count": 150, "exact": true})));
    assert_eq!(follower.ids(100).await, ids[150..], "the newest are told");
    let ids = clicks(&app, 250..252);
    assert_eq!(follower.ids(2).await, ids, "and nothing is lost from then on");
}

#[tokio::test]
async fn who_was_away_goes_on_where_he_was() {
    let app = TestApp::new().await;
    let first = clicks(&app, 0..4);
    app.ledger.seal(u64::MAX).unwrap().expect("rows to seal");
    let second = clicks(&app, 4..6);
    let api_key = key(&app);
    let after = |id: &str| [("api-key", api_key), ("last-event-id", id)].map(|(a, b)| (a, b.to_owned()));
    let open = async |headers: [(&str, String); 2]| {
        let headers = [(headers[0].0, &*headers[0].1), (headers[1].0, &*headers[1].1)];
        Follower::open(app.router(), &headers, "").await.unwrap()
    };
    let mut follower = open(after(&first[1])).await;
    assert_eq!(follower.ids(4).await, [&first[2..], &second[..]].concat());
    for unknown in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"] {
        let mut stranger = open(after(unknown)).await;
        let lost = stranger.next().await.unwrap();
        assert_eq!(lost, ("lost".to_owned(), None, json!({"count": 0, "exact": false})), "{unknown}");
    }
    let third = clicks(&app, 6..7);
    assert_eq!(follower.ids(1).await, third);
}

#[tokio::test]
async fn what_was_sealed_since_the_last_look_is_told_too() {
    let app = TestApp::new().await;
    let mut follower = Follower::of(&app, "").await;
    let ids = clicks(&app, 0..3);
    app.ledger.seal(u64::MAX).unwrap().expect("rows to seal");
    assert_eq!(follower.ids(3).await, ids);
}

/// Says of a conversion that it is rejected, or only what a third party says of it.
fn amend(app: &TestApp, event: &Event, rejects: bool) {
    let mut amendment = Amendment::of(event, Timestamp::from_millis(1_700_000_009_000));
    if rejects {
        amendment.record.set_status(Status::Rejected);
        amendment.record.set_number(Number::MonitoringMode, 0);
        amendment.record.set_text(Text::Rejections, r#"["FRAUD","OTHER"]"#);
    } else {
        amendment.record.set_text(Text::ThirdPartyStatus, "approved");
    }
    let promise = app.ledger.promise(1, 1 << 12).unwrap();
    app.ledger.amend(&promise, &mut amendment);
    assert!(app.ledger.commit().unwrap());
}

#[tokio::test]
async fn a_verdict_that_changes_later_is_told_to_those_who_want_it() {
    let app = TestApp::new().await;
    let own = app.made.integration_id;
    let mut events = [event(EventKind::Conversion, own, 1, Status::Approved, false)];
    app.store(&mut events);
    let api_key = key(&app);
    let mut all = Follower::of(&app, "").await;
    let mut approved = Follower::of(&app, "?verdict=approved").await;
    let mut clicks_only = Follower::of(&app, "?kind=click").await;
    amend(&app, &events[0], false);
    amend(&app, &events[0], true);
    let id = events[0].id.to_string();
    let expected = json!({
        "real_tx_id": id, "kind": "conversion", "integration_id": own, "at": "2023-11-14T22:13:29.000Z",
        "status": "rejected", "monitoring_mode": false, "rejection": "FRAUD", "rejections": ["FRAUD", "OTHER"],
        "advertiser": null, "publisher": "publisher \"1\"\r\n", "offer_id": null, "sub_id": null, "event_name": null,
    });
    let amended = ("amended".to_owned(), None, expected);
    assert_eq!(all.next().await.unwrap(), amended, "what changes no verdict is not told");
    let click = clicks(&app, 2..3);
    for follower in [&mut all, &mut approved, &mut clicks_only] {
        assert_eq!(follower.ids(1).await, click);
    }
    app.ledger.seal(u64::MAX).unwrap().expect("rows to seal");
    let after = [("api-key", api_key), ("last-event-id", id.as_str())];
    let mut again = Follower::open(app.router(), &after, "").await.unwrap();
    assert_eq!(again.next().await.unwrap(), amended, "who was away is told, too");
    assert_eq!(again.ids(1).await, click);
}

#[tokio::test]
async fn a_stream_ends_with_its_credential_and_with_the_server() {
    let app = TestApp::new().await;
    let made = app.call("POST", "/api-keys", json!({"name": "follows", "scopes": ["read"]})).await;
    let theirs = made.body["api_key"].as_str().unwrap_or_else(|| panic!("{made:?}"));
    let mut of_key = Follower::open(app.router(), &[("api-key", theirs)], "").await.unwrap();
    let writer = app.key_with(&[Scope::Write]).await;
    assert_eq!(Follower::open(app.router(), &[("api-key", &writer)], "").await.err().unwrap().0, 403);

    let ids = clicks(&app, 0..1);
    assert_eq!(of_key.ids(1).await, ids);
    let revoked = app.call("DELETE", &format!("/api-keys/{}", made.created_id()), Value::Null).await;
    assert!(revoked.status.is_success(), "{revoked:?}");
    clicks(&app, 1..2);
    of_key.ends_for("credential").await;

    let admin = &app.made.admin;
    let candidates = app.catalog.candidates(&admin.id, None);
    let verified = app.catalog.verify_password(candidates, admin.secret.expose());
    let session = app.catalog.sign_in(&verified[0]).await.unwrap().unwrap();
    let cookie = format!("tollgate_session={}", session.expose());
    let csrf = crate::session::csrf_token(session.expose());
    let headers = [("cookie", &*cookie), ("x-csrf-token", &*csrf)];
    let mut of_user = Follower::open(app.router(), &headers, "").await.unwrap();
    assert_eq!(Follower::open(app.router(), &headers[..1], "").await.err().unwrap().0, 403);
    app.catalog.end_session(session.expose()).await.unwrap();
    of_user.ends_for("credential").await;

    let mut follower = Follower::of(&app, "").await;
    app.state.live.close();
    follower.ends_for("shutdown").await;
    Follower::of(&app, "").await.ends_for("shutdown").await;
}

#[tokio::test]
async fn an_organization_follows_so_many_streams_and_others_still_can() {
    let app = TestApp::new().await;
    let neighbour = app.neighbour().await;
    let mut followers = Vec::new();
    for _ in 0..16 {
        followers.push(Follower::of(&app, "").await);
    }
    let open = async || Follower::open(app.router(), &[("api-key", key(&app))], "").await;
    let (status, problem, is_told_when) = open().await.err().unwrap();
    assert_eq!((status, &problem["code"], is_told_when), (429, &json!("too_many_requests"), true));
    Follower::open(app.router(), &[("api-key", &neighbour.api_key)], "").await.unwrap();
    drop(followers.pop());
    let freed = async {
        while open().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(AT_MOST, freed).await.expect("who leaves gives the place back");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_sent_away() {
    let app = TestApp::new().await;
    let live = Arc::new(Streams::with_patience(Duration::from_millis(1)));
    let router = router(ApiState { live: live.clone(), ..app.state.clone() });
    let mut follower = Follower::open(&router, &[("api-key", key(&app))], "").await.unwrap();
    // Longer than it may take nothing.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let places = || (0..16).map(|_| live.place(app.made.organization_id)).collect::<Vec<_>>();
    assert!(places()[15].is_err(), "what was written to it is still there");
    follower.ends_for("slow").await;
    drop(follower);
    assert!(places().iter().all(Result::is_ok));
}
