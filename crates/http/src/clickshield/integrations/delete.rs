//! `DELETE /integrations/{integrationID}`: with its filter groups and postbacks. Its events stay in the ledger.

use super::super::{Answer, done};
use crate::ApiState;
use crate::auth::Writer;
use crate::clickshield::Params;
use crate::clickshield::schema::{Done, MissingProblem};
use axum::extract::State;
use tollgate_catalog::delete_postbacks;
use tollgate_domain::{FilterGroup, Integration};

/// Delete an integration
///
/// With its filter groups and postbacks. Its events stay.
#[utoipa::path(
    delete,
    path = "/integrations/{integration_id}",
    operation_id = "delete_integration",
    tag = "Integrations",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    responses(
        (status = 200, description = "The integration was deleted.", body = Done),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(id): Params<String>,
) -> Answer {
    state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| {
            let integration = draft.require::<Integration>(&id, None)?.id;
            delete_postbacks(draft, integration)?;
            draft.delete::<Integration>(&id, None)?;
            let groups: Vec<_> = draft
                .table::<FilterGroup>()
                .iter()
                .filter(|group| group.integration.as_str() == id)
                .map(|group| group.id)
                .collect();
            groups.iter().try_for_each(|group| draft.delete::<FilterGroup>(group.as_str(), None))
        })
        .await?;
    Ok(done())
}
