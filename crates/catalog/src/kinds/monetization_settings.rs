//! Monetization settings, one object to an app. An app whose settings were never changed has no object and the
//! settings of a new app, at version 0.

use crate::draft::{Draft, Refused};
use crate::object::{Object, Stored};
use crate::snapshot::OrganizationSnapshot;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tollgate_domain::{
    App, AppId, CategoryList, CategoryListId, Invalid, MonetizationSettings, SettingsPatch,
};

/// The settings of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSettings {
    /// The app; its id is the settings' too.
    pub app: AppId,
    /// The settings.
    #[serde(flatten)]
    pub settings: MonetizationSettings,
}

impl Object for AppSettings {
    const KIND: &'static str = "monetization_settings";

    fn id(&self) -> &str {
        self.app.as_str()
    }

    /// A list that is gone must be restored first.
    fn restored(self, _: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        draft.require::<App>(self.app.as_str(), None)?;
        match self.settings.ad_blocking_settings.blocked_iab_categories_v1_list {
            Some(list) if !is_known_list(draft, list) => Err(unknown_list(list).into()),
            _ => Ok(self),
        }
    }
}

/// The settings of an app and their version, 0 where they were never changed. That the app exists is for the caller
/// to know.
pub fn monetization_settings(organization: &OrganizationSnapshot, app: AppId) -> (MonetizationSettings, u64) {
    stored_or_new(organization.get::<AppSettings>(app.as_str()))
}

/// The list whose categories an app blocks: the one it chose, or the default list.
pub fn category_list_in_force(organization: &OrganizationSnapshot, app: AppId) -> CategoryListId {
    let stored = organization.get::<AppSettings>(app.as_str());
    let chosen = stored.and_then(|one| one.settings.ad_blocking_settings.blocked_iab_categories_v1_list);
    chosen.unwrap_or_else(|| CategoryListId::default_of(organization.id()))
}

/// The version of an app's settings in a draft: 0 where they were never changed.
pub fn monetization_settings_version(draft: &Draft<'_>, app: AppId) -> u64 {
    draft.get::<AppSettings>(app.as_str()).map_or(0, |stored| stored.meta.version)
}

/// Changes the settings of an app and answers them with their version. Every rule that the result breaks is named, a
/// list that the organization does not have included. That the app exists is for the caller to know.
pub fn change_monetization_settings(
    draft: &mut Draft<'_>,
    app: AppId,
    patch: &SettingsPatch,
) -> Result<(MonetizationSettings, u64), Refused> {
    let stored = draft.get::<AppSettings>(app.as_str()).cloned();
    let (settings, _) = stored_or_new(stored.as_ref());
    let unknown = patch
        .blocked_iab_categories_v1_list
        .flatten()
        .filter(|id| !is_known_list(draft, *id))
        .map(unknown_list);
    let settings = match (patch.apply(&settings), unknown) {
        (Ok(settings), None) => settings,
        (applied, unknown) => {
            let broken = applied.err().into_iter().flatten();
            return Err(Refused::Invalid(unknown.into_iter().chain(broken).collect()));
        }
    };
    let next = AppSettings { app, settings: settings.clone() };
    match stored {
        Some(_) => draft.update(next, None)?,
        // An app that has what every new app has needs no object to say so.
        None if settings == MonetizationSettings::default() => {}
        None => draft.create(next)?,
    }
    Ok((settings, monetization_settings_version(draft, app)))
}

fn stored_or_new(stored: Option<&Arc<Stored<AppSettings>>>) -> (MonetizationSettings, u64) {
    stored.map_or_else(Default::default, |stored| (stored.settings.clone(), stored.meta.version))
}

fn is_known_list(draft: &Draft<'_>, id: CategoryListId) -> bool {
    draft.get::<CategoryList>(id.as_str()).is_some()
        || id == CategoryListId::default_of(draft.organization_id())
}

fn unknown_list(id: CategoryListId) -> Invalid {
    let field = "ad_blocking_settings.blocked_iab_categories_v1_list";
    Invalid::coded(field, format!("There is no list with ID {id}"), "unknown_list")
}
