//! Hostile requests and files against the whole gateway: mutations of legal ones, over real sockets. Each is answered, none
//! with a failure of ours, and none costs more than its share.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;
mod support;

use fuzz::{Food, feed};
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;
use support::{Answer, TestServer};
use tollgate_domain::EventKind;
use tollgate_intake::{Format, ImportMap, ImportRequest, Observer, Progress, RefusedLine, import};

/// Requests, their connections and answers cost so much, whatever is in them.
const FIXED: usize = 1 << 20;
/// An event costs more here: the simulated disk copies a file of the log whenever it is synced.
const STORED: usize = 32 << 20;
/// Every byte may be decoded, escaped, told of and stored a few times, at two or four endpoints.
const EACH: usize = 100;

const PARAMETERS: &[&str] = &[
    "&",
    "=",
    "%",
    "%00",
    "%ff",
    "+",
    "[]",
    "offer=",
    "&offer=2",
    "&json=true",
    "&fields=",
    "click_time=",
    "9223372036854775808",
    "-1",
    "1e999",
    "{sub_id}",
    "\\u0000",
    "\\ud800",
    "{\"",
    "\":\"",
    "[[[[",
    "}",
    "null",
];

/// The longest query that is sent: a request's head has room for 32 KiB.
const LONGEST_QUERY: usize = 24 << 10;

/// What stands in a request's first line: everything else is percent-encoded, as a client would.
fn in_line(input: &[u8]) -> String {
    let plain = |byte: &u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
    };
    let encoded = |byte: &u8| match plain(byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    let mut line: String = input.iter().map(encoded).collect();
    line.truncate(LONGEST_QUERY);
    line
}

