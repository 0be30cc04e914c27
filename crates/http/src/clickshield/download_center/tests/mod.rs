//! The Download Center through the real router, over events in a real ledger.

mod asking;
mod files;
mod lists;
mod work;

use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_domain::{Event, EventKind, Number, Status, Text, Timestamp};
use tollgate_jobs::exports::Exports;

/// What most exports here are asked for with.
const USUAL: &str =
    "start_date=2026-03-01&end_date=2026-03-01&fields=real_tx_id,offer_id,publisher&extra_parameters=";

/// Exports that are worked on until this is stopped.
struct Working {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Working {
    fn on(exports: &Arc<Exports>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(exports.clone().run(stopped)) }
    }

    async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

fn event(app: &TestApp, kind: EventKind, number: usize) -> Event {
    let mut event = Event::new(kind, app.made.integration_id);
    let time = format!("2026-03-01 12:{:02}:{:02}", number / 60 % 60, number % 60);
    event.set_number(Number::RequestTime, Timestamp::parse("time", &time).unwrap().millis());
    event.set_status(if number.is_multiple_of(3) { Status::Rejected } else { Status::Approved });
    event.set_text(Text::OfferId, ["plain", "a,b", "say \"hi\"", "=1+1"][number % 4]);
    event.set_text(Text::Publisher, ["a", "b"][number % 2]);
    event.set_text(Text::Advertiser, "x");
    event.set_text(Text::ExternalTransactionId, &format!("ext-{number}"));
    event.set_text(Text::ExtraParameters, r#"{"color":"red","n":"5"}"#);
    event
}

/// So many clicks, a second apart.
fn store_clicks(app: &TestApp, count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = (0..count).map(|n| event(app, EventKind::Click, n)).collect();
    // Few enough at a time for the test's log.
    events.chunks_mut(50).for_each(|some| app.store(some));
    events
}

/// Asks for a file of clicks.
async fn ask(app: &TestApp, query: &str) -> Answered {
    let path = format!("/download-center/{}/clicks?{query}", app.made.integration_id);
    app.call("GET", &path, Value::Null).await
}

/// The id of an export that was asked for as usual.
async fn asked(app: &TestApp, more: &str) -> String {
    let answered = ask(app, &format!("{USUAL}{more}")).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    answered.body["id"].as_str().unwrap().to_owned()
}

async fn read(app: &TestApp, id: &str) -> Answered {
    app.call("GET", &format!("/download-center/exports/{id}"), Value::Null).await
}

/// The export once it has this status. How long that takes is the machine's.
async fn until(app: &TestApp, id: &str, status: &str) -> Value {
    for _ in 0..6_000 {
        let answered = read(app, id).await;
        if answered.body["status"] == status {
            return answered.body;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} does not become {status}: {:?}", read(app, id).await);
}

/// What a link leads to.
struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Follows a link, without a key.
async fn fetch(app: &TestApp, method: &str, link: &str, headers: &[(&str, &str)]) -> Fetched {
    use tower::ServiceExt;
    let mut request = Request::builder().method(method).uri(link);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.router().clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 26).await.unwrap().to_vec();
    Fetched { status: parts.status, headers: parts.headers, body }
}

/// A whole file of an export with these parameters.
async fn file(app: &TestApp, more: &str) -> Vec<u8> {
    let working = Working::on(&app.exports);
    let export = until(app, &asked(app, more).await, "COMPLETED").await;
    working.stop().await;
    let link = export["artifact"]["download_link"].as_str().unwrap();
    let fetched = fetch(app, "GET", link, &[]).await;
    assert_eq!(fetched.status, 200);
    assert_eq!(export["artifact"]["size"], fetched.body.len());
    fetched.body
}
