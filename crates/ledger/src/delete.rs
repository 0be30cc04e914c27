//! Deletion: rows that no reader sees from one moment on, durably, and that are physically gone soon after.
//!
//! What is open is sealed first, so all rows in question are in segments. Each segment that has some gets a delete vector,
//! and loses the amendments of those rows; one that has no others is dropped. One change of the manifest says it all at
//! once, what the rows counted (`carried.rs`), and up to when some are too old (`expired.rs`). The next merge leaves deleted rows out of what it writes, and the log
//! gives up the files that had them (`erase.rs`).

use crate::amendments::Layers;
use crate::carried::{self, Gone};
use crate::ledger::{Ledger, LedgerError, lock};
use crate::manifest::{ManifestChange, NewDeletes};
use crate::query::{FieldRef, Operand, Operator, Predicate};
use crate::row::Malformed;
use crate::scan::ScanError;
use crate::segment::{
    self, Filter, Footer, IdWindow, Overlay, OverlayMeta, RowSet, Segment, SegmentError, write_deletes,
    write_overlay,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::{Column, Day, EventKind, IntegrationId, Number, Text, Timestamp, TxId};

/// Which rows are to be deleted.
#[derive(Debug, Clone)]
pub enum Deletion {
    /// Those of an integration and kind that happened and came before this time, for several at once. What came late is kept
    /// as long as what happened when it came.
    Older(Vec<(IntegrationId, EventKind, Timestamp)>),
    /// Those of these integrations, of every kind, that have exactly this text in this column.
    Naming {
        /// The integrations.
        integrations: Vec<IntegrationId>,
        /// The column.
        column: Text,
        /// The text, which is not empty.
        text: String,
    },
}

/// How many rows of an integration, kind and UTC day were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedRows {
    /// The integration.
    pub integration: IntegrationId,
    /// The kind.
    pub kind: EventKind,
    /// The day.
    pub day: Day,
    /// How many.
    pub rows: u64,
}

/// What a deletion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Every row with a `seq` up to this one was looked at.
    pub through: u64,
    /// What was deleted, by day, kind and integration.
    pub rows: Vec<DeletedRows>,
    /// Segments that had no other rows and were dropped.
    pub dropped: u64,
    /// Segments whose files have the rows until they are written again: their names.
    pub pending: Vec<String>,
}

/// Rows that are sealed at a time before a deletion.
const SEAL_ROWS: u64 = 262_144;
/// Rows that are tested at a time.
const WINDOW: u64 = 65_536;

/// What is to be deleted of a segment.
struct Doomed {
    segment: Arc<Segment>,
    rows: RowSet,
    counts: Vec<DeletedRows>,
    /// What is known of the rows that were not deleted before, as they were judged.
    judged: Gone,
}

/// Segments that were looked through, by number and delete vector, each with what is to be deleted of it.
type Examined = BTreeMap<(u64, u64), Option<Doomed>>;

impl Ledger {
    /// Deletes rows, durably and for every view that is made afterwards. `None` when the log had no room for the change
    /// just now; then nothing was deleted. An error that is harmless may be tried again; any other ends the process as
    /// [`Ledger::start`] was told, and where nothing was started, the caller must.
    pub fn delete(&self, which: &Deletion) -> Result<Option<Deleted>, LedgerError> {
        let deleted = self.try_delete(which);
        if let (Err(error), Some(on_fatal)) = (&deleted, self.0.on_fatal.get())
            && !error.is_harmless()
        {
            on_fatal(error);
        }
        deleted
    }

    fn try_delete(&self, which: &Deletion) -> Result<Option<Deleted>, LedgerError> {
        let through = self.committed();
        while self.sealed() < through {
            if self.seal(SEAL_ROWS)?.is_none() && self.sealed() < through {
                return Ok(None);
            }
        }
        let mut examined = Examined::new();
        self.examine(which, &mut examined)?;
        let _no_sealing = lock(&self.0.sealing);
        // What was sealed, merged or deleted since is few.
        self.examine(which, &mut examined)?;
        let current = lock(&self.0.books).segments();
        let doomed = current.iter().filter_map(|segment| examined.remove(&key(segment)).flatten());
        self.delete_these(through, doomed.collect())
    }

