//! `GET /campaigns`: the organization's campaigns, by their ids.

use super::model::CampaignBody;
use super::schema::status;
use crate::chartboost::query::Query;
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::paging::ById;
use crate::native::schema::QueryProblem;
use axum::Json;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::{Campaign, CampaignId, CampaignStatus};
use utoipa::{IntoParams, ToSchema};

/// Campaigns on a page, at most, and when no number is asked for.
const MAX_LIMIT: u32 = 1000;
const DEFAULT_LIMIT: u32 = 100;

/// Which page is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct CampaignListParams {
    /// Only those in this state.
    #[param(schema_with = status)]
    status: Option<String>,
    /// Campaigns on a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    cursor: Option<String>,
}

/// A page of campaigns.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CampaignPage<'a> {
    /// The campaigns, by their ids.
    items: Vec<CampaignBody<'a>>,
    /// Asks for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List campaigns
#[utoipa::path(
    get,
    path = "/campaigns",
    operation_id = "list_campaigns",
    params(CampaignListParams),
    responses((status = 200, description = "A page of campaigns.", body = CampaignPage), QueryProblem),
)]
pub(super) async fn handle(principal: Principal, RawQuery(raw): RawQuery) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    let page = ById::<CampaignId>::take(&mut query, DEFAULT_LIMIT, MAX_LIMIT);
    let wanted = query.choice("status", CampaignStatus::NAMES);
    query.finish_strict()?;
    let all = principal.organization().table::<Campaign>().iter();
    let asked = all.filter(|one| wanted.is_none_or(|status| one.status == status));
    let (found, next_cursor) = page.page(asked, |one| &one.id);
    let items = found.into_iter().map(|campaign| CampaignBody::of(campaign)).collect();
    Ok(Json(CampaignPage { items, next_cursor }).into_response())
}
