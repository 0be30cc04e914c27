//! Test mode: it is off, on, or on until an instant.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// Most minutes a test mode can be asked to last: about 4,000 years.
pub const MAX_TEST_MODE_MINUTES: u32 = i32::MAX as u32;
const MINUTE_MS: i64 = 60_000;

/// Whether an app gets test ads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum TestMode {
    /// No.
    #[default]
    Off,
    /// Yes, until someone ends it.
    On,
    /// Yes, until it runs out.
    Until {
        /// The first instant at which it is off.
        end: Timestamp,
        /// The minutes that were asked for.
        minutes: u32,
    },
}

impl TestMode {
    /// On for so many minutes from now, or without an end.
    pub fn on(now: Timestamp, minutes: Option<u32>) -> Self {
        match minutes {
            None => Self::On,
            Some(minutes) => Self::Until { end: now.plus_millis(i64::from(minutes) * MINUTE_MS), minutes },
        }
    }

    /// Whether it is on.
    pub fn is_on(self, now: Timestamp) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Until { end, .. } => now < end,
        }
    }

    /// The minutes that were asked for, while it is on.
    pub fn duration(self, now: Timestamp) -> Option<u32> {
        match self {
            Self::Until { minutes, .. } if self.is_on(now) => Some(minutes),
            _ => None,
        }
    }

    /// What becomes of it: `on` and `minutes` as a request gave them, `Some(None)` being a null.
    pub(super) fn changed(self, on: Option<bool>, minutes: Option<Option<u32>>, now: Timestamp) -> Self {
        match (on, minutes) {
            (Some(false), _) => Self::Off,
            (Some(true), minutes) => Self::on(now, minutes.flatten()),
            (None, Some(minutes)) if self.is_on(now) => Self::on(now, minutes),
            (None, _) => self,
        }
    }
}
