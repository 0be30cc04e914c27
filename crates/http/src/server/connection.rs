//! Accepting connections of one core and serving them, with limits on every size and time.

use crate::gateway::{Core, GatewayBody};
use axum::Router;
use axum::body::Body;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Time a caller has to send a request's head, and an idle connection lives.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 32 << 10;
/// Connections of one core.
const MAX_CONNECTIONS: usize = 16_384;
/// Pause after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until `stopped` says otherwise, then lets connections finish. Returns what is left of the time for that.
pub(super) async fn accept(
    listener: TcpListener,
    core: Rc<Core>,
    router: Router,
    mut stopped: watch::Receiver<Option<Duration>>,
) -> Duration {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a core cannot listen");
            return Duration::ZERO;
        }
    };
    let mut connections = JoinSet::new();
    let stop_signal = stopped.clone();
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            biased;
            _ = stopped.wait_for(Option::is_some) => break,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn_local(serve(stream, peer.ip(), core.clone(), router.clone(), stop_signal.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            _ = connections.join_next(), if connections.len() >= MAX_CONNECTIONS => {}
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

async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    core: Rc<Core>,
    router: Router,
    mut stopped: watch::Receiver<Option<Duration>>,
) {
    // Without it answers may wait for an acknowledgement of the one before; a failure costs only that.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (core, router) = (core.clone(), router.clone());
        async move { Ok::<_, Infallible>(answer(&core, router, request, peer).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .pipeline_flush(true);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // Errors here are the caller's: a reset, a broken request, silence.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(Option::is_some) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    core: &Core,
    router: Router,
    request: http::Request<Incoming>,
    peer: IpAddr,
) -> http::Response<GatewayBody> {
    if let Some(route) = core.route(request.uri().path(), request.headers()) {
        return core.answer(route, request, peer).await;
    }
    match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response.map(Either::Right),
        Err(never) => match never {},
    }
}
