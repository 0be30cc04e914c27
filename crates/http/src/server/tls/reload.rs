//! Notices that the certificate's files changed, by asking every few seconds on a thread of its own.
//!
//! What two looks in a row find the same is tried once. A pair that cannot be used is told and counted, and the one
//! in use stays.

use super::Tls;
use super::pair::UnusablePair;
use sha2::{Digest, Sha256};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the files hold, or why they cannot be read.
pub(super) type Content = [u8; 32];

/// A running watcher; it stops when this is dropped.
pub struct CertificateWatch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for CertificateWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A watcher that panicked has nothing left to stop.
            let _ = thread.join();
        }
    }
}

/// What earlier looks found.
pub(super) struct Seen {
    /// What was tried last.
    tried: Content,
    /// What the look before found, when it was not tried yet.
    waiting: Option<Content>,
}

impl Tls {
    /// Takes over new certificates as their files change, looking every `interval`.
    pub fn watch(self: &Arc<Self>, interval: Duration) -> io::Result<CertificateWatch> {
        let tls = self.clone();
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("certificates-watch".into()).spawn(move || {
            let mut seen = tls.seen();
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(interval) {
                tls.look(&mut seen);
            }
        })?;
        Ok(CertificateWatch { stop: Some(stop), thread: Some(thread) })
    }

    /// Nothing but what is in use.
    pub(super) fn seen(&self) -> Seen {
        Seen { tried: self.opened, waiting: None }
    }

    /// One look at the files.
    pub(super) fn look(&self, seen: &mut Seen) {
        let read = self.files.read();
        let found = content(&read);
        if found == seen.tried {
            seen.waiting = None;
        } else if seen.waiting != Some(found) {
            seen.waiting = Some(found);
        } else {
            *seen = Seen { tried: found, waiting: None };
            match read.and_then(|(certificate, key)| self.take(&certificate, &key)) {
                Ok(()) => {
                    self.reloads.fetch_add(1, Ordering::Relaxed);
                    self.newest_is_used.store(true, Ordering::Relaxed);
                    tracing::info!("the new certificate is in use");
                }
                Err(error) => {
                    self.reload_failures.fetch_add(1, Ordering::Relaxed);
                    self.newest_is_used.store(false, Ordering::Relaxed);
                    tracing::error!(%error, "the new certificate cannot be used; the old one stays");
                }
            }
        }
    }

    /// Uses a new pair from now on, when it is sound and valid now.
    fn take(&self, certificate: &[u8], key: &[u8]) -> Result<(), UnusablePair> {
        let pair = self.files.parse(certificate, key, &self.provider)?;
        if let Some(problem) = pair.validity.problem(self.clock.now()) {
            return Err(UnusablePair::NotValid { path: self.files.certificate.clone(), problem });
        }
        self.pair.store(Arc::new(pair));
        Ok(())
    }
}

/// Tells contents apart without keeping them.
pub(super) fn content(read: &Result<(Vec<u8>, Vec<u8>), UnusablePair>) -> Content {
    let hash = Sha256::new();
    match read {
        Ok((certificate, key)) => {
            let length = (certificate.len() as u64).to_be_bytes();
            hash.chain_update(length).chain_update(certificate).chain_update(key).finalize().into()
        }
        Err(error) => hash.chain_update(error.to_string()).finalize().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::CertificateFiles;
    use super::super::pair::tests::{Made, make};
    use super::*;
    use tollgate_domain::{Clock, Timestamp};

    /// 2026-03-01T12:00:00Z.
    struct March;

    impl Clock for March {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_772_366_400_000)
        }
    }

    struct Folder {
        _dir: tempfile::TempDir,
        files: CertificateFiles,
        tls: Arc<Tls>,
        seen: Seen,
    }

    impl Folder {
        fn new(made: &Made) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let files = CertificateFiles { certificate: dir.path().join("c"), key: dir.path().join("k") };
            std::fs::write(&files.certificate, &made.certificate).unwrap();
            std::fs::write(&files.key, &made.key).unwrap();
            let tls = Tls::open(files.clone(), Arc::new(March)).unwrap();
            let seen = tls.seen();
            Self { _dir: dir, files, tls, seen }
        }

        fn look(&mut self, times: usize) -> (u64, u64, bool) {
            (0..times).for_each(|_| self.tls.look(&mut self.seen));
            let stats = self.tls.stats();
            (stats.reloads, stats.reload_failures, stats.newest_is_used)
        }

        fn uses(&self, made: &Made) -> bool {
            let pem = made.certificate.as_bytes();
            let expected = self.files.parse(pem, made.key.as_bytes(), &self.tls.provider).unwrap();
            expected.certified.cert == self.tls.pair.load().certified.cert
        }
    }

    #[test]
    fn a_pair_is_taken_when_it_is_whole_and_a_bad_one_leaves_the_old_one_in_use() {
        let (first, second) = (make(2025, 2027, false), make(2025, 2028, false));
        let mut folder = Folder::new(&first);
        assert_eq!(folder.look(3), (0, 0, true), "nothing changed");
        std::fs::write(&folder.files.certificate, &second.certificate).unwrap();
        assert_eq!(folder.look(1), (0, 0, true), "one look is not enough: the key is still missing");
        std::fs::write(&folder.files.key, &second.key).unwrap();
        assert_eq!(folder.look(1), (0, 0, true));
        assert_eq!(folder.look(1), (1, 0, true));
        assert!(folder.uses(&second) && folder.tls.stats().not_after.is_some());

        std::fs::write(&folder.files.key, &first.key).unwrap();
        assert_eq!(folder.look(5), (1, 1, false), "a mismatch is told once");
        assert!(folder.uses(&second));
        std::fs::remove_file(&folder.files.key).unwrap();
        assert_eq!(folder.look(5), (1, 2, false));
        std::fs::write(&folder.files.key, &second.key).unwrap();
        assert_eq!(folder.look(2), (2, 2, true), "the pair of before is there again");

        let expired = make(2020, 2021, false);
        std::fs::write(&folder.files.certificate, &expired.certificate).unwrap();
        std::fs::write(&folder.files.key, &expired.key).unwrap();
        assert_eq!(folder.look(2), (2, 3, false));
        assert!(folder.uses(&second));
    }

    #[test]
    fn an_expired_certificate_is_served_at_the_start_rather_than_nothing() {
        let folder = Folder::new(&make(2020, 2021, false));
        assert!(folder.tls.stats().not_after.unwrap() < folder.tls.clock.now());
    }
}
