//! `GET /integrations`: those of the key's organization, the oldest first.

use super::super::Answer;
use super::super::list::ListRequest;
use super::model::{FIELDS, object};
use super::schema::{IntegrationPage, ListParams};
use crate::auth::Reader;
use crate::clickshield::schema::QueryProblem;
use axum::extract::RawQuery;
use tollgate_domain::Integration;

/// List integrations
///
/// Those of the key's organization, the oldest first unless sorted.
#[utoipa::path(
    get,
    path = "/integrations",
    operation_id = "list_integrations",
    tag = "Integrations",
    params(ListParams),
    responses(
        (status = 200, description = "A page of integrations.", body = IntegrationPage),
        QueryProblem,
    ),
)]
pub(super) async fn handle(Reader(caller): Reader, RawQuery(raw): RawQuery) -> Answer {
    let request = ListRequest::read(raw.as_deref(), FIELDS)?;
    let mut stored: Vec<_> = caller.organization().table::<Integration>().iter().collect();
    stored.sort_by_key(|one| (one.meta.created_at, one.id));
    Ok(request.answer(stored.into_iter().map(|one| object(one)).collect()))
}
