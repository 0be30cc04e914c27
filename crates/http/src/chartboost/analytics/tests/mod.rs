//! Analytics through the real router.

mod bad_input;
mod canceled;
mod golden;
mod habits;
mod jobs;
mod long;
mod past;
mod sums;

use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_domain::{Event, EventKind, Number, Status, Text, Timestamp};
use tollgate_jobs::analytics::Analytics;

/// The parameters that prove the caller's user id.
pub(super) fn proof(app: &TestApp) -> String {
    format!("userId={}&userSignature={}", app.made.legacy.id, app.made.legacy.secret.expose())
}

pub(super) async fn get(app: &TestApp, path: &str) -> Answered {
    app.send(Request::get(path).body(Body::empty()).unwrap()).await
}

/// Asks with the user id and its signature.
pub(super) async fn asked(app: &TestApp, path: &str) -> Answered {
    get(app, &format!("{path}{}{}", if path.contains('?') { "&" } else { "?" }, proof(app))).await
}

/// An event that counts.
pub(super) fn event(app: &TestApp, kind: EventKind, time: &str, texts: &[(Text, &str)]) -> Event {
    let mut event = Event::new(kind, app.made.integration_id);
    event.set_number(Number::RequestTime, Timestamp::parse("time", time).unwrap().millis());
    event.set_status(Status::Approved);
    for (column, text) in texts {
        event.set_text(*column, text);
    }
    event
}

/// Works on jobs until it is told to stop.
pub(super) struct Working {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Working {
    pub(super) fn on(analytics: &Arc<Analytics>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(analytics.clone().run(stopped)) }
    }

    pub(super) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// The id of a job that was taken up.
pub(super) fn job_id(answered: &Answered) -> String {
    assert_eq!(answered.status, 202, "{answered:?}");
    answered.body["jobId"].as_str().unwrap().to_owned()
}

/// Polls a job as the vendor's example does. How long that takes is the machine's.
pub(super) async fn until_created(app: &TestApp, id: &str) {
    for _ in 0..6_000 {
        let answered = asked(app, &format!("/v3/metrics/jobs/{id}?status=true")).await;
        match answered.status.as_u16() {
            201 => return assert_eq!(answered.body, json!({"status": "created"})),
            404 => assert!(message(&answered).contains("not been started"), "{answered:?}"),
            200 => assert_eq!(answered.body["status"], "running"),
            other => panic!("{other}: {answered:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} is never created");
}

/// The bytes of a job's result, with their content type.
pub(super) async fn result(app: &TestApp, id: &str, more: &str) -> (String, Vec<u8>) {
    let path = format!("/v3/metrics/jobs/{id}?{}{more}", proof(app));
    let (status, headers, bytes) = app.bytes(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    (headers["content-type"].to_str().unwrap().to_owned(), bytes)
}

pub(super) fn message(answered: &Answered) -> &str {
    answered.body["error"]["message"].as_str().unwrap_or_else(|| panic!("{answered:?}"))
}

/// The row of an array that has this value.
pub(super) fn row<'a>(body: &'a Value, key: &str, value: &str) -> &'a Value {
    let rows = body.as_array().unwrap_or_else(|| panic!("{body}"));
    rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("no {key} {value} in {body}"))
}
