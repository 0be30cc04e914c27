//! An export as it is answered: the vendor's Artifact.

use crate::clickshield::list::{Field, FieldType};
use crate::origin::Origin;
use serde_json::{Map, Value, json};
use tollgate_jobs::exports::{AskedFilter, Export, ExportState, LOG_NAMES, Signer, log_name};

use super::request::delimiter_name;

/// Names of states, as lists are filtered by them: the vendor's list knows one more, which nothing is ever in.
pub(super) const STATES: &[&str] = &["UNKNOWN", "PENDING", "IN_PROGRESS", "COMPLETED", "ERROR", "CANCELED"];

/// The fields that lists are filtered and sorted by, beside the common ones.
pub(super) const FIELDS: &[Field] = &[
    ("artifact", FieldType::Opaque),
    ("artifact.name", FieldType::Text),
    ("artifact.size", FieldType::Number),
    ("error", FieldType::Text),
    ("export_list_options", FieldType::Opaque),
    ("format", FieldType::Opaque),
    ("reports_query_option", FieldType::Opaque),
    ("reports_query_option.start_date", FieldType::Exact),
    ("reports_query_option.end_date", FieldType::Exact),
    ("reports_query_option.filters.offer_id.equalvalues", FieldType::Exact),
    ("reports_query_option.filters.publisher.equalvalues", FieldType::Exact),
    ("reports_query_option.filters.advertiser.equalvalues", FieldType::Exact),
    ("reports_query_option.filters.integration_id.equalvalues", FieldType::Exact),
    ("requested_by", FieldType::Text),
    ("results_meta", FieldType::Opaque),
    ("results_meta.total", FieldType::Number),
    ("results_meta.duration_seconds", FieldType::Number),
    ("status", FieldType::Choice(STATES)),
    ("type", FieldType::Choice(&LOG_NAMES)),
];

/// The export. A whole file has a link, when there is someone to sign it.
pub(crate) fn object(export: &Export, signer: Option<&Signer>, origin: &Origin) -> Map<String, Value> {
    let request = &export.request;
    let signer = signer.filter(|_| export.state == ExportState::Completed);
    let link = signer.map(|signer| origin.link(&signer.link(&export.artifact)));
    let kind = log_name(request.kind);
    let duration = export.started_at.zip(export.finished_at);
    let duration = duration.map(|(from, to)| (to.millis() - from.millis()).max(0) / 1000);
    let whole = json!({
        "artifact": {
            "download_link": link,
            "meta": {"id": export.id, "organization": request.organization, "type": kind},
            "name": export.artifact,
            "size": export.size,
        },
        "created_at": export.created_at.to_string(),
        "error": export.error,
        "export_list_options": {
            "start_date": request.start_date,
            "end_date": request.end_date,
            "delimiter": delimiter_name(request.delimiter),
            "fields": request.fields,
            "extra_parameters": request.extra_parameters,
            "safe_cells": request.safe_cells,
            "gzip": request.gzip,
            "filter": by_field(&request.filters, |operator| operator),
        },
        "format": {
            "delimiter": delimiter_name(request.delimiter),
            "fields": request.fields,
            "extra_parameters": request.extra_parameters,
        },
        "id": export.id,
        "integration": request.integration,
        "last_updated_by": export.updated_by,
        "organization": request.organization,
        "reports_query_option": {
            "start_date": request.start_date,
            "end_date": request.end_date,
            "filters": query_option(export),
        },
        "requested_by": export.requested_by,
        "results_meta": {
            "total": export.total,
            "duration_seconds": duration,
            "progress": export.progress,
            "as_of": export.cut,
        },
        "status": export.state.name(),
        "type": kind,
        "updated_at": export.updated_at.to_string(),
    });
    match whole {
        Value::Object(whole) => whole,
        _ => Map::new(),
    }
}

/// The filters as the vendor writes them, the integration among them.
fn query_option(export: &Export) -> Map<String, Value> {
    let mut filters = by_field(&export.request.filters, |operator| match operator {
        "eq" => "equalvalues",
        other => other,
    });
    let own = filters.entry("integration_id").or_insert_with(|| json!({}));
    if let Value::Object(own) = own {
        own.insert("equalvalues".to_owned(), json!([export.request.integration]));
    }
    filters
}

/// The values of filters by field, then by operator.
fn by_field(filters: &[AskedFilter], name: impl Fn(&str) -> &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for filter in filters {
        let operators = fields.entry(&filter.field).or_insert_with(|| json!({}));
        if let Value::Object(operators) = operators {
            let values = operators.entry(name(&filter.operator)).or_insert_with(|| json!([]));
            if let Value::Array(values) = values {
                values.extend(filter.values.iter().map(|value| json!(value)));
            }
        }
    }
    fields
}
