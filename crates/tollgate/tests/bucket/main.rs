//! Files of the Download Center in S3-compatible storage, through the running binary and a server that others wrote: whole
//! files only, whatever becomes of the process, of the storage or of the way there.
#![allow(missing_docs, clippy::unwrap_used)]

mod storage;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use storage::{BUCKET, Network, Storage};
use support::downloads::{PATIENCE, ask, download, exports, send_clicks, send_long_clicks, settled};
use support::{Made, Server, tollgate};

/// A data directory whose files go to the storage.
struct Place {
    made: Made,
    storage: Storage,
}

impl Place {
    /// None where there is no storage to be had.
    fn new() -> Option<Self> {
        let (storage, made) = (Storage::start()?, Made::new());
        let settings = format!(
            "exports_s3_bucket = \"{BUCKET}\"\nexports_s3_prefix = \"some/exports\"\n\
             exports_s3_endpoint = \"http://{}\"\nexports_s3_plain_http = true\n\
             exports_s3_access_key_id = \"test\"\nexports_s3_secret_access_key = \"not-for-logs\"\n",
            storage.through
        );
        std::fs::write(made.path("tollgate.toml"), settings).unwrap();
        Some(Self { made, storage })
    }

    fn serve(&self) -> Server {
        let (data, settings) = (self.made.data(), self.made.path("tollgate.toml"));
        let settings = settings.to_str().unwrap();
        Server::start(&["serve", "--data-dir", &data, "--listen", "127.0.0.1:0", "--config", settings])
    }

    /// One export from asking to its end.
    fn export(&self, server: &Server, more: &str) -> Value {
        let id = ask(&self.made, &mut server.connect(), more);
        settled(&self.made, server)[&id].clone()
    }

    fn post(&self, server: &Server, path: &str) -> u16 {
        let headers = [("API-KEY", self.made.api_key.as_str())];
        server.connect().send("POST", path, &headers, b"").unwrap().status
    }

    fn delete(&self, server: &Server, export: &Value) {
        let path = format!("/api/v2/download-center/exports/{}", export["id"].as_str().unwrap());
        let headers = [("API-KEY", self.made.api_key.as_str())];
        assert_eq!(server.connect().send("DELETE", &path, &headers, b"").unwrap().status, 200);
    }