    /// Looks through the segments that were not looked through before.
    fn examine(&self, which: &Deletion, examined: &mut Examined) -> Result<(), LedgerError> {
        let segments = lock(&self.0.books).segments();
        for segment in segments.iter().filter(|segment| which.may_concern(segment)) {
            if let Entry::Vacant(place) = examined.entry(key(segment)) {
                place.insert(which.rows_of(segment).map_err(LedgerError::Unreadable)?);
            }
        }
        Ok(())
    }

    /// Makes a deletion durable, then visible. Nothing may be sealed meanwhile.
    fn delete_these(&self, through: u64, doomed: Vec<Doomed>) -> Result<Option<Deleted>, LedgerError> {
        let mut deleted = Deleted { through, ..Deleted::default() };
        if doomed.is_empty() {
            return Ok(Some(deleted));
        }
        let mut change = ManifestChange::new(lock(&self.0.books).sealed_seq());
        change.erase_seq = change.sealed_seq;
        let mut files = Vec::new();
        for Doomed { segment, rows, counts, .. } in &doomed {
            deleted.rows.extend(counts);
            if rows.len() == segment.meta().rows {
                deleted.dropped += 1;
                change.removed.push(segment.meta().name.clone());
                continue;
            }
            deleted.pending.push(segment.meta().name.clone());
            match self.write_deletion(segment, rows, &mut files) {
                Ok(new) => change.deletes.push(new),
                Err(error) => {
                    segment::discard(&*self.0.disk, &files);
                    return Err(error);
                }
            }
        }
        deleted.rows.sort_unstable_by_key(|rows| (rows.day, rows.kind, rows.integration));
        if !files.is_empty() {
            segment::publish(&*self.0.disk, &files)?;
        }
        let through = change.erase_seq;
        let adopted = self.counted(&doomed).and_then(|counted| {
            // From here on what amends these rows is carried, or refused.
            let _held = self.hold_amendments()?;
            self.adopt_after(change, |change, seq| self.carry(&doomed, counted, (change, seq)))
        });
        // Nothing was changed then.
        if adopted.as_ref().is_err_and(LedgerError::is_harmless) {
            segment::withdraw(&*self.0.disk, &files);
        }
        if adopted? {
            self.erase_through(through);
            return Ok(Some(deleted));
        }
        segment::withdraw(&*self.0.disk, &files);
        Ok(None)
    }

    /// What doomed rows count, with their amendments that are sealed.
    fn counted(&self, doomed: &[Doomed]) -> Result<Gone, LedgerError> {
        let overlays = lock(&self.0.books).overlays();
        // Indexed now, it is not while nothing can be committed.
        lock(&self.0.open).rows.snapshot().layers().map_err(malformed)?;
        let mut all = Gone::default();
        for Doomed { segment, rows, judged, .. } in doomed {
            all.add(judged);
            if let Some(overlay) = overlays.get(&segment.number()) {
                let sealed = overlay.amendments().map_err(LedgerError::Unreadable)?;
                let layers = (&Layers::default(), &Layers(vec![&*sealed]));
                carried::add_changes(&mut all, (segment, rows), layers).map_err(unreadable)?;
            }
        }
        Ok(all)
    }

