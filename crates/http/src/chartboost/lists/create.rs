//! `POST /lists`: a new custom list.

use super::model::{Created, ListRequest, WantedList};
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail};
use crate::chartboost::{Answer, Client};
use crate::error::ApiError;
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tollgate_catalog::new_category_list;

/// Create a category list
#[utoipa::path(
    post,
    path = "/lists",
    operation_id = "create_list",
    tag = "Lists",
    params(OnceParams),
    request_body = ListRequest,
    responses(
        (status = 200, description = "The list was created.", body = Created),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = Detail),
        BodyError,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    once: Once,
    request: Request,
) -> Answer {
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let wanted = WantedList::read_new(body).map_err(ApiError::invalid)?;
    once.write(
        &state,
        client.organization_id(),
        &client.actor(),
        |draft| new_category_list(draft, &wanted.title, &wanted.elements),
        |id, _| Reply::json(StatusCode::OK, &Created::from(id)),
    )
    .await
}
