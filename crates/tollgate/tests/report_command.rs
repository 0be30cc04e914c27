//! `tollgate report` through the whole binary: what the API answers, with the server running and without.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::{Made, Server, run, stderr, stdout};

const DAYS: [&str; 4] = ["--from", "2026-01-02", "--to", "2026-01-03"];
const QUERY: &str = "start_date=2026-01-02&end_date=2026-01-03";

fn report(arguments: &[&str]) -> String {
    let output = run(&[&["report"], arguments].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["report"], arguments].concat());
    (output.status.code(), stderr(&output))
}

fn asked(made: &Made, server: &Server, report: &str, query: &str) -> Value {
    let path = format!("/api/v2/reports/v2/{report}?{QUERY}&{query}");
    let reply = server.connect().get(&path, &made.api_key);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn home() -> Made {
    let made = Made::new();
    let generated = run(&["generate", "--data-dir", &made.data(), "--events", "3000", "--days", "3"]);
    assert!(generated.status.success(), "{}", stderr(&generated));
    made
}

/// Who is asked: the server by its address, the server through its directory, the directory alone.
fn ways(made: &Made, mut check: impl FnMut(&Server, &[&str])) {
    let data = made.data();
    let server = made.serve();
    check(&server, &["--server", &server.url(), "--api-key", &made.api_key]);
    check(&server, &["--data-dir", &data]);
}

#[test]
fn groups_have_the_figures_of_the_api() {
    let made = home();
    let arguments =
        [&["groups", "--by", "country,publisher", "--sort", "-total,country", "--compare"], &DAYS[..]]
            .concat();
    let filter = ["--filter", "status=approved", "--filter", "country[ne]=US", "--kind", "click"];
    let query = "group_by=country,publisher&sort=-total,country&compare=previous&filter[status]=approved\
                 &filter[country][ne]=US&kind=click";
    let mut expected = None;
    ways(&made, |server, way| {
        let text = report(&[&arguments[..], &filter, way, &["--form", "json", "--limit", "60"]].concat());
        let answered: Value = serde_json::from_str(&text).unwrap();
        let api = asked(&made, server, "grouped", &format!("{query}&page%5Bsize%5D=60"));
        assert_eq!((&answered["data"], &answered["totals"]), (&api["data"], &api["totals"]));
        assert_eq!(answered["meta"]["total_count"], api["meta"]["total_count"]);
        assert!(answered["data"].as_array().unwrap().len() == 60, "{answered}");
        // More than a page of the API.
        let all = report(&[&arguments[..], &filter, way, &["--form", "json", "--limit", "2000"]].concat());
        let all: Value = serde_json::from_str(&all).unwrap();
        assert!(all["meta"]["total_count"].as_u64().unwrap() > 100, "{}", all["meta"]);
        assert_eq!(
            all["data"].as_array().unwrap().len() as u64,
            all["meta"]["total_count"].as_u64().unwrap()
        );
        let sum: u64 = all["data"].as_array().unwrap().iter().map(|row| row["total"].as_u64().unwrap()).sum();
        assert_eq!(sum, all["totals"]["total"].as_u64().unwrap());
        expected = Some(all);
    });
    // Without a server.
    let data = made.data();
    let alone = report(
        &[&arguments[..], &filter, &["--data-dir", &data, "--form", "json", "--limit", "2000"]].concat(),
    );
    let expected = expected.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&alone).unwrap(), expected);

    let table = report(
        &[&arguments[..], &filter, &["--data-dir", &data, "--form", "csv", "--limit", "2000"]].concat(),
    );
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header = reader.headers().unwrap().clone();
    assert_eq!(&header.iter().collect::<Vec<_>>()[..4], ["country", "publisher", "total", "previous_total"]);
    for (line, row) in reader.records().zip(expected["data"].as_array().unwrap()) {
        let line = line.unwrap();
        assert_eq!(
            (&line[0], &line[1]),
            (row["country"].as_str().unwrap(), row["publisher"].as_str().unwrap())
        );
        assert_eq!(
            (&line[2], &line[3]),
            (&*row["total"].to_string(), &*row["previous"]["total"].to_string())
        );
    }
    let text = report(&[&arguments[..], &filter, &["--data-dir", &data, "--limit", "3"]].concat());
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("country  publisher ") && lines.len() == 5,
        "three groups and the sum: {text}"
    );
    assert!(
        lines[4].starts_with("(all) ") && lines[4].contains(&expected["totals"]["total"].to_string()),
        "{text}"
    );
}

