//! Counts the rows of strips by the codes of their keys.

use super::clock::Clock;
use super::codes::{Codes, Dictionary, NONE};
use super::mix::Mix;
use super::{Group, GroupError, GroupQuery, Key, Measures};
use crate::query::Fields;
use crate::rollup;
use crate::scan::ScanError;
use crate::segment::{Columns, Numbers, Patched, Texts};
use crate::sweep::{Part, Stored, Strip, Worker};
use arrow_array::Array;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use tollgate_domain::{Column, IntegrationId, Number, Status, Text, first_reason};

/// The codes of a group's keys.
type Packed = [u32; GroupQuery::MAX_KEYS];
type Groups = HashMap<Packed, Measures, BuildHasherDefault<Mix>>;

/// What each thread counted so far.
pub(super) struct Tables {
    tables: Vec<Table>,
    conversions: bool,
}

#[derive(Default)]
pub(super) struct Table {
    groups: Groups,
    conversions: bool,
}

impl Tables {
    pub(super) fn new(threads: usize) -> Self {
        Self { tables: (0..threads).map(|_| Table::default()).collect(), conversions: false }
    }

    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Table> {
        self.tables.iter_mut()
    }

    /// Counts as conversions beside the events what `count` counts.
    pub(super) fn as_conversions<T>(&mut self, count: impl FnOnce(&mut Self) -> T) -> T {
        self.set_conversions(true);
        let counted = count(self);
        self.set_conversions(false);
        counted
    }

    fn set_conversions(&mut self, conversions: bool) {
        self.conversions = conversions;
        self.tables.iter_mut().for_each(|table| table.conversions = conversions);
    }

    /// Adds groups that were not counted event by event.
    pub(super) fn add(&mut self, groups: rollup::Groups) -> Result<(), GroupError> {
        let Some(table) = self.tables.first_mut() else { return Ok(()) };
        for (packed, sums) in groups {
            let mut measures = sums.measures();
            if self.conversions {
                measures = Measures { conversions: measures.total, ..Measures::default() };
            }
            let packed: Packed = std::array::from_fn(|at| packed[at]);
            table.groups.entry(packed).or_default().add(&measures);
        }
        if table.groups.len() > GroupQuery::MAX_GROUPS { Err(GroupError::TooMany) } else { Ok(()) }
    }

    /// The columns that measures are made of.
    pub(super) fn columns(&self) -> &'static [Column] {
        const MEASURED: &[Column] = &[
            Column::Number(Number::Status),
            Column::Number(Number::MonitoringMode),
            Column::Number(Number::Revenue),
            Column::Number(Number::Payout),
        ];
        if self.conversions { &[] } else { MEASURED }
    }

    /// The groups of all threads.
    pub(super) fn groups(self, keys: &[Key], dictionary: &Dictionary) -> Result<Vec<Group>, GroupError> {
        let mut all = Groups::default();
        for table in self.tables {
            for (packed, measures) in table.groups {
                all.entry(packed).or_default().add(&measures);
            }
        }
        if all.len() > GroupQuery::MAX_GROUPS {
            return Err(GroupError::TooMany);
        }
        let value = |(key, code): (&Key, u32)| dictionary.value(*key, code);
        let group = |(packed, measures): (Packed, Measures)| Group {
            keys: keys.iter().zip(packed).map(value).collect(),
            measures,
        };
        Ok(all.into_iter().map(group).collect())
    }
}

/// Counts the rows of one integration on one thread.
pub(super) struct Counter<'t> {
    keys: &'t [Key],
    clock: Clock<'t>,
    codes: Codes<'t>,
    integration: u32,
    table: &'t mut Table,
    /// The codes of each key over the rows of a part.
    packed: Vec<Packed>,
}

impl<'t> Counter<'t> {
    pub(super) fn new(
        keys: &'t [Key],
        integration: IntegrationId,
        clock: Clock<'t>,
        dictionary: &'t Dictionary,
        table: &'t mut Table,
    ) -> Self {
        let mut codes = Codes::new(dictionary);
        let integration = codes.code(Some(integration.as_str()));
        Self { keys, clock, codes, integration, table, packed: Vec::new() }
    }
}

/// What is told of a strip that was counted.
pub(super) struct Counted {
    /// Whether the groups are few enough.
    pub(super) fits: bool,
    /// Rows that were read for it.
    pub(super) read: u64,
}

