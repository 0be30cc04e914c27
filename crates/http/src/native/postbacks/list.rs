//! `GET /integrations/{integration_id}/postbacks`: an integration's postbacks, by their ids.

use super::model::PostbackBody;
use crate::chartboost::query::Query;
use crate::native::auth::Principal;
use crate::native::paging::ById;
use crate::native::schema::{MissingProblem, QueryProblem};
use crate::native::{Answer, Params, find_integration};
use axum::Json;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::{Postback, PostbackId};
use utoipa::{IntoParams, ToSchema};

/// Postbacks on a page, at most and when no number is asked for: all that an integration may have.
const MAX_LIMIT: u32 = 100;

/// Which page is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct PostbackParams {
    /// Postbacks on a page.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[a-z0-9]{10}$")]
    cursor: Option<String>,
}

/// A page of postbacks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PostbackPage<'a> {
    /// The postbacks, by their ids.
    items: Vec<PostbackBody<'a>>,
    /// Asks for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List an integration's postbacks
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}/postbacks",
    operation_id = "list_postbacks",
    params(("integration_id" = String, Path, description = "The integration's id."), PostbackParams),
    responses(
        (status = 200, description = "A page of postbacks.", body = PostbackPage),
        MissingProblem,
        QueryProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    Params(integration): Params<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let integration = find_integration(&principal, &integration)?;
    let mut query = Query::parse(raw.as_deref())?;
    let page = ById::<PostbackId>::take(&mut query, MAX_LIMIT, MAX_LIMIT);
    query.finish_strict()?;
    let all = principal.organization().table::<Postback>().iter();
    let (found, next_cursor) = page.page(all.filter(|one| one.integration == integration), |one| &one.id);
    let items = found.into_iter().map(|postback| PostbackBody::of(postback)).collect();
    Ok(Json(PostbackPage { items, next_cursor }).into_response())
}
