//! Category lists. The default list of an organization is made from its mandatory categories whenever it is looked
//! at; it is never stored. A list that goes leaves the apps that used it with the default one.

use super::monetization_settings::AppSettings;
use super::organization::Organization;
use crate::draft::{Draft, Refused};
use crate::object::{Meta, Object, Stored};
use crate::snapshot::OrganizationSnapshot;
use std::sync::Arc;
use tollgate_domain::{Category, CategoryList, CategoryListId, CategoryListType, OrganizationId};

impl Object for CategoryList {
    const KIND: &'static str = "category_list";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn restored(self, _: &Self, _: &mut Draft<'_>) -> Result<Self, Refused> {
        Ok(self)
    }
}

/// The default list of an organization. Its version and its times are the organization's, whose mandatory categories
/// it shows. `None`: there is no such organization.
pub fn default_category_list(organization: &OrganizationSnapshot) -> Option<Stored<CategoryList>> {
    let stored = organization.organization()?;
    let value = CategoryList::default_of(stored.id, &stored.mandatory_categories);
    let meta = Meta { id: value.id.as_str().into(), ..stored.meta.clone() };
    Some(Stored { value, meta })
}

/// A list of an organization, be it the default one.
pub fn category_list(organization: &OrganizationSnapshot, id: &str) -> Option<Arc<Stored<CategoryList>>> {
    match organization.get::<CategoryList>(id) {
        Some(list) => Some(list.clone()),
        None => default_category_list(organization).filter(|list| list.id.as_str() == id).map(Arc::new),
    }
}

/// Adds a custom list and answers its id. `elements` are different from each other.
pub fn new_category_list(
    draft: &mut Draft<'_>,
    title: &str,
    elements: &[Category],
) -> Result<CategoryListId, Refused> {
    let id = unused_id(draft);
    draft.create(CategoryList {
        id,
        title: title.to_owned(),
        list_type: CategoryListType::Custom,
        elements: elements.to_vec(),
    })?;
    Ok(id)
}

fn unused_id(draft: &Draft<'_>) -> CategoryListId {
    let default_id = CategoryListId::default_of(draft.organization_id());
    loop {
        let id = CategoryListId::random(draft.entropy());
        if draft.get::<CategoryList>(id.as_str()).is_none() && id != default_id {
            return id;
        }
    }
}

/// Refuses to change or delete the default list of an organization.
pub fn require_custom_list(organization: OrganizationId, id: &str) -> Result<(), Refused> {
    if CategoryListId::default_of(organization).as_str() == id {
        return Err(Refused::Rule {
            code: "default_list_immutable",
            message: "The default list cannot be changed or deleted".to_owned(),
        });
    }
    Ok(())
}

/// Removes a custom list, and with it every app's use of it.
pub fn delete_category_list(draft: &mut Draft<'_>, id: &str) -> Result<(), Refused> {
    require_custom_list(draft.organization_id(), id)?;
    draft.delete::<CategoryList>(id, None)?;
    let uses = |one: &AppSettings| {
        let list = one.settings.ad_blocking_settings.blocked_iab_categories_v1_list;
        list.is_some_and(|list| list.as_str() == id)
    };
    let users = draft.table::<AppSettings>().iter().filter(|one| uses(one));
    let users: Vec<AppSettings> = users.map(|one| one.value.clone()).collect();
    for mut user in users {
        user.settings.ad_blocking_settings.blocked_iab_categories_v1_list = None;
        draft.update(user, None)?;
    }
    Ok(())
}

/// Replaces the mandatory categories of the organization, which are different from each other.
pub fn set_mandatory_categories(draft: &mut Draft<'_>, categories: &[Category]) -> Result<(), Refused> {
    let id = draft.organization_id();
    let stored = draft.require::<Organization>(id.as_str(), None)?;
    let mandatory_categories = categories.to_vec();
    draft.update(Organization { mandatory_categories, ..stored.value.clone() }, None)
}
