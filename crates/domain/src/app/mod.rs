//! Apps: what publishers show ads in. The values of an app and the rules between them; what a request may change stands
//! in [`AppChange`]. Nothing here knows who asks or how the answer is written.

mod change;
mod platform;
mod publishing;
mod store;
mod test_mode;
#[cfg(test)]
mod tests;

pub use change::{AppChange, NewApp};
pub use platform::{Orientation, Platform};
pub use publishing::{Decision, PublishingApplication, PublishingStatus};
pub use store::{BUNDLE_ID_PATTERN, STORE_URL_PATTERN, is_bundle_id, is_store_url};
pub use test_mode::{MAX_TEST_MODE_MINUTES, TestMode};

use crate::{AppId, AppSignature, Timestamp};
use serde::{Deserialize, Serialize};

/// What the last look at the developer's app-ads.txt found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppAdsTxtStatus {
    /// The file has the operator's seller lines.
    Verified,
    /// There is no such file.
    Missing,
    /// The file lacks a seller line.
    Mismatch,
    /// The server did not answer as it should.
    Unreachable,
}

impl AppAdsTxtStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Verified, Self::Missing, Self::Mismatch, Self::Unreachable];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Missing => "missing",
            Self::Mismatch => "mismatch",
            Self::Unreachable => "unreachable",
        }
    }
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its public id, unique over all organizations.
    pub id: AppId,
    /// What its code signs requests with.
    pub signature: AppSignature,
    /// What its makers call it, 1 to 255 characters.
    pub nickname: String,
    /// Its name in the store, 1 to 255 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Address of its icon in the store.
    #[serde(default)]
    pub icon: Option<String>,
    /// Where it runs; never changes.
    pub platform: Platform,
    /// One or two, in the order they were given, without duplicates.
    pub orientations: Vec<Orientation>,
    /// One of `orientations`.
    pub default_orientation: Orientation,
    /// Whether it is in the store. Never goes back to false.
    pub is_live: bool,
    /// Its id in the store: a number on iOS, a package on Android, an ASIN at Amazon. There when live.
    #[serde(default)]
    pub store_app_id: Option<String>,
    /// Its page in the store. There when live.
    #[serde(default)]
    pub store_app_url: Option<String>,
    /// Its bundle or package in the store. There when live.
    #[serde(default)]
    pub store_bundle_id: Option<String>,
    /// Whether it gets test ads, and until when.
    pub test_mode: TestMode,
    /// COPPA: whether it is directed at kids under 13.
    pub is_directed_at_kids_under_13: bool,
    /// Whether an event of it was ever seen.
    #[serde(default)]
    pub is_sdk_active: bool,
    /// Whether it may earn, and who said so.
    pub publishing_application: PublishingApplication,
    /// The host whose app-ads.txt speaks for it.
    #[serde(default)]
    pub developer_domain: Option<String>,
    /// What that file said when it was last looked at.
    #[serde(default)]
    pub app_ads_txt_status: Option<AppAdsTxtStatus>,
}

impl App {
    /// Most characters of a nickname and of a name.
    pub const NAME_LENGTH: usize = 255;

    /// Whether its events earn: it is approved and not in test mode.
    pub fn earns(&self, now: Timestamp) -> bool {
        self.publishing_application.status == PublishingStatus::Approved && !self.test_mode.is_on(now)
    }
}
