//! One integration's events before a `seq`, and their late rejections, in the order of `seq`: what the counters held that
//! one event was judged by. Events are told as they were judged.
//!
//! Segments are sorted by id, so an integration's rows since a time are neighbours in each of them. First only their `seq`
//! are read and brought into order; then rows are decoded some thousands at a time.

use crate::amendments::Amendments;
use crate::row::{Malformed, RowHead, RowView};
use crate::scan::ScanError;
use crate::segment::IdWindow;
use crate::seq_scan::Record;
use crate::view::View;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
use std::vec;
use tollgate_domain::{Amendment, Event, EventKind, IntegrationId, KINDS_ALL, Number, Timestamp, TxId};

/// Rows that are decoded at a time.
const CHUNK: usize = 8192;

/// Some of an integration's events. Nothing but ids has been read yet.
pub struct Earlier {
    view: View,
    integration: IntegrationId,
    since: TxId,
    before: u64,
    /// Segments of the view, by position, and their rows in question.
    sealed: Vec<(usize, Range<u64>)>,
    /// Late rejections and their `seq`.
    late: Vec<(u64, Bytes)>,
}

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Segment and row.
    Sealed(usize, u64),
    /// Run and entry.
    Open(usize, usize),
    /// A late rejection, by position.
    Late(usize),
}

impl View {
    /// The events of `integration` with a time from `since` on and a `seq` below `before`.
    pub fn earlier(
        &self,
        integration: IntegrationId,
        since: Timestamp,
        before: u64,
    ) -> Result<Earlier, ScanError> {
        let since = TxId::first_at(since);
        let (mut sealed, mut late) = (Vec::new(), Vec::new());
        for list in self.open().layers()?.0 {
            late.extend(late_rejections(list, integration, since, before)?);
        }
        for (number, segment) in self.segments().iter().enumerate() {
            let meta = segment.meta();
            let Some((least, greatest)) = meta.bounds(integration) else { continue };
            if greatest < since || meta.min_seq >= before {
                continue;
            }
            if let Some(overlay) = self.overlay(segment).filter(|_| meta.kind == EventKind::Conversion) {
                late.extend(late_rejections(&*overlay.amendments()?, integration, since, before)?);
            }
            let footer = segment.footer()?;
            let mut rows = segment.rows_of(&footer, integration);
            if since > least {
                rows.start = segment.lower_bound(&footer, &mut IdWindow::default(), rows.clone(), since)?;
            }
            sealed.push((number, rows));
        }
        Ok(Earlier { view: self.clone(), integration, since, before, sealed, late })
    }
}

/// The late rejections among amendments, of conversions with ids from `since` on, with a `seq` below `before`.
fn late_rejections(
    list: &Amendments,
    integration: IntegrationId,
    since: TxId,
    before: u64,
) -> Result<Vec<(u64, Bytes)>, Malformed> {
    let all = since..TxId::from_u128(u128::MAX);
    let mut late = Vec::new();
    for entry in list.about(EventKind::Conversion, integration, &all) {
        if entry.seq < before && RowView::parse(&entry.row)?.number(Number::LateRejection) == Some(1) {
            late.push((entry.seq, entry.row.clone()));
        }
    }
    Ok(late)
}

impl View {
    /// What became known of an event after it was judged, in the order of `seq`.
    pub fn amendments_of(&self, event: &Event) -> Result<Vec<Amendment>, ScanError> {
        let only = event.id..event.id.next();
        let mut found = Vec::new();
        let mut add = |list: &Amendments| -> Result<(), ScanError> {
            for entry in list.about(event.kind, event.integration, &only) {
                found.push(RowView::parse(&entry.row)?.to_amendment());
            }
            Ok(())
        };
        for segment in self.segments().iter().filter(|segment| segment.meta().kind == event.kind) {
            let bounds = segment.meta().bounds(event.integration);
            let may_have = bounds.is_some_and(|(least, greatest)| least <= event.id && event.id <= greatest);
            if let Some(overlay) = self.overlay(segment).filter(|_| may_have) {
                add(&*overlay.amendments()?)?;
            }
        }
        for list in self.open().layers()?.0 {
            add(list)?;
        }
        found.sort_unstable_by_key(Amendment::seq);
        Ok(found)
    }
}

