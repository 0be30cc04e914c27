//! One consistent look at the whole history: the segments of a manifest and the open rows beside them.
//!
//! Every method blocks on reads and is to be called where that is allowed. A view sees each row exactly once, however
//! long it is held; a segment's file is removed only when no view has it any more.

use crate::open::OpenSnapshot;
use crate::query::{Cursor, PageQuery};
use crate::row::{self, RowView};
use crate::scan::{Budget, Direction, Found, Scan, ScanError, Walk};
use crate::segment::{IdWindow, Segment};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, IntegrationId, Text, Timestamp, TxId};

/// Rows that a filter may be tested on for one page.
const SCAN_ROWS: u64 = 50_000_000;

/// A look at the history up to one `seq`.
#[derive(Clone)]
pub struct View {
    segments: Arc<[Arc<Segment>]>,
    open: Arc<OpenSnapshot>,
    cut: u64,
}

/// Some rows, newest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Event>,
    /// Whether rows that are newer than the first match too. False for an empty page.
    pub has_more_newer: bool,
    /// Whether rows that are older than the last match too. False for an empty page.
    pub has_more_older: bool,
}

impl View {
    /// The view of these segments and open rows, which share no row; `cut` is the greatest `seq` among them.
    pub fn new(segments: Arc<[Arc<Segment>]>, open: Arc<OpenSnapshot>, cut: u64) -> Self {
        Self { segments, open, cut }
    }

    /// The greatest `seq` that is seen.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// The segments.
    pub fn segments(&self) -> &Arc<[Arc<Segment>]> {
        &self.segments
    }

    /// The open rows.
    pub fn open(&self) -> &Arc<OpenSnapshot> {
        &self.open
    }

    /// One page of rows.
    pub fn page(&self, query: &PageQuery) -> Result<Page, ScanError> {
        let limit = usize::from(query.limit.min(PageQuery::MAX_LIMIT));
        let mut budget = Budget::new(SCAN_ROWS);
        let all = query.from..query.to;
        if let Cursor::Before(id) = query.cursor {
            let (mut rows, has_more_newer) =
                self.take(query, above(&all, id), Direction::Newer, limit, &mut budget)?;
            rows.reverse();
            let has_more_older = match rows.last() {
                Some(oldest) => self.any(query, all.start..oldest.id, Direction::Older, &mut budget)?,
                None => false,
            };
            return Ok(Page { rows, has_more_newer, has_more_older });
        }
        let (range, from_newest) = match query.cursor {
            Cursor::After(id) => (all.start..all.end.min(id), false),
            _ => (all.clone(), true),
        };
        let (rows, has_more_older) = self.take(query, range, Direction::Older, limit, &mut budget)?;
        let has_more_newer = match rows.first() {
            Some(newest) if !from_newest => {
                self.any(query, above(&all, newest.id), Direction::Newer, &mut budget)?
            }
            _ => false,
        };
        Ok(Page { rows, has_more_newer, has_more_older })
    }

