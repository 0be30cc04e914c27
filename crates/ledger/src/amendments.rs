//! Amendments by the events they are about: those of one run of open rows, or of one overlay of a segment.
//!
//! They are few, and most runs and segments have none; whoever reads rows asks first whether there are any.

use crate::query::Predicate;
use crate::row::{Malformed, RowHead, RowView, bits};
use bytes::Bytes;
use std::ops::Range;
use tollgate_domain::{AMENDABLE, Column, Event, EventKind, IntegrationId, Number, Text, TxId};

/// One amendment: what it is about, its own `seq`, and its row.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) kind: EventKind,
    pub(crate) integration: IntegrationId,
    /// The id of the event.
    pub(crate) id: TxId,
    pub(crate) seq: u64,
    pub(crate) row: Bytes,
}

impl Entry {
    fn order(&self) -> (EventKind, IntegrationId, TxId, u64) {
        (self.kind, self.integration, self.id, self.seq)
    }
}

/// Amendments in the order of (kind, integration, id, `seq`).
#[derive(Default)]
pub(crate) struct Amendments {
    entries: Vec<Entry>,
}

impl Amendments {
    /// Takes amendments in any order.
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by_key(Entry::order);
        Self { entries }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes of memory they take, the rows aside.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>()
    }

    /// Those of one integration's events with ids in `range`.
    pub(crate) fn about(&self, kind: EventKind, integration: IntegrationId, range: &Range<TxId>) -> &[Entry] {
        let place = |bound: TxId| {
            self.entries.partition_point(|entry| {
                (entry.kind, entry.integration, entry.id) < (kind, integration, bound)
            })
        };
        let start = place(range.start);
        &self.entries[start..place(range.end).max(start)]
    }

    /// The newest one of `integration` with this idempotency key.
    pub(crate) fn newest_with_key(
        &self,
        integration: IntegrationId,
        key: u128,
    ) -> Result<Option<Event>, Malformed> {
        let mut newest: Option<&Entry> = None;
        for entry in self.entries.iter().filter(|entry| entry.integration == integration) {
            if RowHead::parse(&entry.row)?.key == key && newest.is_none_or(|newest| newest.seq < entry.seq) {
                newest = Some(entry);
            }
        }
        newest.map(|entry| Ok(RowView::parse(&entry.row)?.to_event())).transpose()
    }
}

/// An entry for the amendment that `row` is; its bytes are shared with `row`.
pub(crate) fn entry(row: Bytes) -> Result<Entry, Malformed> {
    let RowHead { kind, integration, id, seq, amends, .. } = RowHead::parse(&row)?;
    if amends { Ok(Entry { kind, integration, id, seq, row }) } else { Err(Malformed) }
}

/// Several lists as one. The lists stand in the order of time: all of one are older than all of the next.
#[derive(Default, Clone)]
pub(crate) struct Layers<'v>(pub(crate) Vec<&'v Amendments>);

impl Layers<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any amendment with a `seq` up to `cut` is about this event.
    pub(crate) fn touch(&self, kind: EventKind, integration: IntegrationId, id: TxId, cut: u64) -> bool {
        let only = id..id.next();
        let mut about = self.0.iter().flat_map(|list| list.about(kind, integration, &only));
        about.any(|entry| entry.seq <= cut)
    }

    /// Writes into `event` what amendments with a `seq` up to `cut` say, the newest last.
    pub(crate) fn apply(&self, event: &mut Event, cut: u64) -> Result<(), Malformed> {
        let only = event.id..event.id.next();
        for list in &self.0 {
            let about = list.about(event.kind, event.integration, &only);
            for entry in about.iter().filter(|entry| entry.seq <= cut) {
                set(&RowView::parse(&entry.row)?, event);
            }
        }
        Ok(())
    }

    /// What amendments up to `cut` set of events with ids in `range`: for each such event one that has only the columns
    /// that were set, in the order of ids.
    pub(crate) fn patches(
        &self,
        kind: EventKind,
        integration: IntegrationId,
        range: &Range<TxId>,
        cut: u64,
    ) -> Result<Vec<(TxId, Event)>, Malformed> {
        let lists = self.0.iter().flat_map(|list| list.about(kind, integration, range));
        let mut ids: Vec<TxId> = lists.filter(|entry| entry.seq <= cut).map(|entry| entry.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let patch = |id: TxId| {
            let mut event = Event::new(kind, integration);
            event.id = id;
            self.apply(&mut event, cut)?;
            Ok((id, event))
        };
        ids.into_iter().map(patch).collect()
    }
}

/// Sets the columns of an amendment that may be amended.
fn set(row: &RowView<'_>, event: &mut Event) {
    for at in bits(TEXTS) {
        if let Some(text) = row.text(Text::ALL[at]) {
            event.set_text(Text::ALL[at], text);
        }
    }
    for at in bits(u64::from(NUMBERS)) {
        if let Some(number) = row.number(Number::ALL[at]) {
            event.set_number(Number::ALL[at], number);
        }
    }
}

/// The amendable columns as masks of the row format.
const TEXTS: u64 = masks().0;
const NUMBERS: u32 = masks().1;

const fn masks() -> (u64, u32) {
    let (mut texts, mut numbers, mut at) = (0, 0, 0);
    while at < AMENDABLE.len() {
        match AMENDABLE[at] {
            Column::Text(column) => texts |= 1 << column as u64,
            Column::Number(column) => numbers |= 1 << column as u32,
        }
        at += 1;
    }
    (texts, numbers)
}

impl Predicate {
    /// Whether an amendment can change what it says of a row.
    pub(crate) fn is_amendable(&self) -> bool {
        self.field.columns().iter().any(|column| match column {
            Column::Text(column) => TEXTS >> *column as u64 & 1 == 1,
            Column::Number(column) => NUMBERS >> *column as u32 & 1 == 1,
        })
    }
}
