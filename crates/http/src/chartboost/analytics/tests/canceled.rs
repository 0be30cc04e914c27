//! Jobs that are canceled and tried again, over the native API.

use super::{Working, asked, job_id, message, result, until_created};
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tollgate_jobs::analytics::JobState;

const JOB: &str = "/v3/metrics/campaign?dateMin=2026-03-01&dateMax=2026-03-31&groupBy=date";

async fn change(app: &TestApp, id: &str, what: &str) -> Answered {
    let request = Request::post(format!("/tollgate/v1/analytics-jobs/{id}/{what}"));
    let request = request.header("API-KEY", app.made.api_key.secret.expose());
    app.send(request.body(Body::empty()).unwrap()).await
}

async fn told(app: &TestApp, id: &str) -> Answered {
    asked(app, &format!("/v3/metrics/jobs/{id}?status=true")).await
}

fn files(app: &TestApp) -> Vec<String> {
    let all = std::fs::read_dir(app.analytics.folder()).unwrap();
    all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A job whose file cannot be opened to write before somebody reads it.
struct Held(PathBuf);

impl Held {
    fn hold(app: &TestApp, id: &str) -> Self {
        let path = app.analytics.folder().join(format!("{}.part", id.replace('/', "-")));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self(path)
    }

    async fn release(self) {
        let read = |path: &Path| std::fs::read(path).map(drop);
        tokio::task::spawn_blocking(move || read(&self.0)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_job_that_waits_is_canceled_for_good_and_can_be_tried_again() {
    let app = TestApp::new().await;
    let id = job_id(&asked(&app, JOB).await);
    assert_eq!(change(&app, &id, "retry").await.status, 409, "it waits");
    let canceled = change(&app, &id, "cancel").await;
    assert_eq!((canceled.status.as_u16(), &canceled.body["status"]), (200, &"canceled".into()));
    assert_eq!(canceled.body["id"], id);
    assert!(canceled.body["ended_at"].is_string() && canceled.body["expires_at"].is_string());
    let again = change(&app, &id, "cancel").await;
    assert_eq!((again.status.as_u16(), &again.body["code"]), (409, &"conflict".into()), "{again:?}");
    for path in [format!("/v3/metrics/jobs/{id}?status=true"), format!("/v3/metrics/jobs/{id}")] {
        let answered = asked(&app, &path).await;
        assert_eq!((answered.status.as_u16(), message(&answered)), (400, "The job was canceled."));
    }
    // The next process knows it, and does not make it.
    let next = app.open_analytics_again();
    let working = Working::on(&next);
    tokio::time::sleep(Duration::from_millis(50)).await;
    working.stop().await;
    assert_eq!(next.state(app.made.organization_id, &id), Some(JobState::Canceled));
    assert_eq!(files(&app).len(), 1, "only its record");

    let whole = id.replace('/', "%2F");
    let retried = change(&app, &whole, "retry").await;
    assert_eq!((retried.status.as_u16(), &retried.body["status"]), (200, &"waiting".into()));
    let working = Working::on(&app.analytics);
    until_created(&app, &id).await;
    working.stop().await;
    result(&app, &id, "").await;
    for what in ["cancel", "retry"] {
        assert_eq!(change(&app, &whole, what).await.status, 409, "{what}: it is done");
    }
}

#[tokio::test]
async fn a_job_that_is_canceled_while_it_is_made_leaves_no_file_and_is_made_anew_when_tried_again() {
    let app = TestApp::new().await;
    let id = job_id(&asked(&app, JOB).await);
    let held = Held::hold(&app, &id);
    let working = Working::on(&app.analytics);
    while told(&app, &id).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let canceled = change(&app, &id, "cancel").await;
    assert_eq!((canceled.status.as_u16(), &canceled.body["status"]), (200, &"canceled".into()));
    assert_eq!(app.analytics.stats().running, 0);
    // Tried again at once, it waits until whoever worked on it has left.
    let retried = change(&app, &id, "retry").await;
    assert_eq!((retried.status.as_u16(), &retried.body["status"]), (200, &"waiting".into()));
    assert_eq!(change(&app, &id, "cancel").await.status, 200);
    held.release().await;
    while files(&app).len() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(message(&told(&app, &id).await), "The job was canceled.");
    assert_eq!(change(&app, &id, "retry").await.status, 200);
    until_created(&app, &id).await;
    working.stop().await;
    result(&app, &id, "").await;
    let stats = app.analytics.stats();
    assert_eq!((stats.completed, stats.failed, stats.canceled), (1, 0, 2));
}

#[tokio::test]
async fn a_canceled_job_is_kept_for_an_hour_and_unknown_ones_are_not_there() {
    let app = TestApp::new().await;
    let id = job_id(&asked(&app, JOB).await);
    assert_eq!(change(&app, &id, "cancel").await.status, 200);
    app.clock.advance_seconds(3600);
    let nobodys = format!("{}/{}", "0".repeat(32), "00000000-0000-4000-8000-000000000000");
    for id in [&id, &nobodys, "x", "x/y", "%FF", "..%2F..%2Fcatalog.sqlite"] {
        for what in ["cancel", "retry"] {
            let answered = change(&app, id, what).await;
            assert_eq!(answered.status, 404, "{id}: {answered:?}");
        }
    }
}
