//! `GET /apps`: the apps of the caller's organization by nickname, filtered and paged. They stand in the catalog in this
//! order, so a page without filters costs no look at the others.

use super::body::Item;
use crate::chartboost::keyword::Keyword;
use crate::chartboost::paging::{Direction, Listed, Page, PageParams};
use crate::chartboost::query::Query;
use crate::chartboost::schema::Detail;
use crate::chartboost::{Answer, Client};
use crate::error::ApiError;
use axum::extract::RawQuery;
use axum::response::Response;
use std::sync::Arc;
use tollgate_catalog::{OrganizationSnapshot, Stored};
use tollgate_domain::{App, Platform};
use utoipa::{IntoParams, ToSchema};

/// Which apps a request asks for.
#[derive(Debug)]
struct AppsRequest {
    page: Page,
    platforms: Vec<Platform>,
    keyword: Keyword,
}

/// An app with its nickname as it is sorted: in lower case.
type Sorted<'a> = (&'a str, &'a Arc<Stored<App>>);

impl AppsRequest {
    fn read(raw: Option<&str>) -> Result<Self, ApiError> {
        let mut query = Query::parse(raw)?;
        let request = Self {
            page: Page::take(&mut query),
            platforms: query.choices("platform_filters", Platform::NAMES),
            keyword: Keyword::new(&query.text("keyword_filter").unwrap_or_default()),
        };
        query.finish()?;
        Ok(request)
    }

    fn wants(&self, (nickname, app): &Sorted<'_>) -> bool {
        let has_keyword = || {
            self.keyword.is_in_lower(nickname)
                || app.name.as_ref().is_some_and(|name| self.keyword.is_in(name))
        };
        (self.platforms.is_empty() || self.platforms.contains(&app.platform)) && has_keyword()
    }

    fn answer(&self, organization: &OrganizationSnapshot) -> Response {
        let apps = organization.table::<App>();
        if self.platforms.is_empty() && self.keyword.is_empty() {
            return self.page_of(apps.in_order(), apps.len(), organization);
        }
        let found: Vec<Sorted<'_>> = apps.in_order().filter(|one| self.wants(one)).collect();
        self.page_of(found.iter().copied(), found.len(), organization)
    }

    fn page_of<'a>(
        &self,
        sorted: impl DoubleEndedIterator<Item = Sorted<'a>>,
        total: usize,
        organization: &OrganizationSnapshot,
    ) -> Response {
        let item = |(_, app): Sorted<'a>| Item::of(app, organization);
        let items: Vec<Item<'a>> = match self.page.direction() {
            Direction::Ascending => self.page.of(sorted).map(item).collect(),
            Direction::Descending => self.page.of(sorted.rev()).map(item).collect(),
        };
        self.page.answer(items, total)
    }
}

/// What `GET /apps` takes beside pages, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct AppsParams {
    /// What stands in the name or nickname, without regard to case.
    keyword_filter: Option<String>,
    /// Platforms; repeated or separated by commas.
    #[param(inline, min_items = 1)]
    platform_filters: Option<Vec<PlatformParam>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what is read by hand")]
enum PlatformParam {
    Android,
    Ios,
    Amazon,
}

/// List the apps
///
/// Sorted by nickname without regard to case, then by id.
#[utoipa::path(
    get,
    path = "/apps",
    operation_id = "list_apps",
    tag = "Apps",
    params(AppsParams, PageParams),
    responses(
        (status = 200, description = "A page of apps.", body = Listed<Item>),
        (status = 400, description = "A parameter is not legal.", body = Detail),
    ),
)]
pub(super) async fn handle(client: Client, RawQuery(raw): RawQuery) -> Answer {
    Ok(AppsRequest::read(raw.as_deref())?.answer(client.organization()))
}
