//! TLS in front of the same routes: HTTP/1.1 over TLS 1.2 and 1.3, with a certificate that is replaced while running.

mod pair;
mod reload;

pub use pair::{CertificateFiles, UnusablePair, Validity};
pub use reload::CertificateWatch;

use arc_swap::ArcSwap;
use pair::Pair;
use reload::Content;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tollgate_domain::{Clock, Timestamp};

/// Time a caller has for the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate in use, and what happened with it.
pub struct Tls {
    files: CertificateFiles,
    clock: Arc<dyn Clock>,
    provider: Arc<CryptoProvider>,
    pair: ArcSwap<Pair>,
    /// What the files held at the start.
    opened: Content,
    reloads: AtomicU64,
    reload_failures: AtomicU64,
    newest_is_used: AtomicBool,
    handshakes: AtomicU64,
    handshake_failures: AtomicU64,
    handshake_timeouts: AtomicU64,
}

/// Counts since the start, and the state of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsStats {
    /// Handshakes that succeeded.
    pub handshakes: u64,
    /// Handshakes that failed: no common version, something that is not TLS, a caller who went away.
    pub handshake_failures: u64,
    /// Handshakes that were cut because they took too long.
    pub handshake_timeouts: u64,
    /// Certificates taken over while running.
    pub reloads: u64,
    /// New certificates that could not be used.
    pub reload_failures: u64,
    /// Whether what the files hold is what is in use.
    pub newest_is_used: bool,
    /// When the certificate in use expires.
    pub not_after: Option<Timestamp>,
}

impl Tls {
    /// Reads the pair. One that is not valid now is used nevertheless, and told: to answer nobody would help nobody.
    pub fn open(files: CertificateFiles, clock: Arc<dyn Clock>) -> Result<Arc<Self>, UnusablePair> {
        let provider = Arc::new(ring::default_provider());
        let read = files.read();
        let opened = reload::content(&read);
        let (certificate, key) = read?;
        let pair = files.parse(&certificate, &key, &provider)?;
        if let Some(problem) = pair.validity.problem(clock.now()) {
            // The words of the log are told to users, its values are not.
            tracing::warn!(file = %files.certificate.display(), "the certificate {problem}");
        }
        Ok(Arc::new(Self {
            files,
            clock,
            provider,
            pair: ArcSwap::from_pointee(pair),
            opened,
            reloads: AtomicU64::new(0),
            reload_failures: AtomicU64::new(0),
            newest_is_used: AtomicBool::new(true),
            handshakes: AtomicU64::new(0),
            handshake_failures: AtomicU64::new(0),
            handshake_timeouts: AtomicU64::new(0),
        }))
    }

    /// Counts and state of this moment.
    pub fn stats(&self) -> TlsStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TlsStats {
            handshakes: count(&self.handshakes),
            handshake_failures: count(&self.handshake_failures),
            handshake_timeouts: count(&self.handshake_timeouts),
            reloads: count(&self.reloads),
            reload_failures: count(&self.reload_failures),
            newest_is_used: self.newest_is_used.load(Ordering::Relaxed),
            not_after: self.pair.load().validity.not_after,
        }
    }

    /// What makes connections of streams, always with the newest certificate.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Newest(self.clone())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = ring::Ticketer::new()?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// The handshake, within its time. What fails is counted; who failed is nobody's business.
    pub(super) async fn shake_hands(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
    ) -> Option<TlsStream<TcpStream>> {
        let (counter, stream) = match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => (&self.handshakes, Some(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                (&self.handshake_failures, None)
            }
            Err(_) => (&self.handshake_timeouts, None),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        stream
    }
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Gives every handshake the certificate of the moment.
struct Newest(Arc<Tls>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.pair.load().certified.clone())
    }
}

impl fmt::Debug for Newest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Newest")
    }
}
