//! Asking for a page, within limits.

use crate::address::Rules;
use crate::connect::{Connector, Resolve, SystemResolver};
use crate::error::OutboundError;
use crate::post::Pool;
use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use url::{Position, Url};

pub(crate) const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));
/// Lines of an answer's head.
pub(crate) const HEAD_LINES: usize = 100;
/// How long a host that has answered may go on, where only heads count: it is not cut short without need, and its
/// connection can be kept.
const HEARD_OUT: Duration = Duration::from_millis(500);

/// What a request may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first look-up to the last byte, redirects included.
    pub time: Duration,
    /// For one address to take the connection.
    pub connect: Duration,
    /// Redirects that are followed.
    pub redirects: usize,
    /// Bytes of an answer's head, at least 8,192.
    pub head_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            connect: Duration::from_secs(3),
            redirects: 5,
            head_bytes: 16 << 10,
            body_bytes: 4 << 20,
        }
    }
}

/// How the client reaches out.
#[derive(Clone)]
pub struct Options {
    /// Networks besides the public internet that may be connected to.
    pub allow: Vec<IpNet>,
    /// Authorities that are trusted besides the usual ones.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Whether addresses without TLS may be asked for. A redirect from https to http is never followed.
    pub plain_http: bool,
    /// Whether only the heads of answers count: whatever becomes of a body then, the answer has arrived, and its body is
    /// handed over empty.
    pub heads_only: bool,
    /// Who finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// What each request may take.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            authorities: Vec::new(),
            plain_http: false,
            heads_only: false,
            resolver: Arc::new(SystemResolver),
            limits: Limits::default(),
        }
    }
}

/// The authorities in a file of PEM, of which there must be one at least.
pub fn authorities(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(path)?;
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(io::Error::other)?;
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "holds no certificate in PEM"));
    }
    Ok(found)
}

/// An answer, read whole unless only heads count.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Every URL that was asked, the one that was given first, the one that answered last.
    pub urls: Vec<Url>,
    /// The status; not that of a redirect that could be followed.
    pub status: StatusCode,
    /// The head.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The client. Clones are the same client.
#[derive(Clone)]
pub struct Outbound {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) connector: Connector,
    plain_http: bool,
    heads_only: bool,
    pub(crate) limits: Limits,
    pub(crate) pool: Pool,
}

impl Outbound {
    /// A client. Fails when one of the further authorities is no certificate.
    pub fn new(options: Options) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in options.authorities {
            roots.add(authority)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let rules = Rules::new(options.allow);
        let connector = Connector::new(rules, options.resolver, options.limits.connect, tls);
        let Options { plain_http, heads_only, limits, .. } = options;
        let inner = Inner { connector, plain_http, heads_only, limits, pool: Pool::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Asks for `url` and follows redirects to the answer, whatever its status.
    pub async fn get(&self, url: &str) -> Result<Fetched, OutboundError> {
        let Limits { time, body_bytes, .. } = self.inner.limits;
        let may = Allowance { bytes: body_bytes, until: Instant::now() + time };
        let fetched = tokio::time::timeout_at(may.until, self.inner.follow(url, may)).await;
        fetched.unwrap_or(Err(OutboundError::TooSlow(time)))
    }
}

impl Inner {
    async fn follow(&self, url: &str, may: Allowance) -> Result<Fetched, OutboundError> {
        let mut url = Url::parse(url).map_err(|_| OutboundError::BadUrl)?;
        let mut urls = Vec::new();
        loop {
            self.admit(&url, urls.last())?;
            let answer = self.ask(&url, may).await?;
            urls.push(url.clone());
            match answer {
                Answer::Final(Read { status, headers, body, .. }) => {
                    return Ok(Fetched { urls, status, headers, body });
                }
                Answer::Redirect(_) if urls.len() > self.limits.redirects => {
                    return Err(OutboundError::TooManyRedirects(self.limits.redirects));
                }
                Answer::Redirect(target) => url = target,
            }
        }
    }

    /// Whether `url` may be asked for at all, coming from `before`.
    pub(crate) fn admit(&self, url: &Url, before: Option<&Url>) -> Result<(), OutboundError> {
        let host = || url.host_str().unwrap_or_default().to_owned();
        let leaves_tls = before.is_some_and(|before| before.scheme() == "https");
        match url.scheme() {
            "https" => {}
            "http" if self.plain_http && !leaves_tls => {}
            scheme => return Err(OutboundError::Scheme { host: host(), scheme: scheme.to_owned() }),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Credentials(host()));
        }
        Ok(())
    }

    async fn ask(&self, url: &Url, may: Allowance) -> Result<Answer, OutboundError> {
        let stream = self.connector.connect(url).await?;
        if url.scheme() == "https" {
            self.exchange(url, self.connector.secure(url, stream).await?, may).await
        } else {
            self.exchange(url, stream, may).await
        }
    }

    /// One request and its answer over a connection of its own, which ends with it.
    async fn exchange<S>(&self, url: &Url, stream: S, may: Allowance) -> Result<Answer, OutboundError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(self.limits.head_bytes.max(8192)).max_headers(HEAD_LINES);
        let (mut sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| broken(url, error))?;
        let request = request(url)?;
        let answered = async {
            let response = sender.send_request(request).await.map_err(|error| broken(url, error))?;
            self.answer(url, response, may).await
        };
        tokio::pin!(answered, connection);
        tokio::select! {
            answer = answered.as_mut() => return answer,
            // A connection that ends, well or badly, has handed over what there was.
            _ = connection.as_mut() => {}
        }
        answered.await
    }

