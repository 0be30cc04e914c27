//! `PATCH …/filter-groups/{filterGroupID}`: changes what the body names; `null` clears what can be empty.

use super::super::{Answer, done};
use super::model::GroupChange;
use super::read::find_group;
use super::schema::FilterGroupChange;
use crate::ApiState;
use crate::auth::Writer;
use crate::body::read_object;
use crate::clickshield::Params;
use crate::clickshield::schema::{BodyProblem, Done, FormFields, MissingProblem, TrafficProblem};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::fields::Fields;
use crate::native::schema::IfMatchParams;
use axum::extract::{Request, State};
use tollgate_catalog::Draft;
use tollgate_domain::FilterGroup;

/// Update a filter group
///
/// Changes what the body names; `null` clears what can be empty. With `If-Match` only at the version that `ETag` told.
#[utoipa::path(
    patch,
    path = "/integrations/{integration_id}/filter-groups/{filter_group_id}",
    operation_id = "update_filter_group",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id."), ("filter_group_id" = String, Path, description = "The filter group's id."), IfMatchParams),
    request_body(content((FilterGroupChange = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The filter group was changed.", body = Done),
        (status = 412, description = "Someone changed it since it was read.", body = TrafficProblem),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params((integration, id)): Params<(String, String)>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let integration = find_group(&caller, &integration, &id)?.integration;
    let (body, encoding) = read_object(request).await?;
    let organization = caller.organization_id();
    let change = GroupChange::read(Fields::new(body, encoding), Some(&id), integration, organization);
    let update = |draft: &mut Draft<'_>| {
        let mut group = if_match.require::<FilterGroup>(draft, &id)?.value.clone();
        change.apply(draft, &mut group)?;
        draft.update(group, None)
    };
    if change.errors().is_empty() {
        state.catalog.write(organization, &caller.actor(), update).await?;
    } else {
        state.catalog.rehearse(organization, &caller.actor(), update).map_err(ApiError::from)?;
    }
    Ok(done())
}
