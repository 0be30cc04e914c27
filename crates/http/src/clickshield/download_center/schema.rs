//! What the document says of the Download Center.

use super::object::FIELDS;
use super::request::{MAX_DAYS, MAX_EXTRA};
use crate::clickshield::reports::schema::{any_filters, day, filter_param, required};
use crate::clickshield::schema::{
    SHORT_ID, any_text, boolean, choice, id, list, list_params, or_null, page, query, schemas, strict, whole,
    with_common,
};
use tollgate_domain::EventKind;
use tollgate_domain::row::Field;
use tollgate_jobs::exports::{ExportState, LOG_NAMES};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, Array, ObjectBuilder, Type};
use utoipa::openapi::{Required, Schema};

schemas! {
    /// An export: what was asked for, and what became of it.
    DownloadExport = with_common(answered(), id(EXPORT_ID), id(SHORT_ID));
    /// A page of exports.
    DownloadExportPage = page::<DownloadExport>();
    /// A link.
    FileUrl = whole([("url", any_text().description(Some("Absolute, as this server was asked.")).into())]);
    /// A file of clicks that is to be made.
    NewClickExport = asked(EventKind::Click);
    /// A file of conversions that is to be made.
    NewConversionExport = asked(EventKind::Conversion);
    /// A file of impressions that is to be made.
    NewImpressionExport = asked(EventKind::Impression);
}

const EXPORT_ID: &str = "^[0-9a-f]{24}$";
/// One character, or the name of one.
const DELIMITER: &str = r"^([\u0009 !#-~]|tab)$";
/// A name of an extra parameter that holds no comma.
const NAME: &str = r"^[^\u0000-\u001f\u007f-\u009f,]+$";

/// What a file is written with, beside its days and filters.
fn form(kind: EventKind) -> [(&'static str, &'static str, Schema); 5] {
    let column = choice(Field::of_kind(kind).map(Field::name));
    let columns: Array = list(column).min_items(Some(1)).unique_items(true).build();
    let names: Array =
        list(id(NAME).max_length(Some(255))).max_items(Some(MAX_EXTRA)).unique_items(true).build();
    let delimiter = id(DELIMITER);
    [
        ("fields", "The columns, in their order.", Schema::Array(columns)),
        (
            "extra_parameters",
            "Parameters that callers sent beside those that are known, each of which becomes a column; may be empty, \
             but must be given.",
            Schema::Array(names),
        ),
        ("delimiter", "What stands between cells; a comma unless given.", delimiter.into()),
        (
            "safe_cells",
            "Whether a quote stands before a text that a spreadsheet would run as a formula.",
            boolean().into(),
        ),
        ("gzip", "Whether the file is compressed.", boolean().into()),
    ]
}

const FIRST: &str = "The first day, in the integration's time zone; 29 days before the last unless given.";

fn last() -> String {
    format!("The last day; today unless given. At most {MAX_DAYS} days in all.")
}

/// A body.
fn asked(kind: EventKind) -> ObjectBuilder {
    let object = strict()
        .property("start_date", day().description(Some(FIRST)))
        .property("end_date", day().description(Some(last())))
        .property("filter", any_filters(kind))
        .required("fields")
        .required("extra_parameters");
    form(kind).into_iter().fold(object, |object, (name, _, schema)| object.property(name, schema))
}

/// A query.
fn params(kind: EventKind) -> Vec<Parameter> {
    let mut params =
        vec![query("start_date", FIRST, day()).build(), query("end_date", &last(), day()).build()];
    for (name, about, schema) in form(kind) {
        let must_be = if matches!(schema, Schema::Array(_)) { Required::True } else { Required::False };
        let is_list = must_be == Required::True;
        let param = query(name, about, schema).required(must_be);
        params.push(if is_list { param.explode(Some(false)).build() } else { param.build() });
    }
    params.push(filter_param(kind));
    params
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident = $params:expr;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                $params
            }
        }
    )+};
}

params! {
    /// The parameters of a file of clicks.
    ClickExportParams = params(EventKind::Click);
    /// The parameters of a file of conversions.
    ConversionExportParams = params(EventKind::Conversion);
    /// The parameters of a file of impressions.
    ImpressionExportParams = params(EventKind::Impression);
    /// The parameters of the list.
    ListParams = list_params(FIELDS);
    /// The parameters of a link to a file.
    UrlParams = vec![required("artifact_name", "The name of an export's file.", any_text().min_length(Some(1)))];
    /// What a link says beside the file's name.
    FileParams = vec![
        required("organization", "Whose file it is.", any_text()),
        required("expires", "When the link ends, in seconds since 1970.", any_text()),
        required("signature", "Hexadecimal.", any_text()),
    ];
}

/// What is answered beside the common fields.
fn answered() -> ObjectBuilder {
    let maybe = |kind| ObjectBuilder::new().schema_type(or_null(kind));
    let kind = || choice(LOG_NAMES);
    let meta =
        whole([("id", id(EXPORT_ID).into()), ("organization", any_text().into()), ("type", kind().into())]);
    let link = maybe(Type::String)
        .description(Some("Where the file can be downloaded for a while; null before it is whole."));
    let artifact = whole([
        ("download_link", link.into()),
        ("meta", meta.into()),
        ("name", any_text().into()),
        ("size", maybe(Type::Integer).description(Some("Bytes.")).into()),
    ]);
    let texts = || list(any_text());
    let form = whole([
        ("delimiter", id(DELIMITER).into()),
        ("fields", texts().into()),
        ("extra_parameters", texts().into()),
    ]);
    let by_field = || {
        let operators = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::from(Schema::from(texts()))));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::from(Schema::from(operators))))
    };
    let options = whole([
        ("start_date", any_text().into()),
        ("end_date", any_text().into()),
        ("delimiter", id(DELIMITER).into()),
        ("fields", texts().into()),
        ("extra_parameters", texts().into()),
        ("safe_cells", boolean().into()),
        ("gzip", boolean().into()),
        ("filter", by_field().description(Some("By field, then by operator.")).into()),
    ]);
    let asked = whole([
        ("start_date", any_text().into()),
        ("end_date", any_text().into()),
        ("filters", by_field().into()),
    ]);
    let results = whole([
        ("total", maybe(Type::Integer).description(Some("Rows.")).into()),
        ("duration_seconds", maybe(Type::Integer).into()),
        ("progress", ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).maximum(Some(1)).into()),
        (
            "as_of",
            maybe(Type::Integer)
                .description(Some("The cut of the history: pages take it as `as_of`."))
                .into(),
        ),
    ]);
    whole([
        ("artifact", artifact.into()),
        ("error", maybe(Type::String).description(Some("Why it failed.")).into()),
        ("export_list_options", options.description(Some("The request.")).into()),
        ("format", form.into()),
        ("reports_query_option", asked.into()),
        ("requested_by", any_text().into()),
        ("results_meta", results.into()),
        ("status", choice(ExportState::ALL.map(ExportState::name)).into()),
        ("type", kind().into()),
    ])
}
