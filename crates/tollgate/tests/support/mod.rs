//! What the whole-binary tests share: a data directory, the running binary, and a small HTTP client.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, clippy::unwrap_used)]

mod client;
pub mod downloads;

pub use client::{Connection, Reply, stream};

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub fn tollgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    // Settings of whoever runs the tests must not leak in.
    for name in [
        "CONFIG",
        "DATA_DIR",
        "LISTEN",
        "TLS_CERT",
        "TLS_KEY",
        "TLS_LISTEN",
        "ADMIN_LISTEN",
        "SIGNALS_DIR",
        "SERVER",
        "API_KEY",
        "LOG",
        "CORES",
    ] {
        command.env_remove(format!("TOLLGATE_{name}"));
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    tollgate().args(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A number from the environment.
#[allow(clippy::disallowed_methods, reason = "how long tests run is the runner's choice")]
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A file beside the checkout; its absence is told, not hidden.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// A data directory that `init` made.
pub struct Made {
    pub dir: tempfile::TempDir,
    pub api_key: String,
    pub integration: String,
    pub all: Value,
}

impl Made {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let made = run(&["init", "--data-dir", data.to_str().unwrap(), "--json"]);
        assert!(made.status.success(), "{}", stderr(&made));
        let all: Value = serde_json::from_slice(&made.stdout).unwrap();
        let text = |name: &str| all[name].as_str().unwrap().to_owned();
        Self { api_key: text("api_key"), integration: text("integration_id"), all, dir }
    }

    pub fn data(&self) -> String {
        self.dir.path().join("data").to_str().unwrap().to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn serve(&self) -> Server {
        Server::start(&["serve", "--data-dir", &self.data(), "--listen", "127.0.0.1:0"])
    }

    /// `doctor --json`; it must find nothing wrong.
    pub fn examine(&self, arguments: &[&str]) -> Value {
        let output = run(&[&["doctor", "--data-dir", &self.data(), "--json"], arguments].concat());
        let said = stdout(&output);
        assert!(output.status.success(), "{said}{}", stderr(&output));
        serde_json::from_str(&said).unwrap()
    }

    /// Imports a file, with the directory's server stopped.
    pub fn import(&self, arguments: &[&str]) -> Value {
        let begin = ["import", "--data-dir", &self.data(), "--integration", &self.integration, "--json"];
        let output = run(&[&begin, arguments].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// All rows of a report over these days, newest first.
    pub fn report(&self, server: &Server, table: &str, days: (&str, &str)) -> Vec<Value> {
        let mut connection = server.connect();
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!(
                "/api/v2/reports/v2/{table}?integration_id={}&start_date={}&end_date={}&page%5Bsize%5D=100{cursor}",
                self.integration, days.0, days.1
            );
            let reply = connection.get(&path, &self.api_key);
            assert_eq!(reply.status, 200, "{}", reply.text());
            let mut page = reply.json()["data"].take();
            let Value::Array(data) = page["data"].take() else { panic!("{page}") };
            rows.extend(data);
            if page["pageInfo"]["hasNextPage"] != true {
                return rows;
            }
            cursor = format!("&page%5Bafter%5D={}", page["pageInfo"]["endCursor"].as_str().unwrap());
        }
    }

    /// Replaces the Default group's settings.
    pub fn set_group(&self, server: &Server, body: &Value) {
        let mut connection = server.connect();
        let path = format!("/api/v2/integrations/{}/filter-groups", self.integration);
        let groups = connection.get(&path, &self.api_key).json();
        let id = groups["data"][0]["id"].as_str().unwrap();
        let headers = [("API-KEY", self.api_key.as_str()), ("content-type", "application/json")];
        let reply =
            connection.send("PATCH", &format!("{path}/{id}"), &headers, body.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// The running binary. Dropped, it is killed.
pub struct Server {
    child: Child,
    pub address: String,
    pub admin: String,
    /// Where it speaks TLS, when it was told to.
    pub secure: Option<String>,
    /// What it printed after the ready line.
    rest: Option<std::thread::JoinHandle<String>>,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child =
            tollgate().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (admin, found) = std::sync::mpsc::channel();
        let (secure, found_secure) = std::sync::mpsc::channel();
        let log = std::thread::spawn(move || {
            let mut all = String::new();
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("admin listening on http://") {
                    let _ = admin.send(address.to_owned());
                } else if let Some(address) = line.strip_prefix("listening on https://") {
                    let _ = secure.send(address.to_owned());
                }
                all += &line;
                all.push('\n');
            }
            all
        });
        let mut out = BufReader::new(out);
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        let Some(address) = ready.trim_end().strip_prefix("listening on http://") else {
            let status = child.wait().unwrap();
            panic!("not ready ({status}): {ready:?}\n{}", log.join().unwrap());
        };
        let address = address.to_owned();
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            out.read_to_string(&mut rest).unwrap();
            rest
        });
        let admin = found.recv_timeout(Duration::from_secs(5)).unwrap();
        let wants_tls = arguments.contains(&"--tls-cert");
        let secure = wants_tls.then(|| found_secure.recv_timeout(Duration::from_secs(5)).unwrap());
        Self { child, address, admin, secure, rest: Some(rest), log: Some(log) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connect(&self) -> Connection {
        Connection::open(&self.address).unwrap()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A figure of `/metrics`, named with its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let metrics =
            Connection::open(&self.admin).unwrap().send("GET", "/metrics", &[], b"").unwrap().text();
        let found = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().unwrap()
    }

    /// Stops it in order; answers what it printed after the ready line.
    pub fn stop(self) -> String {
        self.stop_and_tell().0
    }

    /// As [`Self::stop`], with the log.
    pub fn stop_and_tell(mut self) -> (String, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                let (rest, log) = (self.rest.take().unwrap(), self.log.take().unwrap());
                return (rest.join().unwrap(), log.join().unwrap());
            }
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
