//! What becomes of exports: canceled, tried again, interrupted by the end of the process, out of space, too old.

use super::{Working, asked, fetch, read, store_clicks, until};
use crate::testing::{Answered, ExportSetup, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use tollgate_jobs::exports::{Artifact, Artifacts, Folder, Options, Stopped, Unfinished};

/// Posts to the native API.
pub(super) async fn native(app: &TestApp, path: &str) -> Answered {
    let request = Request::post(path).header("API-KEY", app.made.api_key.secret.expose());
    app.send(request.body(Body::empty()).unwrap()).await
}

/// A folder in which nothing is finished before the gate is open, and whose disk may be full.
#[derive(Debug)]
struct Gated {
    folder: Folder,
    gate: Arc<(Mutex<bool>, Condvar)>,
    /// Bytes that are left.
    free: AtomicU64,
    /// Bytes that a file gets before the disk is full without having said so.
    capacity: AtomicU64,
}

impl Gated {
    fn app_folder() -> (tempfile::TempDir, Arc<Self>) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        (
            dir,
            Arc::new(Self {
                folder,
                gate: Arc::default(),
                free: AtomicU64::new(u64::MAX),
                capacity: AtomicU64::new(u64::MAX),
            }),
        )
    }

    fn set(&self, open: bool) {
        *self.gate.0.lock().unwrap() = open;
        self.gate.1.notify_all();
    }
}

/// A file behind the gate.
struct Waiting {
    file: Box<dyn Unfinished>,
    left: u64,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Write for Waiting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(io::ErrorKind::StorageFull)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Unfinished for Waiting {
    fn finish(self: Box<Self>) -> io::Result<u64> {
        let open = self.gate.0.lock().unwrap();
        drop(self.gate.1.wait_while(open, |open| !*open).unwrap());
        self.file.finish()
    }
}

impl Artifacts for Gated {
    fn put(&self, name: &str, stopped: Stopped) -> io::Result<Box<dyn Unfinished>> {
        Ok(Box::new(Waiting {
            file: self.folder.put(name, stopped)?,
            left: self.capacity.load(Ordering::Relaxed),
            gate: self.gate.clone(),
        }))
    }

    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn Artifact>>> {
        self.folder.open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.folder.list()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.free.load(Ordering::Relaxed))
    }

    fn largest(&self) -> u64 {
        self.folder.largest()
    }

    fn tidy(&self, written: &[String]) -> io::Result<()> {
        self.folder.tidy(written)
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn close(&self) {}
}

async fn gated(options: Options) -> (TestApp, Arc<Gated>, tempfile::TempDir) {
    let (dir, gated) = Gated::app_folder();
    let app = TestApp::with_exports(ExportSetup { options, artifacts: Some(gated.clone()) }).await;
    (app, gated, dir)
}

#[tokio::test]
async fn what_is_canceled_while_it_is_written_leaves_no_file() {
    let (app, gate, dir) = gated(Options::default()).await;
    let working = Working::on(&app.exports);
    let id = asked(&app, "").await;
    until(&app, &id, "IN_PROGRESS").await;
    let canceled = native(&app, &format!("/tollgate/v1/exports/{id}/cancel")).await;
    assert_eq!((canceled.status.as_u16(), &canceled.body["status"]), (200, &json!("CANCELED")));
    let again = native(&app, &format!("/tollgate/v1/exports/{id}/cancel")).await;
    assert_eq!((again.status.as_u16(), &again.body["code"]), (409, &json!("conflict")));
    // It is put back into the queue while the thread of the first attempt is not gone yet.
    let retried = native(&app, &format!("/tollgate/v1/exports/{id}/retry")).await;
    assert_eq!((retried.status.as_u16(), &retried.body["status"]), (200, &json!("PENDING")));
    gate.set(true);
    let export = until(&app, &id, "COMPLETED").await;
    assert_eq!(export["results_meta"]["progress"], 1.0);
    assert_eq!(native(&app, &format!("/tollgate/v1/exports/{id}/retry")).await.status, 409);
    let link = export["artifact"]["download_link"].as_str().unwrap();
    assert_eq!(fetch(&app, "GET", link, &[]).await.status, 200);
    gate.set(false);
    let deleted = asked(&app, "").await;
    until(&app, &deleted, "IN_PROGRESS").await;
    let path = format!("/download-center/exports/{deleted}");
    assert_eq!(app.call("DELETE", &path, Value::Null).await.status, 200);
    assert_eq!(read(&app, &deleted).await.status, 404);
    gate.set(true);
    working.stop().await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "only the whole file is left");
    for id in ["x", &deleted] {
        assert_eq!(native(&app, &format!("/tollgate/v1/exports/{id}/cancel")).await.status, 404);
        assert_eq!(native(&app, &format!("/tollgate/v1/exports/{id}/retry")).await.status, 404);
    }
}