impl Worker for Counter<'_> {
    type Made = Counted;

    fn work(&mut self, strip: &Strip) -> Result<Counted, ScanError> {
        for part in &strip.parts {
            match &part.stored {
                Stored::Columns(columns) => self.columns(columns, part),
                Stored::Events(events) => events.iter().for_each(|event| self.row(event)),
            }
        }
        Ok(Counted { fits: self.table.groups.len() <= GroupQuery::MAX_GROUPS, read: strip.read })
    }
}

impl Counter<'_> {
    fn columns(&mut self, columns: &Columns, part: &Part) {
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        packed.resize(columns.rows(), Packed::default());
        for (n, key) in self.keys.iter().enumerate() {
            self.pack(*key, columns, &mut packed, n);
        }
        let status = columns.numbers(Number::Status);
        let monitoring = columns.numbers(Number::MonitoringMode);
        let (revenue, payout) = (columns.numbers(Number::Revenue), columns.numbers(Number::Payout));
        let number = |numbers: Option<&Numbers>, row| numbers.and_then(|numbers| numbers.value(row));
        let mut patches = part.patches(&(0..columns.rows())).iter().peekable();
        for (row, packed) in packed.iter().enumerate() {
            if let Some((_, patch)) = patches.next_if(|(patched, _)| *patched == row) {
                self.row(&Patched { row: &columns.row(row), patch });
                continue;
            }
            let fate = (number(status, row), number(monitoring, row));
            self.table.add(packed, fate, (number(revenue, row), number(payout, row)));
        }
        self.packed = packed;
    }

    /// Writes the codes of one key into the packed keys of the rows.
    fn pack(&mut self, key: Key, columns: &Columns, packed: &mut [Packed], n: usize) {
        let column = match key {
            Key::Integration => return packed.iter_mut().for_each(|packed| packed[n] = self.integration),
            Key::Date | Key::Hour => {
                let times = columns.numbers(Number::RequestTime);
                for (row, packed) in packed.iter_mut().enumerate() {
                    packed[n] = self.time(key, times.and_then(|times| times.value(row)));
                }
                return;
            }
            Key::Rejection => Text::Rejections,
            Key::Text(column) => column,
        };
        let Some(Texts::Coded(codes)) = columns.texts(column) else {
            for (row, packed) in packed.iter_mut().enumerate() {
                let row = columns.row(row);
                packed[n] = self.codes.code(value(key, row.text(column)));
            }
            return;
        };
        // A code of the file's dictionary is looked up when a row has it, not for filtered rows alone.
        let mut known: Vec<Option<u32>> = vec![None; codes.values.len()];
        for (row, packed) in packed.iter_mut().enumerate() {
            packed[n] = match codes.code(row) {
                None => NONE,
                Some(code) => *known[code]
                    .get_or_insert_with(|| self.codes.code(value(key, Some(codes.values.value(code))))),
            };
        }
    }

    fn time(&mut self, key: Key, millis: Option<i64>) -> u32 {
        let (day, hour) = self.clock.at(millis.unwrap_or(0));
        if key == Key::Date { day.number() as u32 } else { u32::from(hour) }
    }

    /// A row by itself, for those that are few.
    fn row(&mut self, row: &impl Fields) {
        let mut packed = Packed::default();
        for (n, key) in self.keys.iter().enumerate() {
            packed[n] = match key {
                Key::Date | Key::Hour => self.time(*key, row.number(Number::RequestTime)),
                Key::Integration => self.integration,
                Key::Rejection => self.codes.code(value(*key, row.text(Text::Rejections))),
                Key::Text(column) => self.codes.code(row.text(*column)),
            };
        }
        let fate = (row.number(Number::Status), row.number(Number::MonitoringMode));
        self.table.add(&packed, fate, (row.number(Number::Revenue), row.number(Number::Payout)));
    }
}

/// What a key makes of a column's text.
fn value(key: Key, text: Option<&str>) -> Option<&str> {
    if key == Key::Rejection { text.and_then(first_reason) } else { text }
}

impl Table {
    #[inline]
    fn add(
        &mut self,
        packed: &Packed,
        (status, monitoring): (Option<i64>, Option<i64>),
        (revenue, payout): (Option<i64>, Option<i64>),
    ) {
        let measures = self.groups.entry(*packed).or_default();
        if self.conversions {
            measures.conversions += 1;
            return;
        }
        measures.total += 1;
        match status.and_then(Status::from_number) {
            Some(Status::Approved) => measures.approved += 1,
            Some(Status::Rejected) if monitoring == Some(1) => measures.monitored += 1,
            Some(Status::Rejected) => measures.rejected += 1,
            None => {}
        }
        measures.revenue += i128::from(revenue.unwrap_or(0));
        measures.payout += i128::from(payout.unwrap_or(0));
    }
}
