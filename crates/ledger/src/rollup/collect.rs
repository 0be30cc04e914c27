//! What a question makes of events and of sums: the groups it asks for.

use super::file::Section;
use super::fold::value;
use super::sets::Set;
use super::sums::Sums;
use super::{RollupQuery, SLOT_MS, SLOTS, Step};
use crate::group::{Clock, Codes, Dictionary, Key, Mix, NONE};
use crate::query::{Fields, Predicate};
use crate::scan::ScanError;
use crate::segment::SegmentError;
use crate::sweep::{Part, Stored, Strip, Worker};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use tollgate_domain::{Column, Day, Event, EventKind, IntegrationId, Number, Text, Timestamp, TxId};

/// The codes of a group's keys.
pub(crate) type Packed = [u32; RollupQuery::MAX_KEYS];
pub(crate) type Groups = HashMap<Packed, Sums, BuildHasherDefault<Mix>>;

/// What is asked of one kind of events of one integration.
pub(crate) struct Asked<'q> {
    pub(crate) kind: EventKind,
    pub(crate) integration: IntegrationId,
    pub(crate) range: std::ops::Range<TxId>,
    pub(crate) zone: &'q jiff::tz::TimeZone,
    pub(crate) keys: &'q [Key],
    pub(crate) step: Step,
    pub(crate) predicates: &'q [Predicate],
}

/// Counts on one thread.
pub(crate) struct Collector<'q> {
    asked: &'q Asked<'q>,
    clock: Clock<'q>,
    codes: Codes<'q>,
    integration: u32,
    pub(crate) groups: Groups,
}

/// Which group each slot of a day belongs to, as far as time tells.
pub(crate) struct Slots {
    /// The codes of date and hour that there are.
    times: Vec<(u32, u32)>,
    /// For each slot the place of its codes; `None` where it lies outside the range.
    of: [Option<u8>; SLOTS],
}

impl Slots {
    /// The one time of all slots.
    fn only(&self) -> Option<(u32, u32)> {
        let [only] = self.times[..] else { return None };
        self.of.iter().all(Option::is_some).then_some(only)
    }
}

impl<'q> Collector<'q> {
    pub(crate) fn new(asked: &'q Asked<'q>, dictionary: &'q Dictionary) -> Self {
        let mut codes = Codes::new(dictionary);
        let integration = codes.code(Some(asked.integration.as_str()));
        Self { asked, clock: Clock::new(asked.zone), codes, integration, groups: Groups::default() }
    }

    /// How the slots of a UTC day fall into groups; `None` where one slot falls into several.
    pub(crate) fn slots(&mut self, day: Day) -> Option<Slots> {
        let needs_time = self.asked.keys.iter().any(|key| matches!(key, Key::Date | Key::Hour));
        let (mut times, mut of) = (Vec::new(), [None; SLOTS]);
        for (slot, place) in of.iter_mut().enumerate() {
            let start = day.start().millis() + slot as i64 * SLOT_MS;
            let first = TxId::first_at(Timestamp::from_millis(start));
            let beyond = TxId::first_at(Timestamp::from_millis(start + SLOT_MS));
            let range = &self.asked.range;
            if beyond <= range.start || first >= range.end {
                continue;
            }
            if first < range.start || beyond > range.end {
                return None;
            }
            let time = if needs_time { self.time(start) } else { (NONE, NONE) };
            if needs_time && self.time(start + SLOT_MS - 1) != time {
                return None;
            }
            let known = times.iter().position(|have| *have == time).unwrap_or_else(|| {
                times.push(time);
                times.len() - 1
            });
            *place = Some(known as u8);
        }
        Some(Slots { times, of })
    }

    /// The codes of date and hour; what no key asks for makes no difference.
    fn time(&mut self, millis: i64) -> (u32, u32) {
        let (day, hour) = self.clock.at(millis);
        let asks = |wanted: Key| self.asked.keys.contains(&wanted);
        let date = if asks(Key::Date) { self.asked.step.start(day).number() as u32 } else { 0 };
        (date, if asks(Key::Hour) { u32::from(hour) } else { 0 })
    }

