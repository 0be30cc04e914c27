//! The files of a directory as they change: reads them, swaps whole sets, keeps what last parsed.

use crate::set::SignalSet;
use crate::store::{Found, Loaded, load, scan};
use arc_swap::ArcSwap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_domain::Clock;

/// The signals of a directory. Clones are the same signals.
#[derive(Clone)]
pub struct Signals {
    shared: Arc<Shared>,
}

struct Shared {
    dir: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    current: ArcSwap<SignalSet>,
    /// The files behind the current set. Held during a reload, so that two of them do not cross; readers never take it.
    files: Mutex<Vec<Loaded>>,
    reloads: AtomicU64,
    failures: AtomicU64,
}

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// Files that were parsed and are now in use.
    pub loaded: Vec<String>,
    /// Files that were in use and are gone.
    pub removed: Vec<String>,
    /// Files that do not parse, and why; their last good version stays in use. The name is empty when the directory cannot be read.
    pub failed: Vec<(String, String)>,
}

impl ReloadReport {
    /// Whether another set is in use than before, or an error is new.
    pub fn is_change(&self) -> bool {
        *self != Self::default()
    }
}

impl Signals {
    /// The compiled-in rules alone.
    pub fn builtin(clock: Arc<dyn Clock>) -> Self {
        Self::of(None, clock)
    }

    /// The files of a directory. What is absent is served by the compiled-in rules or not at all; what does not parse
    /// stands in [`SignalSet::sources`] with its error.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Self {
        let signals = Self::of(Some(dir.to_owned()), clock);
        signals.reload();
        signals
    }

    fn of(dir: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let current = ArcSwap::from_pointee(SignalSet::new(&[], clock.now()));
        let (files, reloads, failures) = Default::default();
        Self { shared: Arc::new(Shared { dir, clock, current, files, reloads, failures }) }
    }

    /// The set in use. A request takes it once and keeps it, whatever is swapped meanwhile.
    pub fn current(&self) -> Arc<SignalSet> {
        self.shared.current.load_full()
    }

    /// The number of the set in use; cheaper than taking it, for loops that keep one.
    pub fn generation(&self) -> u64 {
        self.shared.current.load().generation()
    }

    /// How many files were loaded since the start.
    pub fn reloads(&self) -> u64 {
        self.shared.reloads.load(Ordering::Relaxed)
    }

    /// How many files did not parse since the start.
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// Parses the files that changed or failed last time, and swaps the set.
    pub fn reload(&self) -> ReloadReport {
        self.reload_where(|_, old| old.is_none_or(|old| old.source.error.is_some()))
    }

    /// As [`Self::reload`], but leaves changed files for later that `ready` does not want yet, and failed ones until they change.
    pub(crate) fn reload_ready(&self, ready: impl Fn(&Found) -> bool) -> ReloadReport {
        self.reload_where(|found, unchanged| unchanged.is_none() && ready(found))
    }

    /// Parses the files that `wanted` names; it is told the file's state when that is of this very version.
    fn reload_where(&self, wanted: impl Fn(&Found, Option<&Loaded>) -> bool) -> ReloadReport {
        let mut report = ReloadReport::default();
        let Some(dir) = &self.shared.dir else { return report };
        // A panic while holding it would leave the old list whole: it is assigned at the end.
        let mut files = self.shared.files.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match scan(dir) {
            Ok(found) => found,
            Err(error) => {
                report.failed.push((String::new(), error.to_string()));
                self.shared.failures.fetch_add(1, Ordering::Relaxed);
                return report;
            }
        };
        let next: Vec<_> =
            found.iter().filter_map(|found| self.next(dir, found, &files, &wanted, &mut report)).collect();
        let gone = files.iter().filter(|old| found.iter().all(|found| found.name != old.source.name));
        report.removed = gone.map(|old| old.source.name.clone()).collect();
        if report.is_change() {
            self.shared.reloads.fetch_add(report.loaded.len() as u64, Ordering::Relaxed);
            self.shared.failures.fetch_add(report.failed.len() as u64, Ordering::Relaxed);
            self.shared.current.store(Arc::new(SignalSet::new(&next, self.shared.clock.now())));
            log(&report);
            *files = next;
        }
        report
    }

    /// The state of one file after this reload; `None` for a new one that is not wanted yet.
    fn next(
        &self,
        dir: &Path,
        found: &Found,
        files: &[Loaded],
        wanted: impl Fn(&Found, Option<&Loaded>) -> bool,
        report: &mut ReloadReport,
    ) -> Option<Loaded> {
        let old = files.iter().find(|old| old.source.name == found.name);
        if !wanted(found, old.filter(|old| old.stamp == found.stamp)) {
            return old.cloned();
        }
        Some(match load(dir, found, old, self.shared.clock.now()) {
            Ok(loaded) => {
                report.loaded.push(found.name.clone());
                loaded
            }
            Err(failed) => {
                let (kept, error) = *failed;
                report.failed.push((found.name.clone(), error.to_string()));
                kept
            }
        })
    }

    /// The files that differ from those in use.
    pub(crate) fn changed(&self) -> Vec<Found> {
        let Some(found) = self.shared.dir.as_deref().and_then(|dir| scan(dir).ok()) else {
            return Vec::new();
        };
        let files = self.shared.files.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            |found: &Found| files.iter().any(|old| old.source.name == found.name && old.stamp == found.stamp);
        found.into_iter().filter(|found| !known(found)).collect()
    }
}

fn log(report: &ReloadReport) {
    for name in &report.loaded {
        tracing::info!(file = %name, "signals file loaded");
    }
    for name in &report.removed {
        tracing::warn!(file = %name, "signals file is gone; its facts are no longer known");
    }
    for (name, error) in &report.failed {
        tracing::warn!(file = %name, %error, "signals file does not parse; its last good version stays in use");
    }
}
