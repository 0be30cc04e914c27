//! `PUT /lists/{list_id}`: replaces the title and the elements of a custom list.

use super::model::{ListRequest, UpdatedBody, WantedList};
use super::read::find;
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::native::schema::IfMatchParams;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_catalog::require_custom_list;
use tollgate_domain::CategoryList;

/// Replace a category list
///
/// The whole list is given, with the type it has. The default list cannot be changed.
#[utoipa::path(
    put,
    path = "/lists/{list_id}",
    operation_id = "update_list",
    tag = "Lists",
    params(("list_id" = String, Path, description = "The list's id."), IfMatchParams),
    request_body = ListRequest,
    responses(
        (status = 200, description = "The list as it is now.", body = UpdatedBody,
         headers(("ETag" = String, description = "The list's version."))),
        (status = 412, description = "The list is at another version than If-Match names.", body = Detail),
        NoSuchObject,
        BodyError,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    find(&client, &id)?;
    let organization = client.organization_id();
    // What is wrong with the body does not matter for a list that cannot be changed at all.
    require_custom_list(organization, &id)?;
    let wanted = WantedList::read_update(read_json_object(request).await?).map_err(ApiError::invalid)?;
    let list = state
        .catalog
        .write(organization, &client.actor(), |draft| {
            let stored = if_match.require::<CategoryList>(draft, &id)?;
            let list = CategoryList {
                title: wanted.title.clone(),
                elements: wanted.elements.clone(),
                ..stored.value.clone()
            };
            draft.update(list, None)?;
            draft.require::<CategoryList>(&id, None)
        })
        .await?;
    Ok((etag(list.meta.version), Json(UpdatedBody::of(&list))).into_response())
}