#[tokio::test]
async fn one_organization_does_not_keep_others_waiting() {
    let (app, gate, _dir) = gated(Options::default()).await;
    let neighbour = app.neighbour().await;
    let (first, second) = (asked(&app, "").await, asked(&app, "").await);
    let path = format!("/download-center/{}/clicks?{}", neighbour.integration, super::USUAL);
    let made = app.call_as(&neighbour.api_key, "GET", &path, Value::Null).await;
    let theirs = made.body["id"].as_str().unwrap();
    let working = Working::on(&app.exports);
    until(&app, &first, "IN_PROGRESS").await;
    let is_begun = async || {
        let found = app.exports.find(neighbour.organization, theirs).await.unwrap().unwrap();
        found.state.name() == "IN_PROGRESS"
    };
    while !is_begun().await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(read(&app, &second).await.body["status"], "PENDING", "an organization has one place");
    gate.set(true);
    until(&app, &second, "COMPLETED").await;
    working.stop().await;
}

#[tokio::test]
async fn without_space_an_export_fails_and_gives_back_what_it_took() {
    let options = Options { file_bytes: 5_000, ..Options::default() };
    let (app, gate, dir) = gated(options).await;
    store_clicks(&app, 1_000);
    gate.set(true);
    let working = Working::on(&app.exports);
    let failed = until(&app, &asked(&app, "").await, "ERROR").await;
    assert!(failed["error"].as_str().unwrap().contains("larger than 5000 bytes"), "{failed}");
    assert_eq!(failed["artifact"]["download_link"], Value::Null);
    gate.free.store(1 << 20, Ordering::Relaxed);
    let id = asked(&app, "&filter[publisher]=none").await;
    let failed = until(&app, &id, "ERROR").await;
    assert!(failed["error"].as_str().unwrap().contains("not enough space"), "{failed}");
    gate.free.store(u64::MAX, Ordering::Relaxed);
    gate.capacity.store(1_000, Ordering::Relaxed);
    let failed =
        until(&app, &asked(&app, "&filter[publisher]=a&filter[status]=rejected&gzip=true").await, "ERROR")
            .await;
    assert!(failed["error"].as_str().unwrap().contains("not enough space"), "{failed}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    store_clicks(&app, 1);
    gate.capacity.store(u64::MAX, Ordering::Relaxed);
    assert_eq!(native(&app, &format!("/tollgate/v1/exports/{id}/retry")).await.body["error"], Value::Null);
    until(&app, &id, "COMPLETED").await;
    working.stop().await;
}

#[tokio::test]
async fn what_a_dead_process_left_is_tidied_and_begun_again() {
    let app = TestApp::new().await;
    store_clicks(&app, 10);
    let working = Working::on(&app.exports);
    let whole = until(&app, &asked(&app, "").await, "COMPLETED").await;
    let damaged = until(&app, &asked(&app, "").await, "COMPLETED").await;
    let gone = until(&app, &asked(&app, "").await, "COMPLETED").await;
    working.stop().await;
    let waiting = asked(&app, "").await;
    let folder = app.folder().join("exports");
    let path = |export: &Value| folder.join(export["artifact"]["name"].as_str().unwrap());
    std::fs::write(folder.join("click_logs-0.csv.part"), "half of").unwrap();
    std::fs::write(folder.join("click_logs-1.csv"), "without a record").unwrap();
    std::fs::write(path(&damaged), "another size").unwrap();
    std::fs::remove_file(path(&gone)).unwrap();
    let link = damaged["artifact"]["download_link"].as_str().unwrap();
    assert_eq!(fetch(&app, "GET", link, &[]).await.status, 404, "a file of another size is none");
    let exports = app.open_exports_again().await;
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names, [path(&whole)]);
    for lost in [&damaged, &gone] {
        let lost = read(&app, lost["id"].as_str().unwrap()).await.body;
        assert_eq!(lost["status"], "ERROR", "{lost}");
        assert!(lost["error"].as_str().unwrap().contains("not there any more"), "{lost}");
    }
    let working = Working::on(&exports);
    until(&app, &waiting, "COMPLETED").await;
    working.stop().await;
}

