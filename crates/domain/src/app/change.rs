//! What a request says about an app, and the rules across its fields. A creation and the result of a change are judged by
//! the same rules, and every violated one is named.

use super::{App, Orientation, Platform, PublishingApplication, TestMode, is_bundle_id, is_store_url};
use crate::{AppId, AppSignature, Invalid, Timestamp};

/// Fields of a request. `None` is a field that was not given (or could not be read); where a null means something,
/// `Some(None)` is that null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppChange {
    /// 1 to 255 characters.
    pub nickname: Option<String>,
    /// 1 to 255 characters.
    pub name: Option<Option<String>>,
    /// Read on creation only.
    pub platform: Option<Platform>,
    /// One or two, without duplicates.
    pub orientations: Option<Vec<Orientation>>,
    /// One of the orientations.
    pub default_orientation: Option<Option<Orientation>>,
    /// Whether it is in the store.
    pub is_live: Option<bool>,
    /// Its id in the store.
    pub store_app_id: Option<Option<String>>,
    /// Its page in the store.
    pub store_app_url: Option<Option<String>>,
    /// Its bundle in the store.
    pub store_bundle_id: Option<Option<String>>,
    /// Whether it is to get test ads.
    pub is_test_mode_on: Option<bool>,
    /// For how many minutes, 1 to [`super::MAX_TEST_MODE_MINUTES`].
    pub test_mode_duration: Option<Option<u32>>,
    /// COPPA.
    pub is_directed_at_kids_under_13: Option<bool>,
}

/// What an app gets that no request says.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// A new id.
    pub id: AppId,
    /// A new signature.
    pub signature: AppSignature,
    /// Its review.
    pub publishing_application: PublishingApplication,
    /// When it is made.
    pub now: Timestamp,
}

impl AppChange {
    /// The app that this creates, or every violated rule.
    pub fn create(&self, new: NewApp) -> Result<App, Vec<Invalid>> {
        let violated = self.violations(None);
        let (
            Some(nickname),
            Some(platform),
            Some(orientations),
            Some(is_live),
            Some(is_test_mode_on),
            Some(is_directed_at_kids_under_13),
            Some(default_orientation),
        ) = (
            self.nickname.clone(),
            self.platform,
            self.orientations.clone(),
            self.is_live,
            self.is_test_mode_on,
            self.is_directed_at_kids_under_13,
            self.default_among(self.orientations.as_deref().unwrap_or_default(), None),
        )
        else {
            return Err(violated);
        };
        if !violated.is_empty() {
            return Err(violated);
        }
        let minutes = self.test_mode_duration;
        Ok(App {
            id: new.id,
            signature: new.signature,
            nickname,
            name: self.name.clone().flatten(),
            icon: None,
            platform,
            orientations,
            default_orientation,
            is_live,
            store_app_id: self.store_app_id.clone().flatten(),
            store_app_url: self.store_app_url.clone().flatten(),
            store_bundle_id: self.store_bundle_id.clone().flatten(),
            test_mode: TestMode::Off.changed(Some(is_test_mode_on), minutes, new.now),
            is_directed_at_kids_under_13,
            is_sdk_active: false,
            publishing_application: new.publishing_application,
            developer_domain: None,
            app_ads_txt_status: None,
        })
    }

    /// `app` after this change, or every violated rule.
    pub fn apply(&self, app: &App, now: Timestamp) -> Result<App, Vec<Invalid>> {
        let violated = self.violations(Some(app));
        if !violated.is_empty() {
            return Err(violated);
        }
        let orientations = self.orientations.as_ref().unwrap_or(&app.orientations);
        let change = self.clone();
        Ok(App {
            nickname: change.nickname.unwrap_or_else(|| app.nickname.clone()),
            name: change.name.unwrap_or_else(|| app.name.clone()),
            default_orientation: self
                .default_among(orientations, Some(app.default_orientation))
                .unwrap_or(app.default_orientation),
            orientations: orientations.clone(),
            is_live: self.is_live.unwrap_or(app.is_live),
            store_app_id: change.store_app_id.unwrap_or_else(|| app.store_app_id.clone()),
            store_app_url: change.store_app_url.unwrap_or_else(|| app.store_app_url.clone()),
            store_bundle_id: change.store_bundle_id.unwrap_or_else(|| app.store_bundle_id.clone()),
            test_mode: app.test_mode.changed(self.is_test_mode_on, self.test_mode_duration, now),
            is_directed_at_kids_under_13: self
                .is_directed_at_kids_under_13
                .unwrap_or(app.is_directed_at_kids_under_13),
            ..app.clone()
        })
    }

