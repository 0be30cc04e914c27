//! The checks of everything but history.

use super::{Finding, Findings, Level};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::config::Config;
use crate::data_dir;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tollgate_catalog::Catalog;
use tollgate_domain::{Clock, Timestamp, Trust};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_signals::Signals;

/// Data files older than this have changed upstream.
const STALE_DAYS: i64 = 90;
/// Free space below which something is wrong, and below which it is worth a warning.
const LITTLE: u64 = 256 << 20;
const SCARCE: u64 = 2 << 30;
/// How far the clock may lie before the newest event: callers' clocks are allowed as much.
const CLOCK_SLACK_MS: i64 = 5 * 60_000;
/// Before this Tollgate did not exist: 2025-01-01.
const EARLIEST: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// Whether `root` is a data directory, and who may read it.
pub(super) fn directory(root: &Path, findings: &mut Findings) -> bool {
    let shown = root.display();
    let mut wrong = |message: String| findings.add(Finding::new("directory", Level::Wrong, message));
    let metadata = match std::fs::metadata(root) {
        Err(error) => {
            wrong(format!("{shown} cannot be read: {error}"));
            return false;
        }
        Ok(metadata) => metadata,
    };
    let file = data_dir::catalog(root);
    let Ok(catalog) = std::fs::metadata(&file) else {
        wrong(format!("{shown} has no catalog; make one with `tollgate init --data-dir {shown}`"));
        return false;
    };
    for (path, mode) in [(root, metadata.permissions().mode()), (&file, catalog.permissions().mode())] {
        // The folder may be listed by others; the catalog must not be read by them.
        let open = if path == root { mode & 0o022 } else { mode & 0o077 };
        if open != 0 {
            let message = format!("{} is open to other users (mode {:o})", path.display(), mode & 0o777);
            findings.add(Finding::new("directory", Level::Warning, message));
        }
    }
    let found = format!("{shown} is a data directory");
    findings.add(Finding::new("directory", Level::Ok, found));
    true
}

/// Who is using the directory.
pub(super) fn lock(root: &Path, findings: &mut Findings) -> Option<String> {
    match data_dir::holder(root) {
        Ok(None) => {
            findings.add(Finding::new("lock", Level::Ok, "no process is using the directory"));
            None
        }
        Ok(Some(holder)) => {
            findings.add(Finding::new("lock", Level::Note, format!("in use by {holder}")));
            Some(holder)
        }
        Err(error) => {
            findings.add(Finding::new(
                "lock",
                Level::Wrong,
                format!("the lock file cannot be used: {error}"),
            ));
            Some("an unknown process".to_owned())
        }
    }
}

/// Whether the configuration can be read, and what it says that is worth knowing.
pub(super) fn catalog(config: &Config, root: &Path, findings: &mut Findings) {
    let checked = compose::runtime().map_err(|failure| failure.message).and_then(|runtime| {
        runtime.block_on(async {
            let file = data_dir::catalog(root);
            let catalog = Catalog::open(&file, Arc::new(SystemClock), Arc::new(SystemEntropy)).await;
            let catalog = catalog.map_err(|error| error.to_string())?;
            let problems = catalog.check().await.map_err(|error| error.to_string());
            let snapshot = catalog.snapshot();
            catalog.close().await;
            problems.map(|problems| (problems, snapshot))
        })
    });
    let (problems, snapshot) = match checked {
        Err(error) => return findings.add(Finding::new("catalog", Level::Wrong, error)),
        Ok(checked) => checked,
    };
    for problem in problems {
        findings.add(Finding::new("catalog", Level::Wrong, problem));
    }
    let (organizations, integrations) = (snapshot.organizations().count(), snapshot.integrations().count());
    let message =
        format!("{} revisions, {organizations} organizations, {integrations} integrations", snapshot.seq());
    let details =
        json!({"seq": snapshot.seq(), "organizations": organizations, "integrations": integrations});
    findings.add(Finding::new("catalog", Level::Ok, message).with(details));
    if config.listen.ip().is_loopback() {
        return;
    }
    for entry in snapshot.integrations().filter(|entry| entry.integration.trust == Trust::Open) {
        let message = format!(
            "integration {} has trust `open` on the public address {}: any caller may send addresses and postbacks",
            entry.integration.id, config.listen
        );
        findings.add(Finding::new("trust", Level::Warning, message));
    }
}

/// The data files, their age and what is wrong with them.
pub(super) fn signals(config: &Config, root: &Path, findings: &mut Findings) {
    let folder = compose::signals_dir(config, root);
    if !folder.is_dir() {
        let level = if config.signals_dir.is_some() { Level::Wrong } else { Level::Note };
        let message = format!("{} does not exist; the compiled-in rules serve", folder.display());
        return findings.add(Finding::new("signals", level, message));
    }
    let set = Signals::open(&folder, Arc::new(SystemClock)).current();
    let now = SystemClock.now();
    let mut files = 0;
    for source in set.sources().iter().filter(|source| source.error.is_some() || !source.sha256.is_empty()) {
        files += 1;
        let days = source.age_millis(now) / 86_400_000;
        let details = json!({
            "file": source.name, "kind": source.kind.name(), "version": source.version, "sha256": source.sha256,
            "licence": source.licence, "age_days": days, "entries": source.entries, "error": source.error,
            "notes": source.notes,
        });
        let (level, message) = match &source.error {
            Some(error) => (Level::Wrong, format!("{}: does not parse: {error}", source.name)),
            None => {
                let short = source.sha256.get(..12).unwrap_or_default();
                let about = format!(
                    "{}: version {}, {days} days old, {} entries, sha256 {short}…",
                    source.name, source.version, source.entries
                );
                (if days > STALE_DAYS { Level::Warning } else { Level::Ok }, about)
            }
        };
        findings.add(Finding::new("signals", level, message).with(details));
        for note in &source.notes {
            findings.add(Finding::new("signals", Level::Note, format!("{}: {note}", source.name)));
        }
    }
    if files == 0 {
        let message =
            format!("{} has no data files; the compiled-in rules serve (see `make data`)", folder.display());
        findings.add(Finding::new("signals", Level::Note, message));
    }
}

/// Whether the machine's clock can be right.
pub(super) fn clock(newest: Option<Timestamp>, findings: &mut Findings) {
    let now = SystemClock.now();
    let details = json!({"now": now.to_string(), "newest_arrival": newest.map(|newest| newest.to_string())});
    let finding = match newest {
        _ if now < EARLIEST => Finding::new("clock", Level::Wrong, format!("the clock says {now}")),
        Some(newest) if newest > now.plus_millis(CLOCK_SLACK_MS) => {
            let message = format!("the clock says {now}, but an event arrived at {newest}");
            Finding::new("clock", Level::Wrong, message)
        }
        _ => Finding::new("clock", Level::Ok, format!("{now}")),
    };
    findings.add(finding.with(details));
}

/// Whether there is room.
pub(super) fn disk(root: &Path, findings: &mut Findings) {
    let free = RealDisk::new(root).and_then(|disk| disk.free_bytes());
    match free {
        Err(error) => findings.add(Finding::new("disk", Level::Wrong, error.to_string())),
        Ok(free) => {
            let level = match free {
                ..LITTLE => Level::Wrong,
                LITTLE..SCARCE => Level::Warning,
                SCARCE.. => Level::Ok,
            };
            let message = format!("{} MiB free", free >> 20);
            findings.add(Finding::new("disk", level, message).with(json!({"free_bytes": free})));
        }
    }
}
