//! Category lists: the IAB categories that apps block. Each organization has a default list, made from its mandatory
//! categories, which nobody stores or changes; all others are custom.

use crate::{Category, CategoryListId, Entropy, Invalid, OrganizationId, check_line};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

impl CategoryListId {
    /// The id of an organization's default list: always the same one, drawn from a digest in place of randomness.
    pub fn default_of(organization: OrganizationId) -> Self {
        let seed = Sha256::new().chain_update(b"tollgate default category list\0");
        Self::random(&Derived(seed.chain_update(organization.as_bytes()).finalize().into()))
    }
}

/// The bytes of a digest, for what draws fewer than it has.
struct Derived([u8; 32]);

impl Entropy for Derived {
    fn fill(&self, bytes: &mut [u8]) {
        for (byte, derived) in bytes.iter_mut().zip(self.0) {
            *byte = derived;
        }
    }
}

/// What a list's elements are, and who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CategoryListType {
    /// Made by a caller: tier 2 codes of the IAB Content Taxonomy 1.0.
    #[serde(rename = "iab_content_taxonomy_1.0")]
    Custom,
    /// The default list of an organization.
    #[serde(rename = "iab_content_taxonomy_1.0_chartboost_default")]
    Default,
}

impl CategoryListType {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::Custom, Self::Default];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Custom => "iab_content_taxonomy_1.0",
            Self::Default => "iab_content_taxonomy_1.0_chartboost_default",
        }
    }

    /// The type of a name, written exactly so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// A list of blocked categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryList {
    /// Its id.
    pub id: CategoryListId,
    /// Its title, a line of 1 to 255 characters; need not be unique.
    pub title: String,
    /// Its type, which never changes.
    #[serde(rename = "type")]
    pub list_type: CategoryListType,
    /// The categories in the order they were sent, each once. At least one in a custom list.
    pub elements: Vec<Category>,
}

impl CategoryList {
    /// Characters that a title has at most.
    pub const LONGEST_TITLE: usize = 255;
    /// The vendor's title of every default list.
    pub const DEFAULT_TITLE: &str =
        "Sensitive IAB Taxonomy content v1.0 Chartboost default blocked categories";

    /// The default list of an organization: its mandatory categories.
    pub fn default_of(organization: OrganizationId, mandatory: &[Category]) -> Self {
        Self {
            id: CategoryListId::default_of(organization),
            title: Self::DEFAULT_TITLE.to_owned(),
            list_type: CategoryListType::Default,
            elements: mandatory.to_vec(),
        }
    }

    /// Checks a title.
    pub fn check_title(title: &str) -> Result<(), Invalid> {
        check_line("title", title, Self::LONGEST_TITLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORGANIZATION: &str = "64054c7decf2fc7b954e98d2";

    #[test]
    fn the_default_list_of_an_organization_never_moves() {
        let organization: OrganizationId = ORGANIZATION.parse().unwrap();
        let id = CategoryListId::default_of(organization);
        assert_eq!(id.to_string(), "5f0c1ab48af61e9c634ac52e");
        let other = CategoryListId::default_of("64054c7decf2fc7b954e98d3".parse().unwrap());
        assert_ne!(id, other);
    }

    #[test]
    fn documents_spell_types_as_the_api_does() {
        for one in CategoryListType::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.name());
            assert_eq!(CategoryListType::from_name(one.name()), Some(one));
        }
        assert_eq!(CategoryListType::from_name("IAB_CONTENT_TAXONOMY_1.0"), None);
    }
}
