//! The Download Center of the running binary: killed in the middle of exports again and again, what can be downloaded is
//! whole; what the process does not survive is an error. `TOLLGATE_KILLS` says how often (default 6).
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use support::downloads::{FIELDS, PATIENCE, ask, download, exports, send_clicks, settled};
use support::{Made, Server, setting};

fn today(made: &Made, server: &Server) -> String {
    let path = format!("/api/v2/download-center/{}/clicks?fields=ip&extra_parameters=", made.integration);
    let reply = server.connect().get(&path, &made.api_key);
    reply.json()["export_list_options"]["end_date"].as_str().unwrap().to_owned()
}

fn folder(made: &Made) -> PathBuf {
    PathBuf::from(made.data()).join("exports")
}

/// Files that are not whole.
fn parts(made: &Made) -> usize {
    let files = std::fs::read_dir(folder(made)).unwrap();
    files.filter(|one| one.as_ref().unwrap().path().extension().is_some_and(|end| end == "part")).count()
}

fn wait_for_a_part(made: &Made) {
    let deadline = Instant::now() + PATIENCE;
    while parts(made) == 0 {
        assert!(Instant::now() < deadline, "no export begins");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Every row by pages, as of a cut, oldest first, with the fields of the files.
fn pages(made: &Made, server: &Server, day: &str, as_of: u64) -> Vec<Vec<String>> {
    let mut connection = server.connect();
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!(
            "/api/v2/reports/v2/click-table?integration_id={}&start_date=2020-01-01&end_date={day}&page%5Bsize%5D=100\
             &as_of={as_of}{cursor}",
            made.integration
        );
        let page = connection.get(&path, &made.api_key).json()["data"].take();
        for row in page["data"].as_array().unwrap() {
            let cell = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            rows.push(FIELDS.split(',').map(cell).collect());
        }
        if page["pageInfo"]["hasNextPage"] != true {
            rows.reverse();
            return rows;
        }
        cursor = format!("&page%5Bafter%5D={}", page["pageInfo"]["endCursor"].as_str().unwrap());
    }
}

/// The rows of a file, quotes taken away.
fn rows(file: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(file);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn a_killed_process_leaves_whole_files_or_errors() {
    let kills = setting("TOLLGATE_KILLS", 6);
    let made = Made::new();
    let mut server = made.serve();
    send_clicks(&made, &server, 20_000);
    let day = today(&made, &server);
    let mut halves = 0;
    for kill in 0..kills {
        let mut connection = server.connect();
        for more in ["", "&gzip=true", ""] {
            ask(&made, &mut connection, more);
        }
        // Another moment each time: before the first file, at its very beginning, later in it, between two.
        match kill % 3 {
            0 => std::thread::sleep(Duration::from_millis(kill * kill)),
            1 => wait_for_a_part(&made),
            _ => {
                wait_for_a_part(&made);
                std::thread::sleep(Duration::from_millis(kill * kill));
            }
        }
        server.kill();
        halves += parts(&made);
        server = made.serve();
        for (id, export) in exports(&made, &server) {
            let whole = export["artifact"]["download_link"].is_string();
            assert_eq!(whole, export["status"] == "COMPLETED", "{id}: {export}");
            if whole {
                check_file(&server, &export);
            }
        }
    }
    let all = settled(&made, &server);
    assert_eq!(all.len() as u64, 1 + 3 * kills);
    for export in all.values() {
        match export["status"].as_str().unwrap() {
            "COMPLETED" => check_file(&server, export),
            "ERROR" => assert!(export["error"].as_str().is_some_and(|why| !why.is_empty()), "{export}"),
            other => panic!("{other}: {export}"),
        }
    }
    let completed = || all.values().filter(|export| export["status"] == "COMPLETED");
    assert!(completed().count() > 0 && halves > 0, "some were killed in the middle");
    let names: Vec<_> =
        std::fs::read_dir(folder(&made)).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names.len(), completed().count(), "nothing else is left: {names:?}");
    let plain = completed().find(|one| one["results_meta"]["total"] == 20_000 && is_plain(one)).unwrap();
    let as_of = plain["results_meta"]["as_of"].as_u64().unwrap();
    assert!(rows(&download(&server, plain, &[]).body) == pages(&made, &server, &day, as_of), "the same rows");
    assert_eq!(server.metric("tollgate_exports_waiting"), 0.0);
    assert_eq!(server.metric("tollgate_export_files"), completed().count() as f64);
    server.stop();
    eprintln!("{kills} kills, {halves} files that were cut short");
}

fn is_plain(export: &Value) -> bool {
    export["export_list_options"]["gzip"] == false && export["format"]["fields"] != json!(["ip"])
}

/// A file has the size and the rows that its record says.
fn check_file(server: &Server, export: &Value) {
    let reply = download(server, export, &[]);
    assert_eq!(
        (reply.status, json!(reply.body.len())),
        (200, export["artifact"]["size"].clone()),
        "{export}"
    );
    if is_plain(export) {
        assert_eq!(json!(rows(&reply.body).len()), export["results_meta"]["total"], "{export}");
        assert!(reply.body.ends_with(b"\r\n"));
    }
}

#[test]
fn an_ordered_stop_ends_exports_at_once_and_the_next_start_writes_them() {
    let made = Made::new();
    let server = made.serve();
    send_clicks(&made, &server, 20_000);
    let mut connection = server.connect();
    let ids: Vec<String> = (0..4).map(|_| ask(&made, &mut connection, "")).collect();
    drop(connection);
    server.stop();
    assert_eq!(parts(&made), 0, "what is not whole is gone");
    let server = made.serve();
    let all = settled(&made, &server);
    for id in &ids {
        assert_eq!(
            (&all[id]["status"], &all[id]["results_meta"]["total"]),
            (&json!("COMPLETED"), &json!(20_000))
        );
    }
    let export = &all[&ids[0]];
    let whole = download(&server, export, &[]);
    let part = download(&server, export, &[("range", "bytes=1000-200999")]);
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[1_000..201_000]));
    server.stop();
}

#[test]
fn a_disk_without_room_fails_an_export_and_takes_events() {
    let made = Made::new();
    let data = made.data();
    std::fs::write(made.path("tollgate.toml"), "export_reserve_megabytes = 1073741824\n").unwrap();
    let settings = made.path("tollgate.toml");
    let arguments =
        ["serve", "--data-dir", &data, "--listen", "127.0.0.1:0", "--config", settings.to_str().unwrap()];
    let server = Server::start(&arguments);
    send_clicks(&made, &server, 100);
    let id = ask(&made, &mut server.connect(), "");
    let failed = &settled(&made, &server)[&id];
    assert_eq!(failed["status"], "ERROR");
    assert!(failed["error"].as_str().unwrap().contains("not enough space"), "{failed}");
    assert_eq!(std::fs::read_dir(folder(&made)).unwrap().count(), 0);
    send_clicks(&made, &server, 100);
    assert_eq!(server.metric("tollgate_exports_total{result=\"failed\"}"), 1.0);
    server.stop();
}
