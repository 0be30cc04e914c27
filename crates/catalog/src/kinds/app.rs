//! Apps, sorted by nickname. An app that is deleted is only marked so: its ad locations and settings stay where they are,
//! out of reach, and are there again when the app is restored.

use super::{AppReview, Organization};
use crate::draft::{Draft, Refused};
use crate::object::{Object, Stored};
use std::sync::Arc;
use tollgate_domain::{App, AppChange, AppId, AppSignature, NewApp, PublishingApplication};

impl Object for App {
    const KIND: &'static str = "app";
    const IS_REMEMBERED: bool = true;

    fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Its review, what traffic told and what its app-ads.txt said are facts: they stay as they are. An app that went live
    /// stays so, with its places in the store.
    fn restored(self, last: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        if draft.snapshot().app(self.id).is_some_and(|(owner, _)| owner.id() != draft.organization_id()) {
            return Err(Refused::Rule { code: "id_taken", message: "The app's id is in use".to_owned() });
        }
        let change = AppChange {
            is_live: Some(self.is_live),
            store_app_id: Some(self.store_app_id.clone()),
            store_app_url: Some(self.store_app_url.clone()),
            store_bundle_id: Some(self.store_bundle_id.clone()),
            ..AppChange::default()
        };
        let violated = change.violations(Some(last));
        if !violated.is_empty() {
            return Err(Refused::Invalid(violated));
        }
        Ok(Self {
            is_sdk_active: last.is_sdk_active,
            publishing_application: last.publishing_application.clone(),
            app_ads_txt_status: last.app_ads_txt_status,
            ..self
        })
    }

    /// Without case.
    fn order(&self) -> Option<String> {
        Some(self.nickname.to_lowercase())
    }
}

/// Adds the app that `change` asks for, under an id that no organization uses. The organization's settings say who
/// reviews it.
pub fn new_app(draft: &mut Draft<'_>, change: &AppChange) -> Result<AppId, Refused> {
    let organization = draft.require::<Organization>(draft.organization_id().as_str(), None)?;
    let now = draft.now();
    let publishing_application = match organization.app_review {
        AppReview::Automatic => PublishingApplication::automatic(now),
        AppReview::Manual => PublishingApplication::pending(now),
    };
    let id = unused_app_id(draft);
    let signature = AppSignature::random(draft.entropy());
    let app = change.create(NewApp { id, signature, publishing_application, now });
    draft.create(app.map_err(Refused::Invalid)?)?;
    Ok(id)
}

/// Changes `app`, which is the newest state of it, as `change` says.
pub fn update_app(draft: &mut Draft<'_>, app: &Arc<Stored<App>>, change: &AppChange) -> Result<(), Refused> {
    let changed = change.apply(app, draft.now()).map_err(Refused::Invalid)?;
    draft.update(changed, None)
}

fn unused_app_id(draft: &Draft<'_>) -> AppId {
    loop {
        let id = AppId::random(draft.entropy());
        if draft.snapshot().app(id).is_none() && draft.get::<App>(id.as_str()).is_none() {
            return id;
        }
    }
}
