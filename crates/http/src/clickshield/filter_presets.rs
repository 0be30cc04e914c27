//! `GET /api/v2/filter-presets`: the presets with their filters; with `catalogue=1` every filter type as JSON Schema,
//! from which forms can be drawn.

use super::Answer;
use super::list::{Field, FieldType, ListRequest};
use super::query::Query;
use crate::ApiState;
use crate::auth::Reader;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tollgate_domain::Invalid;
use tollgate_screening::{PRESETS, Preset, catalogue_json_schema};

/// The fields of a preset; it is nobody's, so it has no others.
const FIELDS: &[Field] = &[
    ("id", FieldType::Number),
    ("name", FieldType::Text),
    ("kind", FieldType::Exact),
    ("filters", FieldType::Opaque),
];

pub(super) fn routes() -> Router<ApiState> {
    Router::new().route("/api/v2/filter-presets", get(handle))
}

async fn handle(Reader(_): Reader, RawQuery(raw): RawQuery) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    match query.text("catalogue").as_deref() {
        Some("1") => {
            query.finish()?;
            return Ok(Json(catalogue_json_schema()).into_response());
        }
        None | Some("" | "0") => {}
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
