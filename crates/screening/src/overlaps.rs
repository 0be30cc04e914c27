//! Pairs of groups that some event matches equally well, so that only their priorities decide which of them judges it.

use crate::matching::{lists, rank, score};
use std::collections::HashSet;
use tollgate_domain::{FilterGroup, FilterGroupId, Text};

/// Two active groups that some event matches by as many lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The one that judges such an event: its priority is the smaller.
    pub winner: FilterGroupId,
    /// The other one.
    pub other: FilterGroupId,
    /// By how many lists the event matches each of them.
    pub score: usize,
    /// Values of an event that both match; a column that neither is bound by takes any.
    pub example: Vec<(Text, String)>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// The pairs, those of the best groups first.
    pub pairs: Vec<Overlap>,
    /// Whether these are all pairs: there are limits to how many are told and how long is looked for them.
    pub complete: bool,
}

/// Pairs that are told.
const MAX_PAIRS: usize = 500;
/// Values that are looked up at most: about half a second.
const MAX_LOOKUPS: usize = 5_000_000;

/// A group's lists, in the order of [`lists`].
struct Bound<'a> {
    group: &'a FilterGroup,
    score: usize,
    sets: [HashSet<&'a str>; 3],
}

/// Finds the overlaps among an integration's groups. The Default group overlaps with none: it is always last.
pub fn overlaps(groups: &[&FilterGroup]) -> Overlaps {
    let mut ranked: Vec<&FilterGroup> =
        groups.iter().copied().filter(|group| group.active && !group.is_default()).collect();
    rank(&mut ranked);
    let bound: Vec<Bound<'_>> = ranked
        .into_iter()
        .map(|group| Bound {
            group,
            score: score(group),
            sets: lists(group).map(|(_, list)| list.iter().map(String::as_str).collect()),
        })
        .collect();
    let (mut found, mut left) = (Overlaps { complete: true, ..Overlaps::default() }, MAX_LOOKUPS);
    for (n, winner) in bound.iter().enumerate() {
        for other in bound[n + 1..].iter().take_while(|other| other.score == winner.score) {
            if found.pairs.len() == MAX_PAIRS || left == 0 {
                found.complete = false;
                return found;
            }
            if let Some(example) = example(winner, other, &mut left) {
                found.pairs.push(Overlap {
                    winner: winner.group.id,
                    other: other.group.id,
                    score: winner.score,
                    example,
                });
            }
        }
    }
    found
}

/// An event that both groups match, if there is one; `left` counts down the values that may be looked up.
fn example(a: &Bound<'_>, b: &Bound<'_>, left: &mut usize) -> Option<Vec<(Text, String)>> {
    let mut values = Vec::new();
    for (n, (column, list)) in lists(a.group).into_iter().enumerate() {
        let (few, many) = if a.sets[n].len() <= b.sets[n].len() { (a, b) } else { (b, a) };
        let value = match (few.sets[n].is_empty(), many.sets[n].is_empty()) {
            (_, true) => continue,
            // Only one of them is bound here: its first value does.
            (true, false) => list.first().or_else(|| lists(b.group)[n].1.first()),
            (false, false) => {
                *left = left.saturating_sub(few.sets[n].len());
                Some(lists(few.group)[n].1.iter().find(|value| many.sets[n].contains(value.as_str()))?)
            }
        };
        values.extend(value.map(|value| (column, value.clone())));
    }
    Some(values)
}
