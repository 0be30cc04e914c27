//! One event by its id: among open rows, among the newest sealed ones that are in memory, in segments.

use crate::amendments::Layers;
use crate::row::RowView;
use crate::scan::ScanError;
use crate::segment::Segment;
use crate::view::View;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, IntegrationId, KINDS_ALL, TxId};

impl View {
    /// The event of an id; of any kind when none is given.
    pub fn find(
        &self,
        integration: IntegrationId,
        kind: Option<EventKind>,
        id: TxId,
    ) -> Result<Option<Event>, ScanError> {
        let next = id.next();
        let kinds = KINDS_ALL.iter().filter(|known| kind.is_none_or(|kind| kind == **known));
        for run in self.open().runs().iter().rev() {
            let index = run.index()?;
            for kind in kinds.clone() {
                if let Some(at) = index.range(*kind, integration, &(id..next)).next() {
                    let event = RowView::parse(run.row(&index.entries[at]))?.to_event();
                    return self.amended(event, None).map(Some);
                }
            }
        }
        let near = self.meant(self.in_memory().find(id), (integration, kind))?;
        // Where what could amend it cannot be read, it may be another segment's: its own is asked.
        if let Some(Ok(event)) = near.map(|event| self.amended_by_any(event)) {
            return Ok(Some(event));
        }
        for segment in self.segments_with(integration, kind, id) {
            if let Some(event) = segment.find(integration, id)? {
                return self.amended(event, Some(segment)).map(Some);
            }
        }
        Ok(None)
    }

    /// The event of an id, when that takes no time: it is in memory, and so is all that could amend it. What is not found
    /// like this may be found by [`View::find`].
    pub fn find_at_once(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        id: TxId,
    ) -> Result<Option<Event>, ScanError> {
        let amended = |segment: &Arc<Segment>| self.overlay(segment).is_some();
        if !self.open().is_indexed() || self.segments_with(integration, Some(kind), id).any(amended) {
            return Ok(None);
        }
        let event = self.meant(self.in_memory().find_at_once(id), (integration, Some(kind)))?;
        event.map(|event| self.amended(event, None)).transpose()
    }

    /// The event of a row that was in memory, as it was judged, if it is of the integration and kind and in this view.
    fn meant(
        &self,
        row: Option<Vec<u8>>,
        (integration, kind): (IntegrationId, Option<EventKind>),
    ) -> Result<Option<Event>, ScanError> {
        let Some(row) = row else { return Ok(None) };
        let event = RowView::parse(&row)?.to_event();
        // It may have been sealed after this view was made.
        let is_meant = event.integration == integration
            && kind.is_none_or(|kind| kind == event.kind)
            && event.seq <= self.cut();
        Ok(is_meant.then_some(event))
    }

    /// The event with its amendments, whichever segment has it.
    fn amended_by_any(&self, mut event: Event) -> Result<Event, ScanError> {
        let mut sealed = Vec::new();
        for segment in self.segments_with(event.integration, Some(event.kind), event.id) {
            if let Some(overlay) = self.overlay(segment) {
                sealed.push(overlay.amendments().map_err(ScanError::from)?);
            }
        }
        let open = self.open().layers()?;
        let layers = Layers(sealed.iter().map(|amendments| &**amendments).chain(open.0).collect());
        layers.apply(&mut event, self.amendments_end())?;
        Ok(event)
    }

    /// Segments that may have the event of an id.
    fn segments_with(
        &self,
        integration: IntegrationId,
        kind: Option<EventKind>,
        id: TxId,
    ) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments().iter().filter(move |segment| {
            let meta = segment.meta();
            kind.is_none_or(|kind| kind == meta.kind)
                && meta.bounds(integration).is_some_and(|(least, greatest)| least <= id && id <= greatest)
        })
    }
}
