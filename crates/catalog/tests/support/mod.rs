//! What the catalog's tests share: a settable clock, repeatable randomness, a catalog in a temporary directory.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tollgate_catalog::init::{InitOptions, Initialised, initialise};
use tollgate_catalog::{Catalog, FILE_NAME};
use tollgate_domain::{Clock, Entropy, Timestamp};

/// Where the tests' time begins.
pub const START: i64 = 1_700_000_000_000;

pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes at every call, the same ones in every run.
pub struct TestEntropy(AtomicU64);

impl TestEntropy {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed << 32)))
    }
}

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64.
            let mut z = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A directory that `init` was run on.
pub struct Home {
    pub dir: tempfile::TempDir,
    pub clock: Arc<TestClock>,
    pub made: Initialised,
}

impl Home {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let made = initialise(dir.path(), &InitOptions::default(), clock.clone(), TestEntropy::new(1))
            .await
            .unwrap();
        Self { dir, clock, made }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join(FILE_NAME)
    }

    /// Another handle, as another process would have.
    pub async fn open(&self, seed: u64) -> Arc<Catalog> {
        open(&self.file(), self.clock.clone(), seed).await
    }
}

pub async fn open(file: &Path, clock: Arc<TestClock>, seed: u64) -> Arc<Catalog> {
    Arc::new(Catalog::open(file, clock, TestEntropy::new(seed)).await.unwrap())
}
