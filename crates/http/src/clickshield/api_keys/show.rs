//! `GET /api-keys` and `GET /api-keys/{id}`

use super::super::list::ListRequest;
use super::super::{Answer, Failure};
use super::model::{FIELDS, object};
use super::schema::{self, ApiKeyPage, ListParams};
use crate::auth::Reader;
use crate::clickshield::Params;
use crate::clickshield::schema::{MissingProblem, QueryProblem};
use crate::error::{ApiError, Code};
use axum::Json;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use tollgate_catalog::ApiKey;

/// List API keys
#[utoipa::path(
    get,
    path = "/api-keys",
    operation_id = "list_api_keys",
    tag = "API keys",
    params(ListParams),
    responses(
        (status = 200, description = "A page of API keys.", body = ApiKeyPage),
        QueryProblem,
    ),
)]
pub(super) async fn list(Reader(caller): Reader, RawQuery(raw): RawQuery) -> Answer {
    let request = ListRequest::read(raw.as_deref(), FIELDS)?;
    let mut keys: Vec<_> = caller.organization().table::<ApiKey>().iter().collect();
    keys.sort_by_key(|key| (key.meta.created_at, key.meta.id.clone()));
    Ok(request.answer(keys.into_iter().map(|key| object(key, caller.organization_id())).collect()))
}

/// Read an API key
#[utoipa::path(
    get,
    path = "/api-keys/{api_key_id}",
    operation_id = "read_api_key",
    tag = "API keys",
    params(("api_key_id" = String, Path, description = "The API key's id.")),
    responses(
        (status = 200, description = "The API key, without the key itself.", body = schema::ApiKey),
        MissingProblem,
    ),
)]
pub(super) async fn read(Reader(caller): Reader, Params(id): Params<String>) -> Answer {
    let key = caller.organization().get::<ApiKey>(&id);
    let key = key.ok_or_else(|| Failure(ApiError::new(Code::NotFound)))?;
    Ok(Json(object(key, caller.organization_id())).into_response())
}
