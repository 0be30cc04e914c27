//! Jobs of reports in the running binary: what was answered with 202 is made, whatever becomes of the process in between,
//! and a result that is there is there after a restart, to the byte.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};
use support::downloads::{PATIENCE, send_clicks};
use support::{Made, Reply, Server};

struct Client<'a> {
    server: &'a Server,
    proof: String,
}

impl<'a> Client<'a> {
    fn new(made: &Made, server: &'a Server) -> Self {
        let legacy = |name: &str| made.all["legacy"][name].as_str().unwrap().to_owned();
        Self {
            server,
            proof: format!("userId={}&userSignature={}", legacy("user_id"), legacy("user_signature")),
        }
    }

    fn get(&self, path: &str) -> Reply {
        let joined = if path.contains('?') { "&" } else { "?" };
        self.server.connect().send("GET", &format!("{path}{joined}{}", self.proof), &[], b"").unwrap()
    }

    fn ask(&self) -> String {
        let days = "dateMin=2020-01-01&dateMax=2090-12-31";
        let reply = self.get(&format!("/v3/metrics/campaign?{days}&aggregate=monthly&groupBy=app,creative"));
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()["jobId"].as_str().unwrap().to_owned()
    }

    fn until_created(&self, id: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = self.get(&format!("/v3/metrics/jobs/{id}?status=true"));
            if reply.status == 201 {
                return assert_eq!(reply.json()["status"], "created");
            }
            assert!([200, 404].contains(&reply.status), "{}", reply.text());
            assert!(Instant::now() < deadline, "{id} is never created");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn result(&self, id: &str) -> Vec<u8> {
        let reply = self.get(&format!("/v3/metrics/jobs/{id}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("text/tab-separated-values;charset=UTF-16LE"));
        reply.body
    }
}

#[test]
fn a_result_survives_an_ordered_restart_and_a_killed_process() {
    let made = Made::new();
    let mut server = made.serve();
    send_clicks(&made, &server, 2_000);
    let (first, before) = {
        let client = Client::new(&made, &server);
        let id = client.ask();
        client.until_created(&id);
        (id.clone(), client.result(&id))
    };
    let lines = before.chunks(2).filter(|pair| *pair == b"\n\0").count();
    assert!(lines > 1, "{lines}");
    server.stop();
    server = made.serve();
    assert_eq!(Client::new(&made, &server).result(&first), before);
    // What was taken up and not made when the process died is made by the next one.
    let asked: Vec<String> = (0..5).map(|_| Client::new(&made, &server).ask()).collect();
    server.kill();
    server = made.serve();
    let client = Client::new(&made, &server);
    assert_eq!(client.result(&first), before);
    for id in &asked {
        client.until_created(id);
        assert_eq!(client.result(id), before);
    }
    server.stop();
}
