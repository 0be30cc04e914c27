//! Listening and serving: one thread and one runtime a core, each with its own listener on the same port.
//!
//! The gateway's routes are matched first and answered by hyper directly; everything else goes to the management
//! router.

mod connection;
mod patient;
mod tls;

pub use tls::{CertificateFiles, CertificateWatch, Tls, TlsStats, UnusablePair, Validity};

use crate::gateway::{Commits, Core, GatewayOptions};
use axum::Router;
use connection::{Plain, Secure, Shared, accept};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;
use tollgate_intake::Intake;

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Address; port 0 picks one.
    pub listen: SocketAddr,
    /// Threads that serve, at least 1.
    pub cores: usize,
    /// How the gateway is reached.
    pub gateway: GatewayOptions,
}

/// A bound server that does not accept yet.
pub struct Server {
    options: ServerOptions,
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    secure: Option<SecureServer>,
    intake: Arc<Intake>,
    router: Router,
}

/// The part of a server that speaks TLS.
struct SecureServer {
    tls: Arc<Tls>,
    acceptor: TlsAcceptor,
    listeners: Vec<TcpListener>,
    address: SocketAddr,
}

/// A server that accepts.
pub struct RunningServer {
    stop: watch::Sender<Option<Duration>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Binds the address, once for each core.
    pub fn bind(options: ServerOptions, intake: Arc<Intake>, router: Router) -> io::Result<Self> {
        let (listeners, address) = listeners(options.listen, options.cores)?;
        Ok(Self { options, listeners, address, secure: None, intake, router })
    }

    /// Binds a second address, on which the same is served over TLS.
    pub fn bind_secure(self, listen: SocketAddr, tls: Arc<Tls>) -> io::Result<Self> {
        let acceptor = tls.acceptor().map_err(io::Error::other)?;
        let (listeners, address) = listeners(listen, self.options.cores)?;
        Ok(Self { secure: Some(SecureServer { tls, acceptor, listeners, address }), ..self })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS, if it does.
    pub fn secure_addr(&self) -> Option<SocketAddr> {
        self.secure.as_ref().map(|secure| secure.address)
    }

    /// Starts to accept.
    pub fn start(self) -> io::Result<RunningServer> {
        let (stop, stopped) = watch::channel(None);
        let gateway = Arc::new(self.options.gateway);
        let mut threads = Vec::new();
        let mut secure = self.secure;
        for (number, listener) in self.listeners.into_iter().enumerate() {
            let door = secure.as_mut().and_then(|secure| {
                let (tls, acceptor) = (secure.tls.clone(), secure.acceptor.clone());
                Some((secure.listeners.pop()?, Secure { tls, acceptor, stopped: stopped.clone() }))
            });
            let (intake, gateway, router, stopped) =
                (self.intake.clone(), gateway.clone(), self.router.clone(), stopped.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let serve = move || {
                let commits = Rc::new(Commits::new(intake.ledger().clone()));
                let core = Rc::new(Core::new(intake, gateway, commits.clone()));
                let local = LocalSet::new();
                local.spawn_local(async move { commits.run().await });
                let shared = Shared::new(core, router, stopped);
                let accepting = async {
                    let plain = accept(listener, Plain, shared.clone());
                    match door {
                        None => plain.await,
                        Some((listener, door)) => {
                            let (plain, secure) = tokio::join!(plain, accept(listener, door, shared.clone()));
                            plain.min(secure)
                        }
                    }
                };
                let rest = runtime.block_on(local.run_until(accepting));
                // Requests that were cut off may have left work on other threads.
                drop(local);
                runtime.shutdown_timeout(rest);
            };
            threads.push(std::thread::Builder::new().name(format!("core-{number}")).spawn(serve)?);
        }
        Ok(RunningServer { stop, threads })
    }
}

impl RunningServer {
    /// Accepts nothing more, lets requests finish for up to `grace`, and ends the threads.
    pub fn stop(self, grace: Duration) {
        // No receiver is left when every thread has ended already.
        let _ = self.stop.send(Some(grace));
        for thread in self.threads {
            // A thread that panicked has said so; there is nothing left to stop in it.
            let _ = thread.join();
        }
    }
}

/// A listener on the address for each core. Cores share their port, so a port that someone else shares too would be
/// bound as well, and get half of his requests: whether it is free is asked without sharing first.
fn listeners(address: SocketAddr, cores: usize) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    if address.port() != 0 {
        drop(socket(address, false)?);
    }
    let first = listener(address)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..cores.max(1) {
        listeners.push(listener(address)?);
    }
    Ok((listeners, address))
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, true)?;
    socket.set_nonblocking(true)?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
