//! Which group judges an event: the one with the most non-empty lists that all hold the event's values, then the one
//! with the smallest priority; Default last.
//!
//! Groups are ranked once, the best first. For each of the three dimensions, a value knows the groups that list it and
//! the index knows those that take any value, both as bits by rank; the winner is the first bit that all dimensions
//! share. So a match costs one pass over `groups / 64` words, however long the lists are.

use std::collections::HashMap;
use tollgate_domain::{Event, FilterGroup, Text};

/// Bits by rank, only the words that are not zero: (word's number, bits), in order.
type SparseBits = Vec<(u32, u64)>;

/// One list that groups may be bound by.
struct Dimension {
    column: Text,
    /// Groups that take any value, a word for 64 ranks.
    any: Vec<u64>,
    values: HashMap<Box<str>, SparseBits>,
}

/// The index over an integration's active groups.
pub(crate) struct GroupIndex {
    dimensions: [Dimension; 3],
    words: usize,
}

/// Sorts groups the best first. Ids decide between groups that the catalog should not have let be equal.
pub(crate) fn rank(groups: &mut [&FilterGroup]) {
    groups.sort_by_key(|group| {
        (std::cmp::Reverse(score(group)), group.priority.unwrap_or(u32::MAX), group.is_default(), group.id)
    });
}

/// How many of a group's lists are not empty.
pub(crate) fn score(group: &FilterGroup) -> usize {
    lists(group).iter().filter(|(_, list)| !list.is_empty()).count()
}

/// The lists that bind a group; an empty one takes any value.
pub(crate) fn lists(group: &FilterGroup) -> [(Text, &[String]); 3] {
    [
        (Text::Advertiser, &group.advertiser_ids),
        (Text::OfferId, &group.offer_ids),
        (Text::Publisher, &group.publisher_ids),
    ]
}

impl GroupIndex {
    /// Indexes ranked groups.
    pub(crate) fn new(ranked: &[&FilterGroup]) -> Self {
        let words = ranked.len().div_ceil(64);
        let dimension = |n: usize| {
            let mut any = vec![0u64; words];
            let mut values: HashMap<Box<str>, SparseBits> = HashMap::new();
            for (rank, group) in ranked.iter().enumerate() {
                let (word, bit) = (rank / 64, 1u64 << (rank % 64));
                let list = lists(group)[n].1;
                if list.is_empty() {
                    any[word] |= bit;
                }
                for value in list {
                    let bits = values.entry(value.as_str().into()).or_default();
                    match bits.last_mut() {
                        Some((last, bits)) if *last == word as u32 => *bits |= bit,
                        _ => bits.push((word as u32, bit)),
                    }
                }
            }
            let columns = [Text::Advertiser, Text::OfferId, Text::Publisher];
            Dimension { column: columns[n], any, values }
        };
        Self { dimensions: [dimension(0), dimension(1), dimension(2)], words }
    }

    /// The rank of the best group that matches.
    pub(crate) fn find(&self, event: &Event) -> Option<usize> {
        let mut listed: [&[(u32, u64)]; 3] = [&[]; 3];
        for (listed, dimension) in listed.iter_mut().zip(&self.dimensions) {
            if !dimension.values.is_empty()
                && let Some(value) = event.text(dimension.column)
            {
                *listed = dimension.values.get(value).map(Vec::as_slice).unwrap_or_default();
            }
        }
        for word in 0..self.words {
            let mut all = u64::MAX;
            for (listed, dimension) in listed.iter_mut().zip(&self.dimensions) {
                let mut bits = dimension.any[word];
                if let Some(((number, more), rest)) = listed.split_first()
                    && *number == word as u32
                {
                    bits |= more;
                    *listed = rest;
                }
                all &= bits;
            }
            if all != 0 {
                return Some(word * 64 + all.trailing_zeros() as usize);
            }
        }
        None
    }
}
