//! Cuts a sweep into strips: ranges of ids that follow each other, each with about the same number of rows of all sources
//! together. Sources are opened as their ids are reached; small ones are not opened here at all.

use super::{STRIP_BYTES, STRIP_ROWS};
use crate::open::{Entry, Run};
use crate::scan::{ScanError, Walk};
use crate::segment::{Filter, Footer, IdWindow, Overlay, Segment, SegmentError, Wanted, may_have_arrived};
use crate::view::View;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::TxId;

/// Rows of a segment that go into one strip whole, so that the plan need not look into it, and open rows that are counted
/// at a time.
const WHOLE: u64 = if cfg!(test) { 6 } else { 8192 };

/// Most bytes of the file of a segment that goes into one strip whole: what they unfold to is not known.
const WHOLE_BYTES: u64 = 1 << 20;

/// The sources of one strip and the ids that it is about.
pub(super) struct Task<'v> {
    /// How many strips came before.
    pub(super) number: u64,
    pub(super) range: Range<TxId>,
    pub(super) segments: Vec<SegmentTask<'v>>,
    pub(super) open: Vec<(&'v Run, Entry)>,
    /// The part of the plan's ids that is behind when the strip is done.
    pub(super) share: f64,
}

/// A segment that may have rows of the strip.
#[derive(Clone)]
pub(super) struct SegmentTask<'v> {
    pub(super) segment: &'v Segment,
    pub(super) overlay: Option<&'v Overlay>,
    /// Its smallest and greatest id of the integration.
    pub(super) bounds: (TxId, TxId),
    /// Read already, where the plan had to.
    pub(super) footer: Option<Arc<Footer>>,
}

/// Sources that were not used up yet, and where the next strip begins.
pub(super) struct Plan<'v> {
    walk: &'v Walk<'v>,
    wanted: &'v Wanted,
    /// Segments by their smallest id.
    segments: Vec<Planned<'v>>,
    /// Open rows, by their ids.
    open: VecDeque<(&'v Run, Entry)>,
    /// Where rows are known to end, and how many: the next end is on top.
    ends: BinaryHeap<Reverse<(TxId, Ends)>>,
    at: TxId,
    number: u64,
    /// The first and the last time that any row may have, in milliseconds.
    span: (i64, i64),
}

struct Planned<'v> {
    task: SegmentTask<'v>,
    /// Ends of its pages that were not put on the heap, the next one last.
    pages: Vec<(TxId, u64)>,
    /// What is read of a row of it, in bytes.
    row_bytes: u64,
}

/// What ends at an id. Segments that begin come before all that ends there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Ends {
    /// A segment, by its position, was not looked into and begins here at the earliest.
    Unopened(usize),
    /// That many rows, of this segment if it was looked into.
    Rows(Weight, Option<usize>),
}

/// What rows weigh in memory once they are read.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    rows: u64,
    bytes: u64,
}

impl Weight {
    fn add(&mut self, more: Self) {
        self.rows += more.rows;
        self.bytes += more.bytes;
    }

    fn is_enough(self) -> bool {
        self.rows >= STRIP_ROWS || self.bytes >= STRIP_BYTES
    }
}

impl<'v> Plan<'v> {
    pub(super) fn new(view: &'v View, walk: &'v Walk<'v>, wanted: &'v Wanted) -> Result<Self, ScanError> {
        let mut plan = Self {
            walk,
            wanted,
            segments: Vec::new(),
            open: VecDeque::new(),
            ends: BinaryHeap::new(),
            at: walk.range.start,
            number: 0,
            span: (i64::MAX, i64::MIN),
        };
        if walk.range.is_empty() {
            return Ok(plan);
        }
        for segment in view.segments().iter() {
            plan.add_segment(segment, view.overlay(segment));
        }
        plan.add_open(view)?;
        Ok(plan)
    }

    fn add_segment(&mut self, segment: &'v Segment, overlay: Option<&'v Overlay>) {
        let (meta, range) = (segment.meta(), &self.walk.range);
        if meta.kind != self.walk.kind || self.walk.as_of.is_some_and(|cut| meta.min_seq > cut) {
            return;
        }
        let Some(bounds) = meta.bounds(self.walk.integration) else { return };
        let is_in_range = bounds.1 >= range.start && bounds.0 < range.end;
        if !is_in_range || !may_have_arrived(meta, self.walk.predicates) {
            return;
        }
        let (first, last) = (bounds.0.max(range.start), bounds.1.min(range.end));
        let (number, rows) = (self.segments.len(), meta.rows_of(self.walk.integration));
        self.ends.push(Reverse(if rows <= WHOLE && meta.bytes <= WHOLE_BYTES {
            (last, Ends::Rows(Weight { rows, bytes: meta.bytes }, None))
        } else {
            (first, Ends::Unopened(number))
        }));
        self.extend_span(first, last);
        let task = SegmentTask { segment, overlay, bounds, footer: None };
        self.segments.push(Planned { task, pages: Vec::new(), row_bytes: 0 });
    }