#[tokio::test]
async fn a_stop_interrupts_and_the_next_start_begins_again() {
    let (app, gate, dir) = gated(Options::default()).await;
    let id = asked(&app, "").await;
    let working = Working::on(&app.exports);
    until(&app, &id, "IN_PROGRESS").await;
    // The file of one that was not told in time becomes whole; otherwise it waits again. It never hangs.
    working.stop.send(true).unwrap();
    gate.set(true);
    working.task.await.unwrap();
    let state = read(&app, &id).await.body["status"].clone();
    assert!(state == "PENDING" || state == "COMPLETED", "{state}");
    assert!(std::fs::read_dir(dir.path()).unwrap().count() <= 1);
    let working = Working::on(&app.exports);
    until(&app, &id, "COMPLETED").await;
    working.stop().await;
}

#[tokio::test]
async fn files_with_events_that_were_deleted_since_are_removed() {
    let (app, gate, dir) = gated(Options::default()).await;
    gate.set(true);
    let working = Working::on(&app.exports);
    let whole = until(&app, &asked(&app, "").await, "COMPLETED").await;
    gate.set(false);
    let id = asked(&app, "").await;
    until(&app, &id, "IN_PROGRESS").await;
    assert_eq!(app.exports.forget(app.neighbour().await.integration).await.unwrap(), 0);
    assert_eq!(app.exports.forget(app.made.integration_id).await.unwrap(), 1);
    let lost = read(&app, whole["id"].as_str().unwrap()).await.body;
    assert_eq!((&lost["status"], &lost["artifact"]["size"]), (&json!("ERROR"), &Value::Null));
    assert!(lost["error"].as_str().unwrap().contains("deleted since"), "{lost}");
    let link = whole["artifact"]["download_link"].as_str().unwrap();
    assert_eq!(fetch(&app, "GET", link, &[]).await.status, 404);
    // The first attempt's file, if it became whole, is not the one that counts.
    store_clicks(&app, 5);
    gate.set(true);
    let again = until(&app, &id, "COMPLETED").await;
    working.stop().await;
    assert_eq!(again["results_meta"]["total"], 5);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn exports_are_kept_for_ninety_days() {
    let app = TestApp::new().await;
    let working = Working::on(&app.exports);
    let id = asked(&app, "").await;
    until(&app, &id, "COMPLETED").await;
    working.stop().await;
    let files = || std::fs::read_dir(app.folder().join("exports")).unwrap().count();
    app.clock.advance_seconds(90 * 86_400);
    app.exports.expire().await;
    assert_eq!((read(&app, &id).await.status.as_u16(), files()), (200, 1));
    let waiting = asked(&app, "").await;
    app.clock.advance_seconds(1);
    app.exports.expire().await;
    assert_eq!((read(&app, &id).await.status.as_u16(), files()), (404, 0));
    app.clock.advance_seconds(400 * 86_400);
    app.exports.expire().await;
    assert_eq!(read(&app, &waiting).await.status, 200, "what waits is not too old");
}
