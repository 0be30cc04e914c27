//! The bytes of one event in the log and in open blocks (docs/FORMATS.md, "Row").
//!
//! A row is its fixed head, two presence masks, the present numbers, the lengths of the present texts, and the texts
//! themselves. It is written once from an [`Event`] and read in place through [`RowView`], without copying.

use std::ops::Range;
use tollgate_domain::{Amendment, Event, EventKind, IntegrationId, Number, Text, TxId};

/// kind 1, integration 10, id 16, seq 8, key 16, text mask 8, number mask 4.
const HEAD: usize = 1 + 10 + 16 + 8 + 16 + 8 + 4;

/// The bit of the kind that makes a row an amendment of the event with its id.
const AMENDS: u8 = 0x80;

/// Appends the row of an amendment to `out`.
pub fn encode_amendment(amendment: &Amendment, out: &mut Vec<u8>) {
    let start = out.len();
    encode(&amendment.record, out);
    out[start] |= AMENDS;
}

/// Appends the row of `event` to `out`.
pub fn encode(event: &Event, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(event.kind as u8);
    out.extend_from_slice(event.integration.as_bytes());
    out.extend_from_slice(&event.id.to_u128().to_be_bytes());
    out.extend_from_slice(&event.seq.to_le_bytes());
    out.extend_from_slice(&event.key.to_le_bytes());
    out.extend_from_slice(&[0; 12]);
    let mut numbers = 0u32;
    for (i, column) in Number::ALL.iter().enumerate() {
        if let Some(value) = event.number(*column) {
            numbers |= 1 << i;
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    let mut texts = 0u64;
    for (i, column) in Text::ALL.iter().enumerate() {
        if let Some(text) = event.text(*column) {
            texts |= 1 << i;
            push_length(out, text.len() as u32);
        }
    }
    out[start + HEAD - 12..start + HEAD - 4].copy_from_slice(&texts.to_le_bytes());
    out[start + HEAD - 4..start + HEAD].copy_from_slice(&numbers.to_le_bytes());
    let mut rest = texts;
    while rest != 0 {
        let column = Text::ALL[rest.trailing_zeros() as usize];
        out.extend_from_slice(event.text_or_empty(column).as_bytes());
        rest &= rest - 1;
    }
}

fn push_length(out: &mut Vec<u8>, mut length: u32) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// A row's bytes are not what [`encode`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the row is malformed")]
pub struct Malformed;

/// What stands first in every row: enough to sort it and to know which columns it has, without reading the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHead {
    /// Click, conversion or impression.
    pub kind: EventKind,
    /// Whether it is no event, but amends the one of this id.
    pub amends: bool,
    /// The integration it belongs to.
    pub integration: IntegrationId,
    /// Its id.
    pub id: TxId,
    /// Its place in the commit order.
    pub seq: u64,
    /// Hash of its idempotency key, 0 without one.
    pub key: u128,
    /// Which text columns are present: bit `n` is `Text::ALL[n]`.
    pub text_mask: u64,
    /// Which number columns are present: bit `n` is `Number::ALL[n]`.
    pub number_mask: u32,
}

impl RowHead {
    /// Reads the head of the row that begins with `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let head: &[u8; HEAD] = bytes.first_chunk().ok_or(Malformed)?;
        let text_mask = u64::from_le_bytes(array(&head[HEAD - 12..HEAD - 4]));
        let number_mask = u32::from_le_bytes(array(&head[HEAD - 4..]));
        if text_mask >> Text::COUNT != 0 || number_mask >> Number::COUNT != 0 {
            return Err(Malformed);
        }
        Ok(Self {
            kind: EventKind::from_number(head[0] & !AMENDS).ok_or(Malformed)?,
            amends: head[0] & AMENDS != 0,
            integration: IntegrationId::from_bytes(array(&head[1..11])).ok_or(Malformed)?,
            id: TxId::from_u128(u128::from_be_bytes(array(&head[11..27]))),
            seq: u64::from_le_bytes(array(&head[27..35])),
            key: u128::from_le_bytes(array(&head[35..51])),
            text_mask,
            number_mask,
        })
    }

    /// The value of a number column of `row`, whose head this is.
    pub fn number_in(&self, row: &[u8], column: Number) -> Option<i64> {
        let bit = 1u32 << column as u32;
        if self.number_mask & bit == 0 {
            return None;
        }
        let at = HEAD + (self.number_mask & (bit - 1)).count_ones() as usize * 8;
        Some(i64::from_le_bytes(array(row.get(at..at + 8)?)))
    }
}

/// A row read in place whose texts may be anything yet: for those who check many texts at once.
#[derive(Debug, Clone)]
pub struct RawRow<'a> {
    /// Its head.
    pub head: RowHead,
    bytes: &'a [u8],
    /// All texts, one after the other.
    texts: &'a [u8],
    /// Where each text ends in `texts`, by column; valid where the mask has the bit.
    ends: [u32; Text::COUNT],
}

