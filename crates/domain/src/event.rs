//! The event: one wide, typed row that becomes a log record, a Parquet row and a report row.

use crate::{Day, IntegrationId, Number, Text, Timestamp, TxId};

/// The three kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EventKind {
    /// A user followed a link.
    Click = 1,
    /// A user did what the offer pays for, or something after it.
    Conversion = 2,
    /// An ad was shown.
    Impression = 3,
}

impl EventKind {
    /// The kind's name: `click`, `conversion`, `impression`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Conversion => "conversion",
            Self::Impression => "impression",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        crate::KINDS_ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The kind of its number in stored rows.
    pub fn from_number(number: u8) -> Option<Self> {
        crate::KINDS_ALL.iter().copied().find(|kind| *kind as u8 == number)
    }
}

/// What was decided about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// It counts.
    Approved = 1,
    /// It does not (but is enforced only outside monitoring mode).
    Rejected = 2,
}

impl Status {
    /// The status of its number in stored rows.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Approved),
            2 => Some(Self::Rejected),
            _ => None,
        }
    }

    /// `approved` or `rejected`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// Marks a number that is absent. No legal value equals it.
const ABSENT: i64 = i64::MIN;

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    /// Length plus one; 0 is absent.
    length: u32,
}

/// One event. Texts lie in a single buffer, so that an event is built, stored and dropped with one allocation, and a
/// cleared event can be filled again with none.
#[derive(Debug, Clone)]
pub struct Event {
    /// Click, conversion or impression.
    pub kind: EventKind,
    /// The integration it belongs to.
    pub integration: IntegrationId,
    /// Its id (`real_tx_id`); all zero until it is assigned.
    pub id: TxId,
    /// Its place in the commit order; 0 until it is assigned.
    pub seq: u64,
    /// 128-bit hash of its idempotency key, 0 without one.
    pub key: u128,
    buffer: String,
    spans: [Span; Text::COUNT],
    numbers: [i64; Number::COUNT],
}

impl Event {
    /// An event without any value.
    pub fn new(kind: EventKind, integration: IntegrationId) -> Self {
        Self {
            kind,
            integration,
            id: TxId::default(),
            seq: 0,
            key: 0,
            buffer: String::new(),
            spans: [Span::default(); Text::COUNT],
            numbers: [ABSENT; Number::COUNT],
        }
    }

    /// Makes room for so many bytes of texts.
    pub fn reserve(&mut self, bytes: usize) {
        self.buffer.reserve(bytes);
    }

    /// Empties the event for another use; its buffer keeps its capacity.
    pub fn reset(&mut self, kind: EventKind, integration: IntegrationId) {
        (self.kind, self.integration) = (kind, integration);
        (self.id, self.seq, self.key) = (TxId::default(), 0, 0);
        self.buffer.clear();
        self.spans.fill(Span::default());
        self.numbers.fill(ABSENT);
    }

    /// The value of a text column.
    #[inline]
    pub fn text(&self, column: Text) -> Option<&str> {
        let span = self.spans[column as usize];
        let start = span.start as usize;
        (span.length != 0).then(|| &self.buffer[start..start + span.length as usize - 1])
    }

    /// The value of a text column, empty when absent.
    #[inline]
    pub fn text_or_empty(&self, column: Text) -> &str {
        self.text(column).unwrap_or("")
    }

    /// Sets a text column.
    #[inline]
    pub fn set_text(&mut self, column: Text, value: &str) {
        let start = self.buffer.len() as u32;
        self.buffer.push_str(value);
        self.spans[column as usize] = Span { start, length: value.len() as u32 + 1 };
    }

    /// Sets a text column to what `write` appends to the buffer it is given.
    pub fn write_text(&mut self, column: Text, write: impl FnOnce(&mut String)) {
        let start = self.buffer.len();
        write(&mut self.buffer);
        let length = self.buffer.len().saturating_sub(start) as u32 + 1;
        self.spans[column as usize] = Span { start: start as u32, length };
    }

    /// Removes a text column's value.
    pub fn clear_text(&mut self, column: Text) {
        self.spans[column as usize] = Span::default();
    }

    /// The value of a number column.
    #[inline]
    pub fn number(&self, column: Number) -> Option<i64> {
        let value = self.numbers[column as usize];
        (value != ABSENT).then_some(value)
    }

