//! Which of a segment's rows belong to the answer: predicates, the cut, and what amendments make of both. Predicates are
//! tested on the entries of a dictionary where a column has one, and on rows otherwise.

use crate::query::Predicate;
use crate::scan::{ScanError, Walk};
use crate::segment::{Columns, Footer, Patched, Segment, Texts, Wanted, runs};
use std::ops::Range;
use tollgate_domain::Event;

/// Rows of a segment and what amendments set of them, both rising.
pub(super) type Patches = Vec<(u64, Event)>;

/// Whether rows have to be looked at at all.
pub(super) fn is_needed(walk: &Walk<'_>, segment: &Segment) -> bool {
    !walk.predicates.is_empty() || cut(walk, segment).is_some()
}

/// The cut, where the segment has rows that came after it.
fn cut(walk: &Walk<'_>, segment: &Segment) -> Option<u64> {
    walk.as_of.filter(|cut| segment.meta().max_seq > *cut)
}

/// The runs of those of `rows` that belong to the answer.
pub(super) fn matching(
    walk: &Walk<'_>,
    segment: &Segment,
    footer: &Footer,
    rows: Range<u64>,
    patches: &Patches,
) -> Result<Vec<Range<u64>>, ScanError> {
    let mut kept = Vec::new();
    let mut first = rows.start;
    for columns in
        segment.columns(footer, &wanted(walk, segment), walk.integration, std::slice::from_ref(&rows))?
    {
        let mut keep = vec![true; columns.rows()];
        for predicate in walk.predicates {
            test(predicate, &columns, &mut keep);
        }
        for (at, patch) in patches {
            if let Some(row) = at.checked_sub(first).map(|row| row as usize).filter(|row| *row < keep.len()) {
                let row_of = Patched { row: &columns.row(row), patch };
                keep[row] = walk.predicates.iter().all(|predicate| predicate.matches(&row_of));
            }
        }
        mask(walk, segment, &columns, &mut keep);
        let rows = keep.iter().enumerate().filter(|(_, keep)| **keep);
        kept.extend(rows.map(|(row, _)| first + row as u64));
        first += columns.rows() as u64;
    }
    Ok(runs(kept))
}

/// The same among rows that are amended, where no other belongs to it.
pub(super) fn matching_patched(
    walk: &Walk<'_>,
    segment: &Segment,
    footer: &Footer,
    patches: &Patches,
) -> Result<Vec<Range<u64>>, ScanError> {
    let looked_at = runs(patches.iter().map(|(row, _)| *row));
    let mut kept = Vec::new();
    let mut patches = patches.iter();
    for columns in segment.columns(footer, &wanted(walk, segment), walk.integration, &looked_at)? {
        let of_columns: Vec<_> = patches.by_ref().take(columns.rows()).collect();
        let matches = |(row, (_, patch)): (usize, &&(u64, Event))| {
            let row_of = Patched { row: &columns.row(row), patch };
            walk.predicates.iter().all(|predicate| predicate.matches(&row_of))
        };
        let mut keep: Vec<bool> = of_columns.iter().enumerate().map(matches).collect();
        mask(walk, segment, &columns, &mut keep);
        kept.extend(of_columns.iter().zip(keep).filter(|(_, keep)| *keep).map(|((row, _), _)| *row));
    }
    Ok(runs(kept))
}

/// What predicates and the cut look at.
fn wanted(walk: &Walk<'_>, segment: &Segment) -> Wanted {
    let columns = walk.predicates.iter().flat_map(|predicate| predicate.field.columns());
    Wanted {
        ids: walk.predicates.iter().any(|predicate| predicate.field.needs_id()),
        seqs: cut(walk, segment).is_some(),
        columns: columns.copied().collect(),
    }
}

/// Leaves out rows that came after the cut, whatever they hold.
fn mask(walk: &Walk<'_>, segment: &Segment, columns: &Columns, keep: &mut [bool]) {
    if let Some(cut) = cut(walk, segment) {
        for (row, keep) in keep.iter_mut().enumerate() {
            *keep &= columns.seq(row).is_some_and(|seq| seq <= cut);
        }
    }
}

fn test(predicate: &Predicate, columns: &Columns, keep: &mut [bool]) {
    let coded = predicate.only_text().and_then(|column| match columns.texts(column) {
        Some(Texts::Coded(codes)) => Some(codes),
        _ => None,
    });
    let Some(codes) = coded else {
        for (row, keep) in keep.iter_mut().enumerate().filter(|(_, keep)| **keep) {
            *keep = predicate.matches(&columns.row(row));
        }
        return;
    };
    let of_code: Vec<bool> = codes.values.iter().map(|text| predicate.matches_only(text)).collect();
    let of_null = predicate.matches_only(None);
    for (row, keep) in keep.iter_mut().enumerate() {
        *keep &= codes.code(row).map_or(of_null, |code| of_code[code]);
    }
}