impl<'a> RawRow<'a> {
    /// Reads the row that is exactly `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let head = RowHead::parse(bytes)?;
        let mut at = HEAD + head.number_mask.count_ones() as usize * 8;
        let mut ends = [0; Text::COUNT];
        let mut total = 0u32;
        for column in bits(head.text_mask) {
            total = total.checked_add(read_length(bytes, &mut at)?).ok_or(Malformed)?;
            ends[column] = total;
        }
        let texts = bytes.get(at..).filter(|texts| texts.len() == total as usize).ok_or(Malformed)?;
        Ok(Self { head, bytes, texts, ends })
    }

    /// The value of a number column.
    pub fn number(&self, column: Number) -> Option<i64> {
        self.head.number_in(self.bytes, column)
    }

    /// The bytes of a text column.
    pub fn text(&self, column: Text) -> Option<&'a [u8]> {
        self.place(column).map(|place| &self.texts[place])
    }

    /// Where a text column stands in `texts`.
    fn place(&self, column: Text) -> Option<Range<usize>> {
        let bit = 1u64 << column as u64;
        if self.head.text_mask & bit == 0 {
            return None;
        }
        let before = self.head.text_mask & (bit - 1);
        let start = if before == 0 { 0 } else { self.ends[63 - before.leading_zeros() as usize] };
        Some(start as usize..self.ends[column as usize] as usize)
    }
}

/// The positions of the bits that are set.
pub(crate) fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = mask.trailing_zeros() as usize;
        (mask != 0).then(|| {
            mask &= mask - 1;
            at
        })
    })
}

/// A row read in place.
#[derive(Debug, Clone)]
pub struct RowView<'a> {
    row: RawRow<'a>,
    /// All texts, one after the other; each ends between characters.
    texts: &'a str,
}

impl<'a> RowView<'a> {
    /// Reads the row that is exactly `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let row = RawRow::parse(bytes)?;
        let texts = std::str::from_utf8(row.texts).map_err(|_| Malformed)?;
        if bits(row.head.text_mask).all(|column| texts.is_char_boundary(row.ends[column] as usize)) {
            Ok(Self { row, texts })
        } else {
            Err(Malformed)
        }
    }

    /// Click, conversion or impression.
    pub fn kind(&self) -> EventKind {
        self.row.head.kind
    }

    /// Whether it is no event, but amends the one of this id.
    pub fn amends(&self) -> bool {
        self.row.head.amends
    }

    /// The integration it belongs to.
    pub fn integration(&self) -> IntegrationId {
        self.row.head.integration
    }

    /// Its id.
    pub fn id(&self) -> TxId {
        self.row.head.id
    }

    /// Its place in the commit order.
    pub fn seq(&self) -> u64 {
        self.row.head.seq
    }

    /// Hash of its idempotency key, 0 without one.
    pub fn key(&self) -> u128 {
        self.row.head.key
    }

    /// The value of a number column.
    pub fn number(&self, column: Number) -> Option<i64> {
        self.row.number(column)
    }

    /// The value of a text column.
    pub fn text(&self, column: Text) -> Option<&'a str> {
        self.row.place(column).map(|place| &self.texts[place])
    }

    /// Copies the row into `event`.
    pub fn read_into(&self, event: &mut Event) {
        event.reset(self.kind(), self.integration());
        event.id = self.id();
        event.seq = self.seq();
        event.key = self.key();
        for column in Number::ALL {
            if let Some(value) = self.number(*column) {
                event.set_number(*column, value);
            }
        }
        for column in Text::ALL {
            if let Some(text) = self.text(*column) {
                event.set_text(*column, text);
            }
        }
    }

    /// The row, which amends an event, as an amendment of its own.
    pub fn to_amendment(&self) -> Amendment {
        Amendment { record: self.to_event() }
    }

    /// The row as an event of its own.
    pub fn to_event(&self) -> Event {
        let mut event = Event::new(self.kind(), self.integration());
        self.read_into(&mut event);
        event
    }
}

fn read_length(bytes: &[u8], at: &mut usize) -> Result<u32, Malformed> {
    let mut length = 0u32;
    for shift in (0..28).step_by(7) {
        let byte = *bytes.get(*at).ok_or(Malformed)?;
        *at += 1;
        length |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(length);
        }
    }
    Err(Malformed)
}

/// `bytes` as an array; callers slice to the length they name.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event() -> impl Strategy<Value = Event> {
        let texts = proptest::collection::vec((0..Text::COUNT, ".{0,40}|[a-z]{150}"), 0..20);
        let numbers = proptest::collection::vec((0..Number::COUNT, (i64::MIN + 1)..), 0..10);
        (texts, numbers, any::<u128>(), any::<u64>(), any::<u128>(), 1u8..=3).prop_map(
            |(texts, numbers, id, seq, key, kind)| {
                let kind = EventKind::from_number(kind).unwrap();
                let mut event = Event::new(kind, "abcdefghij".parse().unwrap());
                (event.id, event.seq, event.key) = (TxId::from_u128(id), seq, key);
                for (column, value) in texts {
                    event.set_text(Text::ALL[column], &value);
                }
                for (column, value) in numbers {
                    event.set_number(Number::ALL[column], value);
                }
                event
            },
        )
    }

    proptest! {
        #[test]
        fn rows_read_back_as_the_events_they_were(event in any_event()) {
            let mut bytes = Vec::new();
            encode(&event, &mut bytes);
            let row = RowView::parse(&bytes).unwrap();
            prop_assert_eq!((row.amends(), &row.to_event()), (false, &event));
            let amendment = Amendment { record: event };
            bytes.clear();
            encode_amendment(&amendment, &mut bytes);
            let row = RowView::parse(&bytes).unwrap();
            prop_assert_eq!((row.amends(), row.to_amendment()), (true, amendment));
        }

        #[test]
        fn damaged_rows_are_refused_or_read_without_panic(event in any_event(), at: usize, to: u8, cut: usize) {
            let mut bytes = Vec::new();
            encode(&event, &mut bytes);
            let at = at % bytes.len();
            bytes[at] = to;
            if let Ok(view) = RowView::parse(&bytes) {
                view.to_event();
            }
            bytes.truncate(cut % bytes.len());
            prop_assert!(RowView::parse(&bytes).is_err());
        }
    }
}
