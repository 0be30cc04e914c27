//! The rows of one strip: each source's own, and the order of all of them together.

use super::filter::{self, Patches};
use super::plan::{SegmentTask, Task, rows_in};
use crate::amendments::{Amendments, Layers};
use crate::open::{Entry, Run};
use crate::row::{RowHead, RowView};
use crate::scan::{ScanError, Walk};
use crate::segment::{Columns, Filter, Footer, IdWindow, Overlay, Wanted};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::{Event, TxId};

/// The rows of a strip that belong to the answer.
#[derive(Default)]
pub(crate) struct Strip {
    pub(crate) parts: Vec<Part>,
    /// Which rows of which part come next, so that ids rise.
    pub(crate) order: Vec<(usize, Range<usize>)>,
    /// Rows that were looked at to find these.
    pub(crate) read: u64,
}

/// Rows of one source, in the order of their ids.
pub(crate) struct Part {
    pub(crate) stored: Stored,
    /// What amendments set of rows, by their number, rising. Events have theirs already.
    patches: Vec<(usize, Event)>,
}

/// Where a part's rows come from.
pub(crate) enum Stored {
    /// A stretch of a segment.
    Columns(Box<Columns>),
    /// Open rows.
    Events(Vec<Event>),
}

impl Part {
    pub(crate) fn rows(&self) -> usize {
        match &self.stored {
            Stored::Columns(columns) => columns.rows(),
            Stored::Events(events) => events.len(),
        }
    }

    /// What amendments set of rows in `range`, rising.
    pub(crate) fn patches(&self, range: &Range<usize>) -> &[(usize, Event)] {
        let place = |bound| self.patches.partition_point(|(row, _)| *row < bound);
        &self.patches[place(range.start)..place(range.end)]
    }

    fn id(&self, row: usize) -> TxId {
        match &self.stored {
            Stored::Columns(columns) => columns.id(row),
            Stored::Events(events) => events[row].id,
        }
    }
}

/// A segment's rows of the strip, before they are read.
struct Place<'t, 'v> {
    task: &'t SegmentTask<'v>,
    footer: Arc<Footer>,
    rows: Range<u64>,
    patches: Patches,
    /// Whether only rows that are amended may belong to the answer.
    only_patched: bool,
    ids: (TxId, TxId),
}

impl Place<'_, '_> {
    /// Rows that are looked at.
    fn looked_at(&self) -> u64 {
        if self.only_patched { self.patches.len() as u64 } else { self.rows.end - self.rows.start }
    }
}

/// Reads the strip that `task` describes.
pub(super) fn load(
    walk: &Walk<'_>,
    open: &Layers<'_>,
    wanted: &Wanted,
    task: &Task<'_>,
) -> Result<Strip, ScanError> {
    let mut places = Vec::new();
    for segment in &task.segments {
        places.extend(place(walk, open, segment, &task.range)?);
    }
    let looked_at = places.iter().map(Place::looked_at).sum::<u64>() + task.open.len() as u64;
    let events = open_events(walk, open, &task.open)?;
    let mut spans: Vec<(TxId, TxId)> = places.iter().map(|place| place.ids).collect();
    spans.extend(events.first().zip(events.last()).map(|(first, last)| (first.id, last.id)));
    spans.sort_unstable();
    let mixed = spans.windows(2).any(|pair| pair[0].1 > pair[1].0);
    let wanted = Wanted { ids: wanted.ids || mixed, ..wanted.clone() };
    let mut parts: Vec<(TxId, Part)> = Vec::new();
    for place in places {
        let first = place.ids.0;
        parts.extend(read(walk, &wanted, place)?.into_iter().map(|part| (first, part)));
    }
    if let Some(first) = events.first() {
        parts.push((first.id, Part { stored: Stored::Events(events), patches: Vec::new() }));
    }
    // Parts of one segment stand in its order already.
    parts.sort_by_key(|(first, _)| *first);
    let parts: Vec<Part> = parts.into_iter().map(|(_, part)| part).collect();
    let order =
        if mixed { merged(&parts) } else { (0..).zip(&parts).map(|(n, part)| (n, 0..part.rows())).collect() };
    Ok(Strip { parts, order, read: looked_at })
}

