//! `GET /api/v2/filter-presets`: the presets with their filters; with `catalogue=1` every filter type as JSON Schema,
//! from which forms can be drawn.

use super::Answer;
use super::list::{Field, FieldType, ListRequest};
use super::query::Query;
use super::schema::{
    QueryProblem, any_text, choice, list, list_params_of, or_null, page, query, schemas, whole,
};
use crate::auth::Reader;
use axum::Json;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use tollgate_domain::{EventKind, Invalid, KINDS_ALL};
use tollgate_screening::{PRESETS, Preset, catalogue_json_schema};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};

/// The fields of a preset; it is nobody's, so it has no others.
const FIELDS: &[Field] = &[
    ("id", FieldType::Number),
    ("name", FieldType::Text),
    ("kind", FieldType::Exact),
    ("filters", FieldType::Opaque),
];

schemas! {
    /// A preset; `filters` is null for Custom, which says nothing about them.
    FilterPreset = whole([
        ("id", ObjectBuilder::new().schema_type(Type::Integer).into()),
        ("name", any_text().into()),
        ("kind", choice(KINDS_ALL.iter().copied().map(EventKind::name)).into()),
        ("filters", list(ObjectBuilder::new().schema_type(Type::Object)).schema_type(or_null(Type::Array)).into()),
    ]);
    /// A page of presets, or the catalogue of filter types as JSON Schema.
    FilterPresets = OneOfBuilder::new()
        .item(page::<FilterPreset>())
        .item(ObjectBuilder::new().schema_type(Type::Object).required("oneOf"));
}

/// The parameters of the list.
pub(super) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = list_params_of(FIELDS);
        params.push(query("catalogue", "1: the catalogue, and no presets.", choice(["0", "1"])).build());
        params
    }
}

/// List filter presets
///
/// With `catalogue=1`, and nothing else: every filter type as JSON Schema, from which forms can be drawn.
#[utoipa::path(
    get,
    path = "/filter-presets",
    operation_id = "list_filter_presets",
    tag = "Filter groups",
    params(ListParams),
    responses((status = 200, description = "A page of presets, or the catalogue.", body = FilterPresets), QueryProblem),
)]
pub(super) async fn handle(Reader(_): Reader, RawQuery(raw): RawQuery) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    match query.text("catalogue").as_deref() {
        Some("1") => {
            query.finish()?;
            return Ok(Json(catalogue_json_schema()).into_response());
        }
        None | Some("0") => {}
        Some(_) => query.refuse(Invalid::new("catalogue", "must be 0 or 1")),
    }
    let request = ListRequest::take(&mut query, FIELDS.to_vec());
    query.finish()?;
    Ok(request.answer(PRESETS.iter().map(object).collect()))
}

/// A preset; `filters` is null for Custom, which says nothing about them.
fn object(preset: &Preset) -> Map<String, Value> {
    let members = [
        ("id", json!(preset.id)),
        ("name", json!(preset.name)),
        ("kind", json!(preset.kind.name())),
        ("filters", json!(preset.filters())),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