    /// Every rule that this breaks as a creation, or as a change of `old`. Rules about fields that are not known are not
    /// judged, but on creation a required field that is not known is a violation.
    pub fn violations(&self, old: Option<&App>) -> Vec<Invalid> {
        let mut violated = Vec::new();
        if old.is_none() {
            self.require_all(&mut violated);
        }
        self.judge_orientations(old, &mut violated);
        self.judge_store(old, &mut violated);
        violated
    }

    fn require_all(&self, violated: &mut Vec<Invalid>) {
        let required = [
            ("nickname", self.nickname.is_some()),
            ("platform", self.platform.is_some()),
            ("orientations", self.orientations.is_some()),
            ("is_live", self.is_live.is_some()),
            ("is_test_mode_on", self.is_test_mode_on.is_some()),
            ("is_directed_at_kids_under_13", self.is_directed_at_kids_under_13.is_some()),
        ];
        let missing = required.iter().filter(|(_, given)| !given);
        violated.extend(missing.map(|(name, _)| Invalid::coded(*name, "must be given", "missing")));
    }

    fn judge_orientations(&self, old: Option<&App>, violated: &mut Vec<Invalid>) {
        let Some(orientations) = self.orientations.as_deref().or(old.map(|app| &*app.orientations)) else {
            return;
        };
        match self.default_orientation {
            Some(Some(default)) if !orientations.contains(&default) => {
                let message = "must be one of the app's orientations";
                violated.push(Invalid::new("default_orientation", message));
            }
            _ if self.default_among(orientations, old.map(|app| app.default_orientation)).is_none() => {
                let message = "must be given when there are two orientations";
                violated.push(Invalid::coded("default_orientation", message, "missing"));
            }
            _ => {}
        }
    }

    /// The orientation that is the default among `orientations`: the one that is asked for, the stored one where the
    /// request does not say, the only one.
    fn default_among(
        &self,
        orientations: &[Orientation],
        stored: Option<Orientation>,
    ) -> Option<Orientation> {
        match (self.default_orientation, orientations) {
            (Some(Some(default)), _) => Some(default),
            (_, [only]) => Some(*only),
            (None, _) => stored,
            (Some(None), _) => None,
        }
    }

    fn judge_store(&self, old: Option<&App>, violated: &mut Vec<Invalid>) {
        let is_live = self.is_live.or(old.map(|app| app.is_live));
        if self.is_live == Some(false) && old.is_some_and(|app| app.is_live) {
            violated.push(Invalid::new("is_live", "cannot be changed from true to false"));
        }
        let fields = [
            ("store_app_id", &self.store_app_id, old.and_then(|app| app.store_app_id.as_ref())),
            ("store_app_url", &self.store_app_url, old.and_then(|app| app.store_app_url.as_ref())),
            ("store_bundle_id", &self.store_bundle_id, old.and_then(|app| app.store_bundle_id.as_ref())),
        ];
        for (name, given, stored) in fields {
            match (given, stored) {
                (Some(None), Some(_)) => violated.push(Invalid::new(name, "cannot be changed to null")),
                (Some(None) | None, None) if is_live == Some(true) => {
                    violated.push(Invalid::coded(name, "must be given when the app is live", "missing"));
                }
                (Some(Some(text)), _) => violated.extend(self.judge_store_field(name, text, old)),
                _ => {}
            }
        }
    }

    fn judge_store_field(&self, name: &'static str, text: &str, old: Option<&App>) -> Option<Invalid> {
        let platform = old.map(|app| app.platform).or(self.platform);
        let message = match (name, platform) {
            ("store_app_id", Some(platform)) if !platform.is_store_app_id(text) => {
                platform.store_app_id_form()
            }
            ("store_app_url", _) if !is_store_url(text) => {
                "must be an http or https address, such as https://example.com/app"
            }
            ("store_bundle_id", _) if !is_bundle_id(text) => "must be a bundle id, such as com.example.app",
            _ => return None,
        };
        Some(Invalid::new(name, message))
    }
}
