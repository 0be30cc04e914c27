//! `POST …/filter-groups`

use super::super::integrations::find;
use super::super::{Answer, created};
use super::model::GroupChange;
use super::schema::NewFilterGroup;
use crate::ApiState;
use crate::auth::Writer;
use crate::body::read_object;
use crate::clickshield::Params;
use crate::clickshield::schema::{BodyProblem, Created, FormFields, MissingProblem};
use crate::fields::Fields;
use axum::extract::{Request, State};
use tollgate_catalog::{Draft, Refused};
use tollgate_domain::{FilterGroup, FilterGroupId, Integration, IntegrationId};

/// Create a filter group
#[utoipa::path(
    post,
    path = "/integrations/{integration_id}/filter-groups",
    operation_id = "create_filter_group",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    request_body(content((NewFilterGroup = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The filter group was created.", body = Created),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(integration): Params<String>,
    request: Request,
) -> Answer {
    let integration = find(&caller, &integration)?.id;
    let (body, encoding) = read_object(request).await?;
    let organization = caller.organization_id();
    let change = GroupChange::read(Fields::new(body, encoding), None, integration, organization);
    let create = |draft: &mut Draft<'_>| create(draft, integration, &change);
    let id = if change.errors().is_empty() {
        state.catalog.write(organization, &caller.actor(), create).await?
    } else {
        state.catalog.rehearse(organization, &caller.actor(), create).map_err(crate::error::ApiError::from)?
    };
    Ok(created(id.as_str()))
}

fn create(
    draft: &mut Draft<'_>,
    integration: IntegrationId,
    change: &GroupChange,
) -> Result<FilterGroupId, Refused> {
    draft.require::<Integration>(integration.as_str(), None)?;
    let mut group = FilterGroup {
        id: FilterGroupId::random(draft.entropy()),
        integration,
        name: String::new(),
        description: String::new(),
        active: true,
        priority: None,
        advertiser_ids: Vec::new(),
        offer_ids: Vec::new(),
        publisher_ids: Vec::new(),
        monitoring_mode: None,
        rtb_enabled: None,
        click_filter_preset_id: None,
        conversion_filter_preset_id: None,
        tags: Vec::new(),
        filters: Vec::new(),
    };
    change.apply(draft, &mut group)?;
    let id = group.id;
    draft.create(group)?;
    Ok(id)
}
