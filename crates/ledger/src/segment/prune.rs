//! What a footer can rule out before a page is read: row groups by statistics and bloom filters, pages by the index.

use super::footer::Footer;
use super::meta::SegmentMeta;
use super::pick::bloom;
use crate::query::{FieldRef, Operand, Operator, Predicate};
use parquet::errors::ParquetError;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use std::ops::Range;
use tollgate_domain::{Column, Number};

/// Whether a segment may have rows that arrived when the predicates ask, as far as the manifest tells. No amendment
/// changes when a row arrived.
pub(crate) fn may_have_arrived(meta: &SegmentMeta, predicates: &[Predicate]) -> bool {
    let Some(latest) = meta.max_arrival else { return true };
    predicates.iter().all(|predicate| match (predicate.field, &predicate.operand) {
        (FieldRef::Stored(Column::Number(Number::ArrivalTime)), Operand::Numbers(values)) => {
            let reaches = |value| predicate.operator.reaches(&i64::MIN, &latest.millis(), value);
            values.iter().any(reaches)
        }
        _ => true,
    })
}

/// Whether any of `rows` might satisfy all predicates: by absent columns, statistics of row groups and bloom filters.
pub(super) fn may_match(
    footer: &Footer,
    rows: &Range<u64>,
    predicates: &[&Predicate],
) -> Result<bool, ParquetError> {
    if rows.is_empty() {
        return Ok(false);
    }
    for group in footer.group_of(rows.start)..=footer.group_of(rows.end - 1) {
        let mut possible = true;
        for predicate in predicates {
            possible = possible && group_may_match(footer, group, predicate)?;
        }
        if possible {
            return Ok(true);
        }
    }
    Ok(false)
}

fn group_may_match(footer: &Footer, group: usize, predicate: &Predicate) -> Result<bool, ParquetError> {
    let Some(column) = predicate.field.stored() else { return Ok(true) };
    let Some(leaf) = footer.column(column) else { return Ok(predicate.holds_for_absent()) };
    let chunk = footer.arrow.metadata().row_group(group).column(leaf);
    let Some(statistics) = chunk.statistics() else { return Ok(true) };
    let has_nulls = statistics.null_count_opt().is_none_or(|nulls| nulls > 0);
    if has_nulls && predicate.holds_for_absent() {
        return Ok(true);
    }
    let within = match (statistics, &predicate.operand) {
        (Statistics::Int64(bounds), Operand::Numbers(values)) => match (bounds.min_opt(), bounds.max_opt()) {
            (Some(min), Some(max)) => values.iter().any(|value| predicate.operator.reaches(min, max, value)),
            _ => true,
        },
        (Statistics::ByteArray(bounds), Operand::Texts(values)) => match (bounds.min_opt(), bounds.max_opt())
        {
            (Some(min), Some(max)) => values
                .iter()
                .any(|value| predicate.operator.reaches(min.data(), max.data(), value.as_bytes())),
            _ => true,
        },
        _ => true,
    };
    match (&predicate.operand, predicate.operator) {
        (Operand::Texts(values), Operator::Eq | Operator::In)
            if within && chunk.bloom_filter_offset().is_some() =>
        {
            for value in values {
                if bloom::may_have(footer, (group, leaf), value.as_bytes())? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(within),
    }
}

impl Operator {
    /// Whether a value between `min` and `max` may stand in this relation to `given`. Bounds of long texts are cut, and
    /// rounded outwards.
    fn reaches<T: Ord + ?Sized>(self, min: &T, max: &T, given: &T) -> bool {
        match self {
            Self::Eq | Self::In => min <= given && given <= max,
            Self::Gt => max > given,
            Self::Gte => max >= given,
            Self::Lt => min < given,
            Self::Lte => min <= given,
            Self::Ne | Self::Contains => true,
        }
    }
}

/// Runs of rows in whose pages a `seq` of `range` may stand.
pub(super) fn rows_with_seq(footer: &Footer, leaf: usize, range: &Range<u64>) -> Vec<Range<u64>> {
    let metadata = footer.arrow.metadata();
    let mut runs: Vec<Range<u64>> = Vec::new();
    for group in 0..metadata.num_row_groups() {
        let (start, end) = (footer.group_starts[group], footer.group_starts[group + 1]);
        let index = metadata.page_index_for_row_group(group);
        let (Some(ColumnIndexMetaData::INT64(bounds)), Some(locations)) =
            (index.column_index(leaf), index.page_locations(leaf))
        else {
            runs.push(start..end);
            continue;
        };
        for (page, location) in locations.iter().enumerate() {
            let from = start + location.first_row_index as u64;
            let to = locations.get(page + 1).map_or(end, |next| start + next.first_row_index as u64);
            // `seq` stays far below 2^63, so that it reads the same signed.
            let overlaps = match (bounds.min_value(page), bounds.max_value(page)) {
                (Some(min), Some(max)) => (*min as u64) < range.end && *max as u64 >= range.start,
                _ => true,
            };
            match runs.last_mut() {
                Some(run) if overlaps && run.end == from => run.end = to,
                _ if overlaps => runs.push(from..to),
                _ => {}
            }
        }
    }
    runs
}

impl Predicate {
    /// Whether a missing value satisfies it.
    fn holds_for_absent(&self) -> bool {
        match &self.operand {
            Operand::Numbers(values) => self.matches_number(None, values),
            Operand::Texts(values) => self.matches_text(None, values),
            Operand::Ids(_) => self.operator == Operator::Ne,
        }
    }
}
