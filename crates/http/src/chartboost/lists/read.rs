//! `GET /lists/{list_id}`: one list with its elements.

use super::model::ListBody;
use crate::chartboost::schema::NoSuchObject;
use crate::chartboost::{Answer, Client, Failure, Params};
use crate::etag::etag;
use axum::Json;
use axum::response::IntoResponse;
use std::sync::Arc;
use tollgate_catalog::{Object, Stored, category_list};
use tollgate_domain::CategoryList;

/// Get a category list
#[utoipa::path(
    get,
    path = "/lists/{list_id}",
    operation_id = "get_list",
    tag = "Lists",
    params(("list_id" = String, Path, description = "The list's id.")),
    responses(
        (status = 200, description = "The list.", body = ListBody,
         headers(("ETag" = String, description = "The list's version."))),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(client: Client, Params(id): Params<String>) -> Answer {
    let list = find(&client, &id)?;
    Ok((etag(list.meta.version), Json(ListBody::of(&list))).into_response())
}

/// The caller's list of an id; that of another organization does not exist.
pub(super) fn find(client: &Client, id: &str) -> Result<Arc<Stored<CategoryList>>, Failure> {
    category_list(client.organization(), id).ok_or_else(|| Failure::no_such(CategoryList::KIND, id))
}
