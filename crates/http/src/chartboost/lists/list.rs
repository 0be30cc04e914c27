//! `GET /lists`: the lists of the caller's organization, the default one among them, filtered, sorted and paged.

use super::model::{ListBody, ListSummary};
use crate::chartboost::keyword::Keyword;
use crate::chartboost::paging::{Direction, Listed, Page, PageParams};
use crate::chartboost::query::Query;
use crate::chartboost::schema::Detail;
use crate::chartboost::{Answer, Client};
use axum::extract::RawQuery;
use serde::Serialize;
use std::sync::Arc;
use tollgate_catalog::{OrganizationSnapshot, Stored, default_category_list};
use tollgate_domain::{CategoryList, CategoryListType};
use utoipa::{IntoParams, ToSchema};

/// What lists are sorted by. Equal ones stand in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Title,
    DateModified,
    DateCreated,
}

const SORTS: &[(&str, Sort)] =
    &[("title", Sort::Title), ("date_modified", Sort::DateModified), ("date_created", Sort::DateCreated)];

const TYPES: &[(&str, CategoryListType)] = &[
    (CategoryListType::Custom.name(), CategoryListType::Custom),
    (CategoryListType::Default.name(), CategoryListType::Default),
];

/// Which lists a request asks for.
#[derive(Debug)]
struct ListsRequest {
    page: Page,
    sort: Sort,
    types: Vec<CategoryListType>,
    keyword: Keyword,
    summary: bool,
}

impl ListsRequest {
    fn read(raw: Option<&str>) -> Result<Self, crate::error::ApiError> {
        let mut query = Query::parse(raw)?;
        let request = Self {
            page: Page::take(&mut query),
            sort: query.choice("sort", SORTS).unwrap_or(Sort::Title),
            types: query.choices("types_filter", TYPES),
            keyword: Keyword::new(&query.text("keyword_filter").unwrap_or_default()),
            summary: query.boolean("summary").unwrap_or(false),
        };
        query.finish()?;
        Ok(request)
    }

    /// Everything that is asked for, on whatever page.
    fn find(&self, organization: &OrganizationSnapshot) -> Vec<Arc<Stored<CategoryList>>> {
        let custom = organization.table::<CategoryList>().iter().cloned();
        let all = default_category_list(organization).map(Arc::new).into_iter().chain(custom);
        let mut found: Vec<_> = all.filter(|list| self.wants(list)).collect();
        // Ids are unique, so the order is the same however it is reached.
        match self.sort {
            Sort::Title => found.sort_by_cached_key(|list| (list.title.to_lowercase(), list.id)),
            Sort::DateModified => found.sort_by_key(|list| (list.meta.updated_at, list.id)),
            Sort::DateCreated => found.sort_by_key(|list| (list.meta.created_at, list.id)),
        }
        if self.page.direction() == Direction::Descending {
            found.reverse();
        }
        found
    }

    fn wants(&self, list: &CategoryList) -> bool {
        (self.types.is_empty() || self.types.contains(&list.list_type)) && self.keyword.is_in(&list.title)
    }
}

/// What `GET /lists` takes beside pages, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct ListsParams {
    /// What stands in the title, without regard to case.
    keyword_filter: Option<String>,
    /// Types of lists; repeated or separated by commas.
    #[param(inline, min_items = 1)]
    types_filter: Option<Vec<TypeParam>>,
    /// What to sort by.
    #[param(inline)]
    sort: Option<SortParam>,
    /// Whether to answer how many elements a list has in place of the elements.
    #[param(default = false)]
    summary: Option<bool>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
enum TypeParam {
    #[schema(rename = "iab_content_taxonomy_1.0")]
    Custom,
    #[schema(rename = "iab_content_taxonomy_1.0_chartboost_default")]
    Default,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what is read by hand")]
enum SortParam {
    Title,
    DateModified,
    DateCreated,
}

/// An item of the answer: whole, or in short when `summary` is true.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is answered as one or the other")]
enum ListItem {
    Whole(ListBody),
    Summary(ListSummary),
}

/// List the category lists
///
/// Sorted by title unless asked otherwise. The default list of the organization is always among them.
#[utoipa::path(
    get,
    path = "/lists",
    operation_id = "list_lists",
    tag = "Lists",
    params(ListsParams, PageParams),
    responses(
        (status = 200, description = "A page of lists.", body = Listed<ListItem>),
        (status = 400, description = "A parameter is not legal.", body = Detail),
    ),
)]
pub(super) async fn handle(client: Client, RawQuery(raw): RawQuery) -> Answer {
    let request = ListsRequest::read(raw.as_deref())?;
    let found = request.find(client.organization());
    let page = request.page.of(found.iter());
    Ok(if request.summary {
        request.page.answer(page.map(|list| ListSummary::of(list)).collect(), found.len())
    } else {
        request.page.answer(page.map(|list| ListBody::of(list)).collect(), found.len())
    })
}
