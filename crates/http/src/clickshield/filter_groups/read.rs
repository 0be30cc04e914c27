//! `GET …/filter-groups/{filterGroupID}`

use super::super::integrations::find;
use super::super::{Answer, Failure};
use super::model::object;
use super::schema;
use crate::auth::{Caller, Reader};
use crate::clickshield::Params;
use crate::clickshield::schema::MissingProblem;
use crate::error::{ApiError, Code};
use crate::etag::etag;
use axum::Json;
use axum::response::IntoResponse;
use std::sync::Arc;
use tollgate_catalog::Stored;
use tollgate_domain::FilterGroup;

/// Read a filter group
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}/filter-groups/{filter_group_id}",
    operation_id = "read_filter_group",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id."), ("filter_group_id" = String, Path, description = "The filter group's id.")),
    responses(
        (status = 200, description = "The filter group.", body = schema::FilterGroup,
         headers(("ETag" = String, description = "The filter group's version."))),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    Reader(caller): Reader,
    Params((integration, id)): Params<(String, String)>,
) -> Answer {
    let group = find_group(&caller, &integration, &id)?;
    Ok((etag(group.meta.version), Json(object(&group, caller.organization_id()))).into_response())
}

/// The caller's filter group of an id; that of another integration or organization does not exist.
pub(super) fn find_group(
    caller: &Caller,
    integration: &str,
    id: &str,
) -> Result<Arc<Stored<FilterGroup>>, Failure> {
    let integration = find(caller, integration)?.id;
    let group = caller.organization().get::<FilterGroup>(id);
    group
        .filter(|group| group.integration == integration)
        .cloned()
        .ok_or_else(|| Failure(ApiError::new(Code::NotFound)))
}
