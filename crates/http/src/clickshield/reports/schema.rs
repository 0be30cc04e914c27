//! What the document says of reports. A row's schema is made of the columns of its kind.

use crate::clickshield::query::MAX_PAGE_SIZE;
use crate::clickshield::schema::{
    FILTER, SHORT_ID, any_text, boolean, choice, id, integer, list, or_null, query, schemas, whole,
};
use crate::row::Field;
use tollgate_domain::{Column, ColumnType, EventKind, Number, Text};
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

/// A calendar day.
fn day() -> ObjectBuilder {
    any_text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
}

/// The parameters of a table.
pub(super) struct TableParams;

impl IntoParams for TableParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let filter = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any_text()));
        let first = "The first day, in the integration's time zone.";
        vec![
            required("integration_id", "One of the organization's integrations.", id(SHORT_ID)),
            required("start_date", first, day()),
            required("end_date", "The last day.", day()),
            required("page[size]", "Rows on a page.", integer(1..=MAX_PAGE_SIZE)),
            query("page[after]", "The `endCursor` of the page before this one.", id(TRANSACTION)).build(),
            query("page[before]", "The `startCursor` of the page after this one.", id(TRANSACTION)).build(),
            query("as_of", "The seq of an earlier cut: what came later is left out.", sequence()).build(),
            query("filter", FILTER, filter)
                .style(Some(ParameterStyle::DeepObject))
                .explode(Some(true))
                .build(),
        ]
    }
}

fn sequence() -> ObjectBuilder {
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

fn required(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    query(name, about, schema).required(Required::True).build()
}
