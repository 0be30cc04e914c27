//! Filter groups: objects of their organization, gathered by integration in the snapshot.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use tollgate_domain::{FilterGroup, Integration, IntegrationId, Invalid};

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

/// Gives the groups of an integration the priorities 1, 2, 3, … in this order, in one write. The order names every group
/// but the Default group, which stays last, once.
pub fn order_filter_groups(
    draft: &mut Draft<'_>,
    integration: IntegrationId,
    order: &[String],
) -> Result<(), Refused> {
    let groups = draft.table::<FilterGroup>().iter();
    let mut all: Vec<String> = groups
        .filter(|group| group.integration == integration && group.priority.is_some())
        .map(|group| group.id.to_string())
        .collect();
    let mut named = order.to_vec();
    all.sort_unstable();
    named.sort_unstable();
    if all != named {
        let message =
            "must name every filter group of the integration but the Default group, each of them once";
        return Err(Invalid::new("filter_group_ids", message).into());
    }
    for (priority, id) in (1..).zip(order) {
        let group = draft.require::<FilterGroup>(id, None)?.value.clone();
        draft.update(FilterGroup { priority: Some(priority), ..group }, None)?;
    }
    Ok(())
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
