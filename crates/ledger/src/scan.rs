//! The one scan: rows of one kind and integration, in the order of their ids, merged from open rows and segments.
//!
//! It works in two steps. First only ids (and the columns of predicates) are read, from whichever source comes next;
//! then the rows that were chosen are decoded, in one go for each segment. A source that is not reached is not opened.

use crate::amendments::{Amendments, Layers};
use crate::open::{Entry, Index, Run};
use crate::query::Predicate;
use crate::row::{Malformed, RowHead, RowView};
use crate::segment::{Filter, Footer, IdWindow, Overlay, Segment, SegmentError};
use crate::view::View;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, IntegrationId, TxId};

/// A query could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A segment could not be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// An open row is malformed.
    #[error("an open row is malformed")]
    Malformed(#[from] Malformed),
    /// Too many rows would have to be read.
    #[error(
        "the filter leaves out too much: {rows} rows were read down to {reached}; ask for a shorter time range"
    )]
    TooWide {
        /// How many rows were read.
        rows: u64,
        /// The id that was reached.
        reached: TxId,
    },
}

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Older,
    Newer,
}

/// What a scan is to find.
pub(crate) struct Walk<'a> {
    pub(crate) kind: EventKind,
    pub(crate) integration: IntegrationId,
    /// Ids from the first up to but without the second.
    pub(crate) range: Range<TxId>,
    pub(crate) direction: Direction,
    pub(crate) predicates: &'a [Predicate],
    pub(crate) as_of: Option<u64>,
    /// Amendments with a greater `seq` are not seen.
    pub(crate) amended_to: u64,
}

impl Walk<'_> {
    /// Whether an amendment can change which rows match.
    pub(crate) fn is_amendable(&self) -> bool {
        self.predicates.iter().any(Predicate::is_amendable)
    }
}

/// Rows that predicates may be tested on for one query.
pub(crate) struct Budget {
    left: u64,
    spent: u64,
}

impl Budget {
    pub(crate) fn new(rows: u64) -> Self {
        Self { left: rows, spent: 0 }
    }

    fn spend(&mut self, rows: u64, reached: TxId) -> Result<(), ScanError> {
        self.spent += rows;
        self.left = self.left.checked_sub(rows).ok_or(ScanError::TooWide { rows: self.spent, reached })?;
        Ok(())
    }
}

/// Rows tested at a time: the first window, and the greatest that it doubles to.
const FIRST_WINDOW: u64 = 4096;
const LAST_WINDOW: u64 = 65_536;

/// A row that was found and is not decoded yet.
pub(crate) struct Found {
    source: usize,
    at: u64,
}

/// A scan under way.
pub(crate) struct Scan<'v> {
    walk: &'v Walk<'v>,
    /// What is open and amends rows.
    layers: Layers<'v>,
    sources: Vec<Source<'v>>,
    /// The next id of each source, or a bound of it; the source to be looked at next is on top.
    heap: BinaryHeap<Next>,
}

/// Ordered by urgency: the id (as the direction has it), then certain ones first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    urgency: Urgency,
    certain: bool,
    source: Reverse<usize>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Urgency {
    Newest(TxId),
    Oldest(Reverse<TxId>),
}

impl Urgency {
    fn of(direction: Direction, id: TxId) -> Self {
        match direction {
            Direction::Older => Self::Newest(id),
            Direction::Newer => Self::Oldest(Reverse(id)),
        }
    }

    fn id(self) -> TxId {
        match self {
            Self::Newest(id) | Self::Oldest(Reverse(id)) => id,
        }
    }
}

