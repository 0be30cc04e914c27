//! `DELETE …/filter-groups/{filterGroupID}`. The Default group cannot be deleted.

use super::super::{Answer, done};
use super::read::find_group;
use crate::ApiState;
use crate::auth::Writer;
use crate::clickshield::Params;
use axum::extract::State;
use tollgate_catalog::{Draft, Refused};
use tollgate_domain::FilterGroup;

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
