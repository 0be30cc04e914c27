//! A certificate and its key: reading them from their files and judging whether they can be used.

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error as TlsError, InconsistentKeys, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tollgate_domain::Timestamp;

/// Later than any certificate says: beyond the year 9999.
const FAR_SECONDS: u64 = 300_000_000_000;

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate with its chain, in PEM, the host's own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusablePair {
    /// A file cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The key belongs to another certificate.
    #[error("the key in {} does not match the certificate in {}", .0.key.display(), .0.certificate.display())]
    Mismatch(CertificateFiles),
    /// The certificate is not valid now.
    #[error("the certificate in {} {problem}", path.display())]
    NotValid {
        /// The file.
        path: PathBuf,
        /// As in `expired at 2026-01-01T00:00:00.000Z`.
        problem: String,
    },
}

/// From when to when a certificate is valid, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: Option<Timestamp>,
    /// The last second.
    pub not_after: Option<Timestamp>,
}

impl Validity {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        // To verify at a time far off fails with the bound that it lies beyond, before any issuer is looked for.
        let fails_at = |seconds| {
            let certificate = ParsedCertificate::try_from(certificate).ok()?;
            let algorithms = ring::default_provider().signature_verification_algorithms.all;
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            let roots = RootCertStore::empty();
            let verified = rustls::client::verify_server_cert_signed_by_trust_anchor(
                &certificate,
                &roots,
                &[],
                time,
                algorithms,
            );
            match verified {
                Err(TlsError::InvalidCertificate(error)) => Some(error),
                _ => None,
            }
        };
        let timestamp =
            |time: UnixTime| i64::try_from(time.as_secs()).ok().map(|s| Timestamp::from_millis(s * 1000));
        Self {
            not_before: fails_at(0).and_then(|error| match error {
                CertificateError::NotValidYetContext { not_before, .. } => timestamp(not_before),
                _ => None,
            }),
            not_after: fails_at(FAR_SECONDS).and_then(|error| match error {
                CertificateError::ExpiredContext { not_after, .. } => timestamp(not_after),
                _ => None,
            }),
        }
    }

    /// What is wrong with it at `now`.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        if let Some(at) = self.not_after.filter(|at| *at < now) {
            return Some(format!("expired at {at}"));
        }
        self.not_before.filter(|at| *at > now).map(|at| format!("is not valid before {at}"))
    }
}

/// A certificate with its key, ready for use.
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) validity: Validity,
}

impl CertificateFiles {
    /// Reads the pair and says how long it is valid, whether or not that is now.
    pub fn inspect(&self) -> Result<Validity, UnusablePair> {
        let (certificate, key) = self.read()?;
        Ok(self.parse(&certificate, &key, &ring::default_provider())?.validity)
    }

    /// What stands in the certificate's file and in the key's.
    pub(super) fn read(&self) -> Result<(Vec<u8>, Vec<u8>), UnusablePair> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|cause| UnusablePair::Unreadable { path: path.to_owned(), cause })
        };
        Ok((read(&self.certificate)?, read(&self.key)?))
    }

    pub(super) fn parse(
        &self,
        certificate: &[u8],
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Pair, UnusablePair> {
        let malformed =
            |path: &Path, problem: String| UnusablePair::Malformed { path: path.to_owned(), problem };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| malformed(&self.certificate, format!("is not PEM: {error}")))?;
        let first = chain.first().map(Validity::of);
        let validity =
            first.ok_or_else(|| malformed(&self.certificate, "holds no certificate in PEM".into()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => malformed(&self.key, "holds no private key in PEM".into()),
            error => malformed(&self.key, format!("is not PEM: {error}")),
        })?;
        // What the provider says of a key that it cannot read might hold parts of it.
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| malformed(&self.key, "is no RSA, ECDSA or Ed25519 key that can be used".into()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(TlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(TlsError::InconsistentKeys(_)) => return Err(UnusablePair::Mismatch(self.clone())),
            Err(error) => return Err(malformed(&self.certificate, format!("cannot be used: {error}"))),
        }
        Ok(Pair { certified: Arc::new(certified), validity })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rcgen::{CertificateParams, IsCa, KeyPair, date_time_ymd};

    pub(in crate::server::tls) struct Made {
        pub(in crate::server::tls) certificate: String,
        pub(in crate::server::tls) key: String,
    }

    /// A certificate for localhost that is valid within these years.
    pub(in crate::server::tls) fn make(from: i32, to: i32, is_ca: bool) -> Made {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        if is_ca {
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Made { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    #[test]
    fn a_certificate_tells_how_long_it_is_valid() {
        let dir = tempfile::tempdir().unwrap();
        let files = CertificateFiles { certificate: dir.path().join("c"), key: dir.path().join("k") };
        for is_ca in [false, true] {
            let made = make(2025, 2027, is_ca);
            std::fs::write(&files.certificate, &made.certificate).unwrap();
            std::fs::write(&files.key, &made.key).unwrap();
            let validity = files.inspect().unwrap();
            assert_eq!(validity.not_before.map(|at| at.to_string()), Some("2025-01-01T00:00:00.000Z".into()));
            assert_eq!(validity.not_after.map(|at| at.to_string()), Some("2027-01-01T00:00:00.000Z".into()));
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let files =
            CertificateFiles { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        let (made, other) = (make(2025, 2027, false), make(2025, 2027, false));
        let said = |certificate: &str, key: &str| {
            std::fs::write(&files.certificate, certificate).unwrap();
            std::fs::write(&files.key, key).unwrap();
            files.inspect().map_err(|error| error.to_string())
        };
        assert!(files.inspect().unwrap_err().to_string().contains("cert.pem: No such file"));
        let cut = &made.certificate[..made.certificate.len() / 2];
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (certificate, key, expected) in [
            ("", made.key.as_str(), "cert.pem: holds no certificate"),
            (&made.key, &made.key, "cert.pem: holds no certificate"),
            (cut, &made.key, "cert.pem: is not PEM"),
            (no_certificate, &made.key, "cert.pem: cannot be used"),
            (&made.certificate, "", "key.pem: holds no private key"),
            (&made.certificate, &made.certificate, "key.pem: holds no private key"),
            (&made.certificate, no_key, "key.pem: is no RSA, ECDSA or Ed25519 key"),
            (&made.certificate, &other.key, "key.pem does not match the certificate in"),
        ] {
            let error = said(certificate, key).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(said(&made.certificate, &made.key).is_ok());
        let both = format!("{}{}", made.key, made.certificate);
        assert!(said(&both, &both).is_ok(), "one file may hold both");
    }
}