enum Source<'v> {
    Open(OpenSource<'v>),
    Segment(SegmentSource<'v>),
}

/// The next row of a source, if it has one: its id, and whether it is known to match.
type Peek = Option<(TxId, bool)>;

impl<'v> Scan<'v> {
    pub(crate) fn new(view: &'v View, walk: &'v Walk<'v>) -> Result<Self, ScanError> {
        let mut scan = Self { walk, layers: Layers::default(), sources: Vec::new(), heap: BinaryHeap::new() };
        if walk.range.is_empty() {
            return Ok(scan);
        }
        scan.layers = view.open().layers()?;
        for run in view.open().runs() {
            let index = run.index()?;
            let range = index.range(walk.kind, walk.integration, &walk.range);
            let source = OpenSource { run, index, range };
            scan.add(source.peek(walk), Source::Open(source));
        }
        for segment in view.segments().iter() {
            if let Some(source) = SegmentSource::new(segment, view.overlay(segment), walk) {
                let first = match walk.direction {
                    Direction::Older => source.bounds.1.min(last_before(walk.range.end)),
                    Direction::Newer => source.bounds.0.max(walk.range.start),
                };
                scan.add(Some((first, false)), Source::Segment(source));
            }
        }
        Ok(scan)
    }

    fn add(&mut self, peek: Peek, source: Source<'v>) {
        let number = self.sources.len();
        self.sources.push(source);
        self.offer(number, peek);
    }

    fn offer(&mut self, source: usize, peek: Peek) {
        if let Some((id, certain)) = peek {
            let urgency = Urgency::of(self.walk.direction, id);
            self.heap.push(Next { urgency, certain, source: Reverse(source) });
        }
    }

    /// The next row, in the scan's direction.
    pub(crate) fn next(&mut self, budget: &mut Budget) -> Result<Option<Found>, ScanError> {
        while let Some(Next { urgency, certain, source: Reverse(number) }) = self.heap.pop() {
            let walk = self.walk;
            if certain {
                let found = match &mut self.sources[number] {
                    Source::Open(source) => (source.take(walk.direction), source.peek(walk)),
                    Source::Segment(source) => (source.take(walk.direction), source.peek(walk)?),
                };
                self.offer(number, found.1);
                return Ok(Some(Found { source: number, at: found.0 }));
            }
            let peek = match &mut self.sources[number] {
                Source::Open(source) => {
                    budget.spend(1, urgency.id())?;
                    source.test(walk, &self.layers)?
                }
                Source::Segment(source) => source.advance(walk, &self.layers, budget, urgency.id())?,
            };
            self.offer(number, peek);
        }
        Ok(None)
    }

    /// Decodes rows, in the order they are given.
    pub(crate) fn events(&mut self, found: &[Found]) -> Result<Vec<Event>, ScanError> {
        let mut events: Vec<(usize, Event)> = Vec::with_capacity(found.len());
        for (number, source) in self.sources.iter_mut().enumerate() {
            let mut wanted: Vec<(u64, usize)> = found
                .iter()
                .enumerate()
                .filter(|(_, f)| f.source == number)
                .map(|(i, f)| (f.at, i))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            wanted.sort_unstable();
            match source {
                Source::Open(source) => {
                    for (at, place) in wanted {
                        let row = source.run.row(&source.index.entries[at as usize]);
                        let mut event = RowView::parse(row)?.to_event();
                        self.layers.apply(&mut event, self.walk.amended_to)?;
                        events.push((place, event));
                    }
                }
                Source::Segment(source) => {
                    let rows: Vec<u64> = wanted.iter().map(|(at, _)| *at).collect();
                    // Only a source that was opened has found rows.
                    let Some(opened) = &mut source.opened else { continue };
                    let mut decoded = source.segment.events(&opened.footer, &mut opened.window, &rows)?;
                    let layers = source.layers(&self.layers);
                    for event in decoded.iter_mut().filter(|_| !layers.is_empty()) {
                        layers.apply(event, self.walk.amended_to)?;
                    }
                    events.extend(wanted.iter().map(|(_, place)| *place).zip(decoded));
                }
            }
        }
        events.sort_unstable_by_key(|(place, _)| *place);
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }
}

fn last_before(id: TxId) -> TxId {
    TxId::from_u128(id.to_u128().saturating_sub(1))
}

/// Takes the number at the end of `rest` that comes next in this direction.
fn take(rest: &mut Range<u64>, direction: Direction) -> u64 {
    match direction {
        Direction::Older => {
            rest.end -= 1;
            rest.end
        }
        Direction::Newer => {
            rest.start += 1;
            rest.start - 1
        }
    }
}

/// Indexed open rows.
struct OpenSource<'v> {
    run: &'v Run,
    index: &'v Index,
    range: Range<usize>,
}

