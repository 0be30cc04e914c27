//! What came since the last look, read from the ledger: whoever takes events in does nothing for it and waits for nobody.
//! A look tells the newest events, and verdicts that changed, and counts the others, so that what it costs does not grow
//! with the traffic.

use super::amended;
use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use tollgate_domain::row;
use tollgate_domain::{Event, EventKind, IntegrationId, Number, OrganizationId, Status, TxId};
use tollgate_ledger::row::{RowHead, RowView};
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::view::View;
use tollgate_ledger::{Ledger, Record};

/// Places in the commit order that a look goes back at most.
const REACH: u64 = 16_384;

/// How an event came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It counts.
    Approved,
    /// It would not, but for monitoring mode.
    Monitored,
    /// It does not.
    Rejected,
}

impl Outcome {
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("approved", Self::Approved), ("monitored", Self::Monitored), ("rejected", Self::Rejected)];

    /// That of an event with these columns; `None` of one that was not judged.
    fn of(status: Option<i64>, monitoring: Option<i64>) -> Option<Self> {
        match Status::from_number(status?)? {
            Status::Approved => Some(Self::Approved),
            Status::Rejected if monitoring == Some(1) => Some(Self::Monitored),
            Status::Rejected => Some(Self::Rejected),
        }
    }
}

/// Which events are told.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) organization: OrganizationId,
    /// Some of the organization's integrations; without any it is all of them.
    pub(super) integrations: Vec<IntegrationId>,
    /// Without any it is all of them.
    pub(super) kinds: Vec<EventKind>,
    /// Without any it is all of them, events that were not judged included.
    pub(super) outcomes: Vec<Outcome>,
}

impl Wanted {
    /// Whether an event of an integration of the organization, or the change of its verdict, is told.
    fn takes(&self, kind: EventKind, integration: IntegrationId, outcome: Option<Outcome>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.integrations.is_empty() || self.integrations.contains(&integration))
            && (self.outcomes.is_empty() || outcome.is_some_and(|one| self.outcomes.contains(&one)))
    }
}

/// What is told of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// `row`, or `amended`.
    pub(super) name: &'static str,
    /// Of an event, after which somebody can go on.
    pub(super) id: Option<TxId>,
    /// Its row as tables have it, or what changed; JSON.
    pub(super) data: String,
}

/// What came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) told: Vec<Told>,
    /// What came before these and is not told.
    pub(super) lost: u64,
    /// Whether there may have been more of them.
    pub(super) more: bool,
}

/// What a look tells.
const PER_LOOK: usize = 100;
/// The same of the first look of somebody who was away.
const AFTER_A_BREAK: usize = 1000;

/// A place in the history, and what is told of what comes after it.
pub(super) struct Feed {
    ledger: Ledger,
    wanted: Wanted,
    /// The least `seq` that was not looked at.
    next: u64,
    /// The event after which it goes on, until the first look; nothing where what was named is no event's id.
    after: Option<Option<TxId>>,
}

impl Feed {
    /// What comes from now on or, where `after` says so, since an event.
    pub(super) fn new(ledger: Ledger, wanted: Wanted, after: Option<Option<TxId>>) -> Self {
        let next = ledger.committed() + 1;
        Self { ledger, wanted, next, after }
    }

    /// Whether a look can find anything.
    pub(super) fn has_news(&self) -> bool {
        self.after.is_some() || self.ledger.committed() >= self.next
    }