    /// Says in `change` what is carried from now on: what `gone` counted, with what open amendments change of it, beside what
    /// was carried before.
    fn carry(
        &self,
        doomed: &[Doomed],
        mut gone: Gone,
        (change, seq): (&mut ManifestChange, u64),
    ) -> Result<(), LedgerError> {
        // Whoever wrote the row of this `seq` shows it without the log.
        self.wait_committed(seq);
        let open = lock(&self.0.open).rows.snapshot();
        let open = open.layers().map_err(malformed)?;
        let (overlays, before) = {
            let books = lock(&self.0.books);
            (books.overlays(), books.gone())
        };
        let amended = if open.is_empty() { &[] } else { doomed };
        for Doomed { segment, rows, .. } in amended {
            let sealed = overlays.get(&segment.number()).map(|overlay| overlay.amendments()).transpose();
            let sealed = sealed.map_err(LedgerError::Unreadable)?;
            let former = Layers(sealed.as_deref().into_iter().collect());
            carried::add_changes(&mut gone, (segment, rows), (&former, &open)).map_err(unreadable)?;
        }
        gone.counted.retain(|_, counted| *counted != Default::default());
        let former = gone.counted.keys().filter_map(|id| Some((*id, *before.counted.get(id)?))).collect();
        gone.add(&Gone { counted: former, ..Gone::default() });
        (change.carried, change.expired) = (gone.counted, gone.expired);
        Ok(())
    }

    /// Writes the delete vector of a segment and, where amendments of deleted rows are in its overlay, another overlay.
    fn write_deletion(
        &self,
        segment: &Segment,
        rows: &RowSet,
        files: &mut Vec<String>,
    ) -> Result<NewDeletes, LedgerError> {
        let name = &segment.meta().name;
        let number = segment.meta().deletes.as_ref().map_or(0, |deletes| deletes.number) + 1;
        let deletes = write_deletes(&*self.0.disk, name, number, rows)?;
        files.push(deletes.file_name(name));
        let overlay = lock(&self.0.books).overlays().get(&segment.number()).cloned();
        let overlay = match overlay {
            Some(overlay) => self.without(segment, &overlay, rows, files)?,
            None => None,
        };
        Ok(NewDeletes { segment: name.clone(), deletes, overlay })
    }

    /// The overlay without the amendments of `rows`; `None` when it has no others.
    fn without(
        &self,
        segment: &Segment,
        overlay: &Overlay,
        rows: &RowSet,
        files: &mut Vec<String>,
    ) -> Result<Option<OverlayMeta>, LedgerError> {
        let mut kept = amendments_of_others(segment, overlay, rows).map_err(LedgerError::Unreadable)?;
        if kept.len() as u64 == overlay.meta().rows {
            return Ok(Some(overlay.meta().clone()));
        }
        if kept.is_empty() {
            return Ok(None);
        }
        kept.sort_unstable_by_key(|(seq, _)| *seq);
        let kept: Vec<Bytes> = kept.into_iter().map(|(_, row)| row).collect();
        let (name, number) = (&segment.meta().name, overlay.meta().number + 1);
        let meta = write_overlay(&*self.0.disk, name, number, &kept)?;
        files.push(meta.file_name(name));
        Ok(Some(meta))
    }
}

fn malformed(error: Malformed) -> LedgerError {
    LedgerError::Format(error.to_string())
}

/// What could not be read; a scan that ended for another reason was not one of this kind.
fn unreadable(error: ScanError) -> LedgerError {
    match error {
        ScanError::Segment(error) => LedgerError::Unreadable(error),
        other => LedgerError::Format(other.to_string()),
    }
}

/// The amendments of an overlay that are not about `rows`, with their `seq`.
fn amendments_of_others(
    segment: &Segment,
    overlay: &Overlay,
    rows: &RowSet,
) -> Result<Vec<(u64, Bytes)>, SegmentError> {
    let (footer, mut window) = (segment.footer()?, IdWindow::default());
    let mut kept = Vec::new();
    for entry in overlay.amendments()?.entries() {
        let row = segment.row_of(&footer, &mut window, entry.integration, entry.id)?;
        if row.is_some_and(|row| !rows.contains(row)) {
            kept.push((entry.seq, entry.row.clone()));
        }
    }
    Ok(kept)
}

/// What tells a segment with one delete vector from the same with another.
fn key(segment: &Segment) -> (u64, u64) {
    (segment.number(), segment.meta().deletes.as_ref().map_or(0, |deletes| deletes.number))
}

