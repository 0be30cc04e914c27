//! The lookup structure: disjoint intervals in sorted arrays behind a first-level index of the top 16 bits.
//!
//! Spans may overlap in any way. Flattening decides once, while loading, which one answers for every address: the
//! smallest, then the one of the smaller rank, then of the smaller value. So a lookup is one binary search in a few entries.

use super::{Span, Spans};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;

const NOTHING: u32 = u32::MAX;

/// An address family's addresses as numbers.
trait Key: Copy + Ord {
    const ZERO: Self;
    fn top16(self) -> usize;
    fn from_top16(top: u16) -> Self;
    fn next(self) -> Option<Self>;
    /// Addresses between `first` and `self`, both within it, minus one.
    fn distance(self, first: Self) -> u128;
}

impl Key for u32 {
    const ZERO: Self = 0;
    fn top16(self) -> usize {
        (self >> 16) as usize
    }
    fn from_top16(top: u16) -> Self {
        Self::from(top) << 16
    }
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn distance(self, first: Self) -> u128 {
        u128::from(self - first)
    }
}

impl Key for u128 {
    const ZERO: Self = 0;
    fn top16(self) -> usize {
        (self >> 112) as usize
    }
    fn from_top16(top: u16) -> Self {
        Self::from(top) << 112
    }
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn distance(self, first: Self) -> u128 {
        self - first
    }
}

/// From which address on which value holds.
#[derive(Debug, Default)]
struct Intervals<K> {
    starts: Box<[K]>,
    values: Box<[u32]>,
    /// For each value of the top 16 bits, the interval its first address lies in; one more entry closes the last.
    index: Box<[u32]>,
}

impl<K: Key> Intervals<K> {
    fn new(spans: Vec<Span<K>>) -> Self {
        if spans.is_empty() {
            return Self { starts: Box::default(), values: Box::default(), index: Box::default() };
        }
        let (starts, values) = flatten(spans);
        let mut index = Vec::with_capacity(65_537);
        let mut at = 0;
        for top in 0..=u16::MAX {
            let first = K::from_top16(top);
            while starts.get(at + 1).is_some_and(|start| *start <= first) {
                at += 1;
            }
            index.push(at as u32);
        }
        index.push(starts.len() as u32 - 1);
        Self { starts: starts.into(), values: values.into(), index: index.into() }
    }

    #[inline]
    fn get(&self, key: K) -> Option<u32> {
        if self.starts.is_empty() {
            return None;
        }
        let top = key.top16();
        let (low, high) = (self.index[top] as usize, self.index[top + 1] as usize);
        let at = low + self.starts[low + 1..=high].partition_point(|start| *start <= key);
        let value = self.values[at];
        (value != NOTHING).then_some(value)
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.values) + size_of_val(&*self.index)
    }
}

/// Sweeps over the spans in order of their first address, with those that are open in a heap whose top wins.
fn flatten<K: Key>(mut spans: Vec<Span<K>>) -> (Vec<K>, Vec<u32>) {
    spans.sort_unstable_by_key(|span| span.first);
    let (mut starts, mut values) = (Vec::new(), Vec::new());
    let mut open: BinaryHeap<Reverse<(u128, u8, u32, usize)>> = BinaryHeap::new();
    let mut coming = 0;
    let mut at = K::ZERO;
    loop {
        while let Some(span) = spans.get(coming).filter(|span| span.first <= at) {
            open.push(Reverse((span.last.distance(span.first), span.rank, span.value, coming)));
            coming += 1;
        }
        while open.peek().is_some_and(|Reverse((.., span))| spans[*span].last < at) {
            open.pop();
        }
        let winner = open.peek().map(|Reverse((.., span))| &spans[*span]);
        let value = winner.map_or(NOTHING, |span| span.value);
        if values.last() != Some(&value) {
            starts.push(at);
            values.push(value);
        }
        let after = winner.and_then(|span| span.last.next());
        let next = spans.get(coming).map(|span| span.first);
        at = match (after, next) {
            (Some(after), Some(next)) => after.min(next),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => return (starts, values),
        };
    }
}

/// Which value holds for an address of either family.
#[derive(Debug)]
pub(crate) struct AddressMap {
    v4: Intervals<u32>,
    v6: Intervals<u128>,
}

impl AddressMap {
    pub(crate) fn new(spans: Spans) -> Self {
        Self { v4: Intervals::new(spans.v4), v6: Intervals::new(spans.v6) }
    }

    /// The value of the most specific span that holds the address.
    #[inline]
    pub(crate) fn get(&self, ip: IpAddr) -> Option<u32> {
        match ip {
            IpAddr::V4(ip) => self.v4.get(ip.to_bits()),
            IpAddr::V6(ip) => self.v6.get(ip.to_bits()),
        }
    }

    /// Memory it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(spans: &[Span<u32>], key: u32) -> Option<u32> {
        let inside = spans.iter().filter(|span| (span.first..=span.last).contains(&key));
        inside.min_by_key(|span| (span.last - span.first, span.rank)).map(|span| span.value)
    }

    fn spans() -> impl Strategy<Value = Vec<Span<u32>>> {
        let ends = (any::<u32>(), 0u32..=32, 0u8..4).prop_map(|(at, length, rank)| {
            let mask = u32::MAX.checked_shl(length).unwrap_or(0);
            (at & mask, at | !mask, rank)
        });
        let odd = (any::<u32>(), any::<u32>(), 0u8..4).prop_map(|(a, b, rank)| (a.min(b), a.max(b), rank));
        let close = (0u32..300, 0u32..300, 0u8..4).prop_map(|(a, b, rank)| (a.min(b), a.max(b), rank));
        prop::collection::vec(prop_oneof![ends, odd, close], 0..60).prop_map(|all| {
            let span = |(value, (first, last, rank))| Span { first, last, value: value as u32, rank };
            all.into_iter().enumerate().map(span).collect()
        })
    }

    proptest! {
        #[test]
        fn a_lookup_is_a_scan(spans in spans(), keys in prop::collection::vec(any::<u32>(), 20)) {
            let map = Intervals::new(spans.clone());
            let edges = spans.iter().flat_map(|span| {
                [span.first, span.last, span.first.wrapping_sub(1), span.last.wrapping_add(1)]
            });
            for key in edges.chain(keys).chain([0, u32::MAX]) {
                prop_assert_eq!(map.get(key), naive(&spans, key), "{}", key);
            }
        }

        #[test]
        fn both_families_answer_alike(spans in spans(), keys in prop::collection::vec(any::<u32>(), 20)) {
            let wide = |key: u32| u128::from(key) << 96 | u128::from(key & 0xffff);
            let shifted = spans.iter().map(|span| Span {
                first: wide(span.first), last: wide(span.last), value: span.value, rank: span.rank,
            });
            let map = Intervals::new(shifted.collect());
            for key in spans.iter().map(|span| span.first).chain(keys) {
                let shifted = wide(key);
                let naive = spans.iter()
                    .filter(|span| (wide(span.first)..=wide(span.last)).contains(&shifted))
                    .min_by_key(|span| (wide(span.last) - wide(span.first), span.rank));
                prop_assert_eq!(map.get(shifted), naive.map(|span| span.value));
            }
        }
    }
}
