//! The checks of history.

use super::{Finding, Findings, Level};
use crate::compose::House;
use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tollgate_domain::Timestamp;
use tollgate_intake::Rejudged;
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{Inspection, Ledger};

/// Reads log and segments when nobody is writing them. Answers when the newest event arrived.
pub(super) fn look_over(
    root: &Path,
    holder: Option<&str>,
    all_sums: bool,
    findings: &mut Findings,
) -> Option<Timestamp> {
    if let Some(holder) = holder {
        let message = format!("not examined: {holder} is writing it; its /metrics say how it is");
        findings.add(Finding::new("ledger", Level::Note, message));
        return None;
    }
    let folder = data_dir::ledger(root);
    if !folder.is_dir() {
        findings.add(Finding::new("ledger", Level::Ok, "no events yet"));
        return None;
    }
    let disk = RealDisk::new(&folder).map_err(|error| error.to_string());
    match disk.and_then(|disk| Ledger::inspect(Arc::new(disk), all_sums).map_err(|error| error.to_string())) {
        Err(error) => {
            findings.add(Finding::new("ledger", Level::Wrong, error));
            None
        }
        Ok(found) => {
            report(&found, findings);
            found.newest_arrival
        }
    }
}

fn report(found: &Inspection, findings: &mut Findings) {
    let details = json!({
        "last_seq": found.last_seq, "log_rows": found.log_rows, "segments": found.segments,
        "segment_rows": found.segment_rows, "segment_bytes": found.segment_bytes, "torn_tail": found.torn_tail,
        "sums_bytes": found.rollup_bytes, "sums_compared": found.summed_up, "newest_arrival": found.newest_arrival.map(|at| at.to_string()),
    });
    let message = format!(
        "{} events; {} rows in {} segments ({} MiB), {} rows in the log",
        found.last_seq,
        found.segment_rows,
        found.segments,
        found.segment_bytes >> 20,
        found.log_rows
    );
    findings.add(Finding::new("ledger", Level::Ok, message).with(details));
    if found.torn_tail {
        let message = "the last write was not finished and never acknowledged; the next start cuts it";
        findings.add(Finding::new("ledger", Level::Note, message));
    }
    for damage in &found.damaged {
        findings.add(Finding::new("ledger", Level::Wrong, damage.clone()));
    }
}

/// Judges all of history again and compares.
pub(super) fn rejudge(config: &Config, root: &Path, findings: &mut Findings) {
    match judge_again(config, root) {
        Err(failure) => findings.add(Finding::new("rejudge", Level::Wrong, failure.message)),
        Ok(found) => {
            let level = if found.different == 0 { Level::Ok } else { Level::Wrong };
            let message = format!(
                "{} events judged again, {} imported ones counted, {} verdicts differ",
                found.judged, found.imported, found.different
            );
            let details = json!({
                "judged": found.judged, "imported": found.imported, "unknown": found.unknown,
                "different": found.different,
            });
            findings.add(Finding::new("rejudge", level, message).with(details));
            for one in &found.first {
                let message =
                    format!("seq {} ({}): stored {}, now {}", one.seq, one.id, one.stored, one.again);
                findings.add(Finding::new("rejudge", Level::Wrong, message));
            }
            if found.unknown > 0 {
                let message =
                    format!("{} events are of integrations that their configuration lacks", found.unknown);
                findings.add(Finding::new("rejudge", Level::Warning, message));
            }
        }
    }
}

fn judge_again(config: &Config, root: &Path) -> Result<Rejudged, Failure> {
    let house = House::open(config, DataDir::open(root, "doctor --rejudge")?)?;
    let catalog = house.catalog.clone();
    let found = house.intake.rejudge(|version| house.runtime.block_on(catalog.as_of(version)));
    let found = found.map_err(Failure::new);
    house.close();
    found
}
