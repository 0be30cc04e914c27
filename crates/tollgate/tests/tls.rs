//! HTTPS with the real binary: the same answers as without, certificates that are replaced under load, pairs that
//! cannot be used, and callers who stall.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Connection, Made, Server, run, stderr, stdout, stream};

type Secured = StreamOwned<ClientConnection, TcpStream>;

/// A self-signed certificate for localhost.
struct Issued {
    certificate: CertificateDer<'static>,
    pem: String,
    key: String,
}

/// One that expires `days` from now.
fn issue(days: i64) -> Issued {
    #[allow(clippy::disallowed_methods, reason = "the binary under test asks the machine as well")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    // An hour more, so that the days are still whole when they are counted.
    let end = now.as_secs().saturating_add_signed(days * 86_400 + 3600);
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Issued { certificate: certificate.der().clone(), pem: certificate.pem(), key: key.serialize_pem() }
}

/// A data directory with a certificate beside it.
struct Home {
    made: Made,
    certificate: PathBuf,
    key: PathBuf,
}

impl Home {
    fn new(issued: &Issued) -> Self {
        let made = Made::new();
        let home = Self { certificate: made.path("chain.pem"), key: made.path("key.pem"), made };
        home.put(&issued.pem, &issued.key);
        home
    }

    /// As certificate tools do: the certificate, then the key, with a moment between.
    fn put(&self, certificate: &str, key: &str) {
        std::fs::write(&self.certificate, certificate).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        std::fs::write(&self.key, key).unwrap();
    }

    fn flags(&self) -> [&str; 4] {
        let path = |path: &'_ PathBuf| path.to_str().unwrap().to_owned().leak() as &str;
        ["--tls-cert", path(&self.certificate), "--tls-key", path(&self.key)]
    }

