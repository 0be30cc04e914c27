//! Listening and serving: one thread and one runtime a core, each with its own listener on the same port.
//!
//! The gateway's routes are matched first and answered by hyper directly; everything else goes to the management
//! router.

mod connection;

use crate::gateway::{Commits, Core, GatewayOptions};
use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::LocalSet;
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
    intake: Arc<Intake>,
    router: Router,
}

/// A server that accepts.
pub struct RunningServer {
    stop: watch::Sender<Option<Duration>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Binds the address, once for each core. Cores share their port, so a port that someone else shares too would be
    /// bound as well, and get half of his requests: whether it is free is asked without sharing first.
    pub fn bind(options: ServerOptions, intake: Arc<Intake>, router: Router) -> io::Result<Self> {
        if options.listen.port() != 0 {
            drop(socket(options.listen, false)?);
        }
        let first = listener(options.listen)?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..options.cores.max(1) {
            listeners.push(listener(address)?);
        }
        Ok(Self { options, listeners, address, intake, router })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Starts to accept.
    pub fn start(self) -> io::Result<RunningServer> {
        let (stop, stopped) = watch::channel(None);
        let gateway = Arc::new(self.options.gateway);
        let mut threads = Vec::new();
        for (number, listener) in self.listeners.into_iter().enumerate() {
            let (intake, gateway, router, stopped) =
                (self.intake.clone(), gateway.clone(), self.router.clone(), stopped.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let serve = move || {
                let commits = Rc::new(Commits::new(intake.ledger().clone()));
                let core = Rc::new(Core::new(intake, gateway, commits.clone()));
                let local = LocalSet::new();
                local.spawn_local(async move { commits.run().await });
                let accept = connection::accept(listener, core, router, stopped);
                let rest = runtime.block_on(local.run_until(accept));
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
