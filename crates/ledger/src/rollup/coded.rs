//! Sums whose keys have codes instead of values.

use super::collect::Groups;
use super::{RollupRow, Sums};
use crate::group::{Dictionary, Key, KeyValue};
use tollgate_domain::EventKind;

/// Sums by kind and by the codes that their keys' values have in a dictionary.
#[derive(Debug)]
pub struct CodedSums<'d> {
    pub(super) keys: Vec<Key>,
    pub(super) dictionary: &'d Dictionary,
    pub(super) kinds: Vec<(EventKind, Groups)>,
}

impl CodedSums<'_> {
    /// Each group that has anything: its kind, a code for each key, and its sums; in no order.
    pub fn iter(&self) -> impl Iterator<Item = (EventKind, &[u32], &Sums)> {
        let coded = self.keys.len();
        self.kinds.iter().flat_map(move |(kind, groups)| {
            let not_zero = groups.iter().filter(|(_, sums)| !sums.is_zero());
            not_zero.map(move |(packed, sums)| (*kind, &packed[..coded], sums))
        })
    }

    /// What a code stands for that the key at this position has.
    pub fn value(&self, at: usize, code: u32) -> KeyValue {
        self.keys.get(at).map_or(KeyValue::None, |key| self.dictionary.value(*key, code))
    }

    pub(super) fn into_rows(self) -> Vec<RollupRow> {
        let row = |(kind, codes, sums): (EventKind, &[u32], &Sums)| RollupRow {
            kind,
            keys: codes.iter().enumerate().map(|(at, code)| self.value(at, *code)).collect(),
            sums: *sums,
        };
        let mut rows: Vec<RollupRow> = self.iter().map(row).collect();
        rows.sort_unstable_by(|a, b| (a.kind, &a.keys).cmp(&(b.kind, &b.keys)));
        rows
    }
}
