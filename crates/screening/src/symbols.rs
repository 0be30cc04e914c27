//! Texts that filters list, as numbers.
//!
//! Many filters of a plan compare the same few columns with lists. Each column's value is looked up once for an event;
//! after that a filter compares numbers, and a value that no filter lists is known to be in none of the lists.

use hashbrown::HashMap;
use tollgate_domain::{Event, Text};

/// Says that no filter lists the value.
const UNLISTED: u32 = u32::MAX;
/// Says that the event has no value, or an empty one.
const EMPTY: u32 = u32::MAX - 1;

/// A column whose values have numbers.
#[derive(Debug, Clone, Copy)]
pub struct SymbolColumn(u8);

/// The numbers of a plan's listed texts, by column.
#[derive(Default)]
pub(crate) struct Symbols {
    columns: Vec<(Text, HashMap<Box<str>, u32>)>,
}

impl Symbols {
    /// The column, made if it is new.
    pub(crate) fn column(&mut self, column: Text) -> SymbolColumn {
        let known = self.columns.iter().position(|(known, _)| *known == column);
        let position = known.unwrap_or_else(|| {
            self.columns.push((column, HashMap::new()));
            self.columns.len() - 1
        });
        // There are fewer than 64 text columns.
        SymbolColumn(position as u8)
    }

    /// The set of some of a column's values.
    pub(crate) fn set<'a>(
        &mut self,
        column: SymbolColumn,
        values: impl Iterator<Item = &'a str>,
    ) -> SymbolSet {
        let Some((_, numbers)) = self.columns.get_mut(usize::from(column.0)) else {
            return SymbolSet::default();
        };
        let number = |value: &str| {
            let next = numbers.len() as u32;
            *numbers.entry(value.into()).or_insert(next)
        };
        let mut members: Vec<u32> = values.map(number).collect();
        members.sort_unstable();
        members.dedup();
        SymbolSet(members.into())
    }

    /// Looks up the event's values.
    pub(crate) fn look_up(&self, event: &Event, found: &mut Vec<u32>) {
        found.clear();
        found.extend(self.columns.iter().map(|(column, numbers)| match event.text_or_empty(*column) {
            "" => EMPTY,
            _ if numbers.is_empty() => UNLISTED,
            value => numbers.get(value).copied().unwrap_or(UNLISTED),
        }));
    }
}

/// What a column's value in an event is to the plan's filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol(u32);

impl Symbol {
    /// The symbol of a column in what `look_up` found.
    #[inline]
    pub(crate) fn of(column: SymbolColumn, found: &[u32]) -> Self {
        Self(found.get(usize::from(column.0)).copied().unwrap_or(UNLISTED))
    }

    /// Whether the event has no value, or an empty one.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == EMPTY
    }
}

/// Some of a column's values.
#[derive(Debug, Default)]
pub struct SymbolSet(Box<[u32]>);

impl SymbolSet {
    /// Whether it has no member.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a value of the column is a member. The empty value never is.
    #[inline]
    pub fn contains(&self, symbol: Symbol) -> bool {
        symbol.0 < EMPTY && self.0.binary_search(&symbol.0).is_ok()
    }
}
