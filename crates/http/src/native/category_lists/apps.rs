//! `GET /lists/{list_id}/apps`: which apps block the categories of a list. Those of the default list are all that
//! chose no other.

use crate::chartboost::paging::{Direction, Listed, Page, PageParams};
use crate::chartboost::query::Query;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::{MissingProblem, QueryProblem};
use crate::native::{Answer, Params};
use axum::extract::RawQuery;
use serde::Serialize;
use tollgate_catalog::{Stored, category_list, category_list_in_force};
use tollgate_domain::App;
use utoipa::ToSchema;

/// An app that uses a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListUser<'a> {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: &'a str,
    /// What its makers call it.
    nickname: &'a str,
    /// `android`, `ios` or `amazon`.
    #[schema(pattern = "^(android|ios|amazon)$")]
    platform: &'static str,
}

impl<'a> ListUser<'a> {
    fn of(app: &'a Stored<App>) -> Self {
        Self { id: app.id.as_str(), nickname: &app.nickname, platform: app.platform.name() }
    }
}

/// List the apps that use a category list
///
/// Sorted by nickname without regard to case, then by id.
#[utoipa::path(
    get,
    path = "/lists/{list_id}/apps",
    operation_id = "list_apps_of_list",
    params(("list_id" = String, Path, description = "The list's id."), PageParams),
    responses(
        (status = 200, description = "A page of apps.", body = Listed<ListUser>),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    Params(id): Params<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let organization = principal.organization();
    let Some(list) = category_list(organization, &id) else {
        return Err(ApiError::because(Code::NotFound, "There is no such list.").into());
    };
    let mut query = Query::parse(raw.as_deref())?;
    let page = Page::take(&mut query);
    query.finish_strict()?;
    let apps = organization.table::<App>().in_order().map(|(_, app)| app);
    let mut users: Vec<_> =
        apps.filter(|app| category_list_in_force(organization, app.id) == list.id).collect();
    if page.direction() == Direction::Descending {
        users.reverse();
    }
    let items = page.of(users.iter()).map(|app| ListUser::of(app)).collect();
    Ok(page.answer(items, users.len()))
}
