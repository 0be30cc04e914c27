//! One consistent look at the whole history: the segments of a manifest and the open rows beside them.
//!
//! Every method blocks on reads and is to be called where that is allowed. A view sees each row exactly once, however
//! long it is held; a segment's file is removed only when no view has it any more.

use crate::amendments::Layers;
use crate::carried::{Carried, Gone};
use crate::expired::Expired;
use crate::fence::Deletions;
use crate::near::Near;
use crate::open::{Named, OpenSnapshot};
use crate::query::{Cursor, PageQuery, Predicate};
use crate::row::RowView;
use crate::scan::{Budget, Direction, Found, Scan, ScanError, Walk};
use crate::segment::{IdWindow, Overlay, Overlays, Segment};
use crate::seq_scan::SeqScan;
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
    overlays: Overlays,
    near: Arc<Near>,
    gone: Arc<Gone>,
    deletions: Deletions,
    cut: u64,
    amended_to: u64,
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
        let (overlays, near) = (Overlays::default(), Arc::new(Near::new(0)));
        let (gone, deletions) = (Arc::default(), Deletions::default());
        Self { segments, open, overlays, near, gone, deletions, cut, amended_to: u64::MAX }
    }

    /// The same with rows of its segments that are in memory.
    pub(crate) fn with_near(self, near: Arc<Near>) -> Self {
        Self { near, ..self }
    }

    /// The same with what is known of rows that are deleted.
    pub(crate) fn with_gone(self, gone: Arc<Gone>) -> Self {
        Self { gone, ..self }
    }

    /// The same with what was known of deletions before it was made.
    pub(crate) fn with_deletions(self, deletions: Deletions) -> Self {
        Self { deletions, ..self }
    }

    /// The same with the overlays of its segments.
    pub(crate) fn with_overlays(self, overlays: Overlays) -> Self {
        Self { overlays, ..self }
    }

    /// The same of some of its segments.
    pub(crate) fn with_segments(&self, segments: Arc<[Arc<Segment>]>) -> Self {
        Self { segments, ..self.clone() }
    }

    /// The same without what amendments with a `seq` above this one say: an event's own `seq` shows it as it was judged.
    pub fn amended_to(self, seq: u64) -> Self {
        Self { amended_to: seq, ..self }
    }

    /// The greatest `seq` that is seen.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// What events of an integration counted that are deleted and not seen any more.
    pub fn carried(&self, integration: IntegrationId) -> Carried {
        self.gone.counted.get(&integration).copied().unwrap_or_default()
    }

    /// Up to when events of an integration and kind are missing that retention deleted; `None` when it deleted none.
    pub fn expired(&self, integration: IntegrationId, kind: EventKind) -> Option<Expired> {
        self.gone.expired.of(integration, kind)
    }

    /// What it knows of deletions: with this its events may be amended ([`crate::Ledger::amend_since`]).
    pub fn deletions(&self) -> Deletions {
        self.deletions
    }

    /// The segments.
    pub fn segments(&self) -> &Arc<[Arc<Segment>]> {
        &self.segments
    }

    /// What amends a segment's rows.
    pub(crate) fn overlay(&self, segment: &Segment) -> Option<&Overlay> {
        self.overlays.get(&segment.number()).map(|overlay| &**overlay)
    }

    /// The event with its amendments; `segment` is where it was found, if it is sealed.
    pub(crate) fn amended(&self, mut event: Event, segment: Option<&Segment>) -> Result<Event, ScanError> {
        let overlay = segment.and_then(|segment| self.overlay(segment));
        let sealed = overlay.map(Overlay::amendments).transpose()?;
        let open = self.open.layers()?;
        let layers = Layers(sealed.as_deref().into_iter().chain(open.0).collect());
        layers.apply(&mut event, self.amended_to)?;
        Ok(event)
    }

    /// Amendments up to this `seq` are seen.
    pub(crate) fn amendments_end(&self) -> u64 {
        self.amended_to
    }

    /// Rows of its segments that are in memory.
    pub(crate) fn in_memory(&self) -> &Near {
        &self.near
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
        let walk = self.walk(query, range, direction);
        let mut scan = Scan::new(self, &walk)?;
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
        let walk = self.walk(query, range, direction);
        Ok(Scan::new(self, &walk)?.next(budget)?.is_some())
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
        let column = Text::ExternalTransactionId;
        self.find_named(&Named { kind, integration, range, column, text: external }, &|_| true)
    }

    /// The newest conversion of the click `click` that `accept` takes, among those with a time from `from` up to but
    /// without `to`. `accept` sees them as they were judged.
    pub fn find_of_click(
        &self,
        integration: IntegrationId,
        click: TxId,
        (from, to): (Timestamp, Timestamp),
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, ScanError> {
        let (kind, column) = (EventKind::Conversion, Text::ClickRealTxId);
        let range = TxId::first_at(from)..TxId::first_at(to);
        self.find_named(&Named { kind, integration, range, column, text: &click.to_string() }, accept)
    }

    /// [`View::find_external`] among the conversions that `accept` takes, which sees them as they were judged.
    pub fn find_external_conversion(
        &self,
        integration: IntegrationId,
        external: &str,
        (from, to): (Timestamp, Timestamp),
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, ScanError> {
        let (kind, column) = (EventKind::Conversion, Text::ExternalTransactionId);
        let range = TxId::first_at(from)..TxId::first_at(to);
        self.find_named(&Named { kind, integration, range, column, text: external }, accept)
    }

    fn find_named(
        &self,
        wanted: &Named<'_>,
        accept: &dyn Fn(&Event) -> bool,
    ) -> Result<Option<Event>, ScanError> {
        let mut newest: Option<(Event, Option<&Segment>)> = None;
        for run in self.open.runs() {
            if let Some(entry) = run.newest_named(wanted, &|row| accept(&row.to_event()))?
                && newest.as_ref().is_none_or(|(event, _)| event.id < entry.id)
            {
                newest = Some((RowView::parse(run.row(entry))?.to_event(), None));
            }
        }
        // Newest segments first, until none can hold a newer one than was found.
        for (bounds, segment) in self.candidates(wanted.integration, wanted.kind, &wanted.range) {
            if newest.as_ref().is_some_and(|(event, _)| event.id >= bounds.1) {
                break;
            }
            let event = newest_in(segment, bounds, wanted, accept)?;
            if let Some(event) = event
                && newest.as_ref().is_none_or(|(newest, _)| newest.id < event.id)
            {
                newest = Some((event, Some(segment)));
            }
        }
        newest.map(|(event, segment)| self.amended(event, segment)).transpose()
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

    /// The event with this idempotency key among sealed rows that arrived at `since` or later, or the record of the
    /// amendment that has it. Keys of open rows are in the ledger's map.
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
            let is_recent = |event: &Event| arrived_since(event, since);
            if let Some(event) = segment.newest_with_key(&footer, integration, key, &is_recent)? {
                return Ok(Some(event));
            }
        }
        let of_integration = self.segments.iter().filter(|s| s.meta().bounds(integration).is_some());
        for overlay in of_integration.filter_map(|segment| self.overlay(segment)) {
            let meta = overlay.meta();
            if meta.has_keys && meta.max_arrival.is_none_or(|latest| latest >= since) {
                let found = overlay.amendments()?.newest_with_key(integration, key)?;
                if found.as_ref().is_some_and(|record| arrived_since(record, since)) {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// All that happened from this `seq` on, in the order of `seq`: events as they were judged, and amendments as what
    /// they are. Counters are folded from it, and whoever tails the history follows it.
    pub fn scan_seq_from(&self, seq: u64) -> SeqScan {
        SeqScan::new(self.clone(), None, seq)
    }

    /// The same of events of one kind and their amendments alone: rows of other kinds are passed over without being
    /// decoded.
    pub fn scan_seq_of(&self, kind: EventKind, seq: u64) -> SeqScan {
        SeqScan::new(self.clone(), Some(kind), seq)
    }

    /// The overlays of its segments.
    pub(crate) fn overlays(&self) -> &Overlays {
        &self.overlays
    }

    fn walk<'q>(&self, query: &'q PageQuery, range: Range<TxId>, direction: Direction) -> Walk<'q> {
        let of = (query.kind, query.integration);
        Walk { direction, ..self.all(of, range, &query.predicates, query.as_of) }
    }

    /// The walk over all rows of a kind and integration with ids in `range`, oldest first.
    pub(crate) fn all<'q>(
        &self,
        (kind, integration): (EventKind, IntegrationId),
        mut range: Range<TxId>,
        predicates: &'q [Predicate],
        as_of: Option<u64>,
    ) -> Walk<'q> {
        for (least, beyond) in predicates.iter().filter_map(Predicate::id_bounds) {
            range = range.start.max(least)..range.end.min(beyond);
        }
        let amended_to = as_of.unwrap_or(u64::MAX).min(self.amended_to);
        Walk { kind, integration, range, direction: Direction::Newer, predicates, as_of, amended_to }
    }
}

fn arrived_since(event: &Event, since: Timestamp) -> bool {
    event.time(tollgate_domain::Number::ArrivalTime).is_none_or(|at| at >= since)
}

/// The newest row of a segment that `wanted` names and `accept` takes; `bounds` are those of the integration's ids.
fn newest_in(
    segment: &Segment,
    bounds: (TxId, TxId),
    wanted: &Named<'_>,
    accept: &dyn Fn(&Event) -> bool,
) -> Result<Option<Event>, ScanError> {
    let footer = segment.footer()?;
    let mut window = IdWindow::default();
    let mut rows = segment.rows_of(&footer, wanted.integration);
    if wanted.range.start > bounds.0 {
        rows.start = segment.lower_bound(&footer, &mut window, rows.clone(), wanted.range.start)?;
    }
    if wanted.range.end <= bounds.1 {
        rows.end = segment.lower_bound(&footer, &mut window, rows.clone(), wanted.range.end)?;
    }
    Ok(segment.newest_with_text(&footer, rows, (wanted.column, wanted.text), accept)?)
}

/// The part of `range` above `id`.
fn above(range: &Range<TxId>, id: TxId) -> Range<TxId> {
    range.start.max(id.next())..range.end
}
