//! `DELETE /lists/{list_id}`: apps that used the list fall back to the default one.

use super::read::find;
use crate::ApiState;
use crate::chartboost::schema::{Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params};
use crate::etag::IfMatch;
use crate::native::schema::IfMatchParams;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tollgate_catalog::{delete_category_list, require_custom_list};
use tollgate_domain::CategoryList;

/// Delete a category list
///
/// Apps that used it fall back to the default list, which itself cannot be deleted.
#[utoipa::path(
    delete,
    path = "/lists/{list_id}",
    operation_id = "delete_list",
    tag = "Lists",
    params(("list_id" = String, Path, description = "The list's id."), IfMatchParams),
    responses(
        (status = 204, description = "The list is gone."),
        (status = 400, description = "It is the default list.", body = Detail),
        (status = 412, description = "The list is at another version than If-Match names.", body = Detail),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
) -> Answer {
    find(&client, &id)?;
    require_custom_list(client.organization_id(), &id)?;
    state
        .catalog
        .write(client.organization_id(), &client.actor(), |draft| {
            if_match.require::<CategoryList>(draft, &id)?;
            delete_category_list(draft, &id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