impl Deletion {
    /// Whether a segment may have such rows, as far as the manifest tells.
    fn may_concern(&self, segment: &Segment) -> bool {
        let meta = segment.meta();
        match self {
            Self::Older(expired) => expired.iter().any(|(integration, kind, before)| {
                *kind == meta.kind
                    && meta.bounds(*integration).is_some_and(|(least, _)| least < TxId::first_at(*before))
            }),
            Self::Naming { integrations, .. } => integrations.iter().any(|id| meta.bounds(*id).is_some()),
        }
    }

    /// What is to be deleted of a segment, if anything is that was not before.
    fn rows_of(&self, segment: &Arc<Segment>) -> Result<Option<Doomed>, SegmentError> {
        let footer = segment.footer()?;
        let already = segment.deleted()?.cloned().unwrap_or_default();
        let (mut all, mut counts) = (already.clone(), Vec::new());
        let mut add = |integration: IntegrationId, runs: Vec<Range<u64>>| {
            let with = all.with(&RowSet::new(runs));
            let rows = with.len() - all.len();
            if rows > 0 {
                let (kind, day) = (segment.meta().kind, segment.meta().day);
                counts.push(DeletedRows { integration, kind, day, rows });
            }
            all = with;
        };
        match self {
            Self::Older(expired) => {
                for (integration, kind, before) in expired {
                    if *kind == segment.meta().kind {
                        let rows = older(segment, &footer, *integration, TxId::first_at(*before))?;
                        add(*integration, arrived(segment, &footer, (*integration, rows), *before)?);
                    }
                }
            }
            Self::Naming { integrations, column, text } => {
                let named = Predicate::parse(segment.meta().kind, column.name(), None, text);
                // A column that events of this kind do not have names none of them.
                let Ok(named) = named else { return Ok(None) };
                let filter = Filter::new(std::slice::from_ref(&named), None);
                for integration in integrations {
                    let all = segment.rows_of(&footer, *integration);
                    let rows = matching(segment, &footer, (*integration, all), &filter)?;
                    add(*integration, rows.into_iter().map(|row| row..row + 1).collect());
                }
            }
        }
        if all.len() == already.len() {
            return Ok(None);
        }
        let staying = RowSet::new(all.others(segment.meta().rows));
        let are_expired = matches!(self, Self::Older(_));
        let judged = carried::as_judged(segment, &footer, (&staying, &already), are_expired)?;
        Ok(Some(Doomed { segment: segment.clone(), rows: all, counts, judged }))
    }
}

/// The rows of an integration with ids below `bound`.
fn older(
    segment: &Segment,
    footer: &Footer,
    integration: IntegrationId,
    bound: TxId,
) -> Result<Range<u64>, SegmentError> {
    let rows = segment.rows_of(footer, integration);
    let end = segment.lower_bound(footer, &mut IdWindow::default(), rows.clone(), bound)?;
    Ok(rows.start..end)
}

/// Of some rows those that came before a time, or do not say when.
fn arrived(
    segment: &Segment,
    footer: &Footer,
    (integration, rows): (IntegrationId, Range<u64>),
    before: Timestamp,
) -> Result<Vec<Range<u64>>, SegmentError> {
    if segment.meta().max_arrival.is_some_and(|latest| latest < before) {
        return Ok(vec![rows]);
    }
    let late = Predicate {
        field: FieldRef::Stored(Column::Number(Number::ArrivalTime)),
        operator: Operator::Gte,
        operand: Operand::Numbers(vec![before.millis()]),
    };
    let filter = Filter::new(std::slice::from_ref(&late), None);
    let late = matching(segment, footer, (integration, rows.clone()), &filter)?;
    let late = RowSet::new(late.into_iter().map(|row| row..row + 1).collect());
    Ok(late.others_of(std::slice::from_ref(&rows)))
}