    /// Adds the sums of a set of one UTC day.
    pub(crate) fn section(
        &mut self,
        set: &Set,
        section: &Section,
        slots: &Slots,
    ) -> Result<(), SegmentError> {
        let keys: Vec<Key> = set.keys().collect();
        // Where each key of the question stands in the set.
        let places: Vec<Option<usize>> =
            self.asked.keys.iter().map(|key| keys.iter().position(|have| have == key)).collect();
        let mut known: Vec<Option<u32>> = vec![None; section.texts()? + 1];
        let (asked, only) = (self.asked, slots.only());
        section.each(Some(asked.integration), &mut |group| {
            let row =
                KeyRow { keys: &keys, texts: &group.texts, integration: group.integration, kind: asked.kind };
            if !asked.predicates.iter().all(|predicate| predicate.matches(&row)) {
                return Some(());
            }
            let mut packed = Packed::default();
            for (n, place) in places.iter().enumerate() {
                packed[n] = match place {
                    None => self.integration,
                    Some(at) => {
                        let code = known.get_mut(group.codes[*at] as usize)?;
                        *code.get_or_insert_with(|| self.codes.code(group.texts[*at]))
                    }
                };
            }
            let mut put = |time, sums: &Sums| put(&mut self.groups, asked.keys, packed, time, sums);
            match (group.all(), only) {
                ((_, all), Some(time)) => put(time, all),
                ((Some(slot), sums), None) => {
                    slots.of[usize::from(slot)]
                        .into_iter()
                        .for_each(|at| put(slots.times[usize::from(at)], sums));
                }
                ((None, _), None) => {
                    let mut sums_of = vec![Sums::default(); slots.times.len()];
                    group.each_slot(&mut |slot, sums| {
                        slots.of[usize::from(slot)]
                            .into_iter()
                            .for_each(|at| sums_of[usize::from(at)].add(sums));
                    })?;
                    slots.times.iter().zip(&sums_of).for_each(|(time, sums)| put(*time, sums));
                }
            }
            Some(())
        })
    }

    /// Adds an event, if it is asked for.
    pub(crate) fn add(&mut self, row: &(impl Fields + ?Sized)) {
        self.put_row(row, &Sums::of(row));
    }

    /// Replaces an event by what it is now.
    pub(crate) fn change(&mut self, before: &dyn Fields, after: &dyn Fields) {
        for (row, sums) in [(before, Sums::of(before).negative()), (after, Sums::of(after))] {
            if self.asked.predicates.iter().all(|predicate| predicate.matches(row)) {
                self.put_row(row, &sums);
            }
        }
    }

    fn put_row(&mut self, row: &(impl Fields + ?Sized), sums: &Sums) {
        let mut packed = Packed::default();
        for (n, key) in self.asked.keys.iter().enumerate() {
            packed[n] = match key {
                Key::Integration => self.integration,
                Key::Date | Key::Hour => NONE,
                Key::Rejection | Key::Text(_) => self.codes.code(value(row, *key)),
            };
        }
        let needs_time = self.asked.keys.iter().any(|key| matches!(key, Key::Date | Key::Hour));
        let millis = row.number(Number::RequestTime).unwrap_or(0);
        let time = if needs_time { self.time(millis) } else { (NONE, NONE) };
        put(&mut self.groups, self.asked.keys, packed, time, sums);
    }
}

/// Adds to a group. Time is the last of its codes to be known.
fn put(groups: &mut Groups, keys: &[Key], mut packed: Packed, (date, hour): (u32, u32), sums: &Sums) {
    if sums.is_zero() {
        return;
    }
    for (n, key) in keys.iter().enumerate() {
        match key {
            Key::Date => packed[n] = date,
            Key::Hour => packed[n] = hour,
            Key::Integration | Key::Rejection | Key::Text(_) => {}
        }
    }
    groups.entry(packed).or_default().add(sums);
}

impl Worker for Collector<'_> {
    /// How many groups there are, and rows that were read.
    type Made = (usize, u64);

    fn work(&mut self, strip: &Strip) -> Result<(usize, u64), ScanError> {
        for part in &strip.parts {
            self.part(part);
        }
        Ok((self.groups.len(), strip.read))
    }
}

impl Collector<'_> {
    fn part(&mut self, part: &Part) {
        let columns = match &part.stored {
            Stored::Events(events) => return events.iter().for_each(|event: &Event| self.add(event)),
            Stored::Columns(columns) => columns,
        };
        let mut patches = part.patches(&(0..columns.rows())).iter().peekable();
        for row in 0..columns.rows() {
            match patches.next_if(|(patched, _)| *patched == row) {
                Some((_, patch)) => self.add(&crate::segment::Patched { row: &columns.row(row), patch }),
                None => self.add(&columns.row(row)),
            }
        }
    }
}

/// The keys of a set as predicates see them.
struct KeyRow<'r> {
    keys: &'r [Key],
    texts: &'r [Option<&'r str>],
    integration: IntegrationId,
    kind: EventKind,
}

impl KeyRow<'_> {
    fn value(&self, key: Key) -> Option<&str> {
        let at = self.keys.iter().position(|have| *have == key)?;
        self.texts[at]
    }
}

impl Fields for KeyRow<'_> {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn integration(&self) -> IntegrationId {
        self.integration
    }

    fn id(&self) -> TxId {
        TxId::default()
    }

    fn text(&self, column: Text) -> Option<&str> {
        self.value(Key::Text(column))
    }

    fn number(&self, _: Number) -> Option<i64> {
        None
    }
}

/// The columns that are read of rows that no sums stand for.
pub(crate) fn columns(keys: &[Key], predicates: &[Predicate]) -> Vec<Column> {
    let of_keys = keys.iter().filter_map(|key| key.column());
    let of_predicates = predicates.iter().flat_map(|predicate| predicate.field.columns()).copied();
    of_keys.chain(of_predicates).chain(super::sums::MEASURED.iter().copied()).collect()
}
