//! Accepting connections of one core and serving them, with limits on every size and time.

use super::patient::Patient;
use super::tls::Tls;
use crate::gateway::{Core, GatewayBody};
use crate::origin::ClientAddress;
use axum::Router;
use axum::body::Body;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

/// Time a caller has to send a request's head, and an idle connection lives.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 32 << 10;
/// Bytes that the system holds ahead of what was sent, before more is asked for.
const UNSENT_BYTES: u32 = 256 << 10;
/// Time without any acknowledgement of what was sent after which a caller is gone.
const GONE: Duration = Duration::from_secs(60);
/// Connections of one core, with TLS and without.
const MAX_CONNECTIONS: usize = 16_384;
/// Pause after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What connections of one core share.
#[derive(Clone)]
pub(super) struct Shared {
    core: Rc<Core>,
    router: Router,
    places: Arc<Semaphore>,
    stopped: watch::Receiver<Option<Duration>>,
}

impl Shared {
    pub(super) fn new(core: Rc<Core>, router: Router, stopped: watch::Receiver<Option<Duration>>) -> Self {
        Self { core, router, places: Arc::new(Semaphore::new(MAX_CONNECTIONS)), stopped }
    }
}

/// How a stream becomes one that HTTP is spoken on. Each door has code of its own, so that the plain one pays nothing
/// for the other.
pub(super) trait Door: Clone + 'static {
    /// What comes through.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;
    /// Whether nobody on the way can read it.
    const IS_SECURE: bool;

    /// Lets a stream in, or not.
    async fn open(&self, stream: TcpStream) -> Option<Self::Stream>;
}

/// Plain HTTP.
#[derive(Clone)]
pub(super) struct Plain;

impl Door for Plain {
    type Stream = TcpStream;
    const IS_SECURE: bool = false;

    async fn open(&self, stream: TcpStream) -> Option<TcpStream> {
        Some(stream)
    }
}

/// HTTP over TLS.
#[derive(Clone)]
pub(super) struct Secure {
    pub(super) tls: Arc<Tls>,
    pub(super) acceptor: TlsAcceptor,
    pub(super) stopped: watch::Receiver<Option<Duration>>,
}

impl Door for Secure {
    type Stream = TlsStream<TcpStream>;
    const IS_SECURE: bool = true;

    async fn open(&self, stream: TcpStream) -> Option<Self::Stream> {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            stream = self.tls.shake_hands(&self.acceptor, stream) => stream,
            // Nothing was asked yet, so nothing has to be finished.
            _ = stopped.wait_for(Option::is_some) => None,
        }
    }
}

/// Accepts until `stopped` says otherwise, then lets connections finish. Returns what is left of the time for that.
pub(super) async fn accept<D: Door>(listener: TcpListener, door: D, shared: Shared) -> Duration {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a core cannot listen");
            return Duration::ZERO;
        }
    };
    let mut connections = JoinSet::new();
    let mut stopped = shared.stopped.clone();
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            biased;
            _ = stopped.wait_for(Option::is_some) => break,
            accepted = next(&listener, &shared.places) => match accepted {
                Ok((stream, peer, place)) => {
                    connections.spawn_local(serve(stream, door.clone(), peer.ip(), shared.clone(), place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let grace = stopped.borrow().unwrap_or_default();
    let since = Instant::now();
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, finished).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not finish in time and are cut off");
    }
    grace.saturating_sub(since.elapsed())
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// How HTTP is spoken. Answers are flushed one by one: with several at a time hyper takes a body without asking whether its
/// reader keeps up, and never sees that he is gone.
pub(super) fn http() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    builder
}

/// Options of an accepted connection; where one cannot be set the connection serves without.
fn set_options(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    // Without it answers may wait for an acknowledgement of the one before.
    let _ = socket.set_tcp_nodelay(true);
    // Whoever reads slowly is seen to read, though the system would take megabytes ahead of him.
    let _ = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
    // Who is gone without a word is found out, idle streams of events too.
    let _ = socket.set_tcp_user_timeout(Some(GONE));
}

async fn serve<D: Door>(
    stream: TcpStream,
    door: D,
    peer: IpAddr,
    shared: Shared,
    _place: OwnedSemaphorePermit,
) {
    set_options(&stream);
    let Some(stream) = door.open(stream).await else { return };
    let Shared { core, router, mut stopped, .. } = shared;
    let service = service_fn(move |request| {
        let (core, router) = (core.clone(), router.clone());
        async move { Ok::<_, Infallible>(answer::<D>(&core, router, request, peer).await) }
    });
    let connection = http().serve_connection(TokioIo::new(Patient::new(stream)), service);
    tokio::pin!(connection);
    tokio::select! {
        // Errors here are the caller's: a reset, a broken request, silence.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(Option::is_some) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer<D: Door>(
    core: &Core,
    router: Router,
    mut request: http::Request<Incoming>,
    peer: IpAddr,
) -> http::Response<GatewayBody> {
    if let Some(route) = core.route(request.uri().path(), request.headers()) {
        return core.answer(route, request, peer).await;
    }
    let (from, is_forwarded) = core.caller(request.headers(), peer);
    ClientAddress::note(request.extensions_mut(), from, D::IS_SECURE || is_forwarded);
    match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response.map(Either::Right),
        Err(never) => match never {},
    }
}
