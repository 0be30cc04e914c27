//! What is summed up of events, and its bytes.

use crate::group::Measures;
use crate::query::Fields;
use tollgate_domain::{Column, EventKind, Number, Status, Text};

/// Sums over events. They are signed: what takes events back has them below zero. Money is in micro-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// All events.
    pub total: i64,
    /// Those that were approved.
    pub approved: i64,
    /// Those that were rejected.
    pub rejected: i64,
    /// Those that would have been rejected, had it not been under monitoring mode. Together with the approved ones they
    /// are those that count.
    pub monitored: i64,
    /// Conversions that count and are no later event of one.
    pub installs: i64,
    /// Events that count whose video was watched to its end.
    pub completed: i64,
    /// What advertisers pay for all of them.
    pub revenue: i128,
    /// What publishers get for all of them.
    pub payout: i128,
    /// What advertisers pay for those that count.
    pub counted_revenue: i128,
    /// What publishers get for those that count.
    pub counted_payout: i128,
    /// The prices of those that count, per thousand: divide by 1,000 once, at the end.
    pub counted_price: i128,
}

/// Numbers that the bytes of [`Sums`] have.
const FIELDS: usize = 11;

/// The columns that sums are made of.
pub(crate) const MEASURED: &[Column] = &[
    Column::Number(Number::Status),
    Column::Number(Number::MonitoringMode),
    Column::Number(Number::Revenue),
    Column::Number(Number::Payout),
    Column::Number(Number::Price),
    Column::Number(Number::VideoCompleted),
    Column::Text(Text::EventId),
    Column::Text(Text::EventName),
];

impl Sums {
    /// Those of one event.
    pub(crate) fn of(row: &(impl Fields + ?Sized)) -> Self {
        let money = |column| i128::from(row.number(column).unwrap_or(0));
        let (revenue, payout) = (money(Number::Revenue), money(Number::Payout));
        let mut sums = Self { total: 1, revenue, payout, ..Self::default() };
        let monitoring = row.number(Number::MonitoringMode) == Some(1);
        match row.number(Number::Status).and_then(Status::from_number) {
            Some(Status::Approved) => sums.approved = 1,
            Some(Status::Rejected) if monitoring => sums.monitored = 1,
            Some(Status::Rejected) => sums.rejected = 1,
            None => {}
        }
        if sums.approved + sums.monitored > 0 {
            let is_later = [Text::EventId, Text::EventName].iter().any(|column| row.text(*column).is_some());
            sums.installs = i64::from(row.kind() == EventKind::Conversion && !is_later);
            sums.completed = i64::from(row.number(Number::VideoCompleted) == Some(1));
            (sums.counted_revenue, sums.counted_payout) = (revenue, payout);
            sums.counted_price = money(Number::Price);
        }
        sums
    }

    /// The same, taken back.
    #[must_use]
    pub(crate) fn negative(self) -> Self {
        Self::from_numbers(self.numbers().map(|number| -number))
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.monitored += other.monitored;
        self.installs += other.installs;
        self.completed += other.completed;
        self.revenue += other.revenue;
        self.payout += other.payout;
        self.counted_revenue += other.counted_revenue;
        self.counted_payout += other.counted_payout;
        self.counted_price += other.counted_price;
    }

    /// Whether nothing is left.
    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// What a grouped report tells of them.
    pub fn measures(&self) -> Measures {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Measures {
            total: count(self.total),
            approved: count(self.approved),
            rejected: count(self.rejected),
            monitored: count(self.monitored),
            conversions: 0,
            revenue: self.revenue,
            payout: self.payout,
        }
    }

    fn numbers(&self) -> [i128; FIELDS] {
        let count = i128::from;
        [
            count(self.total),
            count(self.approved),
            count(self.rejected),
            count(self.monitored),
            count(self.installs),
            count(self.completed),
            self.revenue,
            self.payout,
            self.counted_revenue,
            self.counted_payout,
            self.counted_price,
        ]
    }

    fn from_numbers(numbers: [i128; FIELDS]) -> Self {
        // Counts were written from 64 bits.
        let count = |at: usize| numbers[at] as i64;
        Self {
            total: count(0),
            approved: count(1),
            rejected: count(2),
            monitored: count(3),
            installs: count(4),
            completed: count(5),
            revenue: numbers[6],
            payout: numbers[7],
            counted_revenue: numbers[8],
            counted_payout: numbers[9],
            counted_price: numbers[10],
        }
    }

    /// Appends their bytes: which of them are not zero, then those.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let numbers = self.numbers();
        let present = (0..FIELDS).filter(|at| numbers[*at] != 0);
        push(out, present.clone().map(|at| 1u128 << at).sum());
        for at in present {
            push(out, ((numbers[at] << 1) ^ (numbers[at] >> 127)) as u128);
        }
    }

    /// Reads them.
    pub(super) fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let mut present = bytes.number()?;
        let mut numbers = [0; FIELDS];
        while present != 0 {
            let at = present.trailing_zeros() as usize;
            let number = bytes.wide()?;
            *numbers.get_mut(at)? = (number >> 1) as i128 ^ -((number & 1) as i128);
            present &= present - 1;
        }
        Some(Self::from_numbers(numbers))
    }
}

/// Appends a number, seven bits a byte, the low ones first.
pub(super) fn push(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes that are read from the front.
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl<'b> Bytes<'b> {
    /// The next `count`.
    pub(super) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of at most 64 bits.
    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.0 {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.0 = rest;
                Some(u64::from(*byte))
            }
            _ => self.wide()?.try_into().ok(),
        }
    }

    /// A number of at most 128 bits.
    #[inline]
    fn wide(&mut self) -> Option<u128> {
        let mut number = 0u128;
        for shift in (0..128).step_by(7) {
            let [byte, rest @ ..] = self.0 else { return None };
            self.0 = rest;
            let bits = u128::from(byte & 0x7f);
            if shift == 126 && bits > 3 {
                return None;
            }
            number |= bits << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_read_back_as_they_were(counts: [i64; 6], money: [i128; 5], cut in 0usize..200) {
            let mut numbers = [0; FIELDS];
            counts.iter().enumerate().for_each(|(at, count)| numbers[at] = i128::from(*count));
            numbers[6..].copy_from_slice(&money);
            let sums = Sums::from_numbers(numbers);
            let mut bytes = Vec::new();
            sums.write(&mut bytes);
            let mut read = Bytes(&bytes);
            prop_assert_eq!(Sums::read(&mut read), Some(sums));
            prop_assert!(read.0.is_empty());
            if cut < bytes.len() {
                prop_assert_eq!(Sums::read(&mut Bytes(&bytes[..cut])), None);
            }
        }
    }

    #[test]
    fn nothing_takes_one_byte() {
        let mut bytes = Vec::new();
        Sums::default().write(&mut bytes);
        assert_eq!(bytes, [0]);
        assert_eq!(Sums::read(&mut Bytes(&[0xff; 40])), None);
    }
}
