//! What an import says about itself: while it runs, at its end, and when it cannot go on.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use tollgate_domain::{Event, EventKind, IntegrationId, Invalid, Number, Status, Text};
use tollgate_ledger::Refused;
use tollgate_ledger::scan::ScanError;

/// Which of its two readings an import is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Lines are checked; counted in bytes.
    Checking,
    /// Events are judged; counted in events.
    Judging,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number in the file, from 1.
    pub line: u64,
    /// Why.
    pub cause: String,
    /// The line itself, without its end.
    pub text: Vec<u8>,
}

/// Who watches an import.
pub trait Observer {
    /// It got further. `Break` ends it; what was stored stays.
    fn progress(&mut self, progress: Progress) -> ControlFlow<()>;
    /// A line is refused. Called in the order of the file.
    fn refused(&mut self, line: &RefusedLine) -> io::Result<()>;
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Lines with something in them, the header aside.
    pub lines: u64,
    /// Clicks that were stored.
    pub clicks: u64,
    /// Conversions that were stored.
    pub conversions: u64,
    /// Impressions that were stored.
    pub impressions: u64,
    /// Events that had been stored before.
    pub already_there: u64,
    /// Of the stored ones, how many were approved.
    pub approved: u64,
    /// Of the stored ones, how many were rejected, by primary reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rejections that were recorded and not enforced (monitoring mode), by primary reason.
    pub monitored: BTreeMap<String, u64>,
    /// Lines that were refused.
    pub refused: u64,
}

impl Summary {
    /// Events that were stored.
    pub fn stored(&self) -> u64 {
        self.clicks + self.conversions + self.impressions
    }

    /// Counts an event that was stored.
    pub(super) fn count(&mut self, event: &Event) {
        match event.kind {
            EventKind::Click => self.clicks += 1,
            EventKind::Conversion => self.conversions += 1,
            EventKind::Impression => self.impressions += 1,
        }
        if event.status() != Some(Status::Rejected) {
            self.approved += 1;
            return;
        }
        let monitored = event.flag(Number::MonitoringMode);
        let reasons = if monitored { &mut self.monitored } else { &mut self.rejected };
        let primary = event.text(Text::Rejections).and_then(|json| json.split('"').nth(1)).unwrap_or("OTHER");
        match reasons.get_mut(primary) {
            Some(count) => *count += 1,
            None => drop(reasons.insert(primary.to_owned(), 1)),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |f: &mut fmt::Formatter<'_>, count: u64, what: &str| {
            writeln!(f, "{:>12}  {what}", grouped(count))
        };
        figure(f, self.lines, "lines read")?;
        for (count, what) in [
            (self.clicks, "clicks stored"),
            (self.conversions, "conversions stored"),
            (self.impressions, "impressions stored"),
        ] {
            if count > 0 || (self.stored() == 0 && what.starts_with("clicks")) {
                figure(f, count, what)?;
            }
        }
        figure(f, self.already_there, "already there, left as they are")?;
        figure(f, self.approved, "approved")?;
        figure(f, self.rejected.values().sum(), "rejected")?;
        for (reason, count) in &self.rejected {
            figure(f, *count, &format!("  {reason}"))?;
        }
        if !self.monitored.is_empty() {
            let what = "would be rejected (monitoring mode: recorded, not enforced)";
            figure(f, self.monitored.values().sum(), what)?;
            for (reason, count) in &self.monitored {
                figure(f, *count, &format!("  {reason}"))?;
            }
        }
        figure(f, self.refused, "lines refused")
    }
}

/// `1234567` as `1,234,567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Why an import could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such integration.
    #[error("there is no integration {0}")]
    UnknownIntegration(IntegrationId),
    /// An inactive integration imports no conversion.
    #[error("integration {0} is inactive: it imports no conversions")]
    Inactive(IntegrationId),
    /// What was asked for contradicts itself or the file's header.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[source] io::Error),
    /// A quote is opened and never closed.
    #[error("line {line} opens a quote that is not closed within {limit} bytes")]
    Endless {
        /// The record's first line.
        line: u64,
        /// How long a record may be.
        limit: usize,
    },
    /// A line that was legal when it was checked is not any more.
    #[error("line {line} changed while the file was read")]
    Changed {
        /// Its number.
        line: u64,
    },
    /// Whoever watched it ended it.
    #[error("the import was ended; importing the file again goes on from there")]
    Ended,
    /// Refused lines cannot be written down.
    #[error("the refused lines cannot be written down: {0}")]
    Rejects(#[source] io::Error),
    /// The ledger takes nothing more.
    #[error("{0}; what the summary counts is stored, and importing the file again goes on from there")]
    Refused(Refused),
    /// History cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// An import that ended before the file's end, and what was stored by then.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failed {
    /// Why.
    #[source]
    pub error: ImportError,
    /// What was stored.
    pub summary: Summary,
}