    fn serve(&self) -> Server {
        let data = self.made.data();
        let listen = ["serve", "--data-dir", &data, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"];
        Server::start(&[&listen[..], &self.flags()].concat())
    }

    fn doctor(&self) -> std::process::Output {
        run(&[&["doctor", "--data-dir", &self.made.data()][..], &self.flags()].concat())
    }

    fn click(&self) -> String {
        format!("/g/{}/click?offer=o&no_redirect=true", self.made.integration)
    }
}

fn client(
    trusted: &[&Issued],
    versions: &[&'static SupportedProtocolVersion],
    protocol: &str,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|issued| roots.add(issued.certificate.clone()).unwrap());
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(config)
}

fn usual(trusted: &[&Issued]) -> Arc<ClientConfig> {
    client(trusted, rustls::ALL_VERSIONS, "http/1.1")
}

/// A TLS stream after its handshake.
fn secure(server: &str, config: &Arc<ClientConfig>) -> io::Result<Secured> {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
    let mut secured = StreamOwned::new(connection, stream(server)?);
    while secured.conn.is_handshaking() {
        secured.conn.complete_io(&mut secured.sock)?;
    }
    Ok(secured)
}

/// The certificate that a caller is shown who was never there before: who resumes a session sees none.
fn shown(server: &str, config: &Arc<ClientConfig>) -> CertificateDer<'static> {
    let mut config = ClientConfig::clone(config);
    config.resumption = rustls::client::Resumption::disabled();
    secure(server, &Arc::new(config)).unwrap().conn.peer_certificates().unwrap()[0].clone().into_owned()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn https_answers_what_http_answers() {
    let issued = issue(90);
    let home = Home::new(&issued);
    let server = home.serve();
    let address = server.secure.clone().unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let secured = secure(&address, &client(&[&issued], &[version], "http/1.1")).unwrap();
        assert_eq!(secured.conn.protocol_version(), Some(version.version));
        assert_eq!(secured.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut connection = Connection::over(secured, "localhost");
        for _ in 0..3 {
            let reply = connection.send("GET", &home.click(), &[("user-agent", "curl/8")], b"").unwrap();
            assert_eq!((reply.status, reply.json()["status"].clone()), (200, "approved".into()));
        }
        let api = connection.get("/api/v2/integrations", &home.made.api_key);
        assert_eq!(api.json()["data"][0]["id"], home.made.integration.as_str());
        // A body of several TLS records, and an answer of several.
        let lines = "{\"kind\":\"click\",\"offer\":\"o\",\"sub_id\":\"s\"}\n".repeat(5_000);
        let path = format!("/g/{}/events", home.made.integration);
        let headers = [("API-KEY", home.made.api_key.as_str())];
        let reply = connection.send("POST", &path, &headers, lines.as_bytes()).unwrap();
        assert_eq!((reply.status, reply.text().lines().count()), (200, 5_000));
    }
    assert_eq!(
        server.metric("tollgate_events_total{verdict=\"approved\"}") as u64
            + server.metric("tollgate_events_total{verdict=\"monitored\"}") as u64,
        10_006
    );
    let plain = server.connect().send("GET", &home.click(), &[], b"").unwrap();
    assert_eq!(plain.status, 200);

    assert!(
        secure(&address, &client(&[&issued], rustls::ALL_VERSIONS, "h2")).is_err(),
        "only http/1.1 is spoken"
    );
    let mut wrong = stream(&address).unwrap();
    wrong.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = wrong.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    wait_until("both failures are counted", || {
        server.metric("tollgate_tls_handshakes_total{result=\"failed\"}") == 2.0
    });
    assert_eq!(server.metric("tollgate_tls_handshakes_total{result=\"done\"}"), 2.0);
    assert_eq!(server.stop(), "", "one line on standard output");
}

#[test]
fn certificates_are_replaced_under_load_and_bad_ones_are_kept_out() {
    let (first, second) = (issue(90), issue(80));
    let home = Home::new(&first);
    let server = home.serve();
    let address = server.secure.clone().unwrap();
    let config = usual(&[&first, &second]);
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (address, config, home, stop, answered) = (&address, &config, &home, &stop, &answered);
            scope.spawn(move || {
                let connect = || Connection::over(secure(address, config).unwrap(), "localhost");
                let mut connection = connect();
                while !stop.load(Ordering::Relaxed) {
                    // Half of them keep their connection, half make one for every request.
                    if number % 2 == 0 {
                        connection = connect();
                    }
                    let reply = connection.send("GET", &home.click(), &[], b"").unwrap();
                    assert_eq!(reply.status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // What fails in here must not leave the others running.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assert_eq!(shown(&address, &config), first.certificate);
            home.put(&second.pem, &second.key);
            wait_until("the second certificate is shown", || shown(&address, &config) == second.certificate);
            assert_eq!(server.metric("tollgate_tls_reloads_total"), 1.0);

            home.put(&second.pem, &first.key);
            wait_until("the mismatch is noticed", || {
                server.metric("tollgate_tls_reload_failures_total") == 1.0
            });
            assert_eq!(server.metric("tollgate_tls_certificate_ok"), 0.0);
            assert_eq!(shown(&address, &config), second.certificate, "the old pair stays");
            home.put(&second.pem[..100], &second.key);
            wait_until("the torn file is noticed", || {
                server.metric("tollgate_tls_reload_failures_total") == 2.0
            });
            assert_eq!(shown(&address, &config), second.certificate);

            home.put(&first.pem, &first.key);
            wait_until("the first certificate is shown again", || {
                shown(&address, &config) == first.certificate
            });
            assert_eq!(server.metric("tollgate_tls_certificate_ok"), 1.0);
        }));
        stop.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let answered = answered.load(Ordering::Relaxed);
    assert!(answered > 100, "{answered}");
    let judged = server.metric("tollgate_ledger_seq");
    assert_eq!(judged, answered as f64, "every request was answered once");
    let (_, log) = server.stop_and_tell();
    assert!(log.contains("does not match the certificate") && log.contains("the old one stays"), "{log}");
    assert!(log.contains("the new certificate is in use") && !log.contains("PRIVATE"), "{log}");
}

#[test]
fn a_pair_that_cannot_be_used_is_told_before_anything_starts() {
    let (soon, other) = (issue(10), issue(90));
    let home = Home::new(&soon);
    let found = home.doctor();
    let warned = "expires in 10 days";
    assert!(found.status.success() && stdout(&found).contains(warned), "{}", stdout(&found));
    assert!(stdout(&found).contains("can be read by every user"), "{}", stdout(&found));
    home.put(&other.pem, &other.key);
    assert!(stdout(&home.doctor()).contains("ok       tls        "), "{}", stdout(&home.doctor()));

    home.put(&soon.pem, &other.key);
    let found = home.doctor();
    assert_eq!(found.status.code(), Some(1));
    assert!(stdout(&found).contains("does not match the certificate"), "{}", stdout(&found));
    let checked = run(&[&["config", "check"][..], &home.flags()].concat());
    assert!(
        checked.status.code() == Some(2) && stderr(&checked).contains("does not match"),
        "{}",
        stderr(&checked)
    );
    let data = home.made.data();
    let start = ["serve", "--data-dir", &data, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"];
    let refused = run(&[&start[..], &home.flags()].concat());
    assert!(refused.status.code() == Some(1) && refused.stdout.is_empty(), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("does not match the certificate"), "{}", stderr(&refused));

    let expired = issue(-5);
    home.put(&expired.pem, &expired.key);
    let found = home.doctor();
    assert!(found.status.code() == Some(1) && stdout(&found).contains("expired at"), "{}", stdout(&found));

    home.put(&other.pem, &other.key);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let _holder = std::net::TcpListener::bind(&taken).unwrap();
    let start = ["serve", "--data-dir", &data, "--listen", "127.0.0.1:0", "--tls-listen", &taken];
    let refused = run(&[&start[..], &home.flags()].concat());
    let said = format!("tls_listen {taken} cannot be used");
    assert!(refused.status.code() == Some(1) && stderr(&refused).contains(&said), "{}", stderr(&refused));
}

/// How long it takes until the server closes `stream`, into which `drip` puts something every second.
fn cut_after(mut stream: impl Read, mut drip: impl FnMut() -> io::Result<()> + Send) -> Duration {
    let since = Instant::now();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) && drip().is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        let mut rest = Vec::new();
        // However it ends: the server has let go.
        let _ = stream.read_to_end(&mut rest);
        done.store(true, Ordering::Relaxed);
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{rest:?}");
    });
    since.elapsed()
}

