//! What becomes of jobs: they wait, survive the process, and go after an hour.

use super::{Working, asked, job_id, message, result, until_created};
use crate::testing::{KEPT_JOBS, TestApp};
use axum::body::Body;
use axum::http::Request;
use tollgate_jobs::analytics::JobState;

const JOB: &str = "/v3/metrics/campaign?dateMin=2026-03-01&dateMax=2026-03-31&groupBy=date";

#[tokio::test]
async fn a_result_is_there_for_sixty_minutes() {
    let app = TestApp::new().await;
    let working = Working::on(&app.analytics);
    let id = job_id(&asked(&app, JOB).await);
    until_created(&app, &id).await;
    working.stop().await;
    let path = format!("/v3/metrics/jobs/{id}");
    app.clock.advance_seconds(3599);
    let before = result(&app, &id, "").await;
    assert_eq!(asked(&app, &format!("{path}?status=true")).await.status, 201);
    // Another process finds the same.
    let again = app.open_analytics_again();
    assert!(again.state(app.made.organization_id, &id).is_some());
    assert!(!before.1.is_empty());
    app.clock.advance_seconds(1);
    for status in ["", "?status=true"] {
        let answered = asked(&app, &format!("{path}{status}")).await;
        assert_eq!(answered.status, 404, "{answered:?}");
        assert!(message(&answered).contains("60 minutes"));
    }
    drop(app.open_analytics_again());
    assert_eq!(std::fs::read_dir(app.analytics.folder()).unwrap().count(), 0, "its files are gone");
}

#[tokio::test]
async fn results_that_are_over_make_room_for_others_at_once() {
    let app = TestApp::new().await;
    let working = Working::on(&app.analytics);
    for _ in 0..KEPT_JOBS {
        until_created(&app, &job_id(&asked(&app, JOB).await)).await;
    }
    assert_eq!(asked(&app, JOB).await.status, 429);
    app.clock.advance_seconds(3600);
    assert_eq!(asked(&app, JOB).await.status, 202, "whether or not they were removed by now");
    working.stop().await;
}

#[tokio::test]
async fn a_job_that_was_not_made_is_made_by_the_next_process() {
    let app = TestApp::new().await;
    let id = job_id(&asked(&app, JOB).await);
    let answered = asked(&app, &format!("/v3/metrics/jobs/{id}?status=true")).await;
    assert_eq!((answered.status.as_u16(), message(&answered)), (404, "The job has not been started yet."));
    // The halves of results that a process left are removed, and what is not ours stays.
    let folder = app.analytics.folder();
    std::fs::write(folder.join(format!("{}.part", id.replace('/', "-"))), "half").unwrap();
    std::fs::write(folder.join("note.txt"), "mine").unwrap();
    let again = app.open_analytics_again();
    let working = Working::on(&again);
    for _ in 0..6_000 {
        if again.state(app.made.organization_id, &id) == Some(JobState::Done) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    working.stop().await;
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.rsplit_once('.').unwrap().1.to_owned())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["csv", "json", "txt"]);
    assert!(again.result(app.made.organization_id, &id, None).unwrap().is_some());
}

#[tokio::test]
async fn nobody_sees_the_jobs_of_others() {
    let app = TestApp::new().await;
    let working = Working::on(&app.analytics);
    let id = job_id(&asked(&app, JOB).await);
    until_created(&app, &id).await;
    working.stop().await;
    let other = app.other_publisher().await;
    let own = app.publisher().await;
    let path = format!("/v5/analytics/jobs/{id}");
    let nobodys = format!("/v5/analytics/jobs/{}/{}", "0".repeat(32), "00000000-0000-4000-8000-000000000000");
    assert_eq!(own.get(&format!("{path}?status=true")).await.status, 201);
    let (theirs, unknown) = (other.get(&path).await, other.get(&nobodys).await);
    assert_eq!((theirs.status.as_u16(), &theirs.body), (404, &unknown.body));
}

#[tokio::test]
async fn malformed_ids_name_no_job() {
    let app = TestApp::new().await;
    for id in ["x", "x/y", "%2F", "..%2F..%2Fcatalog.sqlite", "%FF", "a%00b", "%FF/x"] {
        let path = format!("/v3/metrics/jobs/{id}?{}", super::proof(&app));
        let (status, _, body) = app.bytes(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, 404, "{id}: {}", String::from_utf8_lossy(&body));
    }
}

#[tokio::test]
async fn a_head_makes_no_job() {
    let app = TestApp::new().await;
    let path = format!("{JOB}&{}", super::proof(&app));
    let (status, _, _) = app.bytes(Request::head(path).body(Body::empty()).unwrap()).await;
    assert_eq!((status, std::fs::read_dir(app.analytics.folder()).unwrap().count()), (202, 0));
}

#[tokio::test]
async fn a_job_that_ended_the_process_again_and_again_is_given_up() {
    let app = TestApp::new().await;
    let id = job_id(&asked(&app, JOB).await);
    // As processes leave it that died in the middle of it.
    let record = app.analytics.folder().join(format!("{}.json", id.replace('/', "-")));
    let begun = std::fs::read_to_string(&record).unwrap().replace("\"attempts\":0", "\"attempts\":5");
    assert!(begun.contains("\"attempts\":5"), "{begun}");
    std::fs::write(&record, begun).unwrap();
    let again = app.open_analytics_again();
    let working = Working::on(&again);
    let mut state = None;
    for _ in 0..6_000 {
        state = again.state(app.made.organization_id, &id);
        if matches!(state, Some(JobState::Failed(_))) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    working.stop().await;
    let Some(JobState::Failed(why)) = state else { panic!("{state:?}") };
    assert!(why.contains("5 times"), "{why}");
}

#[tokio::test]
async fn the_jobs_of_an_organization_are_listed_and_nobody_elses() {
    let app = TestApp::new().await;
    let list = async || {
        let request = Request::get("/tollgate/v1/analytics-jobs");
        let request = request.header("API-KEY", app.made.api_key.secret.expose());
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let done = job_id(&asked(&app, JOB).await);
    let working = Working::on(&app.analytics);
    until_created(&app, &done).await;
    working.stop().await;
    app.clock.advance_seconds(1);
    let waiting = job_id(&asked(&app, JOB).await);
    let listed = list().await;
    let items = listed.body["items"].as_array().unwrap();
    let told = |at: usize, name: &str| items[at][name].as_str().unwrap_or_default().to_owned();
    assert_eq!((told(0, "id"), told(0, "status")), (waiting, "waiting".to_owned()), "{listed:?}");
    assert_eq!((told(1, "id"), told(1, "status")), (done, "done".to_owned()));
    assert_eq!(
        (told(1, "date_min"), told(1, "date_max")),
        ("2026-03-01".to_owned(), "2026-03-31".to_owned())
    );
    assert!(items[1]["bytes"].as_u64().unwrap() > 0 && items[0]["bytes"].is_null());
    assert!(items[1]["expires_at"].is_string() && items[0]["expires_at"].is_null());
    // A result that is not kept any more is not listed, removed or not.
    app.clock.advance_seconds(3600);
    let left = list().await.body["items"].as_array().unwrap().len();
    assert_eq!(left, 1, "the one that waits");
}
