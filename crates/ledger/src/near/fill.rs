//! Reads the newest rows from segments, when they are not in memory: after a start, and after a deletion; and footers
//! after a start.

use super::chunk::{CHUNK_ROWS, Packer};
use crate::ledger::{Ledger, lock};
use crate::row;
use crate::segment::{IdWindow, Segment, SegmentError};
use std::ops::Range;
use std::sync::{Arc, Weak};
use tollgate_domain::TxId;

/// Rows that are read at a time.
const AT_A_TIME: u64 = 512;
/// A row takes at least so much of the room.
const LEAST_BYTES: usize = 64;

/// Neighbouring rows of a segment.
struct Piece {
    /// A segment that is gone before its turn is not kept for this: merged rows are in another now, and deleted ones must
    /// go.
    segment: Weak<Segment>,
    rows: Range<u64>,
    /// About the greatest id of them.
    greatest: TxId,
}

impl Ledger {
    /// Fills the room that newest rows have in memory from segments, as long as `go_on` says so. Answers how often rows
    /// had been forgotten when it began: it is to be done again once that changes.
    pub(crate) fn fill_near(&self, go_on: &dyn Fn() -> bool) -> u64 {
        let near = &self.0.near;
        let (cleared, mut packer) = (near.cleared(), Packer::default());
        if near.budget == 0 {
            return cleared;
        }
        // In a statement of its own: commits wait for this lock.
        let segments = lock(&self.0.books).segments();
        let pieces = newest_first(&segments, near.budget / LEAST_BYTES);
        drop(segments);
        for piece in pieces {
            let is_wanted = || go_on() && near.cleared() == cleared;
            let Some(segment) = piece.segment.upgrade() else { continue };
            match self.add_rows(cleared, &segment, piece.rows, &mut packer, &is_wanted) {
                Ok(true) => {}
                Ok(false) => return cleared,
                Err(error) => tracing::error!(%error, "rows of a segment are not kept in memory"),
            }
        }
        if !packer.is_empty() {
            near.add_older(cleared, packer.take());
        }
        cleared
    }

    /// Reads the footers of segments, the newest first, as far as their cache has room: the first pages of a report would
    /// wait for them.
    pub(crate) fn warm_footers(&self, go_on: &dyn Fn() -> bool) {
        let mut segments: Vec<Arc<Segment>> = lock(&self.0.books).segments().to_vec();
        segments.sort_by_key(|segment| std::cmp::Reverse(segment.meta().max_id));
        for segment in segments {
            match segment.warm() {
                Ok(true) if go_on() => {}
                Ok(_) => return,
                Err(error) => tracing::error!(%error, "a segment's footer cannot be read"),
            }
        }
    }

    /// How often the newest rows in memory were forgotten.
    pub(crate) fn near_cleared(&self) -> u64 {
        self.0.near.cleared()
    }

    /// Adds rows that are not deleted; false when there is no room for more, or no more are wanted.
    fn add_rows(
        &self,
        cleared: u64,
        segment: &Segment,
        rows: Range<u64>,
        packer: &mut Packer,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, SegmentError> {
        let (footer, deleted) = (segment.footer()?, segment.deleted()?);
        let (mut window, mut bytes, mut at) = (IdWindow::default(), Vec::new(), rows.start);
        while at < rows.end {
            if !is_wanted() {
                return Ok(false);
            }
            let end = rows.end.min(at + AT_A_TIME);
            let is_there = |row: &u64| !deleted.is_some_and(|deleted| deleted.contains(*row));
            let there: Vec<u64> = (at..end).filter(is_there).collect();
            for event in segment.events(&footer, &mut window, &there)? {
                bytes.clear();
                row::encode(&event, &mut bytes);
                packer.push(event.id, &bytes);
                if packer.is_full() && !self.0.near.add_older(cleared, packer.take()) {
                    return Ok(false);
                }
            }
            at = end;
        }
        Ok(true)
    }
}

/// Pieces of the newest segments, as far as they have `most` rows, by their greatest id, falling.
fn newest_first(segments: &[Arc<Segment>], most: usize) -> Vec<Piece> {
    let mut segments: Vec<&Arc<Segment>> = segments.iter().collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.meta().max_id));
    let (mut pieces, mut found) = (Vec::new(), 0);
    for segment in segments {
        if found >= most as u64 {
            break;
        }
        found += segment.meta().rows;
        match pieces_of(segment) {
            Ok(more) => pieces.extend(more),
            Err(error) => tracing::error!(%error, "a segment's rows are not kept in memory"),
        }
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.greatest));
    pieces
}

/// A segment in pieces: each integration's rows, and those of small ones together, since they share pages.
fn pieces_of(segment: &Arc<Segment>) -> Result<Vec<Piece>, SegmentError> {
    let footer = segment.footer()?;
    let mut pieces: Vec<Piece> = Vec::new();
    for rows in footer.all_rows() {
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + CHUNK_ROWS as u64);
            let greatest = footer.page_ends(&(end - 1..end)).next().map_or(TxId::default(), |page| page.0);
            match pieces.last_mut() {
                Some(last) if last.rows.end - last.rows.start < AT_A_TIME && end - start < AT_A_TIME => {
                    last.rows.end = end;
                    last.greatest = last.greatest.max(greatest);
                }
                _ => pieces.push(Piece { segment: Arc::downgrade(segment), rows: start..end, greatest }),
            }
            start = end;
        }
    }
    Ok(pieces)
}
