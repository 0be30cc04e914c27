//! Sums in the making: events, or sums of other files, go in one by one; the bytes of a file come out.

use super::sets::{DIMENSIONS, MAX_DIMENSIONS, SETS};
use super::sums::{Sums, push};
use super::{SLOT_MS, SLOTS};
use crate::group::Key;
use crate::query::Fields;
use std::collections::{BTreeSet, HashMap};
use tollgate_domain::{Day, IntegrationId, Text, first_reason};

/// Entries that a set of a file may always have; few in tests, so that these reach it.
const ENTRIES: usize = if cfg!(test) { 200 } else { 65_536 };
/// A set may also have one entry for so many rows: with more it would hardly be read any faster than they are. But never
/// more than so many, which bounds the memory of making it.
const ROWS_PER_ENTRY: u64 = 8;
const MOST_ENTRIES: u64 = 131_072;

/// The codes of a set's keys; those that it does not have are 0.
pub(super) type Codes = [u32; MAX_DIMENSIONS];
type Place = (IntegrationId, Codes, u8);

/// The sums of one day's events.
pub(crate) struct Fold {
    day: Day,
    /// Entries of a set beyond which it is given up.
    most: usize,
    /// Callers choose the texts, so the hash is keyed.
    codes: HashMap<Box<str>, u32>,
    /// By set; `None` for those that were given up.
    tables: [Option<HashMap<Place, Sums>>; SETS.len()],
}

impl Fold {
    /// No events yet of `day`; sets may have as many entries as suits `rows` rows.
    pub(crate) fn new(day: Day, rows: u64) -> Self {
        let most = ENTRIES.max((rows / ROWS_PER_ENTRY).min(MOST_ENTRIES) as usize);
        Self { day, most, codes: HashMap::new(), tables: std::array::from_fn(|_| Some(HashMap::new())) }
    }

    /// The same of sets that are to be compared with sums that are there: none is given up.
    pub(super) fn unbounded(day: Day) -> Self {
        Self { most: usize::MAX, ..Self::new(day, 0) }
    }

    /// The sets that were not given up.
    pub(crate) fn alive(&self) -> Which {
        Which(std::array::from_fn(|set| self.tables[set].is_some()))
    }

    /// Adds an event to sets.
    pub(crate) fn add(&mut self, row: &(impl Fields + ?Sized), which: &Which) {
        self.add_sums(row, Sums::of(row), which);
    }

    /// Takes an event back.
    pub(crate) fn subtract(&mut self, row: &(impl Fields + ?Sized), which: &Which) {
        self.add_sums(row, Sums::of(row).negative(), which);
    }

    fn add_sums(&mut self, row: &(impl Fields + ?Sized), sums: Sums, which: &Which) {
        let mut known: [Option<u32>; DIMENSIONS.len()] = [None; DIMENSIONS.len()];
        let slot = (row.id().time().millis() - self.day.start().millis()).div_euclid(SLOT_MS);
        // Ids of a segment lie in its day.
        let slot = slot.clamp(0, SLOTS as i64 - 1) as u8;
        for set in which.sets() {
            if self.tables[set].is_none() {
                continue;
            }
            let mut codes = Codes::default();
            for (place, dimension) in codes.iter_mut().zip(SETS[set].dimensions) {
                *place = *known[*dimension]
                    .get_or_insert_with(|| code(&mut self.codes, value(row, DIMENSIONS[*dimension])));
            }
            self.put(set, (row.integration(), codes, slot), &sums);
        }
    }

    /// Adds what another file has of a set, with that file's codes.
    pub(super) fn put_coded(&mut self, set: usize, place: (IntegrationId, &[Option<&str>], u8), sums: &Sums) {
        let (integration, texts, slot) = place;
        let mut codes = Codes::default();
        for (place, text) in codes.iter_mut().zip(texts) {
            *place = code(&mut self.codes, *text);
        }
        self.put(set, (integration, codes, slot), sums);
    }

    fn put(&mut self, set: usize, place: Place, sums: &Sums) {
        let Some(table) = &mut self.tables[set] else { return };
        table.entry(place).or_default().add(sums);
        if table.len() > self.most {
            self.tables[set] = None;
        }
    }

