//! The contract suite on every backend there is.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tollgate_domain::{Entropy, TxIdKey};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::sim::SimDisk;
use tollgate_ledger::{Ledger, Options, contract};

struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn check(disk: Arc<dyn Disk>) {
    let entropy = Arc::new(Counting(AtomicU8::new(1)));
    let options = Options { log_file_bytes: 1 << 20, ..Options::default() };
    contract::check(&mut || {
        let opened = Ledger::open(
            disk.clone(),
            entropy.clone(),
            TxIdKey([3; 16]),
            options.clone(),
            u64::MAX,
            &mut |_| {},
        );
        opened.unwrap().0
    });
}

#[test]
fn on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    check(Arc::new(RealDisk::new(dir.path()).unwrap()));
}

#[test]
fn on_a_simulated_disk() {
    check(Arc::new(SimDisk::new(1, 64 << 20)));
}