    /// Sets a number column. `i64::MIN` is not a legal value and reads as absent.
    #[inline]
    pub fn set_number(&mut self, column: Number, value: i64) {
        self.numbers[column as usize] = value;
    }

    /// Removes a number column's value.
    pub fn clear_number(&mut self, column: Number) {
        self.numbers[column as usize] = ABSENT;
    }

    /// The value of a time column.
    pub fn time(&self, column: Number) -> Option<Timestamp> {
        self.number(column).map(Timestamp::from_millis)
    }

    /// Whether a boolean column is true.
    pub fn flag(&self, column: Number) -> bool {
        self.number(column) == Some(1)
    }

    /// The event's time (`request_time`): that of its id, that screening uses. 0 until it is set.
    #[inline]
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.number(Number::RequestTime).unwrap_or(0))
    }

    /// The UTC day it is stored under.
    pub fn day(&self) -> Day {
        self.at().day()
    }

    /// What was decided; `None` before judgement.
    pub fn status(&self) -> Option<Status> {
        self.number(Number::Status).and_then(Status::from_number)
    }

    /// Records what was decided.
    pub fn set_status(&mut self, status: Status) {
        self.set_number(Number::Status, status as i64);
    }

    /// Whether it was rejected and that is enforced: under monitoring mode nothing is.
    pub fn is_enforced_rejection(&self) -> bool {
        self.status() == Some(Status::Rejected) && !self.flag(Number::MonitoringMode)
    }

    /// Whether figures and amounts have it: it was approved, or its rejection is not enforced.
    pub fn counts(&self) -> bool {
        self.status().is_some() && !self.is_enforced_rejection()
    }

    /// Why it was rejected: the first of its `rejections`.
    pub fn primary_reason(&self) -> Option<&str> {
        first_reason(self.text(Text::Rejections)?)
    }

    /// Bytes of text it has room for: what a reused event keeps.
    pub fn text_capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Bytes of text it holds, overwritten values included.
    pub fn text_bytes(&self) -> usize {
        self.buffer.len()
    }
}

/// The first of a JSON array of reasons, as the column `rejections` has it.
pub fn first_reason(rejections: &str) -> Option<&str> {
    rejections.strip_prefix("[\"")?.split('"').next()
}

impl PartialEq for Event {
    /// Equal when every column is equal, wherever the texts lie.
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.integration, self.id, self.seq, self.key)
            == (other.kind, other.integration, other.id, other.seq, other.key)
            && self.numbers == other.numbers
            && Text::ALL.iter().all(|column| self.text(*column) == other.text(*column))
    }
}

impl Eq for Event {}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::new(EventKind::Click, "abcdefghij".parse().unwrap())
    }

    #[test]
    fn absent_and_empty_are_different() {
        let mut event = event();
        assert_eq!(event.text(Text::SubId), None);
        event.set_text(Text::SubId, "");
        assert_eq!(event.text(Text::SubId), Some(""));
        event.clear_text(Text::SubId);
        assert_eq!(event.text(Text::SubId), None);
        assert_eq!(event.number(Number::Asn), None);
    }

    #[test]
    fn equality_ignores_where_texts_lie() {
        let (mut a, mut b) = (event(), event());
        a.set_text(Text::Publisher, "p");
        a.set_text(Text::OfferId, "o");
        b.set_text(Text::OfferId, "overwritten");
        b.set_text(Text::OfferId, "o");
        b.write_text(Text::Publisher, |out| out.push('p'));
        assert_eq!(a, b);
        b.set_number(Number::Asn, 1);
        assert_ne!(a, b);
    }

    #[test]
    fn a_rejection_is_enforced_unless_it_is_only_monitored() {
        let mut event = event();
        assert!(!event.is_enforced_rejection() && !event.counts());
        event.set_status(Status::Rejected);
        assert!(event.is_enforced_rejection() && !event.counts());
        event.set_number(Number::MonitoringMode, 1);
        assert!(!event.is_enforced_rejection() && event.counts());
        event.set_status(Status::Approved);
        event.set_number(Number::MonitoringMode, 0);
        assert!(!event.is_enforced_rejection() && event.counts());
    }

    #[test]
    fn a_reset_event_is_a_new_one() {
        let mut used = event();
        used.set_text(Text::Publisher, "p");
        used.set_number(Number::Asn, 5);
        used.seq = 9;
        used.reset(EventKind::Click, "abcdefghij".parse().unwrap());
        assert_eq!(used, event());
    }
}