impl Earlier {
    /// How many rows they are at most.
    pub fn rows_at_most(&self) -> Result<u64, ScanError> {
        let sealed: u64 = self.sealed.iter().map(|(_, rows)| rows.end - rows.start).sum();
        Ok(sealed
            + self.late.len() as u64
            + self.open()?.iter().map(|(_, entries)| entries.len() as u64).sum::<u64>())
    }

    /// Runs of open rows, by position, and their entries in question.
    fn open(&self) -> Result<Vec<(usize, Range<usize>)>, ScanError> {
        let all = self.since..TxId::from_u128(u128::MAX);
        let mut found = Vec::new();
        for (number, run) in self.view.open().runs().iter().enumerate() {
            let index = run.index()?;
            found.extend(KINDS_ALL.iter().map(|kind| (number, index.range(*kind, self.integration, &all))));
        }
        Ok(found)
    }

    /// The events, and the late rejections, in the order of `seq`.
    pub fn events(self) -> Result<EarlierEvents, ScanError> {
        let mut order: Vec<(u64, Place)> = Vec::new();
        for (number, rows) in self.sealed.iter().filter(|(_, rows)| !rows.is_empty()) {
            let segment = &self.view.segments()[*number];
            let seqs = segment.seqs(&*segment.footer()?, rows.clone())?;
            let deleted = segment.deleted()?;
            let is_there = |row: u64| !deleted.is_some_and(|deleted| deleted.contains(row));
            let earlier = seqs.into_iter().zip(rows.clone()).filter(|(seq, _)| *seq < self.before);
            let earlier = earlier.filter(|(_, row)| is_there(*row));
            order.extend(earlier.map(|(seq, row)| (seq, Place::Sealed(*number, row))));
        }
        for (number, entries) in self.open()? {
            let run = &self.view.open().runs()[number];
            for at in entries {
                let head = RowHead::parse(run.row(&run.index()?.entries[at]))?;
                if head.seq < self.before {
                    order.push((head.seq, Place::Open(number, at)));
                }
            }
        }
        order.extend(self.late.iter().enumerate().map(|(n, (seq, _))| (*seq, Place::Late(n))));
        order.sort_unstable();
        let (order, ready) = (order.into_iter(), Vec::new().into_iter());
        Ok(EarlierEvents { view: self.view, order, late: self.late, ready })
    }
}

/// See [`Earlier::events`].
pub struct EarlierEvents {
    view: View,
    order: vec::IntoIter<(u64, Place)>,
    late: Vec<(u64, Bytes)>,
    ready: vec::IntoIter<Record>,
}

impl EarlierEvents {
    /// Decodes the next chunk.
    fn fill(&mut self) -> Result<(), ScanError> {
        let (mut events, mut records): (Vec<Event>, Vec<Record>) = Default::default();
        let mut sealed: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (_, place) in self.order.by_ref().take(CHUNK) {
            match place {
                Place::Sealed(segment, row) => sealed.entry(segment).or_default().push(row),
                Place::Open(run, at) => {
                    let run = &self.view.open().runs()[run];
                    events.push(RowView::parse(run.row(&run.index()?.entries[at]))?.to_event());
                }
                Place::Late(n) => {
                    records.push(Record::Amendment(RowView::parse(&self.late[n].1)?.to_amendment()));
                }
            }
        }
        for (number, mut rows) in sealed {
            let segment = &self.view.segments()[number];
            rows.sort_unstable();
            events.extend(segment.events(&*segment.footer()?, &mut IdWindow::default(), &rows)?);
        }
        records.extend(events.into_iter().map(Record::Event));
        records.sort_unstable_by_key(|record| record.columns().seq);
        self.ready = records.into_iter();
        Ok(())
    }
}

impl Iterator for EarlierEvents {
    type Item = Result<Record, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.len() == 0
            && let Err(error) = self.fill()
        {
            return Some(Err(error));
        }
        self.ready.next().map(Ok)
    }
}
