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
    key: String,
}

impl<'a> Client<'a> {
    fn new(made: &Made, server: &'a Server) -> Self {
        let legacy = |name: &str| made.all["legacy"][name].as_str().unwrap().to_owned();
        Self {
            server,
            key: made.api_key.clone(),
            proof: format!("userId={}&userSignature={}", legacy("user_id"), legacy("user_signature")),
        }
    }

    fn get(&self, path: &str) -> Reply {
        let joined = if path.contains('?') { "&" } else { "?" };
        self.server.connect().send("GET", &format!("{path}{joined}{}", self.proof), &[], b"").unwrap()
    }

    /// Cancels a job, or tries it again.
    fn change(&self, id: &str, what: &str) -> Reply {
        let path = format!("/tollgate/v1/analytics-jobs/{id}/{what}");
        let key = format!("Bearer {}", self.key);
        self.server.connect().send("POST", &path, &[("authorization", &key)], b"").unwrap()
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

#[test]
fn a_canceled_job_stays_canceled_after_a_restart_until_it_is_tried_again() {
    let made = Made::new();
    let mut server = made.serve();
    send_clicks(&made, &server, 2_000);
    let client = Client::new(&made, &server);
    // One may be made before it is canceled.
    let canceled = |id: &String| match client.change(id, "cancel") {
        reply if reply.status == 409 => false,
        reply => reply.status == 200 && reply.json()["status"] == "canceled",
    };
    let id = (0..50).map(|_| client.ask()).find(canceled).expect("one of fifty is canceled");
    let is_told = |client: &Client<'_>| {
        let reply = client.get(&format!("/v3/metrics/jobs/{id}?status=true"));
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"]["message"], "The job was canceled.");
    };
    is_told(&client);
    assert_eq!(server.metric("tollgate_analytics_jobs_total{result=\"canceled\"}"), 1.0);
    server.kill();
    server = made.serve();
    let client = Client::new(&made, &server);
    is_told(&client);
    let folder = std::path::PathBuf::from(made.data()).join("analytics");
    let is_left = |end: &str| folder.join(format!("{}.{end}", id.replace('/', "-"))).exists();
    assert_eq!(["json", "csv", "part"].map(is_left), [true, false, false]);
    assert_eq!(client.change(&id, "retry").status, 200);
    client.until_created(&id);
    assert!(!client.result(&id).is_empty());
    assert_eq!(client.change(&id, "cancel").status, 409);
    assert_eq!(server.metric("tollgate_analytics_jobs_waiting"), 0.0);
    assert!(server.metric("tollgate_analytics_jobs_total{result=\"completed\"}") >= 1.0);
    server.stop();
}
