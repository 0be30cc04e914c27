//! The client against servers on this machine: what it takes, what it follows, and what it refuses.
#![allow(missing_docs, clippy::unwrap_used)]

use base64::Engine;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tollgate_outbound::testing::{Names, get, ok, options, redirect, server, tls_server};
use tollgate_outbound::{Limits, Options, OutboundError};

#[test]
fn a_page_is_fetched_from_the_address_that_was_looked_up() {
    let address = server(|head, stream| ok(stream, head));
    let port = address.port();
    let got =
        get(options(&[("pages.example", address)]), &format!("http://pages.example:{port}/a%20b?q=1#f"))
            .unwrap();
    assert_eq!((got.status.as_u16(), got.headers["content-type"].to_str().unwrap()), (200, "text/plain"));
    let head = String::from_utf8(got.body.to_vec()).unwrap();
    assert!(head.starts_with("GET /a%20b?q=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: pages.example:{port}\r\n")), "{head}");
    assert!(head.contains("user-agent: tollgate/") && head.contains("accept-encoding: identity"), "{head}");
    // A body without a length ends with the connection.
    let address = server(|_, stream| stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\nnothing"));
    let got = get(options(&[]), &format!("http://{address}/")).unwrap();
    assert_eq!((got.status.as_u16(), &got.body[..]), (404, &b"nothing"[..]));
}

#[test]
fn https_needs_a_certificate_that_is_trusted_and_the_hosts_own() {
    let (address, certificate) = tls_server("pages.example", |_, stream| ok(stream, "secret"));
    let names = [("pages.example", address), ("other.example", address)];
    let trusting =
        || Options { authorities: vec![certificate.clone()], plain_http: false, ..options(&names) };
    assert_eq!(get(trusting(), "https://pages.example/").unwrap().body, "secret");
    let other = get(trusting(), "https://other.example/").unwrap_err();
    assert!(
        matches!(other, OutboundError::Tls { .. }) && other.to_string().contains("other.example"),
        "{other}"
    );
    let untrusted = get(options(&names), "https://pages.example/").unwrap_err();
    assert!(untrusted.to_string().starts_with("no trusted TLS connection to pages.example"), "{untrusted}");
    // A server behind an https address that does not speak TLS.
    let plain = server(|_, stream| ok(stream, "x"));
    let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
    let impatient = Options { limits, ..options(&[("pages.example", plain)]) };
    let broken = get(impatient, "https://pages.example/");
    assert!(matches!(broken, Err(OutboundError::Tls { .. } | OutboundError::TooSlow(_))), "{broken:?}");
}

#[test]
fn addresses_that_are_not_the_internet_are_refused_however_they_are_written() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = reached.clone();
    let address = server(move |_, stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        ok(stream, "inside")
    });
    let port = address.port();
    let known = [
        ("inside.example", vec![address]),
        ("mapped.example", vec![SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), port)]),
    ];
    let names = || Names {
        known: known.iter().map(|(name, to)| ((*name).to_owned(), to.clone())).collect(),
        ..Names::default()
    };
    let strict = || Options { allow: Vec::new(), resolver: Arc::new(names()), ..options(&[]) };
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "inside.example",
        "INSIDE.example",
        "mapped.example",
    ] {
        let refused = get(strict(), &format!("http://{host}:{port}/")).unwrap_err();
        assert!(matches!(refused, OutboundError::Refused { .. }), "{host}: {refused}");
    }
    let localhost = Options { allow: Vec::new(), plain_http: true, ..Options::default() };
    let refused = get(localhost, &format!("http://localhost:{port}/")).unwrap_err();
    assert!(
        refused.to_string().contains("localhost leads to an address that is not connected to (loopback)")
    );
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    // What is allowed is reached; a mapped address is not what was allowed.
    assert_eq!(
        get(options(&known.clone().map(|(n, a)| (n, a[0]))), &format!("http://inside.example:{port}/"))
            .unwrap()
            .body,
        "inside"
    );
    let mapped = get(options(&known.map(|(n, a)| (n, a[0]))), &format!("http://mapped.example:{port}/"));
    assert!(matches!(mapped, Err(OutboundError::Refused { network: "mapped IPv4", .. })), "{mapped:?}");
}

