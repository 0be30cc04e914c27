//! Imports through the binary: real files, repeats, the running server, refusals.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;
use support::{Made, run, shared, stderr, stdout, tollgate};

fn count(summary: &Value, name: &str) -> u64 {
    summary[name].as_u64().unwrap()
}

#[test]
fn a_web_servers_log_becomes_clicks_and_its_cut_line_is_named() {
    let Some(log) = shared("apache-combined-10k.log") else { return };
    let made = Made::new();
    let rejects = made.path("refused");
    let arguments = [
        "--kind",
        "click",
        "--format",
        "combined",
        "--rejects",
        rejects.to_str().unwrap(),
        log.to_str().unwrap(),
    ];
    let summary = made.import(&arguments);
    assert_eq!(
        (count(&summary, "lines"), count(&summary, "clicks"), count(&summary, "refused")),
        (10_000, 9_999, 1)
    );
    let refused = std::fs::read_to_string(&rejects).unwrap();
    assert!(refused.starts_with("8899\tuser agent: has no closing quote"), "{refused}");
    let bots = count(&summary["monitored"], "BOT");
    assert!((1_800..3_200).contains(&bots), "about 2,000 crawlers, and lines without a user agent: {bots}");
    let again = made.import(&arguments);
    assert_eq!((count(&again, "clicks"), count(&again, "already_there")), (0, 9_999));

    // What click-table pages through is what the summary said.
    let server = made.serve();
    let rows = made.report(&server, "click-table", ("2015-05-01", "2015-05-31"));
    let mut by_reason: BTreeMap<String, u64> = BTreeMap::new();
    for row in &rows {
        *by_reason.entry(row["rejection"].as_str().unwrap_or("approved").to_owned()).or_default() += 1;
    }
    assert_eq!(by_reason.remove("approved"), Some(count(&summary, "approved")));
    let said = summary["monitored"].as_object().unwrap().iter();
    assert_eq!(by_reason, said.map(|(reason, count)| (reason.clone(), count.as_u64().unwrap())).collect());
    let mut times: Vec<&str> = rows.iter().map(|row| row["request_time"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
    times.dedup();
    assert!(times.len() > 4_000);
    let extra = &rows[0]["extra_parameters"];
    assert!(
        extra["method"].is_string() && extra["path"].is_string() && extra["http_status"].is_string(),
        "{extra}"
    );
}

const MAP: &str = "time = \"click_time\"\n[fields]\noffer = \"app\"\npublisher = \"channel\"\nuuid = \"ip\"\n\
                   [conversion]\ntime = \"attributed_time\"\n";

#[test]
fn clicks_with_installs_become_clicks_and_conversions() {
    let Some(csv) = shared("talkingdata-clicks-100k.csv") else { return };
    let made = Made::new();
    let map = made.path("map.toml");
    std::fs::write(&map, MAP).unwrap();
    let arguments =
        ["--kind", "click", "--format", "csv", "--map", map.to_str().unwrap(), csv.to_str().unwrap()];
    let begun = std::time::Instant::now();
    let summary = made.import(&arguments);
    eprintln!(
        "100,000 clicks in {:?} ({})",
        begun.elapsed(),
        if cfg!(debug_assertions) { "debug" } else { "release" }
    );
    assert_eq!(
        (count(&summary, "lines"), count(&summary, "clicks"), count(&summary, "conversions")),
        (100_000, 100_000, 227)
    );
    assert_eq!(count(&summary, "refused"), 0);
    let again = made.import(&arguments);
    assert_eq!(
        (count(&again, "clicks") + count(&again, "conversions"), count(&again, "already_there")),
        (0, 100_227)
    );

    let server = made.serve();
    let rows = made.report(&server, "conversion-table", ("2017-11-01", "2017-11-30"));
    assert_eq!(rows.len(), 227);
    let mut connection = server.connect();
    for row in rows.iter().take(20) {
        let text = |name: &str| row[name].as_str().unwrap();
        let path = format!(
            "/api/v2/reports/v2/click?integration_id={}&request_date={}&offer={}&publisher={}&tx_id={}",
            made.integration,
            &text("click_time")[..10],
            text("offer_id"),
            text("publisher"),
            text("click_real_tx_id")
        );
        let click = connection.get(&path, &made.api_key);
        assert_eq!(click.status, 200, "{}", click.text());
        let click = click.json();
        assert_eq!((&click["offer_id"], &click["uuid"]), (&row["offer_id"], &row["uuid"]));
        assert_eq!(click["request_time"], row["click_time"]);
        assert!(
            click["extra_parameters"]["device"].is_string() && click["extra_parameters"]["os"].is_string()
        );
    }
    let seconds =
        |text: &Value| tollgate_domain::Timestamp::parse("t", text.as_str().unwrap()).unwrap().seconds();
    let mut delays: Vec<i64> =
        rows.iter().map(|row| seconds(&row["conversion_time"]) - seconds(&row["click_time"])).collect();
    delays.sort_unstable();
    assert_eq!((delays[0], delays[113], delays[226]), (2, 198, 46_341));
}

#[test]
fn a_running_server_takes_imports_and_its_directory_is_refused() {
    let made = Made::new();
    let file = made.path("clicks.csv");
    std::fs::write(
        &file,
        "click_time,offer,sub id\n2024-01-01 00:00:00,1,a\nsoon,2,b\n2024-01-01 00:00:01,3\n",
    )
    .unwrap();
    let server = made.serve();
    let what =
        ["--integration", &made.integration, "--kind", "click", "--format", "csv", file.to_str().unwrap()];
    let refused = run(&[&["import", "--data-dir", &made.data()], &what[..]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("in use by process") && stderr(&refused).contains("--server"),
        "{}",
        stderr(&refused)
    );

    let through =
        |key: &str| run(&[&["import", "--server", &server.url(), "--api-key", key], &what[..]].concat());
    let denied = through("wrong");
    assert!(denied.status.code() == Some(1) && stderr(&denied).contains("401"), "{}", stderr(&denied));
    let done = through(&made.api_key);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stdout(&done).contains("           1  clicks stored"), "{}", stdout(&done));
    let rejects = std::fs::read_to_string(made.path("clicks.csv.rejects")).unwrap();
    let lines: Vec<_> = rejects.lines().collect();
    assert!(
        lines[0].starts_with("3\tclick_time: must be a time") && lines[0].ends_with("\tsoon,2,b"),
        "{rejects}"
    );
    assert!(lines[1].starts_with("4\tline: has 2 fields where the header has 3"), "{rejects}");
    assert!(stdout(&through(&made.api_key)).contains("           1  already there"));
    let rows = made.report(&server, "click-table", ("2024-01-01", "2024-01-01"));
    assert_eq!((rows.len(), &rows[0]["extra_parameters"]["sub id"]), (1, &Value::from("a")));
    server.stop();
    let stopped = made.import(&["--kind", "click", "--format", "csv", file.to_str().unwrap()]);
    assert_eq!(count(&stopped, "already_there"), 1, "both ways in know the same lines");
    let folder: Vec<_> = std::fs::read_dir(made.path("data/imports")).unwrap().collect();
    assert!(folder.is_empty(), "uploads leave nothing behind: {folder:?}");
}

#[test]
fn what_cannot_be_imported_says_why() {
    let made = Made::new();
    let file = made.path("clicks.csv");
    std::fs::write(&file, "when,offer\n2024-01-01 00:00:00,1\n").unwrap();
    let map = made.path("map.toml");
    let import = |arguments: &[&str]| {
        let begin = ["import", "--data-dir", &made.data(), "--kind", "click"];
        let output = run(&[&begin, arguments, &[file.to_str().unwrap()]].concat());
        (output.status.code(), stderr(&output))
    };
    let id = made.integration.as_str();
    std::fs::write(&map, "tiem = \"when\"\n").unwrap();
    let with_map = ["--integration", id, "--format", "csv", "--map", map.to_str().unwrap()];
    let (code, said) = import(&with_map);
    assert!(code == Some(2) && said.contains("tiem"), "{said}");
    std::fs::write(&map, "time = \"then\"\n").unwrap();
    let (code, said) = import(&with_map);
    assert!(code == Some(1) && said.contains("names then, which the file does not have"), "{said}");
    let (code, said) = import(&["--integration", "aaaaaaaaaa", "--format", "csv"]);
    assert!(code == Some(1) && said.contains("no integration aaaaaaaaaa"), "{said}");
    assert_eq!(import(&["--integration", id, "--format", "xml"]).0, Some(2));
    assert_eq!(import(&["--integration", id, "--format", "csv", "--set", "novalue"]).0, Some(2));
}

/// What was decided about each line, by the caller's id.
fn verdicts(made: &Made) -> BTreeMap<String, String> {
    let server = made.serve();
    let rows = made.report(&server, "click-table", ("2024-01-01", "2024-01-31"));
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let all: BTreeMap<_, _> =
        rows.iter().map(|row| (text(row, "external_transaction_id"), text(row, "rejection"))).collect();
    assert_eq!(all.len(), rows.len(), "no line is stored twice");
    all
}

#[test]
fn an_import_that_was_killed_goes_on_and_judges_the_rest_as_it_would_have() {
    const LINES: usize = 40_000;
    let mut text = String::from("click_time,external_transaction_id,offer,ip,user_agent\n");
    for i in 0..LINES {
        // Not in the order of time, and few enough addresses that what came before decides.
        let second = (i * 7_919) % 86_400;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        text += &format!(
            "2024-01-05 {hour:02}:{minute:02}:{second:02},e{i},{},10.0.{}.{},Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\n",
            i % 4,
            i % 7,
            i % 61
        );
    }
    let (whole, killed) = (Made::new(), Made::new());
    let import = |made: &Made| {
        let file = made.path("clicks.csv");
        std::fs::write(&file, &text).unwrap();
        let file = file.to_str().unwrap().to_owned();
        let arguments =
            ["import", "--data-dir", &made.data(), "--integration", &made.integration, "--kind", "click"];
        let mut command = tollgate();
        command.args(arguments).args(["--format", "csv", "--json", &file]);
        command
    };
    let done = import(&whole).output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));

    let mut kills = 0;
    let last = loop {
        let mut child = import(&killed).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // Later each time, so that it comes to an end.
        std::thread::sleep(Duration::from_millis(250 + 350 * kills));
        if child.try_wait().unwrap().is_some() || kills == 40 {
            break child.wait_with_output().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    };
    let last: Value = serde_json::from_slice(&last.stdout).unwrap();
    eprintln!("{kills} kills; the last import found {} lines already there", last["already_there"]);
    assert_eq!(count(&last, "clicks") + count(&last, "already_there"), LINES as u64);
    let expected = verdicts(&whole);
    assert!(expected.values().filter(|reason| *reason == "DUPLICATE_IP").count() > 5_000);
    assert!(expected == verdicts(&killed), "the same verdict for every line");
}
