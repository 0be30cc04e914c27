//! Outgoing postbacks: objects of their organization, so many to an integration.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use tollgate_domain::{Integration, IntegrationId, Postback, PostbackId};

/// Most postbacks of one integration.
pub const MAX_POSTBACKS: usize = 100;

impl Object for Postback {
    const KIND: &'static str = "postback";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn group(&self) -> Option<String> {
        Some(self.integration.to_string())
    }

    fn restored(self, _: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        draft.require::<Integration>(self.integration.as_str(), None)?;
        if draft.get::<Postback>(self.id.as_str()).is_none() {
            check_room(draft, self.integration)?;
        }
        Ok(self)
    }
}

/// Adds a postback to an integration that has room for it.
pub fn new_postback(draft: &mut Draft<'_>, postback: Postback) -> Result<(), Refused> {
    draft.require::<Integration>(postback.integration.as_str(), None)?;
    check_room(draft, postback.integration)?;
    draft.create(postback)
}

/// Removes every postback of an integration.
pub fn delete_postbacks(draft: &mut Draft<'_>, integration: IntegrationId) -> Result<(), Refused> {
    let theirs = draft.table::<Postback>().iter().filter(|one| one.integration == integration);
    let ids: Vec<PostbackId> = theirs.map(|one| one.id).collect();
    ids.iter().try_for_each(|id| draft.delete::<Postback>(id.as_str(), None))
}

fn check_room(draft: &Draft<'_>, integration: IntegrationId) -> Result<(), Refused> {
    let count = draft.table::<Postback>().count_of(integration.as_str());
    if (count as usize) < MAX_POSTBACKS {
        return Ok(());
    }
    Err(Refused::Rule {
        code: "too_many_postbacks",
        message: format!("An integration has at most {MAX_POSTBACKS} postbacks."),
    })
}
