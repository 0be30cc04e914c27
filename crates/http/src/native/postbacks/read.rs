//! `GET /integrations/{integration_id}/postbacks/{postback_id}`: one postback.

use super::find;
use super::model::PostbackBody;
use crate::etag::etag;
use crate::native::auth::Principal;
use crate::native::schema::MissingProblem;
use crate::native::{Answer, Params};
use axum::Json;
use axum::response::IntoResponse;

/// Get a postback
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}/postbacks/{postback_id}",
    operation_id = "get_postback",
    params(
        ("integration_id" = String, Path, description = "The integration's id."),
        ("postback_id" = String, Path, description = "The postback's id."),
    ),
    responses(
        (status = 200, description = "The postback.", body = PostbackBody,
         headers(("ETag" = String, description = "The postback's version."))),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    Params((integration, id)): Params<(String, String)>,
) -> Answer {
    let postback = find(&principal, &integration, &id)?;
    Ok((etag(postback.meta.version), Json(PostbackBody::of(&postback))).into_response())
}
