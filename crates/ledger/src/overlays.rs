//! The part of sealing that is about amendments: each is resolved to the segment that has its event, and joins what
//! amended that segment before in a new overlay.

use crate::amendments::{self, Amendments, Entry, Layers};
use crate::ledger::{Ledger, LedgerError, lock};
use crate::manifest::{ManifestChange, NewOverlay};
use crate::open::{OpenSnapshot, SealGroup};
use crate::rollup::{self, Fold};
use crate::row::{Malformed, RowHead};
use crate::scan::ScanError;
use crate::segment::{self, IdWindow, ROLLUP, Segment, SegmentError, write_overlay};
use crate::view::View;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_domain::{EventKind, IntegrationId, TxId};

/// Where the events of amendments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In a segment of the manifest, by its position.
    Old(usize),
    /// In one that is being made, by its position.
    New(usize),
}

/// The events that amendments are about, each once.
type Places = BTreeMap<(EventKind, IntegrationId, TxId), Option<Place>>;

impl Ledger {
    /// Writes the overlays of a change whose segments are written. An event is older than what amends it, so all the
    /// events are in segments: in former ones, or in those that are being made.
    pub(crate) fn write_overlays(
        &self,
        change: &mut ManifestChange,
        open: &OpenSnapshot,
        groups: &[SealGroup<'_>],
    ) -> Result<(), LedgerError> {
        let malformed = |error: Malformed| LedgerError::Format(error.to_string());
        let amendments = open.amendments(change.sealed_seq).map_err(malformed)?;
        if amendments.is_empty() {
            return Ok(());
        }
        let (segments, overlays) = {
            let books = lock(&self.0.books);
            (books.segments(), books.overlays())
        };
        let target = |entry: &Entry| (entry.kind, entry.integration, entry.id);
        let mut places: Places = amendments.iter().map(|entry| (target(entry), None)).collect();
        find_in_groups(groups, &mut places).map_err(malformed)?;
        find_in_segments(&segments, &mut places)?;
        let mut rows: BTreeMap<Place, Vec<(u64, Bytes)>> = BTreeMap::new();
        for entry in amendments {
            match places.get(&target(&entry)).copied().flatten() {
                Some(place) => rows.entry(place).or_default().push((entry.seq, entry.row)),
                None => tracing::error!(id = %entry.id, seq = entry.seq, "the event of an amendment is gone"),
            }
        }
        for (place, mut rows) in rows {
            let former = match place {
                Place::Old(at) => overlays.get(&segments[at].number()),
                Place::New(_) => None,
            };
            if let Some(former) = former {
                let amendments = former.amendments()?;
                rows.extend(amendments.entries().iter().map(|entry| (entry.seq, entry.row.clone())));
            }
            rows.sort_unstable_by_key(|(seq, _)| *seq);
            let rows: Vec<Bytes> = rows.into_iter().map(|(_, row)| row).collect();
            let segment = match place {
                Place::Old(at) => segments[at].meta().name.clone(),
                Place::New(at) => change.added[at].name.clone(),
            };
            let number = match place {
                Place::Old(at) => lock(&self.0.books).next_overlay(segments[at].number()),
                Place::New(_) => 1,
            };
            let mut overlay = write_overlay(&*self.0.disk, &segment, number, &rows)?;
            let fold = match place {
                Place::Old(at) => sums_of_segment(&segments[at], &rows),
                Place::New(at) => sums_of_rows(&groups[at], &rows),
            };
            if let Some(fold) = fold {
                let name = overlay.file_name(&segment);
                let written = rollup::write(&*self.0.disk, &format!("{name}{ROLLUP}"), &fold);
                // The change does not know of it yet.
                overlay.rollup = written.inspect_err(|_| segment::discard(&*self.0.disk, &[&name]))?;
            }
            match place {
                Place::Old(_) => change.overlays.push(NewOverlay { segment, overlay }),
                Place::New(at) => change.added[at].overlay = Some(overlay),
            }
        }
        Ok(())
    }
}

/// The open amendments of a view whose events are there and not deleted.
pub(crate) fn of_present_events(view: &View) -> Result<Vec<Entry>, ScanError> {
    let mut amendments = view.open().amendments(view.cut())?;
    let target = |entry: &Entry| (entry.kind, entry.integration, entry.id);
    let mut places: Places = amendments.iter().map(|entry| (target(entry), None)).collect();
    if !places.is_empty() {
        find_in_groups(&view.open().groups(view.cut())?, &mut places)?;
        find_in_segments(view.segments(), &mut places)?;
    }
    amendments.retain(|entry| places.get(&target(entry)).is_some_and(Option::is_some));
    Ok(amendments)
}

/// What amendments (encoded) change of a segment's rows; `None` when that cannot be found out, which sums are not worth
/// an error for.
fn sums_of_segment(segment: &Segment, rows: &[Bytes]) -> Option<Fold> {
    let entries = rows.iter().map(|row| amendments::entry(row.clone())).collect::<Result<_, _>>().ok()?;
    let amendments = Amendments::new(entries);
    let mut fold = Fold::new(segment.meta().day, 0);
    if segment.has_deletes() {
        return None;
    }
    match fold.add_overlay(segment, None, &Layers(vec![&amendments])) {
        Ok(()) => Some(fold),
        Err(error) => {
            tracing::error!(%error, "what amendments change could not be summed up");
            None
        }
    }
}

/// The same of rows that are being sealed.
fn sums_of_rows(group: &SealGroup<'_>, rows: &[Bytes]) -> Option<Fold> {
    let entries = rows.iter().map(|row| amendments::entry(row.clone())).collect::<Result<_, _>>().ok()?;
    let amendments = Amendments::new(entries);
    let mut fold = Fold::new(group.day, 0);
    rollup::changes_of_rows(&mut fold, &group.rows, &Layers(vec![&amendments])).ok()?;
    Some(fold)
}

fn find_in_groups(groups: &[SealGroup<'_>], places: &mut Places) -> Result<(), Malformed> {
    for (at, group) in groups.iter().enumerate() {
        for row in &group.rows {
            let head = RowHead::parse(row)?;
            if let Some(place) = places.get_mut(&(head.kind, head.integration, head.id)) {
                *place = Some(Place::New(at));
            }
        }
    }
    Ok(())
}

fn find_in_segments(segments: &[Arc<Segment>], places: &mut Places) -> Result<(), SegmentError> {
    for (at, segment) in segments.iter().enumerate() {
        let mut window = IdWindow::default();
        for ((kind, integration, id), place) in places.iter_mut().filter(|(_, place)| place.is_none()) {
            let meta = segment.meta();
            let bounds = meta.bounds(*integration).filter(|_| meta.kind == *kind);
            if bounds.is_some_and(|(least, greatest)| least <= *id && *id <= greatest) {
                let footer = segment.footer()?;
                let row = segment.row_of(&footer, &mut window, *integration, *id)?;
                *place = row.map(|_| Place::Old(at));
            }
        }
    }
    Ok(())
}
