//! A whole server on a free port over a simulated disk, and a small client.

#![allow(dead_code, reason = "each test binary uses its part")]

use axum::Router;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tollgate_catalog::Catalog;
use tollgate_catalog::init::{InitOptions, Initialised, initialise};
use tollgate_domain::{Clock, Entropy, Timestamp};
use tollgate_http::gateway::GatewayOptions;
use tollgate_http::native::imports::Imports;
use tollgate_http::server::{RunningServer, Server, ServerOptions};
use tollgate_http::{ApiState, router};
use tollgate_intake::{Intake, IntakeOptions, Parts};
use tollgate_jobs::analytics::{self, Analytics};
use tollgate_jobs::app_ads_txt::AppAdsTxt;
use tollgate_jobs::exports::{self, Exports, Folder};
use tollgate_jobs::postbacks::{self, Postbacks};
use tollgate_jobs::privacy::{self, Privacy};
use tollgate_ledger::disk::{Disk, DiskFile};
use tollgate_ledger::sim::{SimDisk, SimRng};
use tollgate_ledger::{Options, Running};
use tollgate_outbound::{self as outbound, Outbound};
use tollgate_rtb::Bidders;
use tollgate_signals::Signals;

const LOG_FILE: u64 = 4 << 20;
/// 2026-03-01T12:00:00Z.
pub const NOW: i64 = 1_772_366_400_000;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct TestEntropy(Mutex<SimRng>);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.0.lock().unwrap();
        bytes.iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn lines(&self) -> Vec<Value> {
        let lines = self.body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What differs from the usual.
pub struct Setup {
    pub gateway: GatewayOptions,
    /// How everything but auctions reaches out.
    pub outbound: outbound::Options,
    pub cores: usize,
    pub max_open_rows: u64,
    /// Milliseconds that every read of a file takes.
    pub read_delay: Arc<AtomicU64>,
    pub routes: Router,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            gateway: GatewayOptions::default(),
            outbound: outbound::Options::default(),
            cores: 2,
            max_open_rows: 1_000_000,
            read_delay: Arc::default(),
            routes: Router::new(),
        }
    }
}

/// A disk whose reads take a while.
struct SlowDisk {
    disk: SimDisk,
    delay: Arc<AtomicU64>,
}

struct SlowFile {
    file: Arc<dyn DiskFile>,
    delay: Arc<AtomicU64>,
}

impl SlowDisk {
    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(SlowFile { file, delay: self.delay.clone() })
    }
}

impl Disk for SlowDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.disk.create(path)?))
    }
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.disk.open(path)?))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}

impl DiskFile for SlowFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(self.delay.load(Ordering::Relaxed)));
        self.file.read_at(offset, bytes)
    }
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
    fn allocate(&self, length: u64) -> io::Result<()> {
        self.file.allocate(length)
    }
    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