/// A management request, asked again when a second's worth of them was asked before.
fn managed(server: &TestServer, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let headers = format!("{}{headers}", server.key_header());
    loop {
        let answer = server.request(method, path, &headers, body);
        if answer.status != 429 {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn check(answer: &Answer, asked: usize) {
    assert!(answer.status < 500, "{answer:?}");
    assert!(answer.body.len() <= (64 << 10) + 20 * asked, "{} bytes answer {asked}", answer.body.len());
}

#[test]
fn queries() {
    let corpus = include_str!("../../../tests/corpus/parameters.txt");
    feed(
        &Food { corpus, tokens: PARAMETERS, times: 1, fixed: STORED, each: EACH },
        TestServer::start,
        |server, input| {
            for endpoint in ["click", "postback", "impression", "pixel.gif"] {
                check(&server.get(endpoint, &in_line(input)), input.len());
            }
        },
    );
}

#[test]
fn bodies() {
    let corpus = include_str!("../../../tests/corpus/parameters.txt");
    feed(
        &Food { corpus, tokens: PARAMETERS, times: 1, fixed: STORED, each: EACH },
        TestServer::start,
        |server, input| {
            let path = format!("/g/{}/click?no_redirect=true", server.made.integration_id);
            for kind in ["application/json", "application/x-www-form-urlencoded"] {
                check(
                    &server.request("POST", &path, &format!("Content-Type: {kind}\r\n"), input),
                    input.len(),
                );
            }
        },
    );
}

/// The most lines of one body.
const MAX_LINES: usize = 10_000;

#[test]
fn events() {
    let corpus = include_str!("../../../tests/corpus/events.txt");
    let tokens = &[
        "\n",
        "\r\n",
        "\"kind\":",
        "{}",
        "[]",
        "\\u0000",
        "\\ud800",
        "1e400",
        "{\"a\":",
        "\"",
        ",",
        "\u{fffd}",
    ];
    feed(
        &Food { corpus, tokens, times: 1, fixed: STORED, each: 4 * EACH },
        TestServer::start,
        |server, input| {
            // Each input stands among lines that are legal: what is wrong with it does not spoil them.
            let legal = "{\"kind\":\"click\",\"offer\":\"legal\"}";
            let path = format!("/g/{}/events", server.made.integration_id);
            let body = [legal.as_bytes(), b"\n", input, b"\n", legal.as_bytes()].concat();
            let filled = |line: &&[u8]| !line.trim_ascii().is_empty();
            let count = body.split(|byte| *byte == b'\n').filter(filled).count();
            let answer = server.request("POST", &path, &server.key_header(), &body);
            if count > MAX_LINES {
                return assert_eq!(answer.status, 413, "{answer:?}");
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            let lines = answer.lines();
            assert_eq!(lines.len(), count);
            for line in [&lines[0], &lines[lines.len() - 1]] {
                assert_eq!(line["status"], "approved", "{line}");
            }
            assert!(answer.body.len() <= 5_000 * lines.len() + 20 * input.len(), "{}", answer.body.len());
        },
    );
}

#[test]
fn report_queries() {
    let corpus = include_str!("../../../tests/corpus/reports.txt");
    let tokens = &[
        "&",
        "=",
        "[",
        "]",
        "][",
        "filter[",
        "filter[ip][",
        "%5B",
        "%ff",
        ",",
        "-",
        "page[size]=",
        "&x",
        "sort=",
        "fields=",
        "0000-00-00",
        "99999999999999999999",
        "&filter[sub_id][in]=,",
        "&filter[payout]=NaN",
        "&page[before]=Z",
    ];
    feed(
        &Food { corpus, tokens, times: 1, fixed: FIXED, each: 4 * EACH },
        TestServer::start,
        |server, input| {
            let id = server.made.integration_id;
            let query = in_line(input).replace("abcdefghij", &id.to_string());
            for path in ["reports/v2/click-table".to_owned(), format!("integrations/{id}/filter-groups")] {
                let answer = managed(server, "GET", &format!("/api/v2/{path}?{query}"), "", b"");
                check(&answer, input.len());
            }
        },
    );
}

#[test]
fn filter_groups() {
    let corpus = include_str!("../../../tests/corpus/filters.txt");
    let tokens = &[
        "{\"not\":",
        "}",
        "[",
        "]",
        ",",
        "\"all\":",
        "null",
        "1e99",
        "-1",
        "\"x\":0,",
        "\\ud800",
        "(((((",
        "{0,999}",
    ];
    // Expressions are compiled before they are found too costly.
    let fixed = 64 << 20;
    feed(&Food { corpus, tokens, times: 1, fixed, each: EACH }, TestServer::start, |server, input| {
        let path = format!("/api/v2/integrations/{}/filter-groups", server.made.integration_id);
        // The name is missing, so that nothing is ever created.
        let body = [b"{\"priority\":1,\"filters\":", input, b"}"].concat();
        let answer = managed(server, "POST", &path, "Content-Type: application/json\r\n", &body);
        check(&answer, input.len());
        assert_eq!(answer.status, 400, "{answer:?}");
    });
}

/// Nobody who watches.
struct Unseen;

impl Observer for Unseen {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn refused(&mut self, _: &RefusedLine) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn imported_lines() {
    let corpus = include_str!("../../../tests/corpus/lines.txt");
    let tokens =
        &["\"", "\"\"", "\\\"", "\n", "\r", ",", " ", " [", "] ", "- ", "\u{feff}", "{", "}", "\\x", "HTTP/"];
    // An import keeps counters of its own and reads its file through buffers.
    let fixed = 64 << 20;
    feed(&Food { corpus, tokens, times: 1, fixed, each: EACH }, TestServer::start, |server, input| {
        for format in Format::ALL {
            let mut file = tempfile::tempfile().unwrap();
            if format == Format::Csv {
                file.write_all(b"click_ip,click_time,offer,sub_id,payout,other\n").unwrap();
            }
            file.write_all(input).unwrap();
            let map = (format == Format::Ndjson).then(ImportMap::default);
            let integration = server.made.integration_id;
            let request = ImportRequest { integration, kind: EventKind::Click, format, map, set: Vec::new() };
            // Lines are refused one by one; a file that is no file of its format, as a whole.
            if let Ok(summary) = import(&server.intake, &request, &file, &mut Unseen) {
                let read = input.split(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
                assert!(summary.lines <= read, "{summary:?}");
            }
        }
    });
}