    /// Waits until nothing but these objects, and no upload, is left.
    fn wait_for_objects(&self, expected: &[&Value]) {
        let mut names: Vec<_> = expected.iter().map(|export| object(export)).collect();
        names.sort();
        let deadline = Instant::now() + PATIENCE;
        while self.storage.objects() != names || !self.storage.uploads().is_empty() {
            assert!(Instant::now() < deadline, "{:?} {:?}", self.storage.objects(), self.storage.uploads());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn object(export: &Value) -> String {
    format!("some/exports/{}", export["artifact"]["name"].as_str().unwrap())
}

/// The file is what the storage has, of the size that the record says; answers it.
fn check(place: &Place, server: &Server, export: &Value) -> Vec<u8> {
    assert_eq!(export["status"], "COMPLETED", "{export}");
    let reply = download(server, export, &[]);
    assert_eq!(
        (reply.status, json!(reply.body.len())),
        (200, export["artifact"]["size"].clone()),
        "{export}"
    );
    let stored = place.storage.ask("GET", &format!("/{}", object(export)));
    assert!(reply.body == stored.body, "other bytes: {} {:?}", stored.status, stored.headers);
    reply.body
}

fn rows(file: &[u8]) -> usize {
    csv::Reader::from_reader(file).records().map(Result::unwrap).count()
}

#[test]
fn files_go_to_the_bucket_and_come_back_by_the_same_links() {
    let Some(place) = Place::new() else { return };
    let server = place.serve();
    send_clicks(&place.made, &server, 1_000);
    let small = place.export(&server, "");
    assert_eq!(rows(&check(&place, &server, &small)), 1_000);
    // Two parts and a rest.
    send_long_clicks(&place.made, &server, 10_000);
    let large = place.export(&server, "");
    let whole = check(&place, &server, &large);
    assert!(whole.len() > 32 << 20, "{}", whole.len());
    assert_eq!(rows(&whole), 11_000);
    place.storage.wait_for("partNumber=3");
    let zipped = place.export(&server, "&gzip=true");
    check(&place, &server, &zipped);
    place.wait_for_objects(&[&small, &large, &zipped]);

    let part = download(&server, &large, &[("range", "bytes=16777000-16778000")]);
    assert_eq!((part.status, &part.body[..]), (206, &whole[16_777_000..=16_778_000]));
    let tail =
        download(&server, &large, &[("range", "bytes=-5"), ("if-range", part.header("etag").unwrap())]);
    assert_eq!((tail.status, &tail.body[..]), (206, &whole[whole.len() - 5..]));
    let outside = download(&server, &large, &[("range", "bytes=99999999-")]);
    let size = format!("bytes */{}", whole.len());
    assert_eq!((outside.status, outside.header("content-range")), (416, Some(size.as_str())));

    place.delete(&server, &large);
    assert_eq!(download(&server, &large, &[]).status, 404);
    place.wait_for_objects(&[&small, &zipped]);
    // What others keep under the prefix, and next to it, stays.
    for others in ["/some/exports/report.csv", "/click_logs-00.csv"] {
        assert_eq!(place.storage.ask("PUT", others).status, 200);
    }
    assert_eq!(place.storage.ask("PUT", "/some/exports/click_logs-00.csv").status, 200);
    assert_eq!(place.storage.ask("DELETE", &format!("/{}", object(&zipped))).status, 204);
    let (_, log) = server.stop_and_tell();
    assert!(!log.contains("not-for-logs"));
    let server = place.serve();
    check(&place, &server, &exports(&place.made, &server)[small["id"].as_str().unwrap()]);
    let deadline = Instant::now() + PATIENCE;
    while exports(&place.made, &server)[zipped["id"].as_str().unwrap()]["status"] != "ERROR" {
        assert!(Instant::now() < deadline, "nobody sees that a file is gone");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut left = vec!["click_logs-00.csv".to_owned(), object(&small), "some/exports/report.csv".to_owned()];
    left.sort();
    assert_eq!(place.storage.objects(), left);
    assert!(!std::path::Path::new(&place.made.data()).join("exports").exists(), "nothing lies on this disk");
    server.stop();
}

#[test]
fn a_process_that_is_killed_in_the_middle_leaves_no_part_of_a_file() {
    let Some(place) = Place::new() else { return };
    let server = place.serve();
    send_long_clicks(&place.made, &server, 10_000);
    place.storage.set(Network::HoldsParts);
    let id = ask(&place.made, &mut server.connect(), "");
    place.storage.wait_for("partNumber=1");
    server.kill();
    assert_eq!((place.storage.objects().len(), place.storage.uploads().len()), (0, 1));
    place.storage.set(Network::Works);
    let server = place.serve();
    let export = &settled(&place.made, &server)[&id];
    assert_eq!(rows(&check(&place, &server, export)), 10_000);
    place.wait_for_objects(&[export]);
    // An export that is deleted while its parts are on their way ends its upload.
    place.storage.set(Network::HoldsParts);
    let id = ask(&place.made, &mut server.connect(), "");
    while place.storage.uploads().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    place.delete(&server, &json!({ "id": id }));
    place.wait_for_objects(&[export]);
    server.stop();
}

#[test]
fn a_storage_that_goes_away_fails_exports_and_comes_back() {
    let Some(place) = Place::new() else { return };
    let server = place.serve();
    send_clicks(&place.made, &server, 100);
    let whole = place.export(&server, "");
    place.storage.set(Network::Cuts);
    let failed = place.export(&server, "");
    assert_eq!(failed["status"], "ERROR");
    assert!(failed["error"].as_str().unwrap().contains("storage of files"), "{failed}");
    let reply = download(&server, &whole, &[]);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    send_clicks(&place.made, &server, 100);
    let gone = place.export(&server, "");
    place.delete(&server, &gone);
    place.storage.set(Network::Works);
    check(&place, &server, &whole);
    let id = failed["id"].as_str().unwrap();
    assert_eq!(place.post(&server, &format!("/tollgate/v1/exports/{id}/retry")), 200);
    let again = &settled(&place.made, &server)[id];
    assert_eq!(rows(&check(&place, &server, again)), 200);
    // A deletion that the storage does not hear of is made up for.
    place.storage.set(Network::Cuts);
    place.delete(&server, &whole);
    assert_eq!(place.storage.objects().len(), 2);
    server.stop();
    let server = place.serve();
    send_clicks(&place.made, &server, 1);
    place.storage.set(Network::Works);
    place.wait_for_objects(&[again]);
    // Nor does one that hangs keep the process from stopping.
    place.storage.set(Network::Hangs);
    let waiting = ask(&place.made, &mut server.connect(), "");
    place.storage.wait_for("PUT");
    server.stop();
    place.storage.set(Network::Works);
    let server = place.serve();
    check(&place, &server, &settled(&place.made, &server)[&waiting]);
    server.stop();
}

#[test]
fn a_privacy_request_is_answered_once_files_are_known_to_be_gone() {
    let Some(place) = Place::new() else { return };
    let server = place.serve();
    send_clicks(&place.made, &server, 10);
    let whole = place.export(&server, "");
    check(&place, &server, &whole);
    let request = || {
        let headers = [("API-KEY", place.made.api_key.as_str()), ("content-type", "application/json")];
        let path = "/tollgate/v1/privacy-requests";
        server.connect().send("POST", path, &headers, br#"{"device_id": "somebody"}"#).unwrap()
    };
    place.storage.set(Network::Cuts);
    let refused = request();
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("files of exports may be left"), "{}", refused.text());
    assert_eq!(download(&server, &whole, &[]).status, 404, "nobody gets it any more");
    assert_eq!(request().status, 503, "nor is it forgotten that it is there");
    place.storage.set(Network::Works);
    assert_eq!(request().status, 201);
    assert!(place.storage.objects().is_empty());
    server.stop();
}

#[test]
fn secrets_of_the_bucket_are_not_printed() {
    let made = Made::new();
    let checked = tollgate()
        .args(["config", "check", "--data-dir", &made.data()])
        .env("TOLLGATE_EXPORTS_S3_BUCKET", BUCKET)
        .env("TOLLGATE_EXPORTS_S3_ACCESS_KEY_ID", "test")
        .env("TOLLGATE_EXPORTS_S3_SECRET_ACCESS_KEY", "not-for-logs")
        .env("TOLLGATE_EXPORTS_S3_SESSION_TOKEN", "nor-this")
        .output()
        .unwrap();
    let said = support::stdout(&checked) + &support::stderr(&checked);
    assert!(
        checked.status.success() && said.contains("exports_s3_secret_access_key = \"[redacted]\""),
        "{said}"
    );
    assert!(!said.contains("not-for-logs") && !said.contains("nor-this"), "{said}");
}
