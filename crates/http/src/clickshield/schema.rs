//! What the document says of this dialect: its errors, its lists, and the parts that the schemas of its objects are made
//! of. Everything that a schema here forbids is refused; some values that it allows are refused all the same, where a
//! schema cannot say what is wrong with them.

use super::list::{COMMON, Field, FieldType, pickable};
use super::query::MAX_PAGE_SIZE;
use crate::fields::TEXT_PATTERN;
use std::ops::RangeInclusive;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Required, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// Types of the document, each with the schema that an expression makes, and the types whose schemas that one refers to.
macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $schema:expr $(, uses $($used:ident),+)?;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::RefOr::T(utoipa::openapi::Schema::from($schema))
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(all: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                let _ = &all;
                $($(
                    let name = <$used as utoipa::ToSchema>::name().into_owned();
                    all.push((name, <$used as utoipa::PartialSchema>::schema()));
                )+)?
            }
        }
    )+};
}
pub(super) use schemas;

/// An id of ten characters: of an integration or a filter group.
pub(super) const SHORT_ID: &str = "^[a-z0-9]{10}$";
/// An organization's id.
const ORGANIZATION_ID: &str = "^[a-z0-9]{24}$";
/// No control characters but tabs and line feeds.
const NO_CONTROLS: &str = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$";
/// What every URL begins with, and has nowhere.
const URL: &str = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\@{}/?#][^\s\\]*$";
/// An instant as it is answered.
const INSTANT: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$";
/// Most characters of a URL.
const URL_LENGTH: usize = 4096;

schemas! {
    /// The answer to a creation.
    Created = strict().property("created_item_id", id(SHORT_ID)).required("created_item_id");
    /// The answer to a change or a deletion.
    Done = strict();
    /// The fields of a form.
    FormFields = ObjectBuilder::new()
        .description(Some("The fields of the JSON body. A list is written `name[]=value` once for each item, or as JSON."))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)));
}

/// An object that has no other fields than those that are added.
pub(super) fn strict() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

/// An object that has these fields and no other, all of them.
pub(super) fn whole(fields: impl IntoIterator<Item = (&'static str, RefOr<Schema>)>) -> ObjectBuilder {
    fields.into_iter().fold(strict(), |object, (name, schema)| object.property(name, schema).required(name))
}

/// A type, or null.
pub(super) fn or_null(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}

/// A text that [`crate::fields::Fields::text`] takes.
pub(super) fn text(length: RangeInclusive<usize>) -> ObjectBuilder {
    let pattern = if *length.start() > 0 { TEXT_PATTERN } else { NO_CONTROLS };
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length((*length.start() > 0).then_some(*length.start()))
        .max_length(Some(*length.end()))
        .pattern(Some(pattern))
}

/// Any text, as it is answered.
pub(super) fn any_text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text of a pattern.
pub(super) fn id(pattern: &str) -> ObjectBuilder {
    any_text().pattern(Some(pattern))
}

/// A URL that is given, or null.
pub(super) fn url() -> ObjectBuilder {
    any_text()
        .schema_type(or_null(Type::String))
        .pattern(Some(URL))
        .min_length(Some(1))
        .max_length(Some(URL_LENGTH))
}

/// `true` or `false`.
pub(super) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

/// A whole number.
pub(super) fn integer(range: RangeInclusive<u32>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(*range.start())).maximum(Some(*range.end()))
}

/// One of these names.
pub(super) fn choice(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    any_text().enum_values(Some(names))
}

/// A list, as it is answered.
pub(super) fn list(items: impl Into<RefOr<Schema>>) -> ArrayBuilder {
    ArrayBuilder::new().items(items.into())
}

/// A list of at most so many items that may be given, or null.
pub(super) fn given_list(items: impl Into<RefOr<Schema>>, most: usize) -> ArrayBuilder {
    list(items).schema_type(or_null(Type::Array)).max_items(Some(most))
}

/// A list of different texts that may be given, or null.
pub(super) fn given_texts(most: usize, longest: usize) -> ArrayBuilder {
    given_list(text(1..=longest), most).unique_items(true)
}

/// An instant.
fn instant() -> ObjectBuilder {
    id(INSTANT).format(Some(utoipa::openapi::SchemaFormat::Custom("date-time".to_owned())))
}

/// Adds the fields that every answered object has.
pub(super) fn with_common(
    own: ObjectBuilder,
    own_id: ObjectBuilder,
    integration: ObjectBuilder,
) -> ObjectBuilder {
    let common = [
        ("id", own_id),
        ("integration", integration.description(Some("The integration it belongs to."))),
        ("organization", id(ORGANIZATION_ID)),
        ("created_at", instant()),
        ("updated_at", instant()),
        ("last_updated_by", any_text().description(Some("Who last changed it, such as `api_key:ID`."))),
    ];
    common.into_iter().fold(own, |object, (name, schema)| object.property(name, schema).required(name))
}

/// Adds the common fields that a body may have, so that what was read can be sent back. Those that `agree` must be as in
/// the path or those of the API key; the others do not matter.
pub(super) fn with_ignored(own: ObjectBuilder, agree: &[&str]) -> ObjectBuilder {
    ["id", "integration", "organization", "created_at", "updated_at", "last_updated_by"].into_iter().fold(
        own,
        |object, name| match agree.contains(&name) {
            true => object
                .property(name, any_text().description(Some("If given, as in the path or the API key."))),
            false => object.property(name, anything().description(Some("Ignored."))),
        },
    )
}

