//! `POST /integrations/{integration_id}/postbacks`: a new postback.

use super::model::{Change, PostbackBody};
use super::schema::NewPostback;
use crate::ApiState;
use crate::body::read_json_object;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, MissingProblem, NativeProblem};
use crate::native::{Answer, Params, find_integration};
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tollgate_catalog::new_postback;
use tollgate_domain::{Postback, PostbackId};

/// Create a postback
///
/// From now on, conversions that it is for are told to its URL until the receiver answers 2xx, for a day. An integration
/// has at most 100 postbacks.
#[utoipa::path(
    post,
    path = "/integrations/{integration_id}/postbacks",
    operation_id = "create_postback",
    params(("integration_id" = String, Path, description = "The integration's id."), OnceParams),
    request_body = NewPostback,
    responses(
        (status = 201, description = "The postback was created.", body = PostbackBody,
         headers(("ETag" = String, description = "The postback's version."))),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(integration): Params<String>,
    once: Once,
    request: Request,
) -> Answer {
    let integration = find_integration(&principal, &integration)?;
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let change = Change::read(body, integration, None, &state.postbacks)?;
    once.write(
        &state,
        principal.organization_id(),
        principal.actor(),
        |draft| {
            let postback = change.apply(&Postback::new(PostbackId::random(draft.entropy()), integration))?;
            let id = postback.id;
            new_postback(draft, postback)?;
            Ok(id)
        },
        |id, organization| {
            let stored = organization.get::<Postback>(id.as_str());
            Reply::stored(StatusCode::CREATED, stored, PostbackBody::of)
        },
    )
    .await
}
