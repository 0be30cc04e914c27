//! History in the order of `seq`: what was judged, and what became known of it later, as it happened.

use crate::amendments;
use crate::row::{self, RowView};
use crate::scan::ScanError;
use crate::segment::IdWindow;
use crate::view::View;
use std::collections::VecDeque;
use tollgate_domain::{Amendment, Event, EventKind};

/// What has a `seq` of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An event as it was judged, whatever amended it later.
    Event(Event),
    /// What was set of an event that stands before it.
    Amendment(Amendment),
}

impl Record {
    /// Its place in the commit order.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Event(event) => event.seq,
            Self::Amendment(amendment) => amendment.seq(),
        }
    }

    /// Its columns: an event's, or those that [`Amendment::record`] has.
    pub fn columns(&self) -> &Event {
        match self {
            Self::Event(event) => event,
            Self::Amendment(amendment) => &amendment.record,
        }
    }

    /// The event, when it is one.
    pub fn into_event(self) -> Option<Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Amendment(_) => None,
        }
    }
}

/// Sequence numbers that are brought into order at a time.
const SEQ_WINDOW: u64 = 32_768;

/// See [`View::scan_seq_from`]. Rows are held encoded, a window at a time.
pub struct SeqScan {
    view: View,
    /// The kind of events that is wanted; `None` is every one.
    kind: Option<EventKind>,
    next: u64,
    ready: VecDeque<Vec<u8>>,
}

impl SeqScan {
    pub(crate) fn new(view: View, kind: Option<EventKind>, seq: u64) -> Self {
        Self { view, kind, next: seq, ready: VecDeque::new() }
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
    }

    /// Reads the next window that has rows; `false` at the end.
    fn fill(&mut self) -> Result<bool, ScanError> {
        while self.ready.is_empty() {
            let Some(first) = self.first() else { return Ok(false) };
            let window = first..first.saturating_add(SEQ_WINDOW);
            let mut rows: Vec<(u64, Vec<u8>)> = Vec::new();
            for segment in self.view.segments().iter() {
                let meta = segment.meta();
                if !self.wants(meta.kind) || meta.max_seq < window.start || meta.min_seq >= window.end {
                    continue;
                }
                let footer = segment.footer()?;
                let sealed = segment.with_seq(&footer, &window)?;
                for event in segment.events(&footer, &mut IdWindow::default(), &sealed)? {
                    let mut bytes = Vec::with_capacity(512);
                    row::encode(&event, &mut bytes);
                    rows.push((event.seq, bytes));
                }
            }
            for overlay in self.view.overlays().values() {
                if overlay.meta().max_seq >= window.start && overlay.meta().min_seq < window.end {
                    let amendments = overlay.amendments()?;
                    let inside =
                        |entry: &&amendments::Entry| self.wants(entry.kind) && window.contains(&entry.seq);
                    let entries = amendments.entries().iter().filter(inside);
                    rows.extend(entries.map(|entry| (entry.seq, entry.row.to_vec())));
                }
            }
            for row in self.view.open().rows_from(window.start) {
                let (head, bytes) = row?;
                if head.seq >= window.end {
                    break;
                }
                if self.wants(head.kind) {
                    rows.push((head.seq, bytes.to_vec()));
                }
            }
            rows.sort_unstable_by_key(|(seq, _)| *seq);
            self.ready.extend(rows.into_iter().map(|(_, bytes)| bytes));
            self.next = window.end;
        }
        Ok(true)
    }

    /// The least `seq` that may come next.
    fn first(&self) -> Option<u64> {
        let segments = self.view.segments().iter().map(|segment| segment.meta());
        let segments = segments.filter(|meta| self.wants(meta.kind)).map(|meta| (meta.min_seq, meta.max_seq));
        let overlays = self.view.overlays().values().map(|o| (o.meta().min_seq, o.meta().max_seq));
        let open = self.view.open().first_seq().zip(self.view.open().last_seq());
        let all = segments.chain(overlays).chain(open);
        all.filter(|(_, last)| *last >= self.next).map(|(first, _)| first.max(self.next)).min()
    }
}

impl Iterator for SeqScan {
    type Item = Result<Record, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.fill() {
            Err(error) => return Some(Err(error)),
            Ok(false) => return None,
            Ok(true) => {}
        }
        let bytes = self.ready.pop_front()?;
        let record = RowView::parse(&bytes).map(|row| {
            if row.amends() { Record::Amendment(row.to_amendment()) } else { Record::Event(row.to_event()) }
        });
        Some(record.map_err(ScanError::from))
    }
}