    async fn answer(
        &self,
        url: &Url,
        response: Response<Incoming>,
        may: Allowance,
    ) -> Result<Answer, OutboundError> {
        if matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            let target = response.headers().get(header::LOCATION).and_then(|target| target.to_str().ok());
            let target = target.and_then(|target| url.join(target).ok());
            let host = || url.host_str().unwrap_or_default().to_owned();
            return target.map(Answer::Redirect).ok_or_else(|| OutboundError::BadRedirect(host()));
        }
        self.read(url, response, may).await.map(Answer::Final)
    }

    /// The rest of an answer that has begun.
    pub(crate) async fn read(
        &self,
        url: &Url,
        response: Response<Incoming>,
        may: Allowance,
    ) -> Result<Read, OutboundError> {
        let (Parts { status, headers, .. }, body) = response.into_parts();
        if self.heads_only {
            // Well before the time is over, so that the answer does not come too late because of what is not used.
            let left = may.until.saturating_duration_since(Instant::now());
            let heard = tokio::time::timeout(HEARD_OUT.min(left / 2), whole(url, body, may.bytes)).await;
            return Ok(Read { status, headers, body: Bytes::new(), to_the_end: matches!(heard, Ok(Ok(_))) });
        }
        if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(OutboundError::Encoded(url.host_str().unwrap_or_default().to_owned()));
        }
        let body = whole(url, body, may.bytes).await?;
        Ok(Read { status, headers, body, to_the_end: true })
    }
}

/// A body of at most `limit` bytes.
async fn whole(url: &Url, mut body: Incoming, limit: usize) -> Result<Bytes, OutboundError> {
    let too_long =
        || OutboundError::BodyTooLong { host: url.host_str().unwrap_or_default().to_owned(), limit };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_long());
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken(url, error))?.into_data() else { continue };
        if read.len() + data.len() > limit {
            return Err(too_long());
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// What an answer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Bytes of its body.
    pub(crate) bytes: usize,
    pub(crate) until: Instant,
}

/// An answer, as far as it was read.
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether its connection can take another request.
    pub(crate) to_the_end: bool,
}

enum Answer {
    Final(Read),
    Redirect(Url),
}

fn request(url: &Url) -> Result<Request<Empty<Bytes>>, OutboundError> {
    // Without user name and password, which are refused.
    let host = &url[Position::BeforeHost..Position::AfterPort];
    Request::get(&url[Position::BeforePath..Position::AfterQuery])
        .header(header::HOST, host)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| OutboundError::BadUrl)
}

pub(crate) fn broken(url: &Url, cause: hyper::Error) -> OutboundError {
    let host = url.host_str().unwrap_or_default().to_owned();
    if cause.is_parse_too_large() {
        OutboundError::HeadTooLong(host)
    } else {
        OutboundError::Broken { host, cause }
    }
}
