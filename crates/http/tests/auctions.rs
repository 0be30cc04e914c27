//! Rejected clicks that are offered to a bidder: a real one on this machine, which is good, slow, broken or away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Setup, TestServer};
use tollgate_http::gateway::GatewayOptions;
use tollgate_outbound::{Outbound, testing};
use tollgate_rtb::{Auctions, MAX_AUCTIONS};

const FALLBACK: &str = "https://fallback.example/";
/// The longest that an integration may wait for a bidder, in milliseconds: where time is not the point, so that a busy
/// machine does not make it one.
const PATIENT: u32 = 5000;

struct Zeros;
impl tollgate_domain::Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// What a bidder does with a request: its path and its body in, the whole answer out. The body of a request that does not
/// say its OpenRTB is null.
type Bids = dyn Fn(&str, &Value) -> Option<String> + Send + Sync;

/// A bidder, with what it was asked and how many connections that took.
struct Bidder {
    address: SocketAddr,
    asked: Receiver<(String, Value)>,
    connections: Arc<AtomicUsize>,
}

impl Bidder {
    fn new(bids: impl Fn(&str, &Value) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = channel();
        let (tell, bids): (_, Arc<Bids>) = (Arc::new(Mutex::new(tell)), Arc::new(bids));
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let (tell, bids) = (tell.clone(), bids.clone());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut stream = stream;
                    while let Some((path, body)) = read(&mut reader) {
                        let _ = tell.lock().unwrap().send((path.clone(), body.clone()));
                        let Some(answer) = bids(&path, &body) else { return };
                        // A server that has seen enough goes away.
                        let _ = stream.write_all(answer.as_bytes());
                    }
                });
            }
        });
        Self { address, asked, connections }
    }

    /// One that answers every request with a bid that leads to `adm`.
    fn bidding(adm: &'static str) -> Self {
        Self::new(move |_, request| Some(http(&bid(request, adm).to_string())))
    }

    fn next(&self) -> (String, Value) {
        self.asked.recv_timeout(Duration::from_secs(5)).expect("the bidder is asked")
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
    let (mut length, mut version) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("x-openrtb-version:") {
            value.trim().clone_into(&mut version);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let body = serde_json::from_slice(&body).ok().filter(|_| version == "2.6");
    Some((path, body.unwrap_or_default()))
}

fn http(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn bid(request: &Value, adm: &str) -> Value {
    json!({"id": request["id"], "cur": "USD", "seatbid": [{"bid": [
        {"id": "b1", "impid": "1", "price": 0.5, "adm": "https://cheap.example/"},
        {"id": "b2", "impid": "1", "price": 1.25, "adm": adm}]}]})
}

/// A server whose only filter rejects the offer `bad`, and whose rejected clicks are offered to `bidder`.
fn server(bidder: &Bidder, tmax: u32) -> TestServer {
    let private = SocketAddr::from(([10, 0, 0, 1], 80));
    let options = testing::options(&[("bidder.example", bidder.address), ("private.example", private)]);
    let outbound = Outbound::new(options.clone()).unwrap();
    let auctions = Some(Arc::new(Auctions::new(outbound, Arc::new(Zeros))));
    let gateway = GatewayOptions { auctions, ..GatewayOptions::default() };
    let server = TestServer::of(Setup { gateway, outbound: options, ..Setup::default() });
    server.set_integration(json!({
        "rtb_enabled": true, "rtb_tmax_ms": tmax,
        "rtb_endpoint": format!("http://bidder.example:{}/bid", bidder.address.port()),
        "redirect_url": "https://own.example/", "fallback_url": FALLBACK,
    }));
    server.set_filters(json!([{"type": "data_validation", "params": {"offer": {"blocked": ["bad"]}}}]));
    server
}

fn outcome(server: &TestServer) -> Value {
    server.table("click")[0]["rtb_outcome"].clone()
}

#[test]
fn the_winner_gets_the_user_and_is_told() {
    let bidder = Bidder::new(|path, request| {
        if path != "/bid" {
            return Some(http(""));
        }
        let mut answer =
            bid(request, "<a href='https://win.example/?p=${AUCTION_PRICE}&amp;i=${AUCTION_ID}'>");
        let port = request["site"]["search"].as_str().unwrap();
        for notice in ["nurl", "burl"] {
            let url = format!("http://bidder.example:{port}/{notice}?${{AUCTION_PRICE}}");
            answer["seatbid"][0]["bid"][1][notice] = json!(url);
        }
        Some(http(&answer.to_string()))
    });
    let server = server(&bidder, PATIENT);
    let port = bidder.address.port();
    let query = format!(
        "offer=bad&publisher=p1&click_ip=8.8.8.8&keyword={port}&uuid=u1&browser_languages=de-DE&device_id=6D92078A-8246-4BA4-AE5B-76104861E7DC"
    );
    let answer = server.get("click", &query);
    let id = "07".repeat(16);
    let expected = format!("https://win.example/?p=1.25&i={id}");
    assert_eq!((answer.status, answer.header("location")), (302, Some(expected.as_str())));
    let row = &server.table("click")[0];
    assert_eq!((&row["status"], &row["redirected_to"]), (&json!("rejected"), &json!(expected)));
    assert_eq!((&row["rtb_outcome"], &row["rtb_price"]), (&json!("won"), &json!(1.25)));
    assert!(row["rtb_ms"].as_i64().unwrap() < i64::from(PATIENT));
    let (_, request) = bidder.next();
    assert_eq!(
        (&request["id"], &request["at"], &request["tmax"], &request["cur"]),
        (&json!(id), &json!(1), &json!(PATIENT), &json!(["USD"]))
    );
    assert_eq!((&request["imp"][0]["id"], &request["imp"][0]["instl"]), (&json!("1"), &json!(1)));
    assert_eq!(request["site"]["publisher"]["id"], "p1");
    let device = &request["device"];
    assert_eq!((&device["ip"], &device["ua"]), (&json!("8.8.8.8"), &json!("Mozilla/5.0 test")));
    assert_eq!((&device["language"], &device["lmt"]), (&json!("de"), &json!(0)));
    assert_eq!(device["ifa"], "6D92078A-8246-4BA4-AE5B-76104861E7DC");
    assert_eq!(request["user"]["id"], "u1");
    let mut notices = [bidder.next().0, bidder.next().0];
    notices.sort_unstable();
    assert_eq!(notices, ["/burl?1.25", "/nurl?1.25"]);
}

#[test]
fn what_is_not_kept_of_a_user_does_not_go_out() {
    let bidder = Bidder::bidding("https://win.example/");
    let server = server(&bidder, PATIENT);
    server.set_integration(json!({"ip_privacy": "truncated"}));
    server.get("click", "offer=bad&bundle_id=com.app&app_id=a1&uuid=u1&click_ip=2001:4860:1:2:3:4:5:6&device_id=6D92078A-8246-4BA4-AE5B-76104861E7DC");
    let (_, request) = bidder.next();
    assert_eq!((&request["device"]["ipv6"], &request["device"]["lmt"]), (&json!("2001:4860:1::"), &json!(1)));
    assert_eq!((&request["app"]["bundle"], &request["app"]["id"]), (&json!("com.app"), &json!("a1")));
    assert!(request["device"].get("ifa").is_none() && request.get("user").is_none(), "{request}");
    assert!(request.get("site").is_none() && request["device"].get("ip").is_none(), "{request}");
}

#[test]
fn whatever_else_a_bidder_answers_the_user_goes_to_the_fallback() {
    let bidder = Bidder::new(|_, request| {
        let case = request["site"]["search"].as_str().unwrap();
        let text = match case {
            "204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            "empty" => http(&json!({"id": request["id"], "seatbid": []}).to_string()),
            "other id" => http(&bid(&json!({"id": "other"}), "https://win.example/").to_string()),
            "euro" => {
                let mut answer = bid(request, "https://win.example/");
                answer["cur"] = json!("EUR");
                http(&answer.to_string())
            }
            "json" => http("{\"id\":"),
            "no http" => "nonsense\r\n\r\n".to_owned(),
            "huge" => http(&format!("{{\"id\":\"{}\"}}", "x".repeat(70 << 10))),
            "error" => "HTTP/1.1 500 Internal\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "redirect" => {
                "HTTP/1.1 302 Found\r\nlocation: https://win.example/\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
            "script" => http(
                &json!({"id": request["id"], "seatbid": [{"bid": [
                    {"id": "b", "impid": "1", "price": 1, "adm": "javascript:alert(1)"}]}]})
                .to_string(),
            ),
            _ => return None,
        };
        Some(text)
    });
    let server = server(&bidder, PATIENT);
    for (case, expected) in [
        ("204", "no_bid"),
        ("empty", "no_bid"),
        ("other id", "malformed"),
        ("euro", "malformed"),
        ("json", "malformed"),
        ("no http", "malformed"),
        ("huge", "malformed"),
        ("error", "error"),
        ("redirect", "error"),
        ("script", "malformed"),
        ("hangs up", "malformed"),
    ] {
        let since = Instant::now();
        let query = format!("offer=bad&keyword={}", case.replace(' ', "%20"));
        let answer = server.get("click", &query);
        // Judging, storing and the machine's other work come on top.
        assert!(since.elapsed() < Duration::from_secs(3), "{case}: {:?}", since.elapsed());
        assert_eq!(answer.header("location"), Some(FALLBACK), "{case}");
        let rows = server.table("click");
        let row = rows.iter().find(|row| row["keyword"] == case).unwrap();
        assert_eq!((&row["rtb_outcome"], &row["rtb_price"]), (&json!(expected), &Value::Null), "{case}");
        assert!(row["rtb_ms"].as_i64().unwrap() < 2500, "{case}: {}", row["rtb_ms"]);
    }
}

/// The bidder never ends its answer. Far more than `tmax` is allowed, for the machine's other work comes on top, and far
/// less than anything else that would end the wait.
#[test]
fn a_bidder_is_waited_for_no_longer_than_the_integration_says() {
    let bidder = Bidder::new(|_, request| {
        if request["site"]["search"] == "half" {
            return Some("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":".to_owned());
        }
        loop {
            std::thread::park();
        }
    });
    let server = server(&bidder, 400);
    for case in ["half", "nothing"] {
        let since = Instant::now();
        let answer = server.get("click", &format!("offer=bad&keyword={case}"));
        assert!(since.elapsed() < Duration::from_secs(3), "{case}: {:?}", since.elapsed());
        assert_eq!(answer.header("location"), Some(FALLBACK), "{case}");
        let rows = server.table("click");
        let row = rows.iter().find(|row| row["keyword"] == case).unwrap();
        assert_eq!(row["rtb_outcome"], "timeout", "{case}");
        assert!((400..2500).contains(&row["rtb_ms"].as_i64().unwrap()), "{case}: {}", row["rtb_ms"]);
    }
}

#[test]
fn nobody_listens_or_may_be_asked() {
    let bidder = Bidder::bidding("https://win.example/");
    let server = server(&bidder, PATIENT);
    for endpoint in ["http://127.0.0.1:1/", "http://private.example/bid", "http://unknown.example/"] {
        server.set_integration(json!({ "rtb_endpoint": endpoint }));
        assert_eq!(server.get("click", "offer=bad").header("location"), Some(FALLBACK), "{endpoint}");
        assert_eq!(outcome(&server), "error", "{endpoint}");
    }
    assert!(bidder.asked.try_recv().is_err());
}

#[test]
fn only_clicks_that_are_rejected_and_sent_on_are_offered() {
    let bidder = Bidder::bidding("https://win.example/");
    let server = server(&bidder, PATIENT);
    let id = server.made.integration_id;
    let to = |query: &str| server.get("click", query).header("location").map(str::to_owned);
    assert_eq!(to("offer=good").as_deref(), Some("https://own.example/"));
    assert_eq!(to("offer=bad&no_redirect=true"), None);
    server.events("{\"kind\":\"click\",\"offer\":\"bad\"}\n");
    // The offer group's next one takes it.
    let link =
        |offer: &str| json!({"url_id": offer, "offer": offer, "redirect_url": "https://next.example/"});
    server.set_integration(json!({
        "links": [link("bad"), link("next")],
        "offer_groups": [{"name": "g", "offers": ["bad", "next"]}],
    }));
    assert_eq!(to("offer=bad").as_deref(), Some("https://next.example/"));
    server.set_integration(json!({"offer_groups": null, "rtb_enabled": false}));
    assert_eq!(to("offer=bad").as_deref(), Some(FALLBACK));
    let path = format!("/integrations/{id}/filter-groups");
    let group = server.manage("GET", &path, Value::Null)["data"][0]["id"].as_str().unwrap().to_owned();
    server.change(&format!("{path}/{group}"), json!({"monitoring_mode": true, "rtb_enabled": true}));
    assert_eq!(to("offer=bad").as_deref(), Some("https://own.example/"), "nothing is enforced");
    assert!(bidder.asked.try_recv().is_err(), "nobody was asked so far");
    server.change(&format!("{path}/{group}"), json!({"monitoring_mode": false}));
    assert_eq!(to("offer=bad&event_key=k").as_deref(), Some("https://win.example/"), "the group wants bids");
    assert_eq!(to("offer=bad&event_key=k").as_deref(), Some("https://win.example/"), "and is asked once");
    bidder.next();
    assert!(bidder.asked.try_recv().is_err());
    server.change(&format!("{path}/{group}"), json!({"rtb_enabled": false}));
    server.set_integration(json!({"rtb_enabled": true}));
    assert_eq!(to("offer=bad").as_deref(), Some(FALLBACK), "the group's setting goes before");
    server.change(&format!("{path}/{group}"), json!({"rtb_enabled": null}));
    server.set_integration(json!({"active": false}));
    assert_eq!(to("offer=bad").as_deref(), Some(FALLBACK), "an inactive integration is off altogether");
    assert!(bidder.asked.try_recv().is_err());
}

#[test]
fn connections_to_a_bidder_are_kept() {
    let bidder = Bidder::bidding("https://win.example/");
    let server = server(&bidder, PATIENT);
    for _ in 0..20 {
        assert_eq!(server.get("click", "offer=bad").header("location"), Some("https://win.example/"));
    }
    assert_eq!(bidder.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn beyond_so_many_auctions_nobody_is_asked() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let behind = gate.clone();
    let bidder = Bidder::new(move |_, _| {
        drop(behind.lock());
        Some("HTTP/1.1 204 No Content\r\n\r\n".to_owned())
    });
    let server = server(&bidder, PATIENT);
    let request = format!(
        "GET /g/{}/click?offer=bad HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        server.made.integration_id
    );
    let waiting: Vec<TcpStream> = (0..MAX_AUCTIONS)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..MAX_AUCTIONS {
        bidder.next();
    }
    let since = Instant::now();
    let answer = server.get("click", "offer=bad");
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(answer.header("location"), Some(FALLBACK));
    assert_eq!(outcome(&server), "busy");
    drop(closed);
    for mut stream in waiting {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    }
    assert_eq!(server.get("click", "offer=good").status, 302, "all places are free again");
}
