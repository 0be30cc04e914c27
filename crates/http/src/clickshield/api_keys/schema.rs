//! What the document says of API keys.

use super::create::SCOPES;
use super::model::FIELDS;
use crate::clickshield::schema::{
    any_text, choice, given_list, list, list_params, or_null, page, schemas, strict, text, whole, with_common,
};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

schemas! {
    /// An API key as it is to be made.
    NewApiKey = strict()
        .property("name", text(1..=255))
        .property("organization", any_text().description(Some("If given, that of the API key.")))
        .property("scopes", given_list(scope(), 2).min_items(Some(1)).unique_items(true))
        .property("user", user(text(1..=64)))
        .required("name");
    /// The answer to the creation of a key: the only one that has the key itself.
    ApiKeyCreated = whole([("created_item_id", any_text().into()), ("api_key", any_text().into())]);
    /// An API key, without the key itself.
    ApiKey = with_common(answered(), any_text(), ObjectBuilder::new().schema_type(Type::Null));
    /// A page of API keys.
    ApiKeyPage = page::<ApiKey>();
}

/// The parameters of the list.
pub(super) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        list_params(FIELDS)
    }
}

fn scope() -> ObjectBuilder {
    choice(SCOPES.iter().map(|(name, _)| *name))
}

fn user(text: ObjectBuilder) -> ObjectBuilder {
    let about = "The user whose key it is; null: the organization's.";
    text.schema_type(or_null(Type::String)).description(Some(about))
}

fn answered() -> ObjectBuilder {
    whole([("name", any_text().into()), ("scopes", list(scope()).into()), ("user", user(any_text()).into())])
}
