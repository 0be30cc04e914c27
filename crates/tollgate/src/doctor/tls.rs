//! The check of the certificate.

use super::{Finding, Findings, Level};
use crate::config::Config;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use tollgate_domain::Timestamp;

/// Days before the end from which on it is worth a warning: certificates are renewed earlier.
const SOON_DAYS: i64 = 21;
const DAY_MILLIS: i64 = 86_400_000;

/// Whether the certificate can be used with its key, and for how long.
pub(super) fn certificate(config: &Config, now: Timestamp, findings: &mut Findings) {
    let Some(tls) = &config.tls else { return };
    let shown = tls.files.certificate.display();
    let validity = match tls.files.inspect() {
        Err(error) => return findings.add(Finding::new("tls", Level::Wrong, error.to_string())),
        Ok(validity) => validity,
    };
    let (level, message) = match (validity.problem(now), validity.not_after) {
        (Some(problem), _) => (Level::Wrong, format!("{shown}: {problem}")),
        (None, None) => (Level::Note, format!("{shown}: it cannot be told when it expires")),
        (None, Some(at)) => {
            let days = (at.millis() - now.millis()) / DAY_MILLIS;
            let level = if days < SOON_DAYS { Level::Warning } else { Level::Ok };
            (level, format!("{shown}: matches its key, expires in {days} days, at {at}"))
        }
    };
    let details = json!({"not_after": validity.not_after.map(|at| at.to_string())});
    findings.add(Finding::new("tls", level, message).with(details));
    let mode = std::fs::metadata(&tls.files.key).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o007 != 0 {
        let key = tls.files.key.display();
        let message = format!("the key in {key} can be read by every user (mode {:o})", mode & 0o777);
        findings.add(Finding::new("tls", Level::Warning, message));
    }
}
