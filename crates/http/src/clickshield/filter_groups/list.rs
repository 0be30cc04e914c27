//! `GET …/filter-groups`: by priority, the Default group last.

use super::super::Answer;
use super::super::integrations::find;
use super::super::list::ListRequest;
use super::model::{FIELDS, object};
use super::schema::{FilterGroupPage, ListParams};
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::Params;
use crate::clickshield::schema::{MissingProblem, QueryProblem};
use axum::extract::{RawQuery, State};

/// List filter groups
///
/// By priority, the Default group last, unless sorted.
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}/filter-groups",
    operation_id = "list_filter_groups",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id."), ListParams),
    responses(
        (status = 200, description = "A page of filter groups.", body = FilterGroupPage),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    Params(integration): Params<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let integration = find(&caller, &integration)?;
    let request = ListRequest::read(raw.as_deref(), FIELDS)?;
    let snapshot = state.catalog.snapshot();
    let groups = snapshot.integration(integration.id).map_or(&[][..], |entry| &entry.groups);
    Ok(request.answer(groups.iter().map(|group| object(group, caller.organization_id())).collect()))
}