    /// The bytes of each set that was not given up.
    pub(super) fn sections(&self) -> Vec<(usize, Vec<u8>)> {
        let mut texts: Vec<&str> = vec![""; self.codes.len()];
        for (text, code) in &self.codes {
            texts[*code as usize - 1] = text;
        }
        let tables = self.tables.iter().enumerate();
        tables.filter_map(|(set, table)| Some((set, section(set, table.as_ref()?, &texts)))).collect()
    }
}

/// Some of the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Which(pub(super) [bool; SETS.len()]);

impl Which {
    /// None of them.
    pub(crate) fn none() -> Self {
        Self([false; SETS.len()])
    }

    pub(crate) fn insert(&mut self, set: usize) {
        self.0[set] = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets().next().is_none()
    }

    pub(crate) fn sets(&self) -> impl Iterator<Item = usize> + use<> {
        let which = self.0;
        (0..SETS.len()).filter(move |set| which[*set])
    }

    /// Those of the others that are not among them.
    pub(crate) fn missing_of(&self, all: &Self) -> Self {
        Self(std::array::from_fn(|set| all.0[set] && !self.0[set]))
    }
}

/// What an event has for a key.
pub(super) fn value(row: &(impl Fields + ?Sized), key: Key) -> Option<&str> {
    match key {
        Key::Text(column) => row.text(column),
        Key::Rejection => row.text(Text::Rejections).and_then(first_reason),
        Key::Date | Key::Hour | Key::Integration => None,
    }
}

/// The code of a text, from 1 on; 0 is for none.
fn code(codes: &mut HashMap<Box<str>, u32>, text: Option<&str>) -> u32 {
    let Some(text) = text else { return 0 };
    if let Some(code) = codes.get(text) {
        return *code;
    }
    // Far fewer texts than 2^32 fit into memory.
    let code = codes.len() as u32 + 1;
    codes.insert(text.into(), code);
    code
}

/// A set's bytes (docs/FORMATS.md, "Rollups"): the same for the same sums, in whatever order they came.
fn section(set: usize, table: &HashMap<Place, Sums>, texts: &[&str]) -> Vec<u8> {
    let dimensions = SETS[set].dimensions.len();
    let entries = table.iter().filter(|(_, sums)| !sums.is_zero());
    let codes = entries.clone().flat_map(|((_, codes, _), _)| codes).copied().filter(|code| *code > 0);
    let used: BTreeSet<&str> = codes.map(|code| texts[code as usize - 1]).collect();
    // The section's own codes are the places in its list, from 1 on.
    let own: HashMap<&str, u32> = used.iter().copied().zip(1..).collect();
    let own = |code: u32| code.checked_sub(1).map_or(0, |at| own[texts[at as usize]]);
    let entry = |(place, sums): (&Place, &Sums)| ((place.0, place.1.map(own), place.2), *sums);
    let mut entries: Vec<(Place, Sums)> = entries.map(entry).collect();
    entries.sort_unstable_by_key(|(place, _)| *place);
    let mut out = Vec::new();
    push(&mut out, used.len() as u128);
    for text in used {
        push(&mut out, text.len() as u128);
        out.extend_from_slice(text.as_bytes());
    }
    let of_integrations = entries.chunk_by(|a, b| a.0.0 == b.0.0);
    push(&mut out, of_integrations.clone().count() as u128);
    for of_integration in of_integrations {
        let mut groups = Vec::new();
        for group in of_integration.chunk_by(|a, b| a.0.1 == b.0.1) {
            group[0].0.1[..dimensions].iter().for_each(|code| push(&mut groups, u128::from(*code)));
            slots(group, &mut groups);
        }
        out.extend_from_slice(of_integration[0].0.0.as_bytes());
        push(&mut out, groups.len() as u128);
        out.extend_from_slice(&groups);
    }
    out
}

/// The slots of a group: their number; where there are several, all of them together, and the length of what follows, so
/// that it can be passed over.
fn slots(group: &[(Place, Sums)], out: &mut Vec<u8>) {
    push(out, group.len() as u128);
    let (mut bytes, mut all, mut next) = (Vec::new(), Sums::default(), 0);
    for ((_, _, slot), sums) in group {
        push(&mut bytes, u128::from(slot - next));
        next = *slot;
        sums.write(&mut bytes);
        all.add(sums);
    }
    if group.len() > 1 {
        all.write(out);
        push(out, bytes.len() as u128);
    }
    out.extend_from_slice(&bytes);
}
