//! Apps, sorted by nickname. An app that is deleted is only marked so: its ad locations and settings stay where they are,
//! out of reach, and are there again when the app is restored.

use super::{AppReview, Organization};
use crate::draft::{Draft, Refused};
use crate::object::{Object, Stored};
use std::sync::Arc;
use tollgate_domain::{App, AppChange, AppId, AppSignature, NewApp, PublishingApplication};

impl Object for App {
    const KIND: &'static str = "app";

    fn id(&self) -> &str {
        self.id.as_str()
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
