//! `tollgate export` through the whole binary: the bytes of the Download Center, with the server running and without.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};
use support::{Made, Server, run, stderr};

const DAYS: [&str; 4] = ["--from", "2026-01-01", "--to", "2026-01-03"];
const FIELDS: &str =
    "real_tx_id,tx_id,request_time,offer_id,user_agent,status,rejections,revenue,extra_parameters";

fn export(made: &Made, more: &[&str]) -> Output {
    let data = made.data();
    run(&[&["export", "click", "--data-dir", &data, "--integration", &made.integration], more].concat())
}

/// The Download Center's file of clicks, and its cut.
fn download(made: &Made, server: &Server, more: &str) -> (Vec<u8>, u64) {
    let path = format!(
        "/api/v2/download-center/{}/clicks?start_date=2026-01-01&end_date=2026-01-03&fields={FIELDS}\
         &extra_parameters=color{more}",
        made.integration
    );
    let mut connection = server.connect();
    let asked = connection.get(&path, &made.api_key);
    assert_eq!(asked.status, 200, "{}", asked.text());
    let path = format!("/api/v2/download-center/exports/{}", asked.json()["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(120);
    let export = loop {
        let export = connection.get(&path, &made.api_key).json();
        if export["status"] == "COMPLETED" {
            break export;
        }
        assert!(Instant::now() < deadline && export["status"] != "ERROR", "{export}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let link = export["artifact"]["download_link"].as_str().unwrap().strip_prefix(&server.url()).unwrap();
    let file = connection.send("GET", link, &[], b"").unwrap();
    assert_eq!(file.status, 200);
    (file.body, export["results_meta"]["as_of"].as_u64().unwrap())
}

fn home() -> Made {
    let made = Made::new();
    let data = made.data();
    let generated = run(&["generate", "--data-dir", &data, "--events", "3000", "--days", "3"]);
    assert!(generated.status.success(), "{}", stderr(&generated));
    made
}

#[test]
fn an_export_has_the_bytes_of_the_download_center_with_a_server_and_without() {
    let made = home();
    let server = made.serve();
    let variants: [(&str, &[&str]); 3] = [
        ("", &[]),
        (
            "&filter[status]=rejected&filter[user_agent][contains]=Android&delimiter=%3B&safe_cells=true",
            &[
                "--filter",
                "status=rejected",
                "--filter",
                "user_agent[contains]=Android",
                "--delimiter",
                ";",
                "--safe-cells",
            ],
        ),
        (
            "&filter[offer_id][in]=offer-0,offer-1&gzip=true",
            &["--filter", "offer_id[in]=offer-0,offer-1", "--gzip"],
        ),
    ];
    let mut files = Vec::new();
    for (parameters, arguments) in variants {
        let (bytes, cut) = download(&made, &server, parameters);
        assert!(bytes.len() > 1000, "{parameters}");
        files.push((arguments, bytes, cut.to_string()));
    }
    // What comes later is not in it.
    let path = format!("/g/{}/click?offer=offer-0&no_redirect=true", made.integration);
    assert_eq!(server.connect().send("GET", &path, &[], b"").unwrap().status, 200);
    let file = made.path("clicks.csv");
    std::fs::write(&file, "an earlier one").unwrap();
    let check = |to_file: bool| {
        for (arguments, bytes, cut) in &files {
            let mut all =
                [&DAYS[..], &["--fields", FIELDS, "--extra-parameters", "color"], arguments].concat();
            all.extend(["--as-of", cut]);
            if to_file {
                all.extend(["--output", file.to_str().unwrap()]);
            }
            let done = export(&made, &all);
            assert!(done.status.success(), "{}", stderr(&done));
            assert!(stderr(&done).contains(&format!("rows as of seq {cut}")), "{}", stderr(&done));
            let written = if to_file { std::fs::read(&file).unwrap() } else { done.stdout };
            assert!(written == *bytes, "{arguments:?}");
        }
    };
    check(true);
    check(false);
    server.stop();
    check(true);
    let left = std::fs::read_dir(made.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().ends_with(".part")).count(), 0);
}

#[test]
fn json_has_the_rows_of_the_report_and_parquet_is_one() {
    let made = home();
    let lines = export(&made, &[&DAYS[..], &["--format", "ndjson"]].concat());
    assert!(lines.status.success(), "{}", stderr(&lines));
    let rows: Vec<Value> = lines
        .stdout
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let file = made.path("clicks.parquet");
    let parquet =
        export(&made, &[&DAYS[..], &["--format", "parquet", "-o", file.to_str().unwrap()]].concat());
    assert!(parquet.status.success(), "{}", stderr(&parquet));
    assert!(
        stderr(&parquet).starts_with(&format!("{} rows as of seq 3000", rows.len())),
        "{}",
        stderr(&parquet)
    );
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let server = made.serve();
    let mut shown = made.report(&server, "click-table", ("2026-01-01", "2026-01-03"));
    shown.reverse();
    assert!(rows == shown, "every field of every row");
}

#[test]
fn what_is_wrong_is_told_by_its_flag_and_leaves_nothing_behind() {
    let made = home();
    let file: PathBuf = made.path("clicks.csv");
    let refused = |arguments: &[&str], said: &[&str]| {
        let done = export(&made, &[&["--output", file.to_str().unwrap()], arguments].concat());
        assert_eq!(done.status.code(), Some(2), "{}", stderr(&done));
        for said in said {
            assert!(stderr(&done).contains(said), "{said}: {}", stderr(&done));
        }
    };
    refused(&["--from", "2026-01-03", "--to", "2026-01-01"], &["--to: must not be before"]);
    refused(&["--from", "yesterday"], &["--from: "]);
    refused(
        &["--filter", "colour[gte]=5"],
        &["--filter colour[gte]: \"colour\" is not a known field; known are"],
    );
    refused(&["--filter", "asn[like]=5"], &["--filter asn[like]: \"like\" is not a known operator"]);
    refused(&["--filter", "asn"], &["--filter must be FIELD=VALUE"]);
    refused(
        &["--fields", "ip,colour", "--delimiter", "::"],
        &["--fields: \"colour\"", "--delimiter: must be one"],
    );
    refused(&["--format", "ndjson", "--delimiter", ";"], &["--delimiter: is for csv alone"]);
    refused(&["--format", "parquet", "--gzip"], &["--gzip: is not for parquet"]);
    let unknown = run(&["export", "click", "--data-dir", &made.data(), "--integration", "zzzzzzzzzz"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("no integration of this id"), "{}", stderr(&unknown));
    let nowhere = made.path("nowhere/clicks.csv");
    let done = export(&made, &["--output", nowhere.to_str().unwrap()]);
    assert!(stderr(&done).contains("--output "), "{}", stderr(&done));
    let link = made.path("link.csv");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    let done = export(&made, &["--output", link.to_str().unwrap()]);
    assert!(stderr(&done).contains("is not a regular file"), "{}", stderr(&done));
    std::fs::remove_file(link).unwrap();
    let names: Vec<String> = std::fs::read_dir(made.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(json!(names), json!(["data"]));
}
