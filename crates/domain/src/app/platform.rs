//! Where an app runs and how it can be held.

use serde::{Deserialize, Serialize};

/// The store an app comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Google Play.
    Android,
    /// Apple's App Store.
    Ios,
    /// Amazon's Appstore.
    Amazon,
}

impl Platform {
    /// Every platform with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("android", Self::Android), ("ios", Self::Ios), ("amazon", Self::Amazon)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Amazon => "amazon",
        }
    }
}

/// A way to hold the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// Wide.
    Landscape,
    /// High.
    Portrait,
}

impl Orientation {
    /// Both with their names on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("landscape", Self::Landscape), ("portrait", Self::Portrait)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Landscape => "landscape",
            Self::Portrait => "portrait",
        }
    }
}
