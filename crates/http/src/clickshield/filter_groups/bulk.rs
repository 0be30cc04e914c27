//! `PATCH` and `DELETE …/filter-groups`: many groups at once, all or none.

use super::super::integrations::find;
use super::super::query::Query;
use super::super::{Answer, Failure, done};
use super::delete::delete_group;
use super::schema::{FilterGroupsChange, FilterGroupsDeletion};
use crate::ApiState;
use crate::auth::{Caller, Writer};
use crate::body::read_object;
use crate::clickshield::Params;
use crate::clickshield::schema::{BodyProblem, Done, FormFields, MissingProblem};
use crate::error::{ApiError, Code};
use crate::fields::{Fields, Given};
use axum::extract::{RawQuery, Request, State};
use tollgate_catalog::{Draft, Refused};
use tollgate_domain::{FilterGroup, IntegrationId};

/// Most groups that a request may name.
pub(super) const MAX_IDS: usize = 10_000;

/// What a bulk request names.
struct Bulk {
    integration: IntegrationId,
    ids: Vec<String>,
    monitoring_mode: Given<bool>,
}

/// Update many filter groups
///
/// All of them or none.
#[utoipa::path(
    patch,
    path = "/integrations/{integration_id}/filter-groups",
    operation_id = "update_filter_groups",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id."), ("organization" = Option<String>, Query, description = "If given, that of the API key.")),
    request_body(content((FilterGroupsChange = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The filter groups were changed.", body = Done),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn update(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(integration): Params<String>,
    RawQuery(raw): RawQuery,
    request: Request,
) -> Answer {
    let bulk = read(&caller, &integration, raw, request, true).await?;
    state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| {
            bulk.ids.iter().try_for_each(|id| {
                let mut group = require(draft, &bulk, id)?;
                bulk.monitoring_mode.clone().set_option(&mut group.monitoring_mode);
                draft.update(group, None)
            })
        })
        .await?;
    Ok(done())
}

/// Delete many filter groups
///
/// All of them or none.
#[utoipa::path(
    delete,
    path = "/integrations/{integration_id}/filter-groups",
    operation_id = "delete_filter_groups",
    tag = "Filter groups",
    params(("integration_id" = String, Path, description = "The integration's id."), ("organization" = Option<String>, Query, description = "If given, that of the API key.")),
    request_body(content((FilterGroupsDeletion = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The filter groups were deleted.", body = Done),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn delete(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(integration): Params<String>,
    RawQuery(raw): RawQuery,
    request: Request,
) -> Answer {
    let bulk = read(&caller, &integration, raw, request, false).await?;
    state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| {
            bulk.ids.iter().try_for_each(|id| {
                require(draft, &bulk, id)?;
                delete_group(draft, id)
            })
        })
        .await?;
    Ok(done())
}

async fn read(
    caller: &Caller,
    integration: &str,
    raw: Option<String>,
    request: Request,
    is_update: bool,
) -> Result<Bulk, Failure> {
    let integration = find(caller, integration)?.id;
    let mut query = Query::parse(raw.as_deref())?;
    let organization = query.text("organization");
    query.finish()?;
    if organization.is_some_and(|organization| organization != caller.organization_id().as_str()) {
        return Err(ApiError::new(Code::NotFound).into());
    }
    let (body, encoding) = read_object(request).await?;
    let mut fields = Fields::new(body, encoding);
    fields.must_have("data");
    let given = fields.texts("data", 0..=MAX_IDS, 255);
    let mut ids = Vec::new();
    if let Given::Value(given) = given {
        if given.is_empty() {
            fields.refuse("data", "must name at least one filter group");
        }
        ids = given;
    } else if let Given::Null = given {
        fields.refuse("data", "must not be null");
    }
    let mut monitoring_mode = Given::Absent;
    if is_update {
        fields.must_have("monitoring_mode");
        monitoring_mode = fields.boolean("monitoring_mode");
    }
    let errors = fields.finish();
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors).into());
    }
    Ok(Bulk { integration, ids, monitoring_mode })
}

fn require(draft: &Draft<'_>, bulk: &Bulk, id: &str) -> Result<FilterGroup, Refused> {
    let group = draft.require::<FilterGroup>(id, None)?;
    if group.integration != bulk.integration {
        return Err(Refused::NotFound { kind: "filter_group", id: id.to_owned() });
    }
    Ok(group.value.clone())
}
