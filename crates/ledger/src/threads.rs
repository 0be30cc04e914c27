//! The ledger's background threads: one commits, one keeps log files ready, one seals, one merges, one reads the newest
//! rows into memory. Sealing runs at idle priority until the backlog grows, and the last two always do, so that commits do
//! not wait for them.

use crate::ledger::{Ledger, LedgerError, lock};
use crate::merge_plan::Watch;
use crate::rollup::Care;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Called with the reason when the ledger cannot go on; it must end the process and not return (L6).
pub type OnFatal = Arc<dyn Fn(&LedgerError) + Send + Sync>;

/// The running threads. [`Running::stop`] ends them in order.
pub struct Running {
    ledger: Ledger,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

const KEEP_EVERY: Duration = Duration::from_millis(20);
const RETRY_FULL: Duration = Duration::from_secs(2);
/// How often it is asked whether segments are to be merged.
const MERGE_EVERY: Duration = Duration::from_secs(2);
/// How often it is asked whether the newest rows are to be read into memory again.
const NEAR_EVERY: Duration = Duration::from_secs(1);
/// How long merging waits after it met a full disk.
const MERGE_AFTER_FULL: Duration = Duration::from_secs(60);
/// Rows of one sealing: bounds its memory, and the rows of a segment.
const SEAL_AT_MOST: u64 = 524_288;
/// Bytes of rows of one sealing.
const SEAL_BYTES: u64 = 256 << 20;
/// How long a commit waits for more rows: so much for each row of the commit before, up to a limit. A sync costs the same
/// for one row as for a hundred, so under load fewer and larger commits leave more of the machine for events, and a
/// lone event never waits.
const GATHER_PER_ROW: Duration = Duration::from_micros(20);
const GATHER_AT_LEAST: Duration = Duration::from_micros(100);
const GATHER_AT_MOST: Duration = Duration::from_millis(1);

impl Ledger {
    /// Starts committing, keeping, sealing, merging, and keeping the newest rows in memory.
    pub fn start(&self, on_fatal: OnFatal) -> std::io::Result<Running> {
        // A ledger is started once; whom a second start names is called by its own threads.
        let _ = self.0.on_fatal.set(on_fatal.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for (name, work) in [
            ("ledger-commit", Self::commit_loop as Loop),
            ("ledger-keep", Self::keep_loop),
            ("ledger-seal", Self::seal_loop),
            ("ledger-merge", Self::merge_loop),
            ("ledger-near", Self::near_loop),
        ] {
            let (ledger, stop, on_fatal) = (self.clone(), stop.clone(), on_fatal.clone());
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                // A dead thread must not look like a slow one: without it nothing is ever answered or sealed again.
                let work = || work(&ledger, &stop);
                let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(LedgerError::Panicked(name)));
                if let Err(error) = result {
                    on_fatal(&error);
                }
            })?;
            threads.push(thread);
        }
        Ok(Running { ledger: self.clone(), stop, threads })
    }

    fn commit_loop(&self, stop: &AtomicBool) -> Result<(), LedgerError> {
        let mut before = self.committed();
        let mut rows = 0;
        loop {
            let pending = lock(&self.0.pending);
            if pending.is_empty() {
                if stop.load(Ordering::Acquire) && pending.is_idle() {
                    return Ok(());
                }
                let waited = self.0.work.wait_timeout(pending, Duration::from_millis(100));
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                continue;
            }
            drop(pending);
            if let Some(time) = gathering(rows) {
                std::thread::sleep(time);
            }
            self.commit()?;
            let committed = self.committed();
            rows = committed - before;
            before = committed;
        }
    }

    fn keep_loop(&self, stop: &AtomicBool) -> Result<(), LedgerError> {
        while !stop.load(Ordering::Acquire) {
            match self.keep() {
                Err(error) if error.is_full_disk() => std::thread::sleep(RETRY_FULL),
                result => result?,
            }
            std::thread::sleep(KEEP_EVERY);
        }
        Ok(())
    }

    /// Gives back log files that nothing needs, and makes new ones ready. A full disk may be tried again later.
    pub fn keep(&self) -> Result<(), LedgerError> {
        let spare_files = if self.erase()? { 0 } else { self.0.options.spare_files };
        loop {
            let upto = lock(&self.0.books).sealed_seq().min(self.0.checkpointed.load(Ordering::Acquire));
            let Some(work) = lock(&self.0.log).begin_recycle(upto, spare_files) else { break };
            let spare = work.run()?;
            lock(&self.0.log).recycled(spare);
        }
        self.prepare(self.0.options.prepare_ahead)
    }

    fn seal_loop(&self, stop: &AtomicBool) -> Result<(), LedgerError> {
        let mut urgent = None;
        while !stop.load(Ordering::Acquire) {
            std::thread::sleep(KEEP_EVERY);
            if !self.seal_is_due() {
                continue;
            }
            let behind = self.unsealed_rows() > 4 * self.0.options.seal_rows;
            if urgent != Some(behind) {
                set_idle_priority(!behind);
                urgent = Some(behind);
            }
            match self.seal(self.rows_at_once()) {
                Err(error) if error.is_full_disk() => {
                    tracing::warn!(%error, "sealing waits for space");
                    // Sealing is what frees the log, so it may have what the log kept for later.
                    if !lock(&self.0.log).drop_spare()? {
                        std::thread::sleep(RETRY_FULL);
                    }
                }
                Ok(None) => std::thread::sleep(RETRY_FULL),
                result => {
                    result?;
                }
            }
        }
        Ok(())
    }

    fn merge_loop(&self, stop: &AtomicBool) -> Result<(), LedgerError> {
        set_idle_priority(true);
        let (mut watch, mut care) = (Watch::default(), Care::default());
        while !stop.load(Ordering::Acquire) {
            let done = match self.merge_due(&mut watch, stop) {
                Ok(false) => self.care_for_sums(&mut care, &|| !stop.load(Ordering::Acquire)),
                merged => merged,
            };
            let pause = match done {
                Err(error) if error.is_full_disk() => {
                    tracing::warn!(%error, "merging waits for space");
                    MERGE_AFTER_FULL
                }
                done => {
                    if done? {
                        Duration::ZERO
                    } else {
                        MERGE_EVERY
                    }
                }
            };
            pause_unless(stop, pause);
        }
        Ok(())
    }

    fn near_loop(&self, stop: &AtomicBool) -> Result<(), LedgerError> {
        set_idle_priority(true);
        let mut filled = None;
        self.warm_footers(&|| !stop.load(Ordering::Acquire));
        while !stop.load(Ordering::Acquire) {
            if filled != Some(self.near_cleared()) {
                let go_on = || !stop.load(Ordering::Acquire);
                filled = Some(self.fill_near(&go_on));
            }
            pause_unless(stop, NEAR_EVERY);
        }
        Ok(())
    }

    /// Rows of one sealing, so that they have at most [`SEAL_BYTES`] as rows go at the moment.
    fn rows_at_once(&self) -> u64 {
        let bytes = self.0.open_bytes.load(Ordering::Relaxed);
        let row = bytes / self.unsealed_rows().max(1);
        (SEAL_BYTES / row.max(1)).clamp(1, SEAL_AT_MOST)
    }

    fn seal_is_due(&self) -> bool {
        let options = &self.0.options;
        let open = lock(&self.0.open);
        self.unsealed_rows() >= options.seal_rows
            || open.rows.bytes() as u64 >= options.seal_bytes
            || open.since.is_some_and(|since| since.elapsed() >= options.seal_age)
    }
}

