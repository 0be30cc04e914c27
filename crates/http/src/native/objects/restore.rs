//! `POST /objects/{kind}/{id}/restore`: puts a past state back as a new version, when no rule of a write is against it.

use super::body::ObjectState;
use super::{ObjectParams, kind_named, missing};
use crate::ApiState;
use crate::body::read_json_object;
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::fields::Fields;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem, NativeProblem};
use crate::native::{Answer, Params};
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::Value;
use tollgate_catalog::Object;
use tollgate_domain::{AdLocation, App, Invalid};
use utoipa::ToSchema;

/// Which state to put back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct RestoreRequest {
    /// The version to put back; that of a deletion stands for the state that was deleted.
    #[schema(minimum = 1, maximum = 4294967295_u32)]
    version: u32,
}

/// Restore an object
///
/// The state becomes a new version, judged by the rules of any other change: names and priorities must be free, limits are
/// kept. What was deleted comes back under its id; an integration comes back with the filter groups that were deleted with
/// it. Reviews, accepted disclosures and what traffic told stay as they are. Credentials and users cannot be restored.
#[utoipa::path(
    post,
    path = "/objects/{kind}/{id}/restore",
    operation_id = "restore_object",
    params(
        ObjectParams,
        IfMatchParams,
        OnceParams,
    ),
    request_body = RestoreRequest,
    responses(
        (status = 200, description = "The object as it is now.", body = ObjectState,
         headers(("ETag" = String, description = "The object's version."))),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((kind, id)): Params<(String, String)>,
    if_match: IfMatch,
    once: Once,
    request: Request,
) -> Answer {
    let kind = kind_named(&kind)?;
    if matches!(kind, App::KIND | AdLocation::KIND) {
        principal.require_disclosures()?;
    }
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let version = read_version(body).map_err(ApiError::invalid)?;
    let organization = principal.organization_id();
    let found = state.catalog.restoration(organization, kind, &id, version.into()).await?;
    let restoration = found.ok_or_else(missing)?;
    once.write(
        &state,
        organization,
        principal.actor(),
        |draft| {
            if_match.check(restoration.version(draft))?;
            restoration.apply(draft)
        },
        |(), organization| match organization.object(kind, &id) {
            Some((meta, document)) => {
                Reply::json(StatusCode::OK, &ObjectState::present(kind, &meta, document)).tagged(meta.version)
            }
            // It was put back in this write.
            None => Reply::json(StatusCode::OK, &Value::Null),
        },
    )
    .await
}

fn read_version(body: serde_json::Map<String, Value>) -> Result<u32, Vec<Invalid>> {
    let mut fields = Fields::lenient(body);
    let version = fields.required("version", |f| f.integer("version", 1..=u32::MAX));
    let errors = fields.finish();
    match version {
        Some(version) if errors.is_empty() => Ok(version),
        _ => Err(errors),
    }
}