/// Any value.
fn anything() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

/// A page of a list of objects, each with the fields that were asked for.
pub(super) fn page<T: PartialSchema>() -> ObjectBuilder {
    let picked = match T::schema() {
        RefOr::T(Schema::Object(mut object)) => {
            object.required.clear();
            RefOr::T(Schema::Object(object))
        }
        other => other,
    };
    let count = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let meta = whole([
        ("links", page_links().into()),
        ("total_count", count().into()),
        ("total_page", count().into()),
    ]);
    whole([("data", list(picked).into()), ("meta", meta.into())])
}

/// The pages beside a page.
pub(super) fn page_links() -> ObjectBuilder {
    let link = || {
        strict()
            .schema_type(or_null(Type::Object))
            .property("page[number]", integer(1..=u32::MAX))
            .property("page[size]", integer(1..=MAX_PAGE_SIZE))
            .required("page[number]")
            .required("page[size]")
    };
    whole([("next", link().into()), ("prev", link().into())])
}

/// The parameters of a list whose objects have the fields `own` beside the common ones.
pub(super) fn list_params(own: &[Field]) -> Vec<Parameter> {
    let fields: Vec<Field> = own.iter().chain(COMMON).copied().collect();
    list_params_of(&fields)
}

/// The parameters of a list whose objects have these fields.
pub(super) fn list_params_of(fields: &[Field]) -> Vec<Parameter> {
    let comparable: Vec<Field> =
        fields.iter().copied().filter(|(_, kind)| *kind != FieldType::Opaque).collect();
    let sort_keys = comparable.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("-{name}")]);
    let sort = list(any_text().enum_values(Some(sort_keys))).min_items(Some(1));
    let names = list(choice(pickable(fields))).min_items(Some(1));
    let filter =
        comparable.iter().fold(strict(), |object, (name, kind)| object.property(*name, filter(*kind)));
    vec![
        query("page[number]", "The page, from 1.", integer(1..=u32::MAX)).build(),
        query("page[size]", "Objects on a page; 25 unless given.", integer(1..=MAX_PAGE_SIZE)).build(),
        query("sort", "Fields to sort by, the first one first; `-` before one is descending.", sort)
            .explode(Some(false))
            .build(),
        query("fields", "The fields to answer; all unless given.", names).explode(Some(false)).build(),
        query("query", "What some text of an object holds, whatever the case.", any_text()).build(),
        query("filter", FILTER, filter).style(Some(ParameterStyle::DeepObject)).explode(Some(true)).build(),
    ]
}

/// What filters are.
pub(super) const FILTER: &str = "`filter[FIELD]=VALUE`, or `filter[FIELD][OPERATOR]=VALUE` with one of eq, ne, gt, gte, \
                                 lt, lte, in (comma-separated), contains. A repeat is an alternative.";

fn filter(kind: FieldType) -> ObjectBuilder {
    match kind {
        FieldType::Number => ObjectBuilder::new().schema_type(Type::Number),
        FieldType::Boolean => boolean(),
        FieldType::Choice(names) => choice(names.iter().copied()),
        FieldType::Text | FieldType::Exact | FieldType::Opaque => any_text(),
    }
}

/// A parameter of the query.
pub(super) fn query(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}

/// What went wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct TrafficProblem {
    /// What is wrong, for programs: a stable snake_case code.
    #[schema(pattern = "^[a-z][a-z0-9_]*$")]
    code: String,
    /// What is wrong, for people.
    message: String,
    /// Every parameter or field that is not legal.
    errors: Vec<TrafficFieldProblem>,
}

/// A parameter or a field that is not legal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct TrafficFieldProblem {
    /// Its name, such as `filters[0].type`.
    field: String,
    /// What is wrong with it and what would be right.
    message: String,
}

/// What every request may be answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum AnyProblem {
    /// No API key, or one that does not exist.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "RFC 6750, 3")))]
    Unauthorized(TrafficProblem),
    /// The API key lacks the scope that the method needs: read for GET, else write.
    #[response(status = 403)]
    MissingScope(TrafficProblem),
    /// The credential's request limit is reached.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(TrafficProblem),
    /// Something went wrong on the server's end.
    #[response(status = 500)]
    Internal(TrafficProblem),
    /// The server cannot do this at the moment.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(TrafficProblem),
}

/// What a request with a body may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum BodyProblem {
    /// The body cannot be read, has fields that are not legal, or breaks a rule.
    #[response(status = 400)]
    Invalid(TrafficProblem),
    /// The body did not arrive in time.
    #[response(status = 408)]
    Timeout(TrafficProblem),
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(TrafficProblem),
    /// The body is neither JSON nor a form.
    #[response(status = 415)]
    MediaType(TrafficProblem),
}

/// What a request with parameters may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum QueryProblem {
    /// A parameter that is unknown or not legal.
    #[response(status = 400)]
    Invalid(TrafficProblem),
}

/// What a request that names an object may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum MissingProblem {
    /// The caller's organization has no such object.
    #[response(status = 404)]
    NotFound(TrafficProblem),
}

/// What a request that reads history may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum HistoryProblem {
    /// The request is legal, but has to read more than one request may.
    #[response(status = 402)]
    TooWide(TrafficProblem),
}
