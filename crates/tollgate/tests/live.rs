//! Events as they come, from the real binary, until it stops.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::Made;

#[test]
fn a_click_is_told_and_the_stream_ends_with_the_server() {
    let made = Made::new();
    let server = made.serve();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!(
        "GET /tollgate/v1/live?kind=click HTTP/1.1\r\nhost: {}\r\napi-key: {}\r\n\r\n",
        server.address, made.api_key
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("retry:")), "it begins");
    let click = format!("/g/{}/click?publisher=someone&no_redirect=true", made.integration);
    assert_eq!(server.connect().send("GET", &click, &[], b"").unwrap().status, 200);
    assert!(lines.any(|line| line.starts_with("data: {") && line.contains("someone")), "the click is told");
    let (_, log) = server.stop_and_tell();
    let end: Vec<String> = lines.filter(|line| line.starts_with("data:")).collect();
    assert_eq!(end, [r#"data: {"reason":"shutdown"}"#]);
    assert!(!log.contains("did not finish in time"), "{log}");
}