impl OpenSource<'_> {
    fn peek(&self, walk: &Walk<'_>) -> Peek {
        let certain = walk.predicates.is_empty() && walk.as_of.is_none();
        self.entry(walk.direction).map(|entry| (entry.id, certain))
    }

    fn entry(&self, direction: Direction) -> Option<&Entry> {
        let entries = &self.index.entries[self.range.clone()];
        match direction {
            Direction::Older => entries.last(),
            Direction::Newer => entries.first(),
        }
    }

    fn take(&mut self, direction: Direction) -> u64 {
        let mut rest = self.range.start as u64..self.range.end as u64;
        let taken = take(&mut rest, direction);
        self.range = rest.start as usize..rest.end as usize;
        taken
    }

    /// Tests the next row; if it fails, the one after it is offered, untested.
    fn test(&mut self, walk: &Walk<'_>, layers: &Layers<'_>) -> Result<Peek, Malformed> {
        let Some(entry) = self.entry(walk.direction) else { return Ok(None) };
        let bytes = self.run.row(entry);
        let in_cut = match walk.as_of {
            Some(cut) => RowHead::parse(bytes)?.seq <= cut,
            None => true,
        };
        let row = RowView::parse(bytes)?;
        let matches = if layers.touch(walk.kind, walk.integration, entry.id, walk.amended_to) {
            let mut event = row.to_event();
            layers.apply(&mut event, walk.amended_to)?;
            walk.predicates.iter().all(|predicate| predicate.matches(&event))
        } else {
            walk.predicates.iter().all(|predicate| predicate.matches(&row))
        };
        if in_cut && matches {
            return Ok(Some((entry.id, true)));
        }
        self.take(walk.direction);
        Ok(self.peek(walk))
    }
}

/// A segment that may have rows of the walk.
struct SegmentSource<'v> {
    segment: &'v Segment,
    overlay: Option<&'v Overlay>,
    /// The smallest and the greatest id that its rows can have.
    bounds: (TxId, TxId),
    filter: Filter<'v>,
    opened: Option<Box<Opened>>,
}

struct Opened {
    footer: Arc<Footer>,
    overlay: Option<Arc<Amendments>>,
    window: IdWindow,
    /// Rows that were not tested yet.
    rest: Range<u64>,
    /// Rows that match, the next one last; rows of `rest` come after them.
    matches: Vec<u64>,
    step: u64,
}

impl<'v> SegmentSource<'v> {
    fn new(segment: &'v Segment, overlay: Option<&'v Overlay>, walk: &Walk<'v>) -> Option<Self> {
        let meta = segment.meta();
        if meta.kind != walk.kind || walk.as_of.is_some_and(|cut| meta.min_seq > cut) {
            return None;
        }
        let bounds = meta.bounds(walk.integration)?;
        if bounds.1 < walk.range.start || bounds.0 >= walk.range.end {
            return None;
        }
        let as_of = walk.as_of.filter(|cut| meta.max_seq > *cut);
        Some(Self { segment, overlay, bounds, filter: Filter::new(walk.predicates, as_of), opened: None })
    }

    /// What amends the segment's rows, as far as it was read, under what is open.
    fn layers<'l>(&'l self, open: &Layers<'l>) -> Layers<'l> {
        let sealed = self.opened.iter().filter_map(|opened| opened.overlay.as_deref());
        Layers(sealed.chain(open.0.iter().copied()).collect())
    }