    /// The newest events of these integrations that came since the last look. This may read files.
    pub(super) fn look(&mut self, own: &HashSet<IntegrationId>) -> Result<News, ScanError> {
        let view = self.ledger.view();
        let (end, after) = (view.cut() + 1, self.after.take());
        let reach = end.saturating_sub(REACH);
        let mut more = false;
        if let Some(last) = after {
            let place = last.map(|id| place(&view, own, reach, id)).transpose()?.flatten();
            more = place.is_none();
            // What is no id says nothing of where somebody was; an id that is not among the last events, that it was before.
            self.next = place.map_or(if last.is_some() { reach } else { self.next }, |seq| seq + 1);
        }
        let from = self.next.max(reach);
        more |= self.next < reach;
        self.next = self.next.max(end);
        let most = if after.is_some() { AFTER_A_BREAK } else { PER_LOOK };
        let mut newest = Newest { most, found: VecDeque::new(), lost: 0 };
        let takes = |kind, integration, outcome| {
            own.contains(&integration) && self.wanted.takes(kind, integration, outcome)
        };
        let open = view.open().first_seq().unwrap_or(end);
        for record in sealed(&view, from..open)? {
            let columns = record.columns();
            let outcome = Outcome::of(columns.number(Number::Status), columns.number(Number::MonitoringMode));
            let is_told = matches!(record, Record::Event(_)) || outcome.is_some();
            if is_told && takes(columns.kind, columns.integration, outcome) {
                newest.add(Found::Sealed(Box::new(record)));
            }
        }
        for row in view.open().rows_from(from) {
            let (head, bytes) = row?;
            let outcome = outcome_in(&head, bytes);
            if (!head.amends || outcome.is_some()) && takes(head.kind, head.integration, outcome) {
                newest.add(Found::Open(bytes));
            }
        }
        Ok(News { told: newest.told(self.wanted.organization)?, lost: newest.lost, more })
    }
}

/// The `seq` of an event of one of these integrations, if it is `reach` or more: who comes again with an older one has lost
/// some all the same.
fn place(view: &View, own: &HashSet<IntegrationId>, reach: u64, id: TxId) -> Result<Option<u64>, ScanError> {
    let open = view.open().first_seq().unwrap_or(view.cut() + 1);
    for row in view.open().rows_from(reach) {
        let (head, _) = row?;
        if head.id == id && !head.amends && own.contains(&head.integration) {
            return Ok(Some(head.seq));
        }
    }
    let mut events = sealed(view, reach..open)?.into_iter().filter_map(Record::into_event);
    let found = events.find(|event| event.id == id && own.contains(&event.integration));
    Ok(found.map(|event| event.seq))
}

/// What has a `seq` in `range`, which is sealed. That is only so for somebody who was away, or who looks just when
/// rows are sealed.
fn sealed(view: &View, range: Range<u64>) -> Result<Vec<Record>, ScanError> {
    let mut records = Vec::new();
    if range.is_empty() {
        return Ok(records);
    }
    for record in view.scan_seq_from(range.start) {
        let record = record?;
        if record.seq() >= range.end {
            break;
        }
        records.push(record);
    }
    Ok(records)
}

fn outcome_in(head: &RowHead, row: &[u8]) -> Option<Outcome> {
    Outcome::of(head.number_in(row, Number::Status), head.number_in(row, Number::MonitoringMode))
}

/// What was found: a row is not decoded before it is told.
enum Found<'a> {
    Sealed(Box<Record>),
    Open(&'a [u8]),
}

/// The newest of what is found.
struct Newest<'a> {
    most: usize,
    found: VecDeque<Found<'a>>,
    lost: u64,
}

impl<'a> Newest<'a> {
    fn add(&mut self, found: Found<'a>) {
        if self.found.len() == self.most {
            self.found.pop_front();
            self.lost += 1;
        }
        self.found.push_back(found);
    }

    fn told(&self, organization: OrganizationId) -> Result<Vec<Told>, ScanError> {
        let event = |event: &Event| {
            let mut row = Vec::with_capacity(2048);
            row::write(event, organization, &mut row);
            Told { name: "row", id: Some(event.id), data: String::from_utf8_lossy(&row).into_owned() }
        };
        let told = self.found.iter().map(|found| match found {
            Found::Sealed(record) => Ok(match &**record {
                Record::Event(stored) => event(stored),
                Record::Amendment(amendment) => amended::told(&amendment.record),
            }),
            Found::Open(bytes) => {
                let row = RowView::parse(bytes)?;
                Ok(if row.amends() { amended::told(&row.to_event()) } else { event(&row.to_event()) })
            }
        });
        told.collect()
    }
}
