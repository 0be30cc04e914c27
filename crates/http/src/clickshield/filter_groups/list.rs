//! `GET …/filter-groups`: by priority, the Default group last.

use super::super::Answer;
use super::super::integrations::find;
use super::super::list::ListRequest;
use super::model::{FIELDS, object};
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::Params;
use axum::extract::{RawQuery, State};

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