#[test]
fn only_the_allowed_addresses_of_a_host_are_tried() {
    let address = server(|_, stream| ok(stream, "the second"));
    let private: SocketAddr = format!("10.0.0.1:{}", address.port()).parse().unwrap();
    let known = [("both.example".to_owned(), vec![private, address])].into();
    let options = Options { resolver: Arc::new(Names { known, ..Names::default() }), ..options(&[]) };
    let since = Instant::now();
    assert_eq!(get(options, "http://both.example/").unwrap().body, "the second");
    assert!(since.elapsed() < Duration::from_secs(2), "the private address was tried");
}

#[test]
fn every_redirect_is_checked_anew() {
    let inner = server(|_, stream| ok(stream, "arrived"));
    let target = format!("http://b.example:{}/x", inner.port());
    let outer = server(move |head, stream| match head.split(' ').nth(1).unwrap() {
        "/absolute" => redirect(stream, &target),
        "/relative" => redirect(stream, "here/../here?x"),
        "/here?x" => ok(stream, "relative"),
        "/metadata" => redirect(stream, "http://169.254.169.254/latest/meta-data/"),
        "/file" => redirect(stream, "file:///etc/passwd"),
        "/password" => redirect(stream, "http://user:secret@b.example/"),
        "/empty" => stream.write_all(b"HTTP/1.1 301 Moved\r\ncontent-length: 0\r\n\r\n"),
        "/nonsense" => redirect(stream, "http://[/"),
        _ => redirect(stream, "/loop"),
    });
    let names = [("a.example", outer), ("b.example", inner)];
    let ask = |path: &str| get(options(&names), &format!("http://a.example:{}{path}", outer.port()));
    let arrived = ask("/absolute").unwrap();
    assert_eq!((&arrived.body[..], arrived.urls.len()), (&b"arrived"[..], 2));
    assert_eq!(arrived.urls[1].host_str(), Some("b.example"));
    assert_eq!(ask("/relative").unwrap().body, "relative");
    assert!(matches!(ask("/metadata"), Err(OutboundError::Refused { .. })));
    assert!(matches!(ask("/file"), Err(OutboundError::Scheme { .. })));
    let password = ask("/password").unwrap_err();
    assert!(matches!(password, OutboundError::Credentials(_)) && !password.to_string().contains("secret"));
    assert!(matches!(ask("/empty"), Err(OutboundError::BadRedirect(_))));
    assert!(matches!(ask("/nonsense"), Err(OutboundError::BadRedirect(_))));
    assert!(matches!(ask("/loop"), Err(OutboundError::TooManyRedirects(5))));
}

#[test]
fn https_is_never_left() {
    let plain = server(|_, stream| ok(stream, "plain"));
    let target = format!("http://plain.example:{}/", plain.port());
    let (secure, certificate) = tls_server("secure.example", move |_, stream| redirect(stream, &target));
    let names = [("plain.example", plain), ("secure.example", secure)];
    let options = || Options { authorities: vec![certificate.clone()], ..options(&names) };
    let left = get(options(), "https://secure.example/").unwrap_err();
    assert_eq!(left.to_string(), "only https is used for plain.example, not http");
    let strict = Options { plain_http: false, ..options() };
    assert!(matches!(get(strict, "http://plain.example/"), Err(OutboundError::Scheme { .. })));
    for url in ["", "pages.example", "/x", "https://", "mailto:a@b.example", "https://a:b@pages.example/"] {
        assert!(get(options(), url).is_err(), "{url}");
    }
}

