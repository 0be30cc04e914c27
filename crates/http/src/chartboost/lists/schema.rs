//! What the document says of the values in lists.

use std::borrow::Cow;
use tollgate_domain::{Category, CategoryList, CategoryListType, LINE_PATTERN};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A tier 2 code of the IAB Content Taxonomy 1.0.
pub(crate) struct CategoryCode;

impl PartialSchema for CategoryCode {
    fn schema() -> RefOr<Schema> {
        text()
            .description(Some("A tier 2 code of the IAB Content Taxonomy 1.0."))
            .enum_values(Some(Category::all().map(Category::code)))
            .into()
    }
}

impl ToSchema for CategoryCode {
    fn name() -> Cow<'static, str> {
        "IabCategory".into()
    }
}

/// A list's title.
pub(super) fn title() -> ObjectBuilder {
    text()
        .description(Some("Need not be unique."))
        .pattern(Some(LINE_PATTERN))
        .min_length(Some(1))
        .max_length(Some(CategoryList::LONGEST_TITLE))
}

/// The type of a list that callers make.
pub(super) fn custom_type() -> ObjectBuilder {
    text().enum_values(Some([CategoryListType::Custom.name()]))
}

/// The type of any list.
pub(super) fn any_type() -> ObjectBuilder {
    text().enum_values(Some(CategoryListType::ALL.map(CategoryListType::name)))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
