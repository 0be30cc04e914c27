//! What the document says of the bodies for postbacks, which are read by hand in `model`.

use super::model::{EVENT_TYPES, METHODS, ON, TEMPLATE_LENGTH};
use crate::fields::TEXT_PATTERN;
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A postback as it is to be made.
pub(super) struct NewPostback;

/// What is to change of a postback.
pub(super) struct PostbackChange;

impl PartialSchema for NewPostback {
    fn schema() -> RefOr<Schema> {
        let about = "A postback as it is to be made. An empty list is every reason, name or id.";
        closed(about, [Demands::schema(), Options::schema(), Ours::schema()])
    }
}

impl PartialSchema for PostbackChange {
    fn schema() -> RefOr<Schema> {
        let about = "What is to change of a postback: what is absent stays as it is, null clears, a list replaces a list. An \
                     empty list is every reason, name or id.";
        closed(about, [Changes::schema(), Options::schema(), Ours::schema()])
    }
}

impl ToSchema for NewPostback {}
impl ToSchema for PostbackChange {}

/// An object of the fields of some structs, and no others.
fn closed(about: &str, parts: [RefOr<Schema>; 3]) -> RefOr<Schema> {
    let mut whole = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(about))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .build();
    for part in parts {
        // Structs with names for their fields are objects.
        if let RefOr::T(Schema::Object(part)) = part {
            whole.properties.extend(part.properties);
            whole.required.extend(part.required);
        }
    }
    RefOr::T(whole.into())
}

/// What must be said of a new postback.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct Demands {
    #[schema(schema_with = name)]
    name: String,
    /// Whether it is sent; it is unless this says otherwise.
    #[schema(required = false, default = true)]
    active: bool,
    /// The verdict it tells of. A rejection that is only monitored counts as approved.
    #[schema(schema_with = on)]
    on: String,
    /// Where it goes: an absolute URL; `{name}`, `[name]` and `${name}` behind its host are macros.
    #[schema(schema_with = url)]
    url: String,
}

/// The same of a change.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct Changes {
    #[schema(required = false, schema_with = name)]
    name: String,
    /// Whether it is sent. Deliveries that wait are canceled when it is not any more.
    #[schema(required = false)]
    active: bool,
    /// The verdict it tells of.
    #[schema(required = false, schema_with = on)]
    on: String,
    /// Where it goes. Deliveries that wait still go where they were to go.
    #[schema(required = false, schema_with = url)]
    url: String,
}

/// What may be left out everywhere.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct Options {
    /// Of rejections, the primary reasons it tells of.
    #[schema(max_items = 100)]
    reasons: Option<Vec<String>>,
    /// Conversions, events after them, or both; conversions unless this says otherwise.
    #[schema(required = false, schema_with = event_types)]
    event_types: Vec<String>,
    /// Of events, the names it tells of.
    #[schema(max_items = 100)]
    event_names: Option<Vec<String>>,
    /// Offers it tells of.
    #[schema(max_items = 1000)]
    offer_ids: Option<Vec<String>>,
    /// Publishers it tells of.
    #[schema(max_items = 1000)]
    publisher_ids: Option<Vec<String>>,
    /// Advertisers it tells of.
    #[schema(max_items = 1000)]
    advertiser_ids: Option<Vec<String>>,
    /// GET unless this says otherwise.
    #[schema(schema_with = nullable_method)]
    method: Option<String>,
    /// The form that a POST sends, with macros.
    #[schema(min_length = 1, max_length = 4096)]
    body: Option<String>,
    /// Seconds between the verdict and the first attempt.
    #[schema(minimum = 0, maximum = 86_400)]
    delay_seconds: Option<u32>,
}

/// What is answered and cannot be changed. What was read can be sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct Ours {
    /// If given for a change, as in the path; ignored for a new one.
    id: Option<Value>,
    /// If given, as in the path.
    #[schema(required = false)]
    integration_id: String,
    /// Ignored.
    created_at: Option<Value>,
    /// Ignored.
    updated_at: Option<Value>,
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

pub(super) fn on() -> ObjectBuilder {
    text().enum_values(Some(ON.iter().map(|(name, _)| *name)))
}

pub(super) fn method() -> ObjectBuilder {
    text().enum_values(Some(METHODS.iter().map(|(name, _)| *name)))
}

fn nullable_method() -> ObjectBuilder {
    let names = METHODS.iter().map(|(name, _)| Value::from(*name));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(names.chain([Value::Null])))
}

fn name() -> ObjectBuilder {
    let text = text().description(Some("Friendly name.")).pattern(Some(TEXT_PATTERN));
    text.min_length(Some(1)).max_length(Some(255))
}

fn url() -> ObjectBuilder {
    text()
        .pattern(Some(r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\@{}/?#]+[^\s\\]*$"))
        .max_length(Some(TEMPLATE_LENGTH))
}

pub(super) fn event_types() -> utoipa::openapi::schema::Array {
    let names = EVENT_TYPES.iter().map(|(name, _)| *name);
    utoipa::openapi::schema::ArrayBuilder::new()
        .items(text().enum_values(Some(names)))
        .min_items(Some(1))
        .max_items(Some(EVENT_TYPES.len()))
        .unique_items(true)
        .build()
}
