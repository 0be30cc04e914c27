//! Many events by their ids at once: how an import finds out which of its lines are stored already.

use crate::row::RowView;
use crate::scan::ScanError;
use crate::segment::{IdWindow, Segment};
use crate::view::View;
use tollgate_domain::{Event, EventKind, IntegrationId, TxId};

impl View {
    /// The events of `ids`, which must rise. Ids without an event are left out; the answer is in no order.
    pub fn find_all(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        ids: &[TxId],
    ) -> Result<Vec<Event>, ScanError> {
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
        let range = *first..last.next();
        let mut found = Vec::new();
        for run in self.open().runs() {
            let index = run.index()?;
            let entries = &index.entries[index.range(kind, integration, &range)];
            for entry in entries.iter().filter(|entry| ids.binary_search(&entry.id).is_ok()) {
                found.push(self.amended(RowView::parse(run.row(entry))?.to_event(), None)?);
            }
        }
        for segment in self.segments().iter().filter(|segment| segment.meta().kind == kind) {
            let Some((least, greatest)) = segment.meta().bounds(integration) else { continue };
            let from = ids.partition_point(|id| *id < least);
            let to = ids.partition_point(|id| *id <= greatest);
            if from < to {
                let first = found.len();
                among(segment, integration, &ids[from..to], &mut found)?;
                for event in found.split_off(first) {
                    found.push(self.amended(event, Some(segment))?);
                }
            }
        }
        Ok(found)
    }
}

/// Adds the events of a segment that have one of `ids`. The page of ids that was looked at last is kept, and rows are
/// decoded in one go.
fn among(
    segment: &Segment,
    integration: IntegrationId,
    ids: &[TxId],
    found: &mut Vec<Event>,
) -> Result<(), ScanError> {
    let footer = segment.footer()?;
    let mut window = IdWindow::default();
    let mut left = segment.rows_of(&footer, integration);
    let deleted = segment.deleted()?;
    let mut rows = Vec::new();
    for id in ids {
        left.start = segment.lower_bound(&footer, &mut window, left.clone(), *id)?;
        if left.is_empty() {
            break;
        }
        if segment.id(&footer, &mut window, left.start)? == *id {
            if !deleted.is_some_and(|deleted| deleted.contains(left.start)) {
                rows.push(left.start);
            }
            left.start += 1;
        }
    }
    if !rows.is_empty() {
        found.extend(segment.events(&footer, &mut window, &rows)?);
    }
    Ok(())
}