/// Takes as long as an idle connection may live: a minute.
#[test]
fn callers_who_stall_are_cut_off_and_disturb_nobody() {
    let issued = issue(90);
    let home = Home::new(&issued);
    let server = home.serve();
    let address = server.secure.clone().unwrap();
    let config = usual(&[&issued]);
    let patient = |stream: TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        stream
    };
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| cut_after(patient(stream(&address).unwrap()), || Ok(())));
        let dripping = scope.spawn(|| {
            let stream = patient(stream(&address).unwrap());
            let mut writer = stream.try_clone().unwrap();
            // The head of a TLS record of 512 bytes, of which one comes each second.
            writer.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).unwrap();
            cut_after(stream, move || writer.write_all(&[3]))
        });
        let slowloris = scope.spawn(|| {
            let since = Instant::now();
            let mut secured = secure(&address, &config).unwrap();
            secured.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n").unwrap();
            while secured.write_all(b"x-y: z\r\n").and_then(|()| secured.flush()).is_ok() {
                std::thread::sleep(Duration::from_secs(1));
                assert!(since.elapsed() < Duration::from_secs(90), "a head that never ends is waited for");
            }
            since.elapsed()
        });
        let idle = scope.spawn(|| {
            let mut secured = secure(&address, &config).unwrap();
            secured.sock.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
            let since = Instant::now();
            let _ = secured.read(&mut [0; 64]);
            since.elapsed()
        });
        let mut connection = Connection::over(secure(&address, &config).unwrap(), "localhost");
        for _ in 0..50 {
            assert_eq!(connection.send("GET", &home.click(), &[], b"").unwrap().status, 200);
            std::thread::sleep(Duration::from_millis(20));
        }
        let handshake = Duration::from_secs(9)..Duration::from_secs(15);
        for (stalled, within) in [
            (silent, &handshake),
            (dripping, &handshake),
            (slowloris, &(Duration::from_secs(58)..Duration::from_secs(70))),
            (idle, &(Duration::from_secs(58)..Duration::from_secs(70))),
        ] {
            let after = stalled.join().unwrap();
            assert!(within.contains(&after), "{after:?}");
        }
    });
    assert_eq!(server.metric("tollgate_tls_handshakes_total{result=\"too_slow\"}"), 2.0);
    server.stop();
}

#[test]
fn links_to_files_begin_as_they_were_asked_for_or_as_the_operator_says() {
    let issued = issue(90);
    let home = Home::new(&issued);
    let settings = home.made.path("public.toml");
    std::fs::write(&settings, "public_url = \"https://ads.example/\"\n").unwrap();
    let (data, flags, settings) = (home.made.data(), home.flags(), settings.to_str().unwrap().to_owned());
    let listen = ["serve", "--data-dir", &data, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"];
    for (more, begins) in [
        (&[][..], ["http://HOST/", "https://HOST/"]),
        (&["--config", &settings], ["https://ads.example/"; 2]),
    ] {
        let server = Server::start(&[&listen[..], &flags, more].concat());
        let host = server.secure.clone().unwrap();
        let secured = Connection::over(secure(&host, &usual(&[&issued])).unwrap(), &host);
        let callers = [(server.connect(), &server.address), (secured, &host)];
        for ((connection, host), begin) in callers.into_iter().zip(begins) {
            let link = link_to_a_file(connection, &home.made);
            assert!(link.starts_with(&format!("{}api/v2/", begin.replace("HOST", host))), "{link}");
        }
        server.stop();
    }
}

/// The link of a new export, once its file is whole.
fn link_to_a_file(mut connection: Connection, made: &Made) -> String {
    let path = format!("/api/v2/download-center/{}/clicks?fields=ip&extra_parameters=", made.integration);
    let export = connection.get(&path, &made.api_key).json();
    let path = format!("/api/v2/download-center/exports/{}", export["id"].as_str().unwrap());
    for _ in 0..600 {
        if let Some(link) = connection.get(&path, &made.api_key).json()["artifact"]["download_link"].as_str()
        {
            return link.to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the export does not come to its end");
}