#[test]
fn tables_have_the_rows_of_the_api() {
    let made = home();
    let integration = made.integration.as_str();
    let base =
        [&["conversions", "--integration", integration, "--filter", "payout[gte]=0.1"], &DAYS[..]].concat();
    ways(&made, |server, way| {
        let api = |more: &str| {
            let query = format!("integration_id={integration}&filter[payout][gte]=0.1&page%5Bsize%5D={more}");
            asked(&made, server, "conversion-table", &query)["data"].take()
        };
        let page = report(&[&base[..], way, &["--form", "json", "--limit", "20"]].concat());
        assert_eq!(serde_json::from_str::<Value>(&page).unwrap(), api("20"));
        let cursor = api("20")["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        let next =
            report(&[&base[..], way, &["--form", "json", "--limit", "5", "--after", &cursor]].concat());
        assert_eq!(
            serde_json::from_str::<Value>(&next).unwrap(),
            api(&format!("5&page%5Bafter%5D={cursor}"))
        );
    });
    let data = made.data();
    let clicks = ["clicks", "--integration", integration, "--data-dir", &data, "--limit", "250"];
    let clicks = [&clicks[..], &DAYS].concat();
    let many = report(&[&clicks[..], &["--form", "json"]].concat());
    let many: Value = serde_json::from_str(&many).unwrap();
    let exported =
        [&["export", "click", "--integration", integration, "--data-dir", &data], &DAYS[..]].concat();
    let exported = run(&exported);
    let mut all: Vec<&str> =
        std::str::from_utf8(&exported.stdout).unwrap().split_terminator("\r\n").collect();
    let header = all.remove(0);
    all.reverse();
    assert_eq!(many["data"].as_array().unwrap().len(), 250);
    let table = report(&[&clicks[..], &["--form", "csv"]].concat());
    let lines: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!((lines[0], &lines[1..]), (header, &all[..250]), "the newest rows of the file, newest first");
    let text = report(&[&clicks[..], &["--fields", "real_tx_id,country"]].concat());
    assert_eq!(text.lines().count(), 251);
    assert!(text.starts_with("real_tx_id                  country\n"), "{text}");
}

#[test]
fn what_is_wrong_is_told_by_its_flag() {
    let made = home();
    let data = made.data();
    let place = ["--data-dir", data.as_str()];
    let check = |arguments: &[&str], said: &[&str]| {
        let (code, message) = refused(&[arguments, &place].concat());
        assert_eq!(code, Some(2), "{message}");
        for said in said {
            assert!(message.contains(said), "{said}: {message}");
        }
    };
    check(
        &["groups", "--by", "colour"],
        &["--by: \"colour\" is not a key; known are", "--from: must be given"],
    );
    check(
        &["groups", "--by", "country", "--sort", "-fun", "--to", "x", "--from", "2026-01-01"],
        &["--sort: ", "--to: "],
    );
    check(
        &["clicks", "--integration", &made.integration, "--filter", "x=1"],
        &["--filter x: ", "--from: must be given"],
    );
    check(
        &["clicks", "--integration", &made.integration, "--fields", "x"],
        &["--fields: \"x\" is not a known field"],
    );
    check(
        &["groups", "--by", "country", "--page", "2", "--limit", "500"],
        &["--page goes with --limit up to 100"],
    );
    let unknown = [&["clicks", "--integration", "zzzzzzzzzz"], &DAYS[..], &place].concat();
    assert!(refused(&unknown).1.contains("no integration of this id"), "{:?}", refused(&unknown));
    let nobody = [&["groups", "--by", "country", "--organization", "zz"], &DAYS[..], &place].concat();
    assert!(refused(&nobody).1.contains("no organization of this id"), "{:?}", refused(&nobody));
}
