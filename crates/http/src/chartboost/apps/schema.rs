//! What the document says of apps. Requests are read by hand in `model`; the rules across fields are written out here as
//! far as a schema can say them.

use std::borrow::Cow;
use tollgate_domain::{
    App, AppAdsTxtStatus, BUNDLE_ID_PATTERN, LINE_PATTERN, MAX_TEST_MODE_MINUTES, Orientation, Platform,
    PublishingStatus, STORE_URL_PATTERN,
};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AllOfBuilder, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// The body of a creation.
pub(super) struct NewAppRequest;

impl PartialSchema for NewAppRequest {
    fn schema() -> RefOr<Schema> {
        let all = changeable(ObjectBuilder::new())
            .property("platform", platform())
            .required("nickname")
            .required("orientations")
            .required("is_live")
            .required("is_test_mode_on")
            .required("is_directed_at_kids_under_13")
            .required("platform");
        let platforms = Platform::NAMES.iter().fold(AnyOfBuilder::new(), |any, (name, platform)| {
            any.item(
                ObjectBuilder::new()
                    .property("platform", text().enum_values(Some([*name])))
                    .property("store_app_id", store_app_id(*platform)),
            )
        });
        AllOfBuilder::new()
            .item(all)
            .item(platforms)
            .item(live_or_not())
            .item(orientations_with_default())
            .into()
    }
}

impl ToSchema for NewAppRequest {
    fn name() -> Cow<'static, str> {
        "NewApp".into()
    }
}

/// The body of an update.
pub(super) struct AppChangeRequest;

impl PartialSchema for AppChangeRequest {
    fn schema() -> RefOr<Schema> {
        changeable(ObjectBuilder::new()).into()
    }
}

impl ToSchema for AppChangeRequest {
    fn name() -> Cow<'static, str> {
        "AppChange".into()
    }
}

/// Adds the fields that creations and updates share.
fn changeable(object: ObjectBuilder) -> ObjectBuilder {
    let named = |text: ObjectBuilder| {
        text.pattern(Some(LINE_PATTERN)).min_length(Some(1)).max_length(Some(App::NAME_LENGTH))
    };
    let minutes = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(1))
        .maximum(Some(MAX_TEST_MODE_MINUTES))
        .description(Some("Minutes until test mode ends; without them it has no end."));
    object
        .property("nickname", named(text()).description(Some("Need not be the name in the store.")))
        .property("name", named(nullable_text()).description(Some("The name in the store.")))
        .property("orientations", orientations())
        .property("default_orientation", orientation_or_null(&["landscape", "portrait"]))
        .property(
            "is_live",
            boolean().description(Some("Whether it is in the store; never goes back to false.")),
        )
        .property("store_app_id", nullable_text().description(Some("The store's number, package or ASIN.")))
        .property("store_app_url", nullable_text().pattern(Some(STORE_URL_PATTERN)).max_length(Some(2048)))
        .property("store_bundle_id", nullable_text().pattern(Some(BUNDLE_ID_PATTERN)).max_length(Some(255)))
        .property("is_test_mode_on", boolean())
        .property("test_mode_duration", minutes)
        .property("is_directed_at_kids_under_13", yes_or_no())
}

/// A live app has its three fields of the store.
fn live_or_not() -> AnyOfBuilder {
    let not = ObjectBuilder::new().property("is_live", boolean().enum_values(Some([false])));
    let live = ["store_app_id", "store_app_url", "store_bundle_id"].into_iter().fold(
        ObjectBuilder::new().property("is_live", boolean().enum_values(Some([true]))),
        |object, name| object.property(name, text()).required(name),
    );
    AnyOfBuilder::new().item(not).item(live)
}

/// One orientation is its own default, two need one.
fn orientations_with_default() -> AnyOfBuilder {
    let one = |name: &'static str| {
        let only = ArrayBuilder::new().items(text().enum_values(Some([name]))).max_items(Some(1));
        ObjectBuilder::new()
            .property("orientations", only)
            .property("default_orientation", orientation_or_null(&[name]))
    };
    let two = ObjectBuilder::new()
        .property("orientations", orientations().min_items(Some(2)))
        .property("default_orientation", orientation())
        .required("default_orientation");
    AnyOfBuilder::new().item(one("landscape")).item(one("portrait")).item(two)
}

pub(super) fn id() -> ObjectBuilder {
    text().pattern(Some("^[0-9a-f]{24}$"))
}

pub(super) fn signature() -> ObjectBuilder {
    text().pattern(Some("^[0-9a-f]{40}$"))
}

pub(super) fn platform() -> ObjectBuilder {
    text().enum_values(Some(Platform::NAMES.iter().map(|(name, _)| *name)))
}

pub(super) fn orientation() -> ObjectBuilder {
    text().enum_values(Some(Orientation::NAMES.iter().map(|(name, _)| *name)))
}

pub(super) fn orientations() -> ArrayBuilder {
    ArrayBuilder::new().items(orientation()).unique_items(true).min_items(Some(1)).max_items(Some(2))
}

pub(super) fn yes_or_no() -> ObjectBuilder {
    text().enum_values(Some(["YES", "NO"]))
}

pub(super) fn publishing_status() -> ObjectBuilder {
    text().enum_values(Some(PublishingStatus::ALL.map(PublishingStatus::name)))
}

pub(super) fn app_ads_txt_status() -> ObjectBuilder {
    let names = AppAdsTxtStatus::ALL.iter().map(|status| Some(status.name()));
    nullable_text().enum_values(Some(names.chain([None])))
}

fn orientation_or_null(names: &[&'static str]) -> ObjectBuilder {
    nullable_text().enum_values(Some(names.iter().map(|name| Some(*name)).chain([None])))
}

fn store_app_id(platform: Platform) -> ObjectBuilder {
    nullable_text().pattern(Some(platform.store_app_id_pattern())).max_length(Some(255))
}

fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn nullable_text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}