/// How long the next commit waits for more rows after one of `rows`.
fn gathering(rows: u64) -> Option<Duration> {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    let time = GATHER_PER_ROW.saturating_mul(rows).min(GATHER_AT_MOST);
    (time >= GATHER_AT_LEAST).then_some(time)
}

/// Sleeps, until it is to stop.
fn pause_unless(stop: &AtomicBool, pause: Duration) {
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::Acquire) {
        let nap = left.min(KEEP_EVERY);
        std::thread::sleep(nap);
        left -= nap;
    }
}

type Loop = fn(&Ledger, &AtomicBool) -> Result<(), LedgerError>;

/// Lets the calling thread, and threads that it starts from then on, run only when others leave room; or like any other.
pub fn set_idle_priority(idle: bool) {
    let parameters = libc::sched_param { sched_priority: 0 };
    let policy = if idle { libc::SCHED_IDLE } else { libc::SCHED_OTHER };
    // SAFETY: a plain system call on the calling thread; a failure leaves the priority as it was, which is harmless.
    #[allow(unsafe_code)]
    unsafe {
        libc::sched_setscheduler(0, policy, &parameters);
    }
}

impl Running {
    /// Admits nothing more, makes durable what was admitted, and ends the threads.
    pub fn stop(self) {
        lock(&self.ledger.0.pending).closing = true;
        self.stop.store(true, Ordering::Release);
        self.ledger.0.work.notify_all();
        for thread in self.threads {
            // A panicked thread has reported itself.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_event_never_waits_and_none_waits_long() {
        assert_eq!(gathering(0), None);
        assert_eq!(gathering(4), None);
        assert_eq!(gathering(10), Some(Duration::from_micros(200)));
        assert_eq!(gathering(u64::MAX), Some(GATHER_AT_MOST));
    }
}