pub struct TestServer {
    pub made: Initialised,
    pub disk: SimDisk,
    pub intake: Arc<Intake>,
    pub address: SocketAddr,
    server: Option<RunningServer>,
    ledger: Option<Running>,
    stop: Arc<AtomicBool>,
    follower: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(GatewayOptions::default())
    }

    pub fn with(gateway: GatewayOptions) -> Self {
        Self::of(Setup { gateway, ..Setup::default() })
    }

    pub fn of(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(TestClock(AtomicI64::new(NOW)));
        static SEED: AtomicU64 = AtomicU64::new(1);
        let seed = SEED.fetch_add(1, Ordering::Relaxed);
        let entropy: Arc<dyn Entropy> = Arc::new(TestEntropy(Mutex::new(SimRng::new(seed))));
        let options = InitOptions::default();
        let made =
            runtime.block_on(initialise(dir.path(), &options, clock.clone(), entropy.clone())).unwrap();
        let path = dir.path().join(tollgate_catalog::FILE_NAME);
        let catalog =
            Arc::new(runtime.block_on(Catalog::open(&path, clock.clone(), entropy.clone())).unwrap());
        let disk = SimDisk::new(seed, 1 << 30);
        let parts = Parts {
            disk: Arc::new(SlowDisk { disk: disk.clone(), delay: setup.read_delay }),
            catalog: catalog.clone(),
            signals: Signals::builtin(clock.clone()),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let ledger = Options {
            log_file_bytes: LOG_FILE,
            prepare_ahead: 1,
            max_open_rows: setup.max_open_rows,
            ..Options::default()
        };
        let options = IntakeOptions { ledger, counter_bytes: 64 << 20 };
        let (intake, _) = Intake::open(parts, options).unwrap();
        let running = intake.ledger().start(Arc::new(|error| panic!("{error}"))).unwrap();
        let parts = postbacks::Parts {
            catalog: catalog.clone(),
            ledger: intake.ledger().clone(),
            outbound: setup.outbound.clone(),
            clock,
            entropy,
        };
        let file = dir.path().join(postbacks::FILE_NAME);
        let folder = Folder::open(&dir.path().join(exports::FOLDER_NAME)).unwrap();
        let records = dir.path().join(exports::FILE_NAME);
        let export_parts = exports::Parts {
            ledger: intake.ledger().clone(),
            artifacts: Arc::new(folder),
            clock: parts.clock.clone(),
            entropy: parts.entropy.clone(),
            options: exports::Options { reserve_bytes: 0, ..exports::Options::default() },
        };
        let exports = runtime.block_on(Exports::open(&records, export_parts)).unwrap();
        let report_parts = analytics::Parts {
            catalog: catalog.clone(),
            ledger: intake.ledger().clone(),
            clock: parts.clock.clone(),
            entropy: parts.entropy.clone(),
            options: analytics::Options { reserve_bytes: 0, ..analytics::Options::default() },
        };
        let analytics = Analytics::open(&dir.path().join(analytics::FOLDER), report_parts).unwrap();
        let certificates = dir.path().join(privacy::FOLDER);
        let what = (intake.ledger().clone(), exports.clone());
        let privacy = Privacy::open(&certificates, catalog.clone(), what, parts.entropy.clone());
        let bidders = Bidders::from(&setup.outbound);
        let outbound = Outbound::new(setup.outbound).unwrap();
        let state = ApiState {
            catalog: catalog.clone(),
            ledger: intake.ledger().clone(),
            limits: Arc::default(),
            app_ads_txt: Arc::new(AppAdsTxt::new(catalog.clone(), outbound)),
            postbacks: runtime.block_on(Postbacks::open(&file, parts)).unwrap(),
            analytics,
            exports,
            privacy: Arc::new(privacy.unwrap()),
            public_url: None,
            bidders,
            imports: Imports { intake: intake.clone(), folder: dir.path().join("imports") },
            process: Arc::default(),
            live: Arc::default(),
            console: tollgate_http::console::Console::default(),
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = ServerOptions { listen, cores: setup.cores, gateway: setup.gateway };
        let routes = router(state).merge(setup.routes);
        let server = Server::bind(options, intake.clone(), routes).unwrap();
        let address = server.local_addr();
        let stop = Arc::new(AtomicBool::new(false));
        let follower = follow(intake.clone(), catalog, stop.clone());
        let server = Some(server.start().unwrap());
        Self {
            made,
            disk,
            intake,
            address,
            server,
            ledger: Some(running),
            stop,
            follower: Some(follower),
            _dir: dir,
        }
    }

    /// Stops serving, as the binary does on a signal.
    pub fn stop(&mut self, grace: Duration) {
        self.server.take().unwrap().stop(grace);
    }

    /// Sends a request as it is and reads the answer to its end.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let host = if headers.to_ascii_lowercase().contains("host:") { "" } else { "Host: localhost\r\n" };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// A GET of one of the gateway's endpoints.
    pub fn get(&self, endpoint: &str, query: &str) -> Answer {
        let id = self.made.integration_id;
        self.request("GET", &format!("/g/{id}/{endpoint}?{query}"), "User-Agent: Mozilla/5.0 test\r\n", b"")
    }

    /// A POST of NDJSON.
    pub fn events(&self, lines: &str) -> Answer {
        let path = format!("/g/{}/events", self.made.integration_id);
        self.request("POST", &path, &self.key_header(), lines.as_bytes())
    }

    pub fn key_header(&self) -> String {
        format!("API-KEY: {}\r\n", self.made.api_key.secret.expose())
    }

    /// A management request; its body must be answered 2xx.
    pub fn manage(&self, method: &str, path: &str, body: Value) -> Value {
        let headers = format!("{}Content-Type: application/json\r\n", self.key_header());
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.request(method, &format!("/api/v2{path}"), &headers, &body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.json()
    }

    /// Changes an object and waits until it judges.
    pub fn change(&self, path: &str, fields: Value) {
        let before = self.intake.catalog().snapshot().seq();
        self.manage("PATCH", path, fields);
        self.await_configuration(before);
    }

    /// Changes the integration and waits until it judges.
    pub fn set_integration(&self, fields: Value) {
        self.change(&format!("/integrations/{}", self.made.integration_id), fields);
    }

    /// Gives the Default group these filters, enforced.
    pub fn set_filters(&self, filters: Value) {
        let path = format!("/integrations/{}/filter-groups", self.made.integration_id);
        let group = self.manage("GET", &path, Value::Null)["data"][0]["id"].as_str().unwrap().to_owned();
        self.change(&format!("{path}/{group}"), json!({"filters": filters, "monitoring_mode": false}));
    }

    fn await_configuration(&self, before: u64) {
        let id = self.made.integration_id;
        for _ in 0..2_000 {
            if self.intake.live().get(id).is_some_and(|live| live.config_version > before) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the new configuration does not judge after 10 seconds");
    }

    /// Every stored event of a kind today, newest first.
    pub fn table(&self, kind: &str) -> Vec<Value> {
        let id = self.made.integration_id;
        let path = format!(
            "/reports/v2/{kind}-table?integration_id={id}&start_date=2026-03-01&end_date=2026-03-01&page[size]=100"
        );
        self.manage("GET", &path, Value::Null)["data"]["data"].as_array().unwrap().clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            server.stop(Duration::from_secs(2));
        }
        if let Some(ledger) = self.ledger.take() {
            ledger.stop();
        }
        if let Some(follower) = self.follower.take() {
            let _ = follower.join();
        }
    }
}

/// Takes over new configurations, as the binary does.
fn follow(intake: Arc<Intake>, catalog: Arc<Catalog>, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    // What changes from here on must not be missed, however late the thread begins.
    let changed = catalog.subscribe();
    let mut seen = *changed.borrow();
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let newest = *changed.borrow();
            if newest != seen {
                intake.reconfigure(&catalog.snapshot());
                seen = newest;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    })
}
