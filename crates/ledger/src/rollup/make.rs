//! Where sums come from: rows that are about to be sealed, rows of a segment, what amendments change, other sums.

use super::file::RollupFile;
use super::fold::{Fold, Which};
use super::sets::DIMENSIONS;
use super::sums::MEASURED;
use crate::amendments::Layers;
use crate::group::Key;
use crate::query::Fields;
use crate::row::{Malformed, RowHead, RowView};
use crate::scan::ScanError;
use crate::segment::{IdWindow, Patched, Segment, SegmentError, Wanted, runs};
use std::collections::BTreeSet;
use std::ops::Range;
use tollgate_domain::{Column, Day, Event, IntegrationId, Text, TxId};

/// Rows of a segment that are read at a time.
const AT_A_TIME: u64 = if cfg!(test) { 50 } else { 65_536 };

/// The columns that sums are made of, by any key.
fn wanted() -> Wanted {
    let column = |key: &Key| match key {
        Key::Text(column) => Some(Column::Text(*column)),
        Key::Rejection => Some(Column::Text(Text::Rejections)),
        Key::Date | Key::Hour | Key::Integration => None,
    };
    let columns = DIMENSIONS.iter().filter_map(column).chain(MEASURED.iter().copied());
    Wanted { ids: true, seqs: false, columns: columns.collect() }
}

impl Fold {
    /// Adds encoded rows, of events.
    pub(crate) fn add_rows(&mut self, rows: &[&[u8]]) -> Result<(), Malformed> {
        for row in rows {
            let alive = self.alive();
            if alive.is_empty() {
                break;
            }
            self.add(&RowView::parse(row)?, &alive);
        }
        Ok(())
    }

    /// Adds the rows of a segment that are not deleted, as they were judged: from its own file of sums, and from the rows
    /// where that lacks something.
    pub(crate) fn add_segment(&mut self, segment: &Segment) -> Result<(), SegmentError> {
        let file = segment.rollup().filter(|_| !segment.has_deletes());
        let missing = self.add_file(file)?;
        if !missing.is_empty() {
            self.add_segment_rows(segment, &missing, &|| true)?;
        }
        Ok(())
    }

    /// Adds what amendments change of a segment's rows: from the file of sums of its overlay, and from the rows where that
    /// lacks something.
    pub(crate) fn add_overlay(
        &mut self,
        segment: &Segment,
        file: Option<RollupFile>,
        amendments: &Layers<'_>,
    ) -> Result<(), ScanError> {
        let missing = self.add_file(file)?;
        if missing.is_empty() {
            return Ok(());
        }
        let entries = amendments.0.iter().flat_map(|list| list.entries());
        let integrations: BTreeSet<IntegrationId> = entries.map(|entry| entry.integration).collect();
        for integration in integrations {
            let all = TxId::default()..TxId::from_u128(u128::MAX);
            let ids = (integration, &all);
            let layers = (&Layers::default(), amendments);
            changes(segment, ids, layers, u64::MAX, &wanted(), &mut |before, after| {
                self.subtract(before, &missing);
                self.add(after, &missing);
            })?;
        }
        Ok(())
    }

    /// Adds a file, and answers which sets it lacks.
    fn add_file(&mut self, file: Option<RollupFile>) -> Result<Which, SegmentError> {
        let alive = self.alive();
        let Some(file) = file else { return Ok(alive) };
        Ok(file.add_to(self, &alive)?.missing_of(&alive))
    }

    /// Adds the rows of a segment that are not deleted to some sets; false when `go_on` said so in between.
    pub(crate) fn add_segment_rows(
        &mut self,
        segment: &Segment,
        which: &Which,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, SegmentError> {
        let (footer, wanted) = (segment.footer()?, wanted());
        for integration in footer.integrations() {
            let rows = segment.rows_of(&footer, integration);
            for start in rows.clone().step_by(AT_A_TIME as usize) {
                let mut runs: Vec<Range<u64>> = vec![start..(start + AT_A_TIME).min(rows.end); 1];
                if let Some(deleted) = segment.deleted()? {
                    runs = deleted.others_of(&runs);
                }
                if runs.is_empty() {
                    continue;
                }
                if !go_on() {
                    return Ok(false);
                }
                for columns in segment.columns(&footer, &wanted, integration, &runs)? {
                    (0..columns.rows()).for_each(|row| self.add(&columns.row(row), which));
                }
            }
        }
        Ok(true)
    }
}

/// The sums of segments of one kind and day: theirs added up.
pub(crate) fn of_sources<'s>(
    sources: impl Iterator<Item = &'s Segment> + Clone,
) -> Result<Fold, SegmentError> {
    let rows = sources.clone().map(|segment| segment.meta().live_rows()).sum();
    let day = sources.clone().next().map(|segment| segment.meta().day);
    let mut fold = Fold::new(day.unwrap_or(Day::from_number(0)), rows);
    for segment in sources {
        fold.add_segment(segment)?;
    }
    Ok(fold)
}

/// Hands over each row of a segment with an id in `range` that newer amendments with a `seq` up to `cut` are about: as the
/// former ones left it, and as the newer ones do.
pub(crate) fn changes(
    segment: &Segment,
    (integration, range): (IntegrationId, &Range<TxId>),
    (former, newer): (&Layers<'_>, &Layers<'_>),
    cut: u64,
    wanted: &Wanted,
    take: &mut dyn FnMut(&dyn Fields, &dyn Fields),
) -> Result<(), ScanError> {
    let kind = segment.meta().kind;
    let Some((least, greatest)) = segment.meta().bounds(integration) else { return Ok(()) };
    let range = range.start.max(least)..range.end.min(greatest.next());
    let patches = newer.patches(kind, integration, &range, cut)?;
    if patches.is_empty() {
        return Ok(());
    }
    let (footer, mut window) = (segment.footer()?, IdWindow::default());
    let mut amended: Vec<(u64, Event, Event)> = Vec::new();
    for (id, after) in patches {
        let Some(row) = segment.row_of(&footer, &mut window, integration, id)? else { continue };
        let mut before = Event::new(kind, integration);
        before.id = id;
        former.apply(&mut before, cut)?;
        amended.push((row, before, after));
    }
    // Ids rise, so rows do.
    for some in amended.chunks(AT_A_TIME as usize) {
        let rows = runs(some.iter().map(|(row, ..)| *row));
        let mut some = some.iter();
        for columns in segment.columns(&footer, wanted, integration, &rows)? {
            for (row, (_, before, after)) in (0..columns.rows()).zip(some.by_ref()) {
                let row = columns.row(row);
                let before = Patched { row: &row, patch: before };
                take(&before, &Patched { row: &before, patch: after });
            }
        }
    }
    Ok(())
}

/// What amendments of rows that are about to be sealed change of them.
pub(crate) fn changes_of_rows(
    fold: &mut Fold,
    rows: &[&[u8]],
    amendments: &Layers<'_>,
) -> Result<(), Malformed> {
    let entries = amendments.0.iter().flat_map(|list| list.entries());
    let about: BTreeSet<(IntegrationId, TxId)> = entries.map(|entry| (entry.integration, entry.id)).collect();
    let alive = fold.alive();
    for row in rows {
        let head = RowHead::parse(row)?;
        if about.contains(&(head.integration, head.id)) {
            let before = RowView::parse(row)?;
            let mut after = before.to_event();
            amendments.apply(&mut after, u64::MAX)?;
            fold.subtract(&before, &alive);
            fold.add(&after, &alive);
        }
    }
    Ok(())
}
