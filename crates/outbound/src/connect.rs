//! From a host's name to a connection: resolve, check, connect, TLS.

use crate::address::Rules;
use crate::error::OutboundError;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

/// Addresses of one host that are tried, one after the other.
const TRIED: usize = 4;
/// Names that are looked up at a time; each keeps a thread waiting.
const LOOKUPS: usize = 32;

/// Finds the addresses of a host.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, each with the port to connect to. May block.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// Makes connections.
pub(crate) struct Connector {
    rules: Rules,
    resolver: Arc<dyn Resolve>,
    lookups: Arc<Semaphore>,
    /// How long one address may take to answer.
    patience: Duration,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(
        rules: Rules,
        resolver: Arc<dyn Resolve>,
        patience: Duration,
        tls: ClientConfig,
    ) -> Self {
        let tls = TlsConnector::from(Arc::new(tls));
        Self { rules, resolver, lookups: Arc::new(Semaphore::new(LOOKUPS)), patience, tls }
    }

    /// A connection to the host of `url`, at an address that the rules allow.
    pub(crate) async fn connect(&self, url: &Url) -> Result<TcpStream, OutboundError> {
        let host = url.host_str().ok_or(OutboundError::BadUrl)?.to_owned();
        let addresses = self.addresses(url, &host).await?;
        let mut cause = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses.into_iter().take(TRIED) {
            match tokio::time::timeout(self.patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => cause = error,
                Err(_) => cause = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(OutboundError::Connect { host, cause })
    }

    /// Puts TLS on a connection to `url`'s host, whose certificate must be trusted and its own.
    pub(crate) async fn secure(
        &self,
        url: &Url,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, OutboundError> {
        let name = match url.host() {
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|_| OutboundError::BadUrl)?
            }
            Some(Host::Ipv4(address)) => ServerName::from(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => ServerName::from(IpAddr::V6(address)),
            None => return Err(OutboundError::BadUrl),
        };
        let host = || url.host_str().unwrap_or_default().to_owned();
        self.tls.connect(name, stream).await.map_err(|cause| OutboundError::Tls { host: host(), cause })
    }

    /// The addresses that may be connected to.
    async fn addresses(&self, url: &Url, host: &str) -> Result<Vec<SocketAddr>, OutboundError> {
        let port = url.port_or_known_default().ok_or(OutboundError::BadUrl)?;
        let found = match url.host() {
            Some(Host::Ipv4(address)) => vec![SocketAddr::new(IpAddr::V4(address), port)],
            Some(Host::Ipv6(address)) => vec![SocketAddr::new(IpAddr::V6(address), port)],
            _ => self
                .look_up(host.to_owned(), port)
                .await
                .map_err(|cause| OutboundError::Unresolved { host: host.to_owned(), cause })?,
        };
        let mut network = None;
        let allowed: Vec<_> = found
            .into_iter()
            .filter(|address| {
                let refusal = self.rules.refusal(address.ip());
                network = network.or(refusal);
                refusal.is_none()
            })
            .collect();
        match network {
            Some(network) if allowed.is_empty() => {
                Err(OutboundError::Refused { host: host.to_owned(), network })
            }
            _ => Ok(allowed),
        }
    }

    /// Looks a name up on a thread of its own. One that hangs keeps its place, so that they cannot pile up.
    async fn look_up(&self, host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let place = self.lookups.clone().acquire_owned().await.map_err(io::Error::other)?;
        let resolver = self.resolver.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let found = resolver.resolve(&host, port);
            drop(place);
            found
        });
        let found = looking.await.map_err(io::Error::other)??;
        if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
    }
}
