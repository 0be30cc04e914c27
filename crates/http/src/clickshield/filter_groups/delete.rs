//! `DELETE …/filter-groups/{filterGroupID}`. The Default group cannot be deleted.

use super::super::{Answer, done};
use super::read::find_group;
use crate::ApiState;
use crate::auth::Writer;
use crate::clickshield::Params;
use crate::clickshield::schema::{Done, MissingProblem, TrafficProblem};
use axum::extract::State;
use tollgate_catalog::{Draft, Refused};
use tollgate_domain::FilterGroup;

/// Delete a filter group
///
/// The Default group cannot be deleted.
#[utoipa::path(
    delete,
    path = "/integrations/{integration_id}/filter-groups/{filter_group_id}",
    operation_id = "delete_filter_group",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id."), ("filter_group_id" = String, Path, description = "The filter group's id.")),
    responses(
        (status = 200, description = "The filter group was deleted.", body = Done),
        (status = 400, description = "It is the Default group.", body = TrafficProblem),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params((integration, id)): Params<(String, String)>,
) -> Answer {
    find_group(&caller, &integration, &id)?;
    state.catalog.write(caller.organization_id(), &caller.actor(), |draft| delete_group(draft, &id)).await?;
    Ok(done())
}

/// Deletes a group that exists and is not the Default group.
pub(super) fn delete_group(draft: &mut Draft<'_>, id: &str) -> Result<(), Refused> {
    if draft.require::<FilterGroup>(id, None)?.is_default() {
        return Err(Refused::Rule {
            code: "default_group",
            message: "The Default group cannot be deleted.".to_owned(),
        });
    }
    draft.delete::<FilterGroup>(id, None)
}