/// Where the strip's rows of a segment lie and what amends them; nothing when it has none.
fn place<'t, 'v>(
    walk: &Walk<'_>,
    open: &Layers<'_>,
    task: &'t SegmentTask<'v>,
    range: &Range<TxId>,
) -> Result<Option<Place<'t, 'v>>, ScanError> {
    let segment = task.segment;
    let footer = task.footer.clone().map_or_else(|| segment.footer(), Ok)?;
    let mut window = IdWindow::default();
    let rows = rows_in(task, walk, range, &footer, &mut window)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let sealed: Option<Arc<Amendments>> = task.overlay.map(Overlay::amendments).transpose()?;
    let layers = Layers(sealed.as_deref().into_iter().chain(open.0.iter().copied()).collect());
    let mut patches = Patches::new();
    for (id, patch) in layers.patches(walk.kind, walk.integration, range, walk.amended_to)? {
        let at = segment.lower_bound(&footer, &mut window, rows.clone(), id)?;
        if at < rows.end && segment.id(&footer, &mut window, at)? == id {
            patches.push((at, patch));
        }
    }
    let mut pruning = Filter::new(walk.predicates, None);
    let only_patched = !segment.may_match(&footer, &rows, &pruning)?;
    if only_patched {
        // One is enough to say that there are any.
        pruning.patch(patches.iter().take(1).map(|(_, patch)| (patch.id, patch.clone())).collect());
        if patches.is_empty() || !segment.may_match(&footer, &rows, &pruning)? {
            return Ok(None);
        }
    }
    let first = segment.id(&footer, &mut window, rows.start)?;
    let last = segment.id(&footer, &mut window, rows.end - 1)?;
    Ok(Some(Place { task, footer, rows, patches, only_patched, ids: (first, last) }))
}

/// The rows of a segment that belong to the answer.
fn read(walk: &Walk<'_>, wanted: &Wanted, place: Place<'_, '_>) -> Result<Vec<Part>, ScanError> {
    let Place { task, footer, rows, patches, only_patched, .. } = place;
    let runs = if only_patched {
        filter::matching_patched(walk, task.segment, &footer, &patches)?
    } else if filter::is_needed(walk, task.segment) {
        filter::matching(walk, task.segment, &footer, rows, &patches)?
    } else {
        vec![rows]
    };
    let runs = match task.segment.deleted()? {
        Some(deleted) => deleted.others_of(&runs),
        None => runs,
    };
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut kept = runs.iter().cloned().flatten();
    let mut patches = patches.into_iter().peekable();
    for columns in task.segment.columns(&footer, wanted, walk.integration, &runs)? {
        let mut of_part = Vec::new();
        // Mostly there are none, and rows need not be counted.
        let rows = if patches.peek().is_some() { columns.rows() } else { 0 };
        for (row, at) in (0..rows).zip(kept.by_ref()) {
            while patches.next_if(|(patched, _)| *patched < at).is_some() {}
            of_part.extend(patches.next_if(|(patched, _)| *patched == at).map(|(_, patch)| (row, patch)));
        }
        parts.push(Part { stored: Stored::Columns(Box::new(columns)), patches: of_part });
    }
    Ok(parts)
}

/// The open rows that belong to the answer, as amended.
fn open_events(
    walk: &Walk<'_>,
    layers: &Layers<'_>,
    rows: &[(&Run, Entry)],
) -> Result<Vec<Event>, ScanError> {
    let mut events = Vec::with_capacity(rows.len());
    for (run, entry) in rows {
        let bytes = run.row(entry);
        if walk.as_of.is_some_and(|cut| RowHead::parse(bytes).is_ok_and(|head| head.seq > cut)) {
            continue;
        }
        let mut event = RowView::parse(bytes)?.to_event();
        layers.apply(&mut event, walk.amended_to)?;
        if walk.predicates.iter().all(|predicate| predicate.matches(&event)) {
            events.push(event);
        }
    }
    Ok(events)
}

/// The order of rows whose parts' ids overlap.
fn merged(parts: &[Part]) -> Vec<(usize, Range<usize>)> {
    let mut order: Vec<(usize, Range<usize>)> = Vec::new();
    let mut heads = BinaryHeap::new();
    for (part, rows) in parts.iter().enumerate().filter(|(_, part)| part.rows() > 0) {
        heads.push(Reverse((rows.id(0), part, 0)));
    }
    while let Some(Reverse((_, part, start))) = heads.pop() {
        let rows = &parts[part];
        let limit = heads.peek().map(|Reverse((id, ..))| *id);
        let mut end = start + 1;
        while end < rows.rows() && limit.is_none_or(|limit| rows.id(end) < limit) {
            end += 1;
        }
        order.push((part, start..end));
        if end < rows.rows() {
            heads.push(Reverse((rows.id(end), part, end)));
        }
    }
    order
}
