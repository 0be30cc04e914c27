//! `/mandatory-categories`: what every app of the organization blocks, whatever its list says. It is also what the
//! default list shows. Its version is the organization's.

use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::lists::CategoryCode;
use crate::error::{ApiError, Code};
use crate::etag::{IfMatch, etag};
use crate::fields::Fields;
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use tollgate_catalog::{Organization, Stored, set_mandatory_categories};
use tollgate_domain::{Category, Invalid};
use utoipa::ToSchema;

/// The mandatory categories as they are to be.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct MandatoryCategoriesRequest {
    /// Tier 2 codes of the IAB Content Taxonomy 1.0.
    #[schema(max_items = 366)]
    elements: BTreeSet<CategoryCode>,
}

/// The categories that every app blocks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MandatoryCategories {
    /// Tier 2 codes of the IAB Content Taxonomy 1.0, in the order they were given.
    #[schema(value_type = Vec<CategoryCode>)]
    elements: Vec<&'static str>,
}

/// Get the mandatory categories
///
/// Unless they were set, those of IAB25 (Non-Standard Content) and IAB26 (Illegal Content).
#[utoipa::path(
    get,
    path = "/mandatory-categories",
    operation_id = "get_mandatory_categories",
    responses(
        (status = 200, description = "The mandatory categories.", body = MandatoryCategories,
         headers(("ETag" = String, description = "The organization's version."))),
    ),
)]
pub(super) async fn read(principal: Principal) -> Answer {
    let stored = principal.organization().organization();
    // Whoever proved to be of an organization is of one that exists.
    Ok(answer(stored.ok_or_else(|| ApiError::new(Code::NotFound))?))
}

/// Replace the mandatory categories
#[utoipa::path(
    put,
    path = "/mandatory-categories",
    operation_id = "replace_mandatory_categories",
    params(IfMatchParams),
    request_body = MandatoryCategoriesRequest,
    responses(
        (status = 200, description = "The mandatory categories as they are now.", body = MandatoryCategories,
         headers(("ETag" = String, description = "The organization's version."))),
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn replace(
    principal: Principal,
    State(state): State<ApiState>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let categories = wanted(Fields::lenient(read_json_object(request).await?)).map_err(ApiError::invalid)?;
    let organization = principal.organization_id();
    let stored = state
        .catalog
        .write(organization, principal.actor(), |draft| {
            if_match.require::<Organization>(draft, organization.as_str())?;
            set_mandatory_categories(draft, &categories)?;
            draft.require::<Organization>(organization.as_str(), None)
        })
        .await?;
    Ok(answer(&stored))
}

fn wanted(mut fields: Fields) -> Result<Vec<Category>, Vec<Invalid>> {
    let elements =
        fields.required("elements", |fields| fields.items("elements", 0..=Category::COUNT, Category::parse));
    elements.ok_or_else(|| fields.finish())
}

fn answer(stored: &Arc<Stored<Organization>>) -> Response {
    let elements = stored.mandatory_categories.iter().map(|category| category.code()).collect();
    (etag(stored.meta.version), Json(MandatoryCategories { elements })).into_response()
}
