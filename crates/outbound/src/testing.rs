//! Servers on this machine for tests of whoever reaches out, and a client that may reach them.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up ends")]

use crate::{Fetched, Limits, Options, Outbound, OutboundError, Resolve};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What a server answers on.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Serves every connection with `handle`, which gets the request's head.
pub fn server(
    handle: impl Fn(&str, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    listen(move |stream| answer(&handle, stream))
}

/// The same over TLS with a certificate for `host`; answers the certificate too.
pub fn tls_server(
    host: &str,
    handle: impl Fn(&str, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static,
) -> (SocketAddr, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()]).unwrap();
    let config = Arc::new(server_config(cert.der().clone(), &signing_key));
    let address = listen(move |stream| {
        let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        answer(&handle, StreamOwned::new(connection, stream))
    });
    (address, cert.der().clone())
}

fn server_config(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            // A client that has seen enough goes away; that is no failure of the server.
            thread::spawn(move || serve(stream).ok());
        }
    });
    address
}

fn answer(
    handle: &impl Fn(&str, &mut dyn Stream) -> io::Result<()>,
    mut stream: impl Stream,
) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    handle(&String::from_utf8_lossy(&head), &mut stream)?;
    stream.flush()
}

/// Answers 200 with a text.
pub fn ok(stream: &mut dyn Stream, body: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Answers 302.
pub fn redirect(stream: &mut dyn Stream, target: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")
}

/// Names of the tests' own, each with the address it leads to; counts how often it was asked.
#[derive(Default)]
pub struct Names {
    /// Addresses by name.
    pub known: BTreeMap<String, Vec<SocketAddr>>,
    /// Look-ups so far.
    pub asked: AtomicUsize,
}

impl Resolve for Names {
    fn resolve(&self, host: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.known.get(host).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Options under which the tests' servers can be reached.
pub fn options(names: &[(&str, SocketAddr)]) -> Options {
    let known = names.iter().map(|(name, address)| ((*name).to_owned(), vec![*address])).collect();
    Options {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        plain_http: true,
        resolver: Arc::new(Names { known, ..Names::default() }),
        limits: Limits { time: Duration::from_secs(5), ..Limits::default() },
        ..Options::default()
    }
}

/// Asks once with a client made of `options`.
pub fn get(options: Options, url: &str) -> Result<Fetched, OutboundError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Outbound::new(options).unwrap().get(url))
}