#[test]
fn time_is_bounded_at_every_step() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let slow_head = server(|_, stream| {
        for byte in b"HTTP/1.1 200 OK\r\nx: ".iter().chain(std::iter::repeat(&b'y')) {
            stream.write_all(&[*byte])?;
            stream.flush()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let slow_body = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
        loop {
            stream.write_all(b"z")?;
            stream.flush()?;
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let continues = server(|_, stream| {
        loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    for (scheme, address) in [
        ("http", silent.local_addr().unwrap()),
        ("https", silent.local_addr().unwrap()),
        ("http", slow_head),
        ("http", slow_body),
        ("http", continues),
    ] {
        let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
        let since = Instant::now();
        let slow = get(Options { limits, ..options(&[]) }, &format!("{scheme}://{address}/")).unwrap_err();
        assert_eq!(slow.to_string(), "no whole answer within 0.3 s");
        assert!(since.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn sizes_are_bounded() {
    let limits = || Limits { body_bytes: 10_000, ..Limits::default() };
    let ask = |address| get(Options { limits: limits(), ..options(&[]) }, &format!("http://{address}/"));
    let exact = server(|_, stream| ok(stream, &"x".repeat(10_000)));
    assert_eq!(ask(exact).unwrap().body.len(), 10_000);
    let announced = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10001\r\n\r\n")?;
        std::thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let since = Instant::now();
    assert!(matches!(ask(announced), Err(OutboundError::BodyTooLong { limit: 10_000, .. })));
    assert!(since.elapsed() < Duration::from_secs(3), "an announced length is enough");
    let endless = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        loop {
            stream.write_all(b"3e8\r\n")?;
            stream.write_all(&[b'x'; 1000])?;
            stream.write_all(b"\r\n")?;
        }
    });
    assert!(matches!(ask(endless), Err(OutboundError::BodyTooLong { .. })));
    let huge_head = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(
                b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
            )?;
        }
    });
    assert!(matches!(ask(huge_head), Err(OutboundError::HeadTooLong(_))));
    let compressed = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx")
    });
    assert!(matches!(ask(compressed), Err(OutboundError::Encoded(_))));
    for answer in [&b"SSH-2.0-OpenSSH\r\n"[..], b"", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nxy"] {
        let address = server(move |_, stream| stream.write_all(answer));
        assert!(matches!(ask(address), Err(OutboundError::Broken { .. })), "{answer:?}");
    }
}

#[test]
fn where_only_heads_count_nothing_that_comes_after_them_matters() {
    let answers: [&[u8]; 5] = [
        b"content-length: 5\r\n\r\nwhole",
        b"content-length: 5\r\n\r\nxy",
        b"content-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
        b"content-length: 100000000\r\n\r\nx",
        b"transfer-encoding: chunked\r\n\r\nno length",
    ];
    for (status, rest) in answers.iter().flat_map(|rest| [(200, rest), (404, rest)]) {
        let said = [format!("HTTP/1.1 {status} X\r\n").as_bytes(), rest].concat();
        for ends in [true, false] {
            let said = said.clone();
            let inner = server(move |_, stream| {
                stream.write_all(&said)?;
                stream.flush()?;
                // Or it says nothing more, and does not end either.
                if ends {
                    return Ok(());
                }
                loop {
                    std::thread::park();
                }
            });
            let front = server(move |_, stream| redirect(stream, &format!("http://{inner}/")));
            let got = get(Options { heads_only: true, ..options(&[]) }, &format!("http://{front}/")).unwrap();
            let found = (got.status.as_u16(), got.body.len(), got.urls.len());
            assert_eq!(found, (status, 0, 2), "{}", String::from_utf8_lossy(rest));
        }
    }
    // What comes before the head matters as ever.
    let inward = server(|_, stream| redirect(stream, "http://10.0.0.1/"));
    let refused = get(Options { heads_only: true, ..options(&[]) }, &format!("http://{inward}/"));
    assert!(matches!(refused, Err(OutboundError::Refused { .. })), "{refused:?}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let impatient = Options { heads_only: true, limits, ..options(&[]) };
    let slow = get(impatient, &format!("http://{}/", silent.local_addr().unwrap()));
    assert!(matches!(slow, Err(OutboundError::TooSlow(_))), "{slow:?}");
}

#[test]
fn what_cannot_be_found_or_reached_is_said() {
    let unknown = get(options(&[]), "http://nobody.example/").unwrap_err();
    assert!(unknown.to_string().starts_with("nobody.example has no address"), "{unknown}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = get(options(&[("closed.example", closed)]), "http://closed.example/").unwrap_err();
    assert!(refused.to_string().starts_with("closed.example takes no connection"), "{refused}");
}

#[test]
fn further_authorities_are_read_from_a_file_that_must_hold_some() {
    let (address, certificate) = tls_server("pages.example", |_, stream| ok(stream, "trusted"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authorities.pem");
    let encoded = base64::engine::general_purpose::STANDARD.encode(&certificate);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    std::fs::write(&path, pem).unwrap();
    let authorities = tollgate_outbound::authorities(&path).unwrap();
    let options = Options { authorities, ..options(&[("pages.example", address)]) };
    assert_eq!(get(options, "https://pages.example/").unwrap().body, "trusted");
    for wrong in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nA"] {
        std::fs::write(&path, wrong).unwrap();
        assert!(tollgate_outbound::authorities(&path).is_err(), "{wrong}");
    }
    assert!(tollgate_outbound::authorities(&dir.path().join("none")).is_err());
}
