//! Posting to servers on this machine: connections that are kept, and what is refused.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tollgate_outbound::testing::{ok, options, redirect, server};
use tollgate_outbound::{Options, Outbound, OutboundError, Post};

/// Answers requests over one connection after the other until the client has seen enough, and counts connections.
fn keeping(answers: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                for _ in 0..answers {
                    let mut length = 0;
                    loop {
                        let mut line = String::new();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 {
                            return;
                        }
                        let lower = line.to_ascii_lowercase();
                        if let Some(value) = lower.strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        if line == "\r\n" {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    ok(&mut stream, &String::from_utf8(body).unwrap()).unwrap();
                }
            });
        }
    });
    (address, connections)
}

fn post(url: &str, body: String) -> Post<'_> {
    let time = Duration::from_secs(5);
    Post { url, content_type: "text/plain", headers: &[], body: body.into(), time, answer_bytes: 1000 }
}

#[tokio::test]
async fn connections_are_kept_and_replaced_when_the_host_gave_them_up() {
    let (address, connections) = keeping(3);
    let client = Outbound::new(options(&[("a.example", address)])).unwrap();
    let url = format!("http://a.example:{}/bid", address.port());
    for n in 0..7 {
        let answer = client.post(post(&url, format!("body {n}"))).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, format!("body {n}").as_bytes()));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3, "three requests over each");
    let asking = (0..8).map(|n| {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move { client.post(post(&url, format!("{n}"))).await.map(|answer| answer.body) })
    });
    for (n, asking) in asking.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(asking.await.unwrap().unwrap(), format!("{n}"));
    }
}

#[tokio::test]
async fn a_connection_that_the_host_resets_is_replaced() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let mut byte = [0];
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            ok(&mut stream, "ok").unwrap();
            // Whoever closes with something unread resets the connection.
            stream.peek(&mut byte).unwrap();
        }
    });
    let client = Outbound::new(options(&[])).unwrap();
    let url = format!("http://{address}/");
    for _ in 0..3 {
        let answer = client.post(post(&url, String::new())).await.unwrap();
        assert_eq!(&answer.body[..], b"ok");
    }
}

#[tokio::test]
async fn connections_that_are_kept_too_long_are_closed_whoever_is_asked_next() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let kept = listener.local_addr().unwrap();
    let (closes, closed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = vec![0; 10_000];
        assert!(stream.read(&mut head).unwrap() > 0);
        ok(&mut stream, "ok").unwrap();
        // Until nothing more can come.
        stream.read_to_end(&mut head).unwrap();
        closes.send(()).unwrap();
    });
    let (other, _) = keeping(1);
    let client = Outbound::new(options(&[])).unwrap();
    client.post(post(&format!("http://{kept}/"), String::new())).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    client.post(post(&format!("http://{other}/"), String::new())).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), closed).await.unwrap().unwrap();
}

#[tokio::test]
async fn where_only_heads_count_connections_are_kept_unless_the_host_goes_on_and_on() {
    let (address, connections) = keeping(3);
    let held = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 201 X\r\ncontent-length: 5\r\n\r\nx")?;
        stream.flush()?;
        loop {
            std::thread::park();
        }
    });
    let names = [("a.example", address), ("held.example", held)];
    let client = Outbound::new(Options { heads_only: true, ..options(&names) }).unwrap();
    let url = format!("http://a.example:{}/", address.port());
    for n in 0..7 {
        let answer = client.post(post(&url, format!("body {n}"))).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3, "three requests over each");
    let url = format!("http://held.example:{}/", held.port());
    for _ in 0..2 {
        let answer = client.post(post(&url, "body".to_owned())).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (201, 0));
    }
}

#[tokio::test]
async fn a_post_is_checked_like_anything_that_goes_out_and_follows_nothing() {
    let inner = server(|_, stream| ok(stream, "must not be asked"));
    let target = format!("http://127.0.0.1:{}/", inner.port());
    let address = server(move |head, stream| match head.split(' ').nth(1).unwrap() {
        "/away" => redirect(stream, &target),
        "/long" => ok(stream, &"x".repeat(2000)),
        _ => {
            std::thread::sleep(Duration::from_secs(3));
            Ok(())
        }
    });
    let client = Outbound::new(options(&[("a.example", address)])).unwrap();
    let url = |path: &str| format!("http://a.example:{}{path}", address.port());
    let away = client.post(post(&url("/away"), String::new())).await.unwrap();
    assert_eq!((away.status.as_u16(), away.urls.len()), (302, 1));
    let long = client.post(post(&url("/long"), String::new())).await;
    assert!(matches!(long, Err(OutboundError::BodyTooLong { limit: 1000, .. })), "{long:?}");
    let since = Instant::now();
    let slow = url("/slow");
    let slow = client.post(Post { time: Duration::from_millis(100), ..post(&slow, String::new()) }).await;
    assert!(matches!(slow, Err(OutboundError::TooSlow(_))), "{slow:?}");
    assert!(since.elapsed() < Duration::from_secs(1));
    let refused = client.post(post("http://10.0.0.1/", String::new())).await;
    assert!(matches!(refused, Err(OutboundError::Refused { network: "private", .. })), "{refused:?}");
    let strict = Outbound::new(Options { plain_http: false, ..options(&[("a.example", address)]) }).unwrap();
    assert!(matches!(strict.post(post(&url("/"), String::new())).await, Err(OutboundError::Scheme { .. })));
}
