//! A report's rows while they are counted. What rows are about has a number, so that a further day of the same costs no text.

use super::figures::{About, Counts, Row};
use super::request::Role;
use std::collections::HashMap;
use std::sync::Arc;
use tollgate_domain::{Day, EventKind};
use tollgate_ledger::group::KeyValue;
use tollgate_ledger::rollup::{CodedSums, Sums};

/// Both sides.
type Sides = (Counts, Counts);

#[derive(Default)]
pub(super) struct Rows {
    numbers: HashMap<Arc<About>, usize>,
    counted: HashMap<(Day, usize), Sides>,
}

impl Rows {
    /// Adds sums whose first key is the date, as one side has them. `about` says what the others mean; `None` for what the
    /// report does not tell.
    pub(super) fn add(
        &mut self,
        role: Role,
        sums: &CodedSums,
        about: &dyn Fn(&mut dyn Iterator<Item = KeyValue>) -> Option<About>,
    ) {
        let mut known: HashMap<&[u32], Option<usize>> = HashMap::new();
        for (kind, codes, sum) in sums.iter() {
            let Some((date, others)) = codes.split_first() else { continue };
            let number = *known.entry(others).or_insert_with(|| {
                let mut values = others.iter().enumerate().map(|(at, code)| sums.value(at + 1, *code));
                about(&mut values).map(|about| self.number(about))
            });
            if let (Some(number), KeyValue::Date(day)) = (number, sums.value(0, *date)) {
                self.count((day, number), (kind, role), sum);
            }
        }
    }

    fn number(&mut self, about: About) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(Arc::new(about)).or_insert(next)
    }

    fn count(&mut self, place: (Day, usize), (kind, role): (EventKind, Role), sums: &Sums) {
        let (delivered, received) = self.counted.entry(place).or_default();
        let counts = if role == Role::Publisher { delivered } else { received };
        counts.add(kind, role, sums);
    }

    /// The rows that have anything, by day and then by what they are about.
    pub(super) fn told(self) -> Vec<Row> {
        let mut abouts: Vec<(Arc<About>, usize)> = self.numbers.into_iter().collect();
        abouts.sort_unstable();
        let mut places = vec![0; abouts.len()];
        for (place, (_, number)) in abouts.iter().enumerate() {
            places[*number] = place;
        }
        let not_zero = self.counted.into_iter().filter(|(_, (one, two))| !(one.is_zero() && two.is_zero()));
        let mut rows: Vec<((Day, usize), Sides)> =
            not_zero.map(|((day, number), sides)| ((day, places[number]), sides)).collect();
        rows.sort_unstable_by_key(|(place, _)| *place);
        let row = |((date, place), (delivered, received)): ((Day, usize), Sides)| {
            let (about, _) = &abouts[place];
            Row { date, about: about.clone(), delivered, received }
        };
        rows.into_iter().map(row).collect()
    }
}
