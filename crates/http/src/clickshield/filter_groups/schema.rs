//! What the document says of filter groups. Parameters of filters are those of the catalogue of filter types.

use super::bulk::MAX_IDS;
use super::model::{ACTIONS, FIELDS, MAX_BINDINGS, MAX_FILTERS};
use crate::clickshield::schema::{
    SHORT_ID, any_text, boolean, choice, given_list, given_texts, id, integer, list, list_params, or_null,
    page, schemas, strict, text, whole, with_common, with_ignored,
};
use serde_json::Value;
use tollgate_domain::{EventKind, KINDS_ALL};
use tollgate_screening::{CATALOGUE, PRESETS};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

schemas! {
    /// A filter group as it is to be made.
    NewFilterGroup = ["integration", "name", "organization", "priority"]
        .into_iter()
        .fold(with_ignored(settings(Type::Integer.into()), AGREE), ObjectBuilder::required);
    /// What is to change of a filter group; null clears.
    FilterGroupChange = with_ignored(settings(or_null(Type::Integer)), &["id", "integration", "organization"]);
    /// A filter group.
    FilterGroup = with_common(answered(), id(SHORT_ID), id(SHORT_ID));
    /// A page of filter groups.
    FilterGroupPage = page::<FilterGroup>();
    /// Filter groups, and the monitoring mode that they are to have; null: the integration's.
    FilterGroupsChange = whole([
        ("data", ids().into()),
        ("monitoring_mode", boolean().schema_type(or_null(Type::Boolean)).into()),
    ]);
    /// Filter groups that are to go.
    FilterGroupsDeletion = whole([("data", ids().into())]);
}

/// What a new group's body must say as the path and the API key do.
const AGREE: &[&str] = &["integration", "organization"];

/// The parameters of the list.
pub(super) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        list_params(FIELDS)
    }
}

/// The ids of a request for many groups.
fn ids() -> utoipa::openapi::schema::Array {
    let ids = list(text(1..=255).description(Some("The id of a filter group of the integration.")));
    ids.min_items(Some(1)).max_items(Some(MAX_IDS)).unique_items(true).build()
}

/// What a body may say.
fn settings(priority: utoipa::openapi::schema::SchemaType) -> ObjectBuilder {
    let preset = |kind: EventKind| {
        let presets = || PRESETS.iter().filter(move |preset| preset.kind == kind);
        let names: Vec<String> = presets().map(|preset| format!("{} {}", preset.id, preset.name)).collect();
        let ids = presets().map(|preset| Value::from(preset.id)).chain([Value::Null]);
        ObjectBuilder::new()
            .schema_type(or_null(Type::Integer))
            .enum_values(Some(ids))
            .description(Some(format!("{}. Custom: whatever the filters are. Off: none.", names.join(", "))))
    };
    let priority = integer(1..=i32::MAX.unsigned_abs()).schema_type(priority);
    strict()
        .property("name", text(1..=255))
        .property("description", text(0..=4096).schema_type(or_null(Type::String)))
        .property("active", boolean())
        .property("priority", priority.description(Some("1 is first; one group has each.")))
        .property("advertiser_ids", given_texts(MAX_BINDINGS, 255))
        .property("offer_ids", given_texts(MAX_BINDINGS, 255))
        .property("publisher_ids", given_texts(MAX_BINDINGS, 255))
        .property("monitoring_mode", boolean().schema_type(or_null(Type::Boolean)))
        .property("rtb_enabled", boolean().schema_type(or_null(Type::Boolean)))
        .property("click_filter_preset_id", preset(EventKind::Click))
        .property("conversion_filter_preset_id", preset(EventKind::Conversion))
        .property("tags", given_texts(50, 255))
        .property("filters", given_list(filter(), MAX_FILTERS))
}

/// A filter as it is given.
fn filter() -> Object {
    let kinds =
        list(kind()).schema_type(or_null(Type::Array)).max_items(Some(KINDS_ALL.len())).unique_items(true);
    strict()
        .property("type", filter_type())
        .property("enabled", boolean())
        .property(
            "applies_to",
            kinds.description(Some("The kinds of events it runs on; all that its type has.")),
        )
        .property("action", action())
        .property("params", ObjectBuilder::new().schema_type(or_null(Type::Object)))
        .required("type")
        .build()
}

fn kind() -> ObjectBuilder {
    choice(KINDS_ALL.iter().copied().map(EventKind::name))
}

fn filter_type() -> ObjectBuilder {
    choice(CATALOGUE.iter().map(|filter| filter.name))
}

fn action() -> ObjectBuilder {
    choice(ACTIONS.iter().map(|(name, _)| *name))
}

/// What is answered beside the common fields.
fn answered() -> ObjectBuilder {
    let maybe = |kind| ObjectBuilder::new().schema_type(or_null(kind));
    let filter = whole([
        ("type", any_text().into()),
        ("enabled", boolean().into()),
        ("action", action().into()),
        ("params", ObjectBuilder::new().schema_type(Type::Object).into()),
    ]);
    whole([
        ("name", any_text().into()),
        ("description", any_text().into()),
        ("active", boolean().into()),
        (
            "priority",
            maybe(Type::Integer).description(Some("Null: the Default group, which comes last.")).into(),
        ),
        ("advertiser_ids", list(any_text()).into()),
        ("offer_ids", list(any_text()).into()),
        ("publisher_ids", list(any_text()).into()),
        ("monitoring_mode", maybe(Type::Boolean).into()),
        ("rtb_enabled", maybe(Type::Boolean).into()),
        ("click_filter_preset_id", maybe(Type::Integer).into()),
        ("conversion_filter_preset_id", maybe(Type::Integer).into()),
        ("tags", list(any_text()).into()),
        ("filters", list(filter.property("applies_to", list(kind()))).into()),
    ])
}
