//! `PATCH /integrations/{integration_id}/postbacks/{postback_id}`: changes what the body names.

use super::find;
use super::model::{Change, PostbackBody};
use super::schema::PostbackChange;
use crate::ApiState;
use crate::body::read_json_object;
use crate::etag::{IfMatch, etag};
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_domain::Postback;

/// Update a postback
///
/// Changes what the body names; null clears. Deliveries that wait are sent as they were made, or canceled when the
/// postback is not active any more.
#[utoipa::path(
    patch,
    path = "/integrations/{integration_id}/postbacks/{postback_id}",
    operation_id = "update_postback",
    params(
        ("integration_id" = String, Path, description = "The integration's id."),
        ("postback_id" = String, Path, description = "The postback's id."),
        IfMatchParams,
    ),
    request_body = PostbackChange,
    responses(
        (status = 200, description = "The postback as it is now.", body = PostbackBody,
         headers(("ETag" = String, description = "The postback's version."))),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((integration, id)): Params<(String, String)>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let found = find(&principal, &integration, &id)?;
    let body = read_json_object(request).await?;
    let change = Change::read(body, found.integration, Some(found.id), &state.postbacks)?;
    let postback = state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            let postback = if_match.require::<Postback>(draft, &id)?;
            draft.update(change.apply(&postback)?, None)?;
            draft.require::<Postback>(&id, None)
        })
        .await?;
    Ok((etag(postback.meta.version), Json(PostbackBody::of(&postback))).into_response())
}
