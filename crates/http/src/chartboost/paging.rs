//! Pages of lists: `page` from 1, `limit` 1 to 1,000, `direction` without case; the answer's frame around the items.

use super::query::Query;
use crate::error::{ApiError, Dialect};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Items on a page when no number is asked for.
const DEFAULT_LIMIT: u32 = 25;
/// Most items on a page.
const MAX_LIMIT: u32 = 1000;

/// Bytes that a page's frame and each of its items take, or somewhat less: a great page is then written without growing.
const ROOM: usize = 64;
const ITEM_ROOM: usize = 512;

/// What a list request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    page: u32,
    limit: u32,
    direction: Direction,
}

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Page {
    /// Takes `page`, `limit` and `direction`.
    pub(crate) fn take(query: &mut Query) -> Self {
        const DIRECTIONS: &[(&str, Direction)] =
            &[("asc", Direction::Ascending), ("desc", Direction::Descending)];
        Self {
            page: query.integer("page", 1..=u32::MAX).unwrap_or(1),
            limit: query.integer("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT),
            direction: query.choice("direction", DIRECTIONS).unwrap_or(Direction::Ascending),
        }
    }

    /// Which way to sort.
    pub(crate) fn direction(self) -> Direction {
        self.direction
    }

    /// The items of this page, of all that are sorted as asked for.
    pub(crate) fn of<I: Iterator>(self, sorted: I) -> std::iter::Take<std::iter::Skip<I>> {
        // No list has more items than a `usize` counts, so a page beyond that is empty either way.
        let before = u64::from(self.page - 1) * u64::from(self.limit);
        sorted.skip(usize::try_from(before).unwrap_or(usize::MAX)).take(self.limit as usize)
    }

    /// The answer: a page's items, and how many there are on all pages.
    pub(crate) fn answer<T: Serialize>(self, items: Vec<T>, total: usize) -> Response {
        let mut body = Vec::with_capacity(ROOM + items.len() * ITEM_ROOM);
        let listed = Listed { items, page: self.page, limit: self.limit, total: total as u64 };
        match serde_json::to_writer(&mut body, &listed) {
            Ok(()) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal("writing a page", &error).respond(Dialect::Chartboost),
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// The items of the page.
    items: Vec<T>,
    /// The page's number, from 1.
    #[schema(minimum = 1)]
    page: u32,
    /// Items on a page.
    #[schema(minimum = 1, maximum = 1000)]
    limit: u32,
    /// Items on all pages.
    total: u64,
}

/// The parameters that [`Page::take`] takes, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(crate) struct PageParams {
    /// The page, from 1.
    #[param(minimum = 1, maximum = 4294967295_u32, default = 1)]
    page: Option<u32>,
    /// Items on a page.
    #[param(minimum = 1, maximum = 1000, default = 25)]
    limit: Option<u32>,
    /// Which way to sort.
    #[param(inline)]
    direction: Option<DirectionParam>,
}

/// The spellings of a direction that are documented; case does not matter.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
enum DirectionParam {
    #[schema(rename = "asc")]
    Ascending,
    #[schema(rename = "desc")]
    Descending,
    #[schema(rename = "ASC")]
    UpperAscending,
    #[schema(rename = "DESC")]
    UpperDescending,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(raw: &str) -> Result<Page, Vec<String>> {
        let mut query = Query::parse(Some(raw)).unwrap();
        let page = Page::take(&mut query);
        match query.finish() {
            Ok(()) => Ok(page),
            Err(error) => Err(error.errors.into_iter().map(|error| error.field).collect()),
        }
    }

    #[test]
    fn pages_are_cut_out() {
        let page = take("page=3&limit=4&direction=DESC").unwrap();
        assert_eq!(page.of(0..10).collect::<Vec<_>>(), [8, 9]);
        assert_eq!(page.direction(), Direction::Descending);
        let page = take("").unwrap();
        assert_eq!((page.of(0..100).count(), page.direction()), (25, Direction::Ascending));
        assert_eq!(take("page=4294967295&limit=1000").unwrap().of(0..10).count(), 0);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        assert_eq!(take("page=0&limit=0&direction=up").unwrap_err(), ["page", "limit", "direction"]);
        for raw in ["limit=1001", "limit=-1", "limit=1.5", "limit=", "limit=x", "limit=4294967296"] {
            assert_eq!(take(raw).unwrap_err(), ["limit"], "{raw}");
        }
    }
}
