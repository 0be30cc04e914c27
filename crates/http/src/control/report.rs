//! `GET /reports/{table}`: what the reports of the API answer to the same query, for any organization.

use super::{Answer, Control, Failure};
use crate::body::pairs;
use crate::clickshield::reports::{self, History};
use crate::error::{ApiError, Code};
use axum::extract::{Path, RawQuery, State};
use axum::response::IntoResponse;
use tollgate_domain::{EventKind, OrganizationId};

/// Of the organization of the integration that the query names, or of the only one.
pub(super) async fn report(
    State(control): State<Control>,
    Path(table): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let organization = organization(&control, raw.as_deref())?;
    answer(control, &table, raw.as_deref(), organization).await
}

/// Of an organization that is named.
pub(super) async fn report_of(
    State(control): State<Control>,
    Path((organization, table)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let organization = control.named(&organization)?;
    answer(control, &table, raw.as_deref(), organization).await
}

fn organization(control: &Control, raw: Option<&str>) -> Result<OrganizationId, ApiError> {
    let parameters = pairs(raw.unwrap_or_default().as_bytes());
    let parameters = parameters.map_err(|why| ApiError::because(Code::MalformedQuery, why))?;
    let named = parameters.iter().filter(|(name, _)| name == "integration_id");
    let mut named = named.flat_map(|(_, value)| value.split(',')).filter_map(|id| id.parse().ok());
    let snapshot = control.catalog.snapshot();
    if let Some(entry) = named.find_map(|id| snapshot.integration(id)) {
        return Ok(entry.organization);
    }
    control.only()
}

async fn answer(control: Control, table: &str, raw: Option<&str>, organization: OrganizationId) -> Answer {
    let Control { catalog, ledger, limits, .. } = control;
    let history = History { catalog, ledger, limits, organization };
    let kind = match table {
        "grouped" => None,
        "click-table" => Some(EventKind::Click),
        "conversion-table" => Some(EventKind::Conversion),
        "impression-table" => Some(EventKind::Impression),
        _ => return Err(Failure(ApiError::new(Code::NotFound))),
    };
    let answered = match kind {
        Some(kind) => reports::table(kind, &history, raw).await,
        None => reports::groups(&history, raw).await,
    };
    Ok(answered.into_response())
}
