//! Pages of entries, newest first, and of objects by their ids: `limit` and a cursor that says where the last page ended.
//! What comes in between shifts nothing.

use crate::chartboost::query::Query;
use serde::Serialize;
use std::str::FromStr;
use tollgate_domain::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// Entries on a page when no number is asked for.
const DEFAULT_LIMIT: u32 = 100;
/// Most entries on a page.
const MAX_LIMIT: u32 = 1000;

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    limit: u32,
    /// The seq that the last page ended with.
    pub(super) before: Option<u64>,
}

impl Cursor {
    /// Takes `limit` and `cursor`.
    pub(super) fn take(query: &mut Query) -> Self {
        let limit = query.integer("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
        Self { limit, before: take_cursor(query, seq) }
    }

    /// How many entries to read: one more than the page holds tells whether there is a next page.
    pub(super) fn reads(self) -> u32 {
        self.limit + 1
    }

    /// The page of what was read, `seq` telling each entry's place.
    pub(super) fn page<T>(self, mut items: Vec<T>, seq: impl Fn(&T) -> u64) -> Entries<T> {
        let has_more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let next_cursor = items.last().filter(|_| has_more).map(|last| seq(last).to_string());
        Entries { items, next_cursor }
    }
}

/// Takes `cursor`, as `read` reads it.
fn take_cursor<T>(query: &mut Query, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let text = query.text("cursor")?;
    let read = read(&text);
    if read.is_none() {
        query.refuse("cursor", "must be a next_cursor of an earlier answer");
    }
    read
}

/// Which page of objects is asked for; they stand in the order of their ids.
#[derive(Debug)]
pub(super) struct ById<I> {
    limit: usize,
    /// The id that the last page ended with.
    after: Option<I>,
}

impl<I: FromStr + Ord> ById<I> {
    /// Takes `limit`, `most` at most and `default` without one, and `cursor`.
    pub(super) fn take(query: &mut Query, default: u32, most: u32) -> Self {
        let limit = query.integer("limit", 1..=most).unwrap_or(default) as usize;
        Self { limit, after: take_cursor(query, |text| text.parse().ok()) }
    }

    /// The page of `all`, which are in the order of `id`, and the `next_cursor`: null on the last one.
    pub(super) fn page<'a, T>(
        &self,
        all: impl Iterator<Item = &'a T>,
        id: impl Fn(&T) -> &I,
    ) -> (Vec<&'a T>, Option<String>)
    where
        I: ToString,
    {
        let asked = all.filter(|one| self.after.as_ref().is_none_or(|last| id(one) > last));
        let mut found: Vec<_> = asked.take(self.limit + 1).collect();
        let has_more = found.len() > self.limit;
        found.truncate(self.limit);
        let next = found.last().filter(|_| has_more).map(|last| id(last).to_string());
        (found, next)
    }
}

fn seq(text: &str) -> Option<u64> {
    let legal = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| legal)
}

/// Takes a time as RFC 3339. Years that no entry has stand for the nearest one that there may be.
pub(super) fn take_time(query: &mut Query, name: &str) -> Option<Timestamp> {
    let text = query.text(name)?;
    let is_full = text.len() >= 20 && matches!(text.as_bytes()[10], b'T' | b't');
    let time = text.parse::<jiff::Timestamp>().ok().filter(|_| is_full);
    if time.is_none() {
        query.refuse(name, "must be a time such as 2026-11-22T08:00:00Z");
    }
    time.map(|time| Timestamp::from_millis(time.as_millisecond()))
}

/// A page of entries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Entries<T> {
    /// The entries, newest first.
    items: Vec<T>,
    /// Asks for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl<T> Entries<T> {
    /// The same page with every entry as `write` writes it.
    pub(super) fn map<U>(self, write: impl FnMut(T) -> U) -> Entries<U> {
        Entries { items: self.items.into_iter().map(write).collect(), next_cursor: self.next_cursor }
    }
}

/// The parameters that [`Cursor::take`] takes, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct CursorParams {
    /// Entries on a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,17}$")]
    cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_where_the_next_begins() {
        let mut query = Query::parse(Some("limit=2&cursor=9")).unwrap();
        let cursor = Cursor::take(&mut query);
        assert_eq!((cursor.before, cursor.reads()), (Some(9), 3));
        let page = cursor.page(vec![8, 7, 6], |seq| *seq);
        assert_eq!((page.items, page.next_cursor.as_deref()), (vec![8, 7], Some("7")));
        assert_eq!(cursor.page(vec![8, 7], |seq| *seq).next_cursor, None);
    }

    #[test]
    fn a_page_of_objects_goes_on_after_an_id() {
        let take = |raw| {
            let mut query = Query::parse(Some(raw)).unwrap();
            let page = ById::<u32>::take(&mut query, 2, 3);
            query.finish_strict().map(|()| page.page([4, 6, 7, 9].iter(), |id| id).1.is_some()).ok()
        };
        assert_eq!(["", "limit=3", "cursor=6"].map(take), [Some(true), Some(true), Some(false)]);
        assert_eq!(["limit=4", "limit=0", "cursor=x", "cursor="].map(take), [None; 4]);
        let page = ById::<u32> { limit: 2, after: Some(5) };
        assert_eq!(page.page([4, 6, 7, 9].iter(), |id| id), (vec![&6, &7], Some("7".to_owned())));
    }

    #[test]
    fn other_cursors_and_times_are_refused() {
        for raw in ["cursor=", "cursor=0", "cursor=x", "cursor=-1", "cursor=1.5", "limit=0", "limit=1001"] {
            let mut query = Query::parse(Some(raw)).unwrap();
            Cursor::take(&mut query);
            assert!(query.finish().is_err(), "{raw}");
        }
        for (raw, expected) in [
            ("t=2026-11-22T08:00:00Z", Some("2026-11-22T08:00:00.000Z")),
            ("t=2026-11-22T08:00:00%2B02:00", Some("2026-11-22T06:00:00.000Z")),
            ("t=0001-01-01T00:00:00Z", Some("1970-01-01T00:00:00.000Z")),
            ("t=2026-11-22", None),
            ("t=1700000000", None),
            ("t=2026-02-30T00:00:00Z", None),
        ] {
            let mut query = Query::parse(Some(raw)).unwrap();
            let time = take_time(&mut query, "t").map(|time| time.to_string());
            assert_eq!((time.as_deref(), query.finish().is_ok()), (expected, expected.is_some()), "{raw}");
        }
    }
}
