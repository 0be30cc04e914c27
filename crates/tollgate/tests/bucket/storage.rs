//! A server of others that speaks S3 (moto), and in front of it a network that can fail.

use crate::support::{Connection, Reply};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(super) const BUCKET: &str = "tollgate-test";

/// The server asks for a name and checks no signature.
const SOMEONE: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// What becomes of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// They arrive.
    Works,
    /// Parts of uploads are taken and not handed on; the rest arrives.
    HoldsParts,
    /// They are taken and not handed on.
    Hangs,
    /// Connections are cut.
    Cuts,
}

#[derive(Debug)]
struct Shared {
    network: Network,
    /// The first lines of all requests.
    asked: Vec<String>,
}

/// The server. Dropped, it ends.
pub(super) struct Storage {
    child: Child,
    /// The server itself.
    address: String,
    /// The way there.
    pub(super) through: String,
    shared: Arc<Mutex<Shared>>,
    _home: tempfile::TempDir,
}

/// Where its packages are, if they are installed (`scripts/test.sh` does that).
#[allow(clippy::disallowed_methods, reason = "where the packages are is the runner's choice")]
fn packages() -> Option<PathBuf> {
    let found = std::env::var_os("TOLLGATE_TEST_S3").map(PathBuf::from);
    if found.is_none() {
        eprintln!(
            "SKIPPED: TOLLGATE_TEST_S3 does not say where the packages of tests/s3/requirements.txt are"
        );
    }
    found
}

impl Storage {
    /// One with an empty bucket; none where it is not installed.
    pub(super) fn start() -> Option<Self> {
        let packages = packages()?;
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new("python3")
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .current_dir(home.path())
            .env("HOME", home.path())
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it does not start: {said}");
            if let Some((_, address)) = line.trim_end().split_once("Running on http://") {
                break address.to_owned();
            }
            said += &line;
        };
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(drop));
        let shared = Arc::new(Mutex::new(Shared { network: Network::Works, asked: Vec::new() }));
        let through = network(address.clone(), shared.clone());
        let storage = Self { child, address, through, shared, _home: home };
        assert_eq!(storage.ask("PUT", "").status, 200);
        Some(storage)
    }

    /// Asks the server itself about the bucket.
    pub(super) fn ask(&self, method: &str, what: &str) -> Reply {
        let path = format!("/{BUCKET}{what}");
        Connection::open(&self.address)
            .unwrap()
            .send(method, &path, &[("authorization", SOMEONE)], b"")
            .unwrap()
    }

    /// The names of all objects.
    pub(super) fn objects(&self) -> Vec<String> {
        keys(&self.ask("GET", "?list-type=2").text())
    }

    /// The names of objects that are not whole.
    pub(super) fn uploads(&self) -> Vec<String> {
        keys(&self.ask("GET", "?uploads").text())
    }

    pub(super) fn set(&self, network: Network) {
        *self.shared.lock().unwrap() = Shared { network, asked: Vec::new() };
    }

    /// Waits for a request, since the network was set, with this in its first line.
    pub(super) fn wait_for(&self, part: &str) {
        let deadline = Instant::now() + crate::support::downloads::PATIENCE;
        while !self.shared.lock().unwrap().asked.iter().any(|line| line.contains(part)) {
            assert!(Instant::now() < deadline, "no {part} in {:?}", self.shared.lock().unwrap().asked);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands in `<Key>`.
fn keys(text: &str) -> Vec<String> {
    let all = text.split("<Key>").skip(1);
    all.map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
}

/// A way to the server; answers where it begins.
fn network(server: String, shared: Arc<Mutex<Shared>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (server, shared) = (server.clone(), shared.clone());
            std::thread::spawn(move || carry(stream, &server, &shared));
        }
    });
    address
}

/// Carries one request and its answer.
fn carry(mut from: TcpStream, server: &str, shared: &Mutex<Shared>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let first = String::from_utf8_lossy(&head).lines().next()?.to_owned();
    let network = {
        let mut shared = shared.lock().unwrap();
        shared.asked.push(first.clone());
        shared.network
    };
    match network {
        Network::Cuts => return from.shutdown(Shutdown::Both).ok(),
        Network::HoldsParts if !first.contains("partNumber=") => {}
        Network::Works => {}
        Network::HoldsParts | Network::Hangs => {
            // Until the caller goes away.
            return std::io::copy(&mut from, &mut std::io::sink()).map(drop).ok();
        }
    }
    let mut to = TcpStream::connect(server).ok()?;
    to.write_all(&head).ok()?;
    let (mut body, mut server) = (from.try_clone().ok()?, to.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut body, &mut server));
    std::io::copy(&mut to, &mut from).ok()?;
    from.shutdown(Shutdown::Both).ok()
}
