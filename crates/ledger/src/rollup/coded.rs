//! Sums whose keys have codes instead of values.

use super::collect::Groups;
use super::{RollupRow, Sums};
use crate::group::{Dictionary, Key, KeyValue};
use std::sync::Arc;
use tollgate_domain::EventKind;

/// Sums by kind and by the codes of their keys' values. A value has the same code wherever it stands.
#[derive(Debug)]
pub struct CodedSums {
    keys: Vec<Key>,
    texts: Vec<Arc<str>>,
    kinds: Vec<(EventKind, Groups)>,
}

impl CodedSums {
    pub(super) fn new(keys: &[Key], dictionary: &Dictionary, kinds: Vec<(EventKind, Groups)>) -> Self {
        Self { keys: keys.to_vec(), texts: dictionary.texts(), kinds }
    }

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
        self.keys.get(at).map_or(KeyValue::None, |key| key.value(code, &self.texts))
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
