//! Posting to the same few hosts again and again, over connections that are kept between requests.

use crate::client::{Allowance, Fetched, HEAD_LINES, Inner, Outbound, Read, USER_AGENT, broken};
use crate::error::OutboundError;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use url::{Position, Url};

/// How long a connection is used: then its host is looked up and its address checked anew.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Idle connections that are kept for one host, and hosts.
const KEPT_PER_HOST: usize = 32;
const KEPT_HOSTS: usize = 128;
/// How often at most connections that cannot be used any more are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// A request with a body.
#[derive(Debug, Clone)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// What the body is.
    pub content_type: &'static str,
    /// Further headers: name and value.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: Bytes,
    /// From the first look-up to the last byte of the answer.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub answer_bytes: usize,
}

impl Outbound {
    /// Posts, and reads the answer whatever its status. Redirects are answers here: nobody is sent a body he was not meant
    /// to get.
    pub async fn post(&self, post: Post<'_>) -> Result<Fetched, OutboundError> {
        let time = post.time;
        let may = Allowance { bytes: post.answer_bytes, until: Instant::now() + time };
        let posted = tokio::time::timeout_at(may.until, self.inner.post(post, may)).await;
        posted.unwrap_or(Err(OutboundError::TooSlow(time)))
    }
}

impl Inner {
    async fn post(&self, post: Post<'_>, may: Allowance) -> Result<Fetched, OutboundError> {
        let url = Url::parse(post.url).map_err(|_| OutboundError::BadUrl)?;
        self.admit(&url, None)?;
        let origin = url[..Position::AfterPort].to_owned();
        if let Some(mut kept) = self.pool.take(&origin).await {
            match kept.sender.send_request(request(&url, &post)?).await {
                Ok(response) => return self.finish(url, origin, kept, response, may).await,
                Err(error) if was_given_up(&error) => {}
                Err(error) => return Err(broken(&url, error)),
            }
        }
        let mut kept = self.open(&url).await?;
        let sent = kept.sender.send_request(request(&url, &post)?).await;
        let response = sent.map_err(|error| broken(&url, error))?;
        self.finish(url, origin, kept, response, may).await
    }

    async fn finish(
        &self,
        url: Url,
        origin: String,
        kept: Kept,
        response: http::Response<hyper::body::Incoming>,
        may: Allowance,
    ) -> Result<Fetched, OutboundError> {
        let Read { status, headers, body, to_the_end } = self.read(&url, response, may).await?;
        if to_the_end {
            self.pool.put(origin, kept);
        }
        Ok(Fetched { urls: vec![url], status, headers, body })
    }

    /// A connection that can take a request.
    pub(crate) async fn open(&self, url: &Url) -> Result<Kept, OutboundError> {
        let until = Instant::now() + KEPT_FOR;
        let stream = self.connector.connect(url).await?;
        // Each request is one small packet, which is to leave at once.
        let _ = stream.set_nodelay(true);
        let sender = if url.scheme() == "https" {
            self.hand_over(url, self.connector.secure(url, stream).await?).await?
        } else {
            self.hand_over(url, stream).await?
        };
        Ok(Kept { sender, until })
    }

    /// Gives a connection to a task, which ends when nobody sends any more.
    async fn hand_over<S>(&self, url: &Url, stream: S) -> Result<SendRequest<Full<Bytes>>, OutboundError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(self.limits.head_bytes.max(8192)).max_headers(HEAD_LINES);
        let made = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| broken(url, error))?;
        // How it ended, the request that was under way has been told.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

/// Whether the host gave a connection up while it was idle, as far as what became of a request on it tells.
fn was_given_up(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    error.is_canceled()
        || error.is_closed()
        || error.is_incomplete_message()
        // The request was under way when the host let go.
        || matches!(cause, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
}

fn request(url: &Url, post: &Post<'_>) -> Result<Request<Full<Bytes>>, OutboundError> {
    let request = Request::post(&url[Position::BeforePath..Position::AfterQuery]);
    let headers = post.headers.iter();
    headers
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONTENT_TYPE, post.content_type)
        .body(Full::new(post.body.clone()))
        .map_err(|_| OutboundError::BadUrl)
}

/// A connection that can take a request.
pub(crate) struct Kept {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    until: Instant,
}

impl Kept {
    fn is_usable(&self) -> bool {
        !self.sender.is_closed() && Instant::now() < self.until
    }
}

/// Idle connections.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// By scheme, host and port.
    hosts: HashMap<String, Vec<Kept>>,
    swept: Option<Instant>,
}

impl Pool {
    /// The connection that was used last.
    async fn take(&self, origin: &str) -> Option<Kept> {
        loop {
            let mut kept = self.pop(origin)?;
            if kept.is_usable() && kept.sender.ready().await.is_ok() {
                return Some(kept);
            }
        }
    }

    fn pop(&self, origin: &str) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hosts.get_mut(origin)?.pop()
    }

    fn put(&self, origin: String, kept: Kept) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
            idle.hosts.retain(|_, theirs| {
                theirs.retain(Kept::is_usable);
                !theirs.is_empty()
            });
            idle.swept = Some(Instant::now());
        }
        if idle.hosts.len() >= KEPT_HOSTS && !idle.hosts.contains_key(&origin) {
            return;
        }
        let theirs = idle.hosts.entry(origin).or_default();
        if theirs.len() >= KEPT_PER_HOST {
            theirs.retain(Kept::is_usable);
        }
        if theirs.len() < KEPT_PER_HOST && kept.is_usable() {
            theirs.push(kept);
        }
    }
}
