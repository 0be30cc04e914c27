//! Filter groups: objects of their organization, gathered by integration in the snapshot.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use tollgate_domain::{FilterGroup, Integration, Invalid};

impl Object for FilterGroup {
    const KIND: &'static str = "filter_group";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn restored(self, _: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        draft.require::<Integration>(self.integration.as_str(), None)?;
        // The Default group has none.
        if let Some(priority) = self.priority {
            check_priority(draft, &self, priority)?;
        }
        Ok(self)
    }
}

/// Whether no other filter group of the integration has the priority that `group` is to have.
pub fn check_priority(draft: &Draft<'_>, group: &FilterGroup, priority: u32) -> Result<(), Invalid> {
    let mut others = draft.table::<FilterGroup>().iter().filter(|other| other.id != group.id);
    if others.any(|other| other.integration == group.integration && other.priority == Some(priority)) {
        let message = format!("{priority} is taken by another filter group of the integration");
        return Err(Invalid::new("priority", message));
    }
    Ok(())
}
