//! The examination of a data directory: each check says what it found, nothing is changed.

mod checks;
mod ledger;
mod tls;

use crate::clock::SystemClock;
use crate::config::Config;
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use tollgate_domain::Clock;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// All is well.
    Ok,
    /// Something to know.
    Note,
    /// Something to look after.
    Warning,
    /// Something is wrong.
    Wrong,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    check: &'static str,
    level: Level,
    message: String,
    /// Figures for machines.
    details: Value,
}

impl Finding {
    fn new(check: &'static str, level: Level, message: impl Into<String>) -> Self {
        Self { check, level, message: message.into(), details: Value::Null }
    }

    fn with(self, details: Value) -> Self {
        Self { details, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<10} {}", self.level.name(), self.check, self.message)
    }
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.level != Level::Wrong)
    }

    /// As one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        let finding = |finding: &Finding| {
            let mut object =
                json!({"check": finding.check, "level": finding.level.name(), "message": finding.message});
            if !finding.details.is_null() {
                object["details"] = finding.details.clone();
            }
            object
        };
        json!({"ok": self.is_well(), "findings": self.0.iter().map(finding).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.0 {
            writeln!(f, "{finding}")?;
        }
        let wrong = self.0.iter().filter(|finding| finding.level == Level::Wrong).count();
        match wrong {
            0 => writeln!(f, "Nothing is wrong."),
            1 => writeln!(f, "One thing is wrong."),
            many => writeln!(f, "{many} things are wrong."),
        }
    }
}

/// What is examined beside what always is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Further {
    /// Judge all of history again.
    pub(crate) rejudge: bool,
    /// Compare all sums that are kept with the events, and not some of them.
    pub(crate) sums: bool,
}

/// Examines the data directory at `root`.
pub(crate) fn examine(config: &Config, root: &Path, further: Further) -> Findings {
    let mut findings = Findings::default();
    if !checks::directory(root, &mut findings) {
        return findings;
    }
    let holder = checks::lock(root, &mut findings);
    checks::catalog(config, root, &mut findings);
    let newest = ledger::look_over(root, holder.as_deref(), further.sums, &mut findings);
    checks::signals(config, root, &mut findings);
    tls::certificate(config, SystemClock.now(), &mut findings);
    checks::clock(newest, &mut findings);
    checks::disk(root, &mut findings);
    if further.rejudge {
        ledger::rejudge(config, root, &mut findings);
    }
    findings
}
