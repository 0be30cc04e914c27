//! Campaigns. They promote an app of their organization, and may be bound to others of its apps.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use tollgate_domain::{App, Campaign};

/// Most campaigns of an organization.
pub const MAX_CAMPAIGNS: usize = 10_000;

impl Object for Campaign {
    const KIND: &'static str = "campaign";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn restored(self, _: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        check_apps(draft, &self)?;
        Ok(self)
    }
}

/// Adds a campaign.
pub fn new_campaign(draft: &mut Draft<'_>, campaign: Campaign) -> Result<(), Refused> {
    if draft.table::<Campaign>().len() >= MAX_CAMPAIGNS {
        return Err(Refused::Rule {
            code: "too_many_campaigns",
            message: format!("An organization has at most {MAX_CAMPAIGNS} campaigns."),
        });
    }
    check_apps(draft, &campaign)?;
    draft.create(campaign)
}

/// Puts `campaign` in the place of the one with its id, if that has `version` still.
pub fn update_campaign(
    draft: &mut Draft<'_>,
    campaign: Campaign,
    version: Option<u64>,
) -> Result<(), Refused> {
    check_apps(draft, &campaign)?;
    draft.update(campaign, version)
}

fn check_apps(draft: &Draft<'_>, campaign: &Campaign) -> Result<(), Refused> {
    let mut named = std::iter::once(&campaign.app).chain(&campaign.promote_in);
    match named.find(|app| draft.get::<App>(app.as_str()).is_none()) {
        None => Ok(()),
        Some(app) => {
            Err(Refused::Rule { code: "unknown_app", message: format!("There is no app with ID {app}") })
        }
    }
}
