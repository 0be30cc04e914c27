//! Reads the newest rows from segments, when they are not in memory: after a start, and after a deletion.

use super::chunk::{CHUNK_ROWS, Packer};
use crate::ledger::Ledger;
use crate::row;
use crate::segment::{IdWindow, Segment, SegmentError};
use std::ops::Range;
use std::sync::Arc;
use tollgate_domain::TxId;

/// Rows that are read at a time.
const AT_A_TIME: u64 = 512;
/// A row takes at least so much of the room.
const LEAST_BYTES: usize = 64;

/// Neighbouring rows of a segment, of one integration.
struct Piece {
    segment: Arc<Segment>,
    rows: Range<u64>,
    /// About the greatest id of them.
    greatest: TxId,
}

impl Ledger {
    /// Fills the room that newest rows have in memory from segments, unless `go_on` says false. Answers how often rows
    /// had been forgotten when it began: it is to be done again once that changes.
    pub(crate) fn fill_near(&self, go_on: &dyn Fn() -> bool) -> Result<u64, SegmentError> {
        let near = &self.0.near;
        let cleared = near.cleared();
        if near.budget == 0 {
            return Ok(cleared);
        }
        for piece in newest_first(self.view().segments(), near.budget / LEAST_BYTES)? {
            if !go_on() || !self.add_piece(cleared, &piece)? {
                break;
            }
        }
        Ok(cleared)
    }

    /// How often the newest rows in memory were forgotten.
    pub(crate) fn near_cleared(&self) -> u64 {
        self.0.near.cleared()
    }

    /// Adds a piece's rows; false when they found no room.
    fn add_piece(&self, cleared: u64, piece: &Piece) -> Result<bool, SegmentError> {
        let segment = &piece.segment;
        let footer = segment.footer()?;
        let deleted = segment.deleted()?;
        let (mut packer, mut window, mut bytes) = (Packer::default(), IdWindow::default(), Vec::new());
        let mut at = piece.rows.start;
        while at < piece.rows.end {
            let end = piece.rows.end.min(at + AT_A_TIME);
            let is_there = |row: &u64| !deleted.is_some_and(|deleted| deleted.contains(*row));
            let rows: Vec<u64> = (at..end).filter(is_there).collect();
            for event in segment.events(&footer, &mut window, &rows)? {
                bytes.clear();
                row::encode(&event, &mut bytes);
                packer.push(event.id, &bytes);
                if packer.is_full() && !self.0.near.add_older(cleared, packer.take()) {
                    return Ok(false);
                }
            }
            at = end;
        }
        Ok(packer.is_empty() || self.0.near.add_older(cleared, packer.take()))
    }
}

/// Pieces of the newest segments, as far as they have `most` rows, by their greatest id, falling.
fn newest_first(segments: &[Arc<Segment>], most: usize) -> Result<Vec<Piece>, SegmentError> {
    let mut segments: Vec<&Arc<Segment>> = segments.iter().collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.meta().max_id));
    let (mut pieces, mut found) = (Vec::new(), 0);
    for segment in segments {
        if found >= most as u64 {
            break;
        }
        found += segment.meta().rows;
        let footer = segment.footer()?;
        for rows in footer.all_rows() {
            let mut end = rows.end;
            while end > rows.start {
                let start = end.saturating_sub(CHUNK_ROWS as u64).max(rows.start);
                let greatest =
                    footer.page_ends(&(end - 1..end)).next().map_or(TxId::default(), |page| page.0);
                pieces.push(Piece { segment: segment.clone(), rows: start..end, greatest });
                end = start;
            }
        }
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.greatest));
    Ok(pieces)
}
