//! Campaigns. They promote an app of their organization, and may be bound to others of its apps.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use tollgate_domain::{App, Campaign};

/// Most campaigns of an organization.
pub const MAX_CAMPAIGNS: usize = 10_000;

impl Object for Campaign {
    const KIND: &'static str = "campaign";
    const IS_REMEMBERED: bool = true;

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn restored(self, last: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        check_same(&self, last)?;
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
    if let Some(former) = draft.table::<Campaign>().former(campaign.id.as_str()) {
        check_same(&campaign, former)?;
    }
    check_apps(draft, &campaign)?;
    draft.create(campaign)
}

/// What figures of the past are told by stays as it was, and so it does when an id comes back.
fn check_same(campaign: &Campaign, former: &Campaign) -> Result<(), Refused> {
    if (campaign.app, campaign.campaign_type) == (former.app, former.campaign_type) {
        return Ok(());
    }
    Err(Refused::Rule {
        code: "other_campaign",
        message: format!(
            "The campaign {} promoted the app {} ({}): reports of it go on, so another needs another ID",
            former.id,
            former.app,
            former.campaign_type.name()
        ),
    })
}

/// Puts `campaign` in the place of the one with its id, if that has `version` still.
pub fn update_campaign(
    draft: &mut Draft<'_>,
    campaign: Campaign,
    version: Option<u64>,
) -> Result<(), Refused> {
    if let Some(old) = draft.get::<Campaign>(campaign.id.as_str()) {
        check_same(&campaign, old)?;
    }
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
