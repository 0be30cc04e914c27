//! What the document says of reports. A row's schema is made of the columns of its kind.

use crate::clickshield::query::MAX_PAGE_SIZE;
use crate::clickshield::schema::{
    FILTER, SHORT_ID, any_text, boolean, choice, id, integer, list, or_null, query, schemas, strict, whole,
};
use tollgate_domain::row::Field;
use tollgate_domain::{AuctionOutcome, Column, ColumnType, EventKind, Number, Text};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Required, Schema};

schemas! {
    /// A click with its verdict.
    ClickRow = row(EventKind::Click);
    /// A conversion with its verdict.
    ConversionRow = row(EventKind::Conversion);
    /// An impression with its verdict.
    ImpressionRow = row(EventKind::Impression);
    /// A page of clicks.
    ClickTable = table("ClickRow"), uses ClickRow;
    /// A page of conversions.
    ConversionTable = table("ConversionRow"), uses ConversionRow;
    /// A page of impressions.
    ImpressionTable = table("ImpressionRow"), uses ImpressionRow;
}

/// A transaction id; both cases are read.
const TRANSACTION: &str = "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$";

fn row(kind: EventKind) -> ObjectBuilder {
    whole(Field::of_kind(kind).map(|field| (field.name(), value(field, kind))))
}

fn value(field: Field, kind: EventKind) -> RefOr<Schema> {
    let maybe = |kind| ObjectBuilder::new().schema_type(or_null(kind));
    let column = match field {
        Field::RealTxId => return id(TRANSACTION).into(),
        Field::TxId | Field::Organization => return any_text().into(),
        Field::IntegrationId => return id(SHORT_ID).into(),
        Field::Kind => return choice([kind.name()]).into(),
        Field::Rejection => return maybe(Type::String).into(),
        Field::Stored(Column::Number(Number::Status | Number::RtbOutcome)) => {
            return maybe(Type::String).into();
        }
        Field::Stored(column) => column,
    };
    match column.column_type() {
        ColumnType::Json if column == Column::Text(Text::ExtraParameters) => {
            ObjectBuilder::new().schema_type(Type::Object).into()
        }
        ColumnType::Json => list(ObjectBuilder::new().schema_type(SchemaType::AnyValue)).into(),
        ColumnType::Text | ColumnType::Time => maybe(Type::String).into(),
        ColumnType::Money => maybe(Type::Number).into(),
        ColumnType::Integer => maybe(Type::Integer).into(),
        ColumnType::Boolean => maybe(Type::Boolean).into(),
    }
}

fn table(row: &str) -> ObjectBuilder {
    let cursor = || id(TRANSACTION).schema_type(or_null(Type::String));
    let info = whole([
        ("startCursor", cursor().into()),
        ("endCursor", cursor().into()),
        ("hasPreviousPage", boolean().into()),
        ("hasNextPage", boolean().into()),
    ]);
    let rows = list(RefOr::Ref(Ref::from_schema_name(row)));
    whole([("data", whole([("data", rows.into()), ("pageInfo", info.into())]).into())])
}

/// The years of days.
const YEARS: &str = "^(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-";

/// A calendar day.
pub(in crate::clickshield) fn day() -> ObjectBuilder {
    id(YEARS).format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
}

/// The parameters of the table of clicks.
pub(super) struct ClickTableParams;
/// The parameters of the table of conversions.
pub(super) struct ConversionTableParams;
/// The parameters of the table of impressions.
pub(super) struct ImpressionTableParams;

impl IntoParams for ClickTableParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        table_params(EventKind::Click)
    }
}

impl IntoParams for ConversionTableParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        table_params(EventKind::Conversion)
    }
}

impl IntoParams for ImpressionTableParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        table_params(EventKind::Impression)
    }
}

fn table_params(kind: EventKind) -> Vec<Parameter> {
    let first = "The first day, in the integration's time zone.";
    vec![
        required("integration_id", "One of the organization's integrations.", id(SHORT_ID)),
        required("start_date", first, day()),
        required("end_date", "The last day.", day()),
        required("page[size]", "Rows on a page.", integer(1..=MAX_PAGE_SIZE)),
        query("page[after]", "The `endCursor` of the page before this one.", id(TRANSACTION)).build(),
        query("page[before]", "The `startCursor` of the page after this one.", id(TRANSACTION)).build(),
        query("as_of", "The seq of an earlier cut: what came later is left out.", sequence()).build(),
        filter_param(kind),
    ]
}

/// The filters of events of a kind.
pub(in crate::clickshield) fn filter_param(kind: EventKind) -> Parameter {
    let filter = filters(kind, compared);
    query("filter", FILTER, filter).style(Some(ParameterStyle::DeepObject)).explode(Some(true)).build()
}

/// The same in a body, where a filter may also be an object of operators or a list of alternatives.
pub(in crate::clickshield) fn any_filters(kind: EventKind) -> ObjectBuilder {
    let any = |_| ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    filters(kind, any).description(Some(
        "By field: a value, a list of alternatives, or an object of operators, as in `{\"asn\": {\"gte\": 5}}`.",
    ))
}

fn filters(kind: EventKind, value: impl Fn(Field) -> ObjectBuilder) -> ObjectBuilder {
    super::filterable(kind).fold(strict(), |object, field| object.property(field.name(), value(field)))
}

/// What a field can be compared with.
pub(super) fn compared(field: Field) -> ObjectBuilder {
    let column = match field {
        Field::Stored(Column::Number(Number::Status)) => return choice(["approved", "rejected"]),
        Field::Stored(Column::Number(Number::RtbOutcome)) => {
            return choice(AuctionOutcome::ALL.iter().map(|outcome| outcome.code()));
        }
        Field::RealTxId => return id(TRANSACTION),
        Field::Stored(column) => column,
        _ => return any_text(),
    };
    match column.column_type() {
        ColumnType::Text | ColumnType::Json => any_text(),
        ColumnType::Time => any_text().description(Some("`YYYY-MM-DD hh:mm:ss`, RFC 3339 or Unix time.")),
        ColumnType::Money => ObjectBuilder::new().schema_type(Type::Number),
        ColumnType::Integer => ObjectBuilder::new().schema_type(Type::Integer),
        ColumnType::Boolean => boolean(),
    }
}

pub(super) fn sequence() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0))
}

/// The parameters of the lookup of a click.
pub(super) struct ClickParams;

impl IntoParams for ClickParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        lookup("tx_id", "The caller's transaction id, or Tollgate's.")
    }
}

/// The parameters of the lookup of a conversion.
pub(super) struct ConversionParams;

impl IntoParams for ConversionParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        lookup("hash", "The conversion's hash.")
    }
}

fn lookup(name: &str, about: &str) -> Vec<Parameter> {
    let some_text = || any_text().min_length(Some(1));
    vec![
        required("integration_id", "One of the organization's integrations.", id(SHORT_ID)),
        required("request_date", "The event's day, in the integration's time zone.", day()),
        required("offer", "The offer's id.", some_text()),
        required("publisher", "The publisher's id.", some_text()),
        required(name, about, some_text()),
    ]
}

/// A parameter that must be given.
pub(in crate::clickshield) fn required(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    query(name, about, schema).required(Required::True).build()
}