    /// The first `limit` matching rows of `range` in a direction, and whether there are more.
    fn take(
        &self,
        query: &PageQuery,
        range: Range<TxId>,
        direction: Direction,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<(Vec<Event>, bool), ScanError> {
        let walk = walk(query, range, direction);
        let mut scan = Scan::new(&self.segments, &self.open, &walk)?;
        let mut found: Vec<Found> = Vec::with_capacity(limit);
        while let Some(row) = scan.next(budget)? {
            if found.len() == limit {
                return Ok((scan.events(&found)?, limit > 0));
            }
            found.push(row);
        }
        Ok((scan.events(&found)?, false))
    }

    /// Whether any row of `range` matches.
    fn any(
        &self,
        query: &PageQuery,
        range: Range<TxId>,
        direction: Direction,
        budget: &mut Budget,
    ) -> Result<bool, ScanError> {
        let walk = walk(query, range, direction);
        Ok(Scan::new(&self.segments, &self.open, &walk)?.next(budget)?.is_some())
    }

    /// The event of an id; of any kind when none is given.
    pub fn find(
        &self,
        integration: IntegrationId,
        kind: Option<EventKind>,
        id: TxId,
    ) -> Result<Option<Event>, ScanError> {
        let next = TxId::from_u128(id.to_u128().saturating_add(1));
        let kinds = tollgate_domain::KINDS_ALL.iter().filter(|known| kind.is_none_or(|kind| kind == **known));
        for run in self.open.runs().iter().rev() {
            let index = run.index()?;
            for kind in kinds.clone() {
                if let Some(at) = index.range(*kind, integration, &(id..next)).next() {
                    return Ok(Some(RowView::parse(run.row(&index.entries[at]))?.to_event()));
                }
            }
        }
        for segment in self.segments.iter() {
            let meta = segment.meta();
            let may_have = kind.is_none_or(|kind| kind == meta.kind)
                && meta.bounds(integration).is_some_and(|(least, greatest)| least <= id && id <= greatest);
            if may_have && let Some(event) = segment.find(integration, id)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The newest event of `integration` and `kind` with this external transaction id and a time from `from` up to but
    /// without `to`.
    pub fn find_external(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        from: Timestamp,
        to: Timestamp,
        external: &str,
    ) -> Result<Option<Event>, ScanError> {
        let range = TxId::first_at(from)..TxId::first_at(to);
        let mut newest: Option<Event> = None;
        for run in self.open.runs() {
            if let Some(entry) = run.newest_external(kind, integration, &range, external)?
                && newest.as_ref().is_none_or(|event| event.id < entry.id)
            {
                newest = Some(RowView::parse(run.row(entry))?.to_event());
            }
        }
        // Newest segments first, until none can hold a newer one than was found.
        for (bounds, segment) in self.candidates(integration, kind, &range) {
            if newest.as_ref().is_some_and(|event| event.id >= bounds.1) {
                break;
            }
            let footer = segment.footer()?;
            let mut window = IdWindow::default();
            let mut rows = segment.rows_of(&footer, integration);
            if range.start > bounds.0 {
                rows.start = segment.lower_bound(&footer, &mut window, rows.clone(), range.start)?;
            }
            if range.end <= bounds.1 {
                rows.end = segment.lower_bound(&footer, &mut window, rows.clone(), range.end)?;
            }
            let row = segment.newest_with_text(&footer, rows, Text::ExternalTransactionId, external)?;
            let event = match row {
                Some(row) => segment.events(&footer, &[row])?.pop(),
                None => None,
            };
            if event.as_ref().is_some_and(|event| newest.as_ref().is_none_or(|n| n.id < event.id)) {
                newest = event;
            }
        }
        Ok(newest)
    }

    /// Segments that may have rows of the integration and kind in `range`, by their greatest id, falling.
    fn candidates(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        range: &Range<TxId>,
    ) -> Vec<((TxId, TxId), &Arc<Segment>)> {
        let of_kind = self.segments.iter().filter(|segment| segment.meta().kind == kind);
        let mut candidates: Vec<_> = of_kind
            .filter_map(|segment| Some((segment.meta().bounds(integration)?, segment)))
            .filter(|((least, greatest), _)| *greatest >= range.start && *least < range.end)
            .collect();
        candidates.sort_by_key(|((_, greatest), _)| std::cmp::Reverse(*greatest));
        candidates
    }

    /// The event with this idempotency key among sealed rows that arrived at `since` or later. Keys of open rows are in
    /// the ledger's map.
    pub fn find_key(
        &self,
        integration: IntegrationId,
        key: u128,
        since: Timestamp,
    ) -> Result<Option<Event>, ScanError> {
        for segment in self.segments.iter().rev() {
            let meta = segment.meta();
            let recent = meta.max_arrival.is_none_or(|latest| latest >= since);
            if !meta.has_keys || !recent || meta.bounds(integration).is_none() {
                continue;
            }
            let footer = segment.footer()?;
            if let Some(row) = segment.newest_with_key(&footer, integration, key)? {
                let event = segment.events(&footer, &[row])?.pop();
                let arrived = |event: &Event| event.time(tollgate_domain::Number::ArrivalTime);
                if event.as_ref().is_some_and(|event| arrived(event).is_none_or(|at| at >= since)) {
                    return Ok(event);
                }
            }
        }
        Ok(None)
    }

    /// All events with at least this `seq`, in the order of `seq`: what counters are folded from.
    pub fn scan_seq_from(&self, seq: u64) -> SeqScan {
        SeqScan { view: self.clone(), next: seq, ready: VecDeque::new() }
    }
}

fn walk(query: &PageQuery, mut range: Range<TxId>, direction: Direction) -> Walk<'_> {
    for predicate in &query.predicates {
        if let Some((least, beyond)) = predicate.id_bounds() {
            range = range.start.max(least)..range.end.min(beyond);
        }
    }
    Walk {
        kind: query.kind,
        integration: query.integration,
        range,
        direction,
        predicates: &query.predicates,
        as_of: query.as_of,
    }
}

/// The part of `range` above `id`.
fn above(range: &Range<TxId>, id: TxId) -> Range<TxId> {
    range.start.max(TxId::from_u128(id.to_u128().saturating_add(1)))..range.end
}

/// Sequence numbers that are brought into order at a time.
const SEQ_WINDOW: u64 = 32_768;

/// See [`View::scan_seq_from`]. Rows are held encoded, a window at a time.
pub struct SeqScan {
    view: View,
    next: u64,
    ready: VecDeque<Vec<u8>>,
}

impl SeqScan {
    /// Reads the next window that has rows; `false` at the end.
    fn fill(&mut self) -> Result<bool, ScanError> {
        while self.ready.is_empty() {
            let later = self.view.segments.iter().filter(|segment| segment.meta().max_seq >= self.next);
            let sealed = later.clone().map(|segment| segment.meta().min_seq.max(self.next)).min();
            let open = self.view.open.last_seq().filter(|last| *last >= self.next);
            let open = open.and(self.view.open.first_seq()).map(|first| first.max(self.next));
            let Some(first) = sealed.into_iter().chain(open).min() else { return Ok(false) };
            let window = first..first.saturating_add(SEQ_WINDOW);
            let mut rows: Vec<(u64, Vec<u8>)> = Vec::new();
            for segment in later.filter(|segment| segment.meta().min_seq < window.end) {
                let footer = segment.footer()?;
                for event in segment.events(&footer, &segment.with_seq(&footer, &window)?)? {
                    let mut bytes = Vec::with_capacity(512);
                    row::encode(&event, &mut bytes);
                    rows.push((event.seq, bytes));
                }
            }
            for row in self.view.open.rows_from(window.start) {
                let (head, bytes) = row?;
                if head.seq >= window.end {
                    break;
                }
                rows.push((head.seq, bytes.to_vec()));
            }
            rows.sort_unstable_by_key(|(seq, _)| *seq);
            self.ready.extend(rows.into_iter().map(|(_, bytes)| bytes));
            self.next = window.end;
        }
        Ok(true)
    }
}

impl Iterator for SeqScan {
    type Item = Result<Event, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.fill() {
            Err(error) => return Some(Err(error)),
            Ok(false) => return None,
            Ok(true) => {}
        }
        let bytes = self.ready.pop_front()?;
        Some(RowView::parse(&bytes).map(|row| row.to_event()).map_err(ScanError::from))
    }
}