/// Of some rows of an integration those that satisfy the filter.
fn matching(
    segment: &Segment,
    footer: &Footer,
    (integration, rows): (IntegrationId, Range<u64>),
    filter: &Filter<'_>,
) -> Result<Vec<u64>, SegmentError> {
    let mut found = Vec::new();
    for start in rows.clone().step_by(WINDOW as usize) {
        let window = start..(start + WINDOW).min(rows.end);
        if segment.may_match(footer, &window, filter)? {
            let mut ids = IdWindow::default();
            found.extend(segment.matching(footer, &mut ids, integration, window, filter)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::sim::SimDisk;
    use tollgate_domain::{Amendment, Entropy, Event, Status, TxIdKey};

    struct NoEntropy;

    impl Entropy for NoEntropy {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn ledger() -> Ledger {
        let options = Options { log_file_bytes: 256 << 10, spare_files: 1, ..Options::default() };
        let disk = Arc::new(SimDisk::new(1, 64 << 20));
        let opened =
            Ledger::open(disk, Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
        let (ledger, _) = opened.unwrap();
        ledger.keep().unwrap();
        ledger
    }

    fn rejection(event: &Event) -> Amendment {
        let mut amendment = Amendment::of(event, Timestamp::from_millis(2000));
        amendment.record.set_status(Status::Rejected);
        amendment
    }

    fn commit(ledger: &Ledger, amendment: &mut Amendment) {
        let promise = ledger.promise(1, 100).unwrap();
        ledger.amend(&promise, amendment);
        ledger.commit().unwrap();
    }

    #[test]
    fn what_is_taken_back_while_rows_are_looked_through_is_not_carried() {
        let (ledger, integration) = (ledger(), "abcdefghij".parse().unwrap());
        let mut events = Vec::new();
        for n in 0..4 {
            let mut event = Event::new(EventKind::Conversion, integration);
            event.set_number(Number::RequestTime, 1000 + n);
            event.set_status(Status::Approved);
            event.set_number(Number::Payout, 10_i64.pow(n as u32));
            let promise = ledger.promise(1, 100).unwrap();
            ledger.append(&promise, &mut event, |_| {});
            events.push(event);
        }
        ledger.commit().unwrap();
        commit(&ledger, &mut rejection(&events[0]));
        ledger.seal(u64::MAX / 2).unwrap();
        // The last one stays, and so does what takes it back.
        let before = Timestamp::from_millis(1003);
        let which = Deletion::Older(vec![(integration, EventKind::Conversion, before)]);
        let mut examined = Examined::new();
        ledger.examine(&which, &mut examined).unwrap();
        commit(&ledger, &mut rejection(&events[1]));
        commit(&ledger, &mut rejection(&events[3]));
        let doomed = examined.into_values().flatten().collect();
        let deleted = ledger.delete_these(ledger.committed(), doomed).unwrap().unwrap();
        assert_eq!(deleted.rows.iter().map(|rows| rows.rows).sum::<u64>(), 3);
        assert_eq!(ledger.view().carried(integration).payout, 100);
        let all = Deletion::Older(vec![(integration, EventKind::Conversion, Timestamp::from_millis(9000))]);
        ledger.delete(&all).unwrap().unwrap();
        assert_eq!(ledger.view().carried(integration).payout, 100, "it had been taken back");
    }
    #[test]
    fn what_came_late_is_kept_as_long_as_what_happened_then() {
        let (ledger, integration) = (ledger(), "abcdefghij".parse().unwrap());
        for (happened, came) in [(1000, Some(1000)), (1001, Some(5000)), (1002, None), (4000, Some(4000))] {
            let mut event = Event::new(EventKind::Click, integration);
            event.set_number(Number::RequestTime, happened);
            came.into_iter().for_each(|came| event.set_number(Number::ArrivalTime, came));
            let promise = ledger.promise(1, 100).unwrap();
            ledger.append(&promise, &mut event, |_| {});
        }
        ledger.commit().unwrap();
        let older = |before| {
            let before = Timestamp::from_millis(before);
            let deleted = ledger.delete(&Deletion::Older(vec![(integration, EventKind::Click, before)]));
            deleted.unwrap().unwrap().rows.iter().map(|rows| rows.rows).sum::<u64>()
        };
        assert_eq!(older(4500), 3, "all but the one that came at 5000");
        assert_eq!(ledger.view().expired(integration, EventKind::Click).unwrap().known.millis(), 4000);
        assert_eq!(older(5000), 0);
        assert_eq!(older(5001), 1);
    }
}