    /// Tells the filter what amendments set of rows, where that can change which rows match.
    fn patch(&mut self, walk: &Walk<'_>, open: &Layers<'_>) -> Result<(), ScanError> {
        if walk.is_amendable() {
            let layers = self.layers(open);
            let patches = layers.patches(walk.kind, walk.integration, &walk.range, walk.amended_to)?;
            self.filter.patch(patches);
        }
        Ok(())
    }

    fn open(&self, walk: &Walk<'_>) -> Result<Opened, SegmentError> {
        let overlay = self.overlay.map(Overlay::amendments).transpose()?;
        let footer = self.segment.footer()?;
        let mut window = IdWindow::default();
        let mut rest = self.segment.rows_of(&footer, walk.integration);
        if walk.range.start > self.bounds.0 {
            rest.start = self.segment.lower_bound(&footer, &mut window, rest.clone(), walk.range.start)?;
        }
        if walk.range.end <= self.bounds.1 {
            rest.end = self.segment.lower_bound(&footer, &mut window, rest.clone(), walk.range.end)?;
        }
        Ok(Opened { footer, overlay, window, rest, matches: Vec::new(), step: FIRST_WINDOW })
    }

    /// Opens the file, or tests the next window of rows.
    fn advance(
        &mut self,
        walk: &Walk<'_>,
        layers: &Layers<'_>,
        budget: &mut Budget,
        reached: TxId,
    ) -> Result<Peek, ScanError> {
        let Some(opened) = &mut self.opened else {
            let opened = self.open(walk)?;
            self.opened = Some(Box::new(opened));
            self.patch(walk, layers)?;
            self.prune()?;
            return Ok(self.peek(walk)?);
        };
        let rows = opened.next_window(walk.direction);
        budget.spend(rows.end - rows.start, reached)?;
        opened.matches = self.segment.matching(
            &opened.footer,
            &mut opened.window,
            walk.integration,
            rows,
            &self.filter,
        )?;
        if walk.direction == Direction::Newer {
            opened.matches.reverse();
        }
        Ok(self.peek(walk)?)
    }

    /// Leaves out all rows when the footer says that none can match.
    fn prune(&mut self) -> Result<(), SegmentError> {
        if let Some(opened) = &mut self.opened
            && !self.filter.is_empty()
            && !self.segment.may_match(&opened.footer, &opened.rest, &self.filter)?
        {
            opened.rest.end = opened.rest.start;
        }
        Ok(())
    }

    fn take(&mut self, direction: Direction) -> u64 {
        // Only a source that offered a row is taken from, so it is open and has one.
        let Some(opened) = &mut self.opened else { return 0 };
        match opened.matches.pop() {
            Some(row) => row,
            None => take(&mut opened.rest, direction),
        }
    }

    fn peek(&mut self, walk: &Walk<'_>) -> Result<Peek, SegmentError> {
        let Some(opened) = &mut self.opened else { return Ok(None) };
        let (row, certain) = match opened.matches.last() {
            Some(row) => (*row, true),
            None if opened.rest.is_empty() => return Ok(None),
            None => {
                let certain = self.filter.is_empty() && !self.segment.has_deletes();
                (take(&mut opened.rest.clone(), walk.direction), certain)
            }
        };
        let id = self.segment.id(&opened.footer, &mut opened.window, row)?;
        Ok(Some((id, certain)))
    }
}

impl Opened {
    /// Splits the next rows off the rest.
    fn next_window(&mut self, direction: Direction) -> Range<u64> {
        let step = self.step.min(self.rest.end - self.rest.start);
        self.step = (self.step * 2).min(LAST_WINDOW);
        match direction {
            Direction::Older => {
                self.rest.end -= step;
                self.rest.end..self.rest.end + step
            }
            Direction::Newer => {
                self.rest.start += step;
                self.rest.start - step..self.rest.start
            }
        }
    }
}
