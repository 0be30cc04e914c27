//! A list as it is asked for and as it is answered.

use super::schema::{self, CategoryCode};
use crate::fields::Fields;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use tollgate_catalog::Stored;
use tollgate_domain::{Category, CategoryList, CategoryListId, CategoryListType, Invalid};
use utoipa::ToSchema;

/// What a request wants a list to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedList {
    pub(super) title: String,
    pub(super) elements: Vec<Category>,
}

impl WantedList {
    /// Reads the body of a creation.
    pub(super) fn read_new(map: Map<String, Value>) -> Result<Self, Vec<Invalid>> {
        const TYPES: &[(&str, ())] = &[(CategoryListType::Custom.name(), ())];
        let mut fields = Fields::lenient(map);
        fields.required("type", |fields| fields.choice("type", TYPES));
        Self::read(fields)
    }

    /// Reads the body of an update of a custom list, whose type stays what it is.
    pub(super) fn read_update(map: Map<String, Value>) -> Result<Self, Vec<Invalid>> {
        const TYPES: &[(&str, CategoryListType)] = &[
            (CategoryListType::Custom.name(), CategoryListType::Custom),
            (CategoryListType::Default.name(), CategoryListType::Default),
        ];
        let mut fields = Fields::lenient(map);
        let list_type = fields.required("type", |fields| fields.choice("type", TYPES));
        if list_type == Some(CategoryListType::Default) {
            let message = format!("must stay {}", CategoryListType::Custom.name());
            fields.refuse_as("immutable_field", "type", message);
        }
        Self::read(fields)
    }

    fn read(mut fields: Fields) -> Result<Self, Vec<Invalid>> {
        let title = fields.required("title", |fields| {
            fields.parsed("title", |_, text| CategoryList::check_title(text).map(|()| text.to_owned()))
        });
        let elements = fields
            .required("elements", |fields| fields.items("elements", 1..=Category::COUNT, Category::parse));
        match (title, elements, fields.finish()) {
            (Some(title), Some(elements), errors) if errors.is_empty() => Ok(Self { title, elements }),
            (_, _, errors) => Err(errors),
        }
    }
}

/// A category list as it is to be.
#[derive(ToSchema)]
#[schema(as = CategoryListRequest)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct ListRequest {
    #[schema(schema_with = schema::title)]
    title: String,
    #[schema(schema_with = schema::custom_type)]
    r#type: String,
    /// The blocked categories. Tier 1 categories cannot be passed.
    #[schema(min_items = 1, max_items = 366)]
    elements: BTreeSet<CategoryCode>,
}

/// The answer to a creation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryListCreated)]
pub(super) struct Created {
    /// The id of the new list.
    #[schema(pattern = "^[0-9a-f]{24}$")]
    pub(super) id: String,
}

impl From<CategoryListId> for Created {
    fn from(id: CategoryListId) -> Self {
        Self { id: id.to_string() }
    }
}

/// A list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryList)]
pub(super) struct ListBody {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: String,
    #[schema(schema_with = schema::title)]
    title: String,
    #[schema(schema_with = schema::any_type)]
    r#type: &'static str,
    /// When it was created, in Unix seconds.
    date_created: i64,
    /// When it was last changed, in Unix seconds.
    date_modified: i64,
    /// The blocked categories, in the order they were given.
    #[schema(value_type = Vec<CategoryCode>)]
    elements: Vec<&'static str>,
}

impl ListBody {
    pub(super) fn of(stored: &Stored<CategoryList>) -> Self {
        Self {
            id: stored.id.to_string(),
            title: stored.title.clone(),
            r#type: stored.list_type.name(),
            date_created: stored.meta.created_at.seconds(),
            date_modified: stored.meta.updated_at.seconds(),
            elements: codes(stored),
        }
    }
}

/// A list in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryListSummary)]
pub(super) struct ListSummary {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: String,
    #[schema(schema_with = schema::title)]
    title: String,
    #[schema(schema_with = schema::any_type)]
    r#type: &'static str,
    /// When it was created, in Unix seconds.
    date_created: i64,
    /// When it was last changed, in Unix seconds.
    date_modified: i64,
    /// How many categories it blocks.
    total_elements: usize,
}

impl ListSummary {
    pub(super) fn of(stored: &Stored<CategoryList>) -> Self {
        Self {
            id: stored.id.to_string(),
            title: stored.title.clone(),
            r#type: stored.list_type.name(),
            date_created: stored.meta.created_at.seconds(),
            date_modified: stored.meta.updated_at.seconds(),
            total_elements: stored.elements.len(),
        }
    }
}

/// A list as an update answers it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryListUpdated)]
pub(super) struct UpdatedBody {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: String,
    #[schema(schema_with = schema::title)]
    title: String,
    #[schema(schema_with = schema::any_type)]
    r#type: &'static str,
    /// The blocked categories, in the order they were given.
    #[schema(value_type = Vec<CategoryCode>)]
    elements: Vec<&'static str>,
}

impl UpdatedBody {
    pub(super) fn of(list: &CategoryList) -> Self {
        Self {
            id: list.id.to_string(),
            title: list.title.clone(),
            r#type: list.list_type.name(),
            elements: codes(list),
        }
    }
}

fn codes(list: &CategoryList) -> Vec<&'static str> {
    list.elements.iter().map(|category| category.code()).collect()
}
