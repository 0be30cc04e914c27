//! What a statement says of events that were deleted at a person's request: figures are without them.

use super::Statement;
use super::late::local_day;
use crate::privacy::Certificate;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fmt;
use tollgate_domain::{Day, Timestamp};

/// Events of one kind that were deleted on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The day, in the statement's zone.
    pub on: Day,
    /// `click`, `conversion` or `impression`.
    pub kind: String,
    /// The UTC day of the oldest.
    pub first: Day,
    /// The UTC day of the newest.
    pub last: Day,
    /// How many.
    pub events: u64,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s of {} to {} (UTC), deleted on {}", self.kind, self.first, self.last, self.on)
    }
}

impl Statement {
    /// The same, saying what was deleted that may have been counted by it: since its first day, of events up to its last.
    #[must_use]
    pub fn with_deletions(self, certificates: &[Certificate]) -> Self {
        let Ok(zone) = TimeZone::get(&self.request.zone) else { return self };
        let mut all: BTreeMap<(Day, String), Forgotten> = BTreeMap::new();
        for certificate in certificates {
            // Of one that did not come to its end the events are gone nevertheless.
            let at = certificate.completed_at.as_ref().unwrap_or(&certificate.requested_at);
            let at = Timestamp::parse("completed_at", at).ok();
            let Some(on) = at.and_then(|at| local_day(at, &zone)) else { continue };
            for deleted in &certificate.deleted {
                let day = |text: &str| Day::parse("day", text).ok();
                let Some((first, last)) = day(&deleted.first_day).zip(day(&deleted.last_day)) else {
                    continue;
                };
                // A UTC day may begin before the zone's.
                if on < self.request.first || first.number() > self.request.last.number() + 1 {
                    continue;
                }
                let (kind, events) = (deleted.kind.clone(), deleted.events);
                let one = Forgotten { on, kind, first, last, events: 0 };
                let sum = all.entry((on, deleted.kind.clone())).or_insert(one);
                (sum.first, sum.last) = (sum.first.min(first), sum.last.max(last));
                sum.events += events;
            }
        }
        Self { forgotten: all.into_values().collect(), ..self }
    }
}