    fn add_open(&mut self, view: &'v View) -> Result<(), ScanError> {
        let mut rows: Vec<(&Run, Entry)> = Vec::new();
        for run in view.open().runs() {
            let index = run.index()?;
            let of_run = index.range(self.walk.kind, self.walk.integration, &self.walk.range);
            rows.extend(index.entries[of_run].iter().map(|entry| (&**run, *entry)));
        }
        rows.sort_unstable_by_key(|(_, entry)| entry.id);
        let mut weight = Weight::default();
        for (at, (run, entry)) in rows.iter().enumerate() {
            weight.add(Weight { rows: 1, bytes: run.row(entry).len() as u64 });
            let is_last = at + 1 == rows.len();
            if is_last || weight.rows == WHOLE || weight.bytes >= STRIP_BYTES {
                self.ends.push(Reverse((entry.id, Ends::Rows(std::mem::take(&mut weight), None))));
            }
            self.extend_span(entry.id, entry.id);
        }
        self.open = rows.into();
        Ok(())
    }

    fn extend_span(&mut self, first: TxId, last: TxId) {
        let (first, last) = (first.time().millis(), last.time().millis());
        self.span = (self.span.0.min(first), self.span.1.max(last));
    }

    /// The number of the next strip.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next strip; `None` when all rows are in strips.
    pub(super) fn next(&mut self) -> Result<Option<Task<'v>>, ScanError> {
        let mut weight = Weight::default();
        while let Some(Reverse((id, ends))) = self.ends.pop() {
            match ends {
                Ends::Unopened(number) => self.open_segment(number)?,
                Ends::Rows(more, source) => {
                    weight.add(more);
                    source.into_iter().for_each(|number| self.offer_page(number));
                    if weight.is_enough() && id >= self.at && !self.ends.is_empty() {
                        return Ok(Some(self.cut(id.next())));
                    }
                }
            }
        }
        let rest = (weight.rows > 0).then(|| self.cut(self.walk.range.end));
        Ok(rest)
    }

    /// The strip from where the last one ended up to `end`.
    fn cut(&mut self, end: TxId) -> Task<'v> {
        let range = self.at..end.min(self.walk.range.end);
        let touches = |task: &SegmentTask<'_>| task.bounds.0 < range.end && task.bounds.1 >= range.start;
        let segments = self.segments.iter().map(|planned| &planned.task).filter(|task| touches(task));
        let segments = segments.cloned().collect();
        let open = self.open.partition_point(|(_, entry)| entry.id < range.end);
        for planned in self.segments.iter_mut().filter(|planned| planned.task.bounds.1 < range.end) {
            planned.task.footer = None;
        }
        let task = Task {
            number: self.number,
            segments,
            open: self.open.drain(..open).collect(),
            share: self.share(range.end),
            range,
        };
        (self.at, self.number) = (task.range.end, self.number + 1);
        task
    }

    fn share(&self, end: TxId) -> f64 {
        let (first, last) = self.span;
        let behind = end.time().millis().min(last) - first;
        if self.ends.is_empty() { 1.0 } else { behind.max(0) as f64 / (last - first).max(1) as f64 }
    }

    /// Looks into a segment: how its rows of the range lie, and whether any may match.
    fn open_segment(&mut self, number: usize) -> Result<(), SegmentError> {
        let (walk, planned) = (self.walk, &mut self.segments[number]);
        let SegmentTask { segment, bounds, .. } = planned.task;
        let footer = segment.footer()?;
        let mut window = IdWindow::default();
        let rows = rows_in(&planned.task, walk, &walk.range, &footer, &mut window)?;
        // Where rows may be amended, whoever reads the strip knows which statistics still hold.
        let filter = Filter::new(walk.predicates, None);
        let may_match = walk.is_amendable() || segment.may_match(&footer, &rows, &filter)?;
        if rows.is_empty() || !may_match {
            return Ok(());
        }
        planned.pages = footer.page_ends(&rows).map(|(id, rows)| (id.min(bounds.1), rows)).collect();
        if let [(end, count), _, ..] = &mut planned.pages[..] {
            // The page may begin with rows of another integration, whose ids are not in the order of these.
            *end = segment.id(&footer, &mut window, rows.start + *count - 1)?;
        }
        planned.pages.reverse();
        let of_predicates = walk.predicates.iter().flat_map(|predicate| predicate.field.columns());
        planned.row_bytes = footer.row_bytes(&rows, self.wanted.columns.iter().chain(of_predicates));
        planned.task.footer = Some(footer);
        self.offer_page(number);
        Ok(())
    }

    fn offer_page(&mut self, number: usize) {
        let planned = &mut self.segments[number];
        if let Some((id, rows)) = planned.pages.pop() {
            let weight = Weight { rows, bytes: rows * planned.row_bytes };
            self.ends.push(Reverse((id.min(self.walk.range.end), Ends::Rows(weight, Some(number)))));
        }
    }
}

/// The rows of a segment that have ids in `range`.
pub(super) fn rows_in(
    task: &SegmentTask<'_>,
    walk: &Walk<'_>,
    range: &Range<TxId>,
    footer: &Footer,
    window: &mut IdWindow,
) -> Result<Range<u64>, SegmentError> {
    let mut rows = task.segment.rows_of(footer, walk.integration);
    if range.start > task.bounds.0 {
        rows.start = task.segment.lower_bound(footer, window, rows.clone(), range.start)?;
    }
    if range.end <= task.bounds.1 {
        rows.end = task.segment.lower_bound(footer, window, rows.clone(), range.end)?;
    }
    Ok(rows)
}
