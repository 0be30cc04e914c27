//! A report's rows while they are counted. What rows are about has a number, so that a further day of the same costs no text.

use super::figures::{About, Counts, Row};
use super::request::Role;
use hashbrown::HashMap;
use std::sync::Arc;
use tollgate_domain::{Day, EventKind};
use tollgate_ledger::group::{Dictionary, KeyValue};
use tollgate_ledger::rollup::{CodedSums, RollupQuery, Sums};

/// Things that rows are about which are remembered from one part of a report to the next.
const MOST: usize = 500_000;

/// What is known from the parts of a report before.
#[derive(Default)]
pub(super) struct Known {
    pub(super) dictionary: Dictionary,
    pub(super) abouts: Abouts,
}

impl Known {
    /// Forgets everything, once that is too much to keep.
    pub(super) fn bound(&mut self) {
        if self.abouts.by_codes.len() > MOST {
            *self = Self::default();
        }
    }
}

/// The codes of all keys but the date, and whose side they are of.
type Codes = (Role, [u32; RollupQuery::MAX_KEYS]);

/// What rows are about, by number.
#[derive(Default)]
pub(super) struct Abouts {
    /// `None`: the report does not tell it.
    by_codes: HashMap<Codes, Option<u32>>,
    numbers: HashMap<Arc<About>, u32>,
    /// In the order that rows are told in; those that are new are not there yet.
    ordered: Vec<(Arc<About>, u32)>,
    new: Vec<(Arc<About>, u32)>,
    /// The place in that order of each number.
    places: Vec<u32>,
}

impl Abouts {
    fn number(&mut self, about: About) -> u32 {
        // Far fewer than 2^32 fit into memory.
        let next = self.numbers.len() as u32;
        let about = Arc::new(about);
        *self.numbers.entry(about).or_insert_with_key(|about| {
            self.new.push((about.clone(), next));
            next
        })
    }

    fn order(&mut self) {
        if self.new.is_empty() {
            return;
        }
        self.new.sort_unstable();
        self.ordered.append(&mut self.new);
        // Two runs that are sorted: a stable sort takes them as such.
        self.ordered.sort();
        self.places.resize(self.ordered.len(), 0);
        for (place, (_, number)) in self.ordered.iter().enumerate() {
            self.places[*number as usize] = place as u32;
        }
    }
}

/// Both sides.
type Sides = (Counts, Counts);

/// The rows of some days.
pub(super) struct Rows<'k> {
    abouts: &'k mut Abouts,
    counted: HashMap<(Day, u32), Sides>,
}

impl<'k> Rows<'k> {
    pub(super) fn new(abouts: &'k mut Abouts) -> Self {
        Self { abouts, counted: HashMap::new() }
    }

    /// Adds sums whose first key is the date, as one side has them. `about` says what the others mean; `None` for what the
    /// report does not tell.
    pub(super) fn add(
        &mut self,
        role: Role,
        sums: &CodedSums<'_>,
        about: &dyn Fn(&mut dyn Iterator<Item = KeyValue>) -> Option<About>,
    ) {
        for (kind, codes, sum) in sums.iter() {
            let Some((date, others)) = codes.split_first() else { continue };
            let mut packed = [0; RollupQuery::MAX_KEYS];
            packed[..others.len()].copy_from_slice(others);
            let known = self.abouts.by_codes.get(&(role, packed)).copied();
            let number = known.unwrap_or_else(|| {
                let mut values = others.iter().enumerate().map(|(at, code)| sums.value(at + 1, *code));
                let number = about(&mut values).map(|about| self.abouts.number(about));
                self.abouts.by_codes.insert((role, packed), number);
                number
            });
            if let (Some(number), KeyValue::Date(day)) = (number, sums.value(0, *date)) {
                self.count((day, number), (kind, role), sum);
            }
        }
    }

    fn count(&mut self, place: (Day, u32), (kind, role): (EventKind, Role), sums: &Sums) {
        let (delivered, received) = self.counted.entry(place).or_default();
        let counts = if role == Role::Publisher { delivered } else { received };
        counts.add(kind, role, sums);
    }

    /// The rows that have anything, by day and then by what they are about.
    pub(super) fn told(self) -> Vec<Row> {
        self.abouts.order();
        let Abouts { ordered, places, .. } = self.abouts;
        let not_zero = self.counted.into_iter().filter(|(_, (one, two))| !(one.is_zero() && two.is_zero()));
        let mut rows: Vec<((Day, u32), Sides)> =
            not_zero.map(|((day, number), sides)| ((day, places[number as usize]), sides)).collect();
        rows.sort_unstable_by_key(|(place, _)| *place);
        let row = |((date, place), (delivered, received)): ((Day, u32), Sides)| {
            let (about, _) = &ordered[place as usize];
            Row { date, about: about.clone(), delivered, received }
        };
        rows.into_iter().map(row).collect()
    }
}
