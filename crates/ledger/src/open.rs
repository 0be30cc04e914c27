//! Open rows: what is durable in the log and not yet in a segment, readable without copying it.
//!
//! The committer hands over each frame's rows as they stand in its buffer. Frames gather in runs whose sizes fall
//! geometrically, so there are few of them whatever the size of frames; a run's index is built by the first query that
//! needs it and kept. A snapshot is a list of runs and never changes; rows stay visible in it as long as it is held.

use crate::amendments::{self, Amendments, Layers};
use crate::query::Fields;
use crate::row::{Malformed, RowHead, RowView};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use tollgate_domain::{Day, EventKind, IntegrationId, Number, Text, TxId};

/// A run of this many bytes (about 4,096 rows) is full and not merged any more.
const RUN_BYTES: usize = 1_440_000;

/// The rows of a frame's payload: to each its length as u32 (little endian), then its bytes.
pub fn frame_rows(payload: &[u8]) -> FrameRows<'_> {
    FrameRows { payload, at: 0 }
}

/// See [`frame_rows`].
pub struct FrameRows<'a> {
    payload: &'a [u8],
    at: usize,
}

impl<'a> FrameRows<'a> {
    /// The next row and where its bytes begin.
    fn step(&mut self) -> Option<Result<(usize, &'a [u8]), Malformed>> {
        if self.at == self.payload.len() {
            return None;
        }
        let Some(row) = row_at(self.payload, self.at) else {
            self.at = self.payload.len();
            return Some(Err(Malformed));
        };
        let start = self.at + 4;
        self.at = start + row.len();
        Some(Ok((start, row)))
    }
}

impl<'a> Iterator for FrameRows<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().map(|step| step.map(|(_, row)| row))
    }
}

/// The row whose length stands at `at`.
fn row_at(payload: &[u8], at: usize) -> Option<&[u8]> {
    let length: &[u8; 4] = payload.get(at..)?.first_chunk()?;
    payload.get(at + 4..)?.get(..u32::from_le_bytes(*length) as usize)
}

/// The open rows of a ledger, kept by the facade under its lock.
#[derive(Default)]
pub struct OpenRows {
    runs: Vec<Arc<Run>>,
    bytes: usize,
    snapshot: OnceLock<Arc<OpenSnapshot>>,
}

impl OpenRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the rows of a durable frame, whose sequence numbers are `first_seq` to `last_seq` and greater than all
    /// before. Rows are neither read nor copied.
    pub fn push(&mut self, rows: Bytes, first_seq: u64, last_seq: u64) {
        if rows.is_empty() {
            return;
        }
        self.snapshot.take();
        self.bytes += rows.len();
        let mut run = Run::new(vec![Frame { rows, first_seq, last_seq }]);
        while let Some(last) = self.runs.pop_if(|last| last.bytes < RUN_BYTES.min(run.bytes * 2)) {
            let mut frames = match Arc::try_unwrap(last) {
                Ok(last) => last.frames,
                Err(shared) => shared.frames.clone(),
            };
            frames.append(&mut run.frames);
            run = Run::new(frames);
        }
        self.runs.push(Arc::new(run));
    }

    /// What is open now.
    pub fn snapshot(&self) -> Arc<OpenSnapshot> {
        let make = || Arc::new(OpenSnapshot { runs: self.runs.clone() });
        self.snapshot.get_or_init(make).clone()
    }

    /// Forgets the frames up to `seq`, because segments have their rows now. Snapshots that were taken keep them.
    pub fn remove_through(&mut self, seq: u64) {
        self.snapshot.take();
        let runs = std::mem::take(&mut self.runs);
        for run in runs {
            if run.first_seq() > seq {
                self.runs.push(run);
            } else if run.last_seq() > seq {
                let kept = run.frames.iter().filter(|frame| frame.last_seq > seq).cloned().collect();
                self.runs.push(Arc::new(Run::new(kept)));
            }
        }
        self.bytes = self.runs.iter().map(|run| run.bytes).sum();
    }

    /// Bytes of all open frames' rows.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

#[derive(Clone)]
struct Frame {
    rows: Bytes,
    first_seq: u64,
    last_seq: u64,
}

/// Frames that follow each other, with one index.
pub(crate) struct Run {
    frames: Vec<Frame>,
    bytes: usize,
    index: OnceLock<Result<Index, Malformed>>,
    names: OnceLock<Names>,
}

impl Run {
    fn new(frames: Vec<Frame>) -> Self {
        let bytes = frames.iter().map(|frame| frame.rows.len()).sum();
        Self { frames, bytes, index: OnceLock::new(), names: OnceLock::new() }
    }

    fn first_seq(&self) -> u64 {
        self.frames.first().map_or(0, |frame| frame.first_seq)
    }

    fn last_seq(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.last_seq)
    }

    /// The index, built now if no query needed it before.
    pub(crate) fn index(&self) -> Result<&Index, Malformed> {
        self.index.get_or_init(|| Index::of(&self.frames)).as_ref().map_err(|error| *error)
    }

    /// The bytes of an indexed row.
    pub(crate) fn row(&self, entry: &Entry) -> &[u8] {
        let rows = &self.frames[entry.frame as usize].rows;
        // The index was built over these very frames: the place holds a whole row.
        row_at(rows, entry.at as usize).unwrap_or_default()
    }

    /// The newest row that `wanted` names and `accept` takes.
    pub(crate) fn newest_named(
        &self,
        wanted: &Named<'_>,
        accept: &dyn Fn(&RowView<'_>) -> bool,
    ) -> Result<Option<&Entry>, Malformed> {
        let index = self.index()?;
        let names = self.names.get_or_init(|| Names::of(self, index));
        let hash = names.hasher.hash_one((wanted.kind, wanted.integration, wanted.column, wanted.text));
        let from = names.rows.partition_point(|(have, _)| *have < hash);
        let same = names.rows[from..].iter().take_while(|(have, _)| *have == hash);
        let mut newest: Option<&Entry> = None;
        for (_, at) in same {
            let entry = &index.entries[*at as usize];
            let row = RowView::parse(self.row(entry))?;
            let is_it = entry.group() == (wanted.kind, wanted.integration)
                && wanted.range.contains(&entry.id)
                && row.text(wanted.column) == Some(wanted.text);
            if is_it && newest.is_none_or(|newest| newest.id < entry.id) && accept(&row) {
                newest = Some(entry);
            }
        }
        Ok(newest)
    }
}

/// A row's place in a run and what it is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    kind: EventKind,
    integration: IntegrationId,
    /// Its id.
    pub(crate) id: TxId,
    frame: u32,
    /// Where its length stands in the frame.
    at: u32,
}

impl Entry {
    fn group(&self) -> (EventKind, IntegrationId) {
        (self.kind, self.integration)
    }
}

/// The rows of a run, by (kind, integration, id), and what amends rows of this run or of any other.
pub(crate) struct Index {
    pub(crate) entries: Vec<Entry>,
    pub(crate) amendments: Amendments,
}

impl Index {
    fn of(frames: &[Frame]) -> Result<Self, Malformed> {
        let (mut entries, mut amendments) = (Vec::new(), Vec::new());
        for (number, frame) in frames.iter().enumerate() {
            let mut rows = frame_rows(&frame.rows);
            while let Some(step) = rows.step() {
                let (start, row) = step?;
                let RowHead { kind, integration, id, amends, .. } = RowHead::parse(row)?;
                if amends {
                    amendments.push(amendments::entry(frame.rows.slice_ref(row))?);
                    continue;
                }
                entries.push(Entry { kind, integration, id, frame: number as u32, at: start as u32 - 4 });
            }
        }
        entries.sort_unstable_by_key(|entry| (entry.kind, entry.integration, entry.id));
        Ok(Self { entries, amendments: Amendments::new(amendments) })
    }

    /// The entries of one kind and integration with ids in `range`.
    pub(crate) fn range(
        &self,
        kind: EventKind,
        integration: IntegrationId,
        range: &Range<TxId>,
    ) -> Range<usize> {
        let place = |bound: TxId| {
            self.entries.partition_point(|entry| {
                (entry.kind, entry.integration, entry.id) < (kind, integration, bound)
            })
        };
        let start = place(range.start);
        start..place(range.end).max(start)
    }
}

/// What rows are found by beside their id: a text that is unique or nearly so.
pub(crate) struct Named<'a> {
    pub(crate) kind: EventKind,
    pub(crate) integration: IntegrationId,
    pub(crate) range: Range<TxId>,
    /// One of [`NAMING`].
    pub(crate) column: Text,
    pub(crate) text: &'a str,
}

/// The columns that rows are found by: the caller's id, and a conversion's click.
pub(crate) const NAMING: [Text; 2] = [Text::ExternalTransactionId, Text::ClickRealTxId];

/// Rows of a run by the hash of their kind, integration and naming text. Callers choose those, so the hash is keyed.
struct Names {
    hasher: RandomState,
    rows: Vec<(u64, u32)>,
}

impl Names {
    fn of(run: &Run, index: &Index) -> Self {
        let hasher = RandomState::new();
        let mut rows = Vec::new();
        for (at, entry) in index.entries.iter().enumerate() {
            let Ok(row) = RowView::parse(run.row(entry)) else { continue };
            for column in NAMING {
                if let Some(text) = row.text(column) {
                    rows.push((hasher.hash_one((entry.kind, entry.integration, column, text)), at as u32));
                }
            }
        }
        rows.sort_unstable();
        Self { hasher, rows }
    }
}

/// The open rows of one moment.
#[derive(Default)]
pub struct OpenSnapshot {
    runs: Vec<Arc<Run>>,
}

/// Rows of one kind and UTC day, ready to be written as a segment.
pub struct SealGroup<'a> {
    /// The kind.
    pub kind: EventKind,
    /// The UTC day their ids lie in.
    pub day: Day,
    /// Encoded rows in commit order.
    pub rows: Vec<&'a [u8]>,
}

impl OpenSnapshot {
    /// The greatest `seq` in it, if it has rows.
    pub fn last_seq(&self) -> Option<u64> {
        self.runs.last().map(|run| run.last_seq())
    }

    /// The smallest `seq` in it, if it has rows.
    pub fn first_seq(&self) -> Option<u64> {
        self.runs.first().map(|run| run.first_seq())
    }

    /// The end of a frame to seal through: the last one with at most `seq`, else that of the first frame.
    pub fn boundary(&self, seq: u64) -> Option<u64> {
        let mut ends = self.runs.iter().flat_map(|run| &run.frames).map(|frame| frame.last_seq);
        let first = ends.next()?;
        Some(ends.take_while(|end| *end <= seq).last().unwrap_or(first))
    }

    /// Builds what queries need, so that the first of them does not wait for it.
    pub fn warm(&self) -> Result<(), Malformed> {
        self.runs.iter().try_for_each(|run| run.index().map(|_| ()))
    }

    /// The rows with `seq` up to `through`, grouped for sealing; amendments are none.
    pub fn groups(&self, through: u64) -> Result<Vec<SealGroup<'_>>, Malformed> {
        let mut groups: BTreeMap<(EventKind, Day), Vec<&[u8]>> = BTreeMap::new();
        for row in self.rows_from(0) {
            let (head, bytes) = row?;
            if head.seq > through {
                break;
            }
            if !head.amends {
                groups.entry((head.kind, head.id.time().day())).or_default().push(bytes);
            }
        }
        Ok(groups.into_iter().map(|((kind, day), rows)| SealGroup { kind, day, rows }).collect())
    }

    /// Rows with at least this `seq`, in commit order, encoded: for whoever follows the newest.
    pub fn rows_from(&self, seq: u64) -> impl Iterator<Item = Result<(RowHead, &[u8]), Malformed>> {
        self.runs
            .iter()
            .flat_map(|run| &run.frames)
            .filter(move |frame| frame.last_seq >= seq)
            .flat_map(|frame| frame_rows(&frame.rows))
            .map(|row| row.and_then(|bytes| Ok((RowHead::parse(bytes)?, bytes))))
            .filter(move |row| row.as_ref().map_or(true, |(head, _)| head.seq >= seq))
    }

    /// The amendments with `seq` up to `through`, in commit order.
    pub(crate) fn amendments(&self, through: u64) -> Result<Vec<amendments::Entry>, Malformed> {
        let mut found = Vec::new();
        for run in &self.runs {
            found.extend(
                run.index()?.amendments.entries().iter().filter(|entry| entry.seq <= through).cloned(),
            );
        }
        found.sort_unstable_by_key(|entry| entry.seq);
        Ok(found)
    }

    /// The amendments by the events they are about, oldest first.
    pub(crate) fn layers(&self) -> Result<Layers<'_>, Malformed> {
        let mut layers = Layers::default();
        for run in &self.runs {
            let amendments = &run.index()?.amendments;
            if !amendments.is_empty() {
                layers.0.push(amendments);
            }
        }
        Ok(layers)
    }

    /// Whether all of it is indexed, so that looking into it takes no time.
    pub(crate) fn is_indexed(&self) -> bool {
        self.runs.iter().all(|run| run.index.get().is_some())
    }

    pub(crate) fn runs(&self) -> &[Arc<Run>] {
        &self.runs
    }
}

impl Fields for RowView<'_> {
    fn kind(&self) -> EventKind {
        self.kind()
    }

    fn integration(&self) -> IntegrationId {
        self.integration()
    }

    fn id(&self) -> TxId {
        self.id()
    }

    fn text(&self, column: Text) -> Option<&str> {
        self.text(column)
    }

    fn number(&self, column: Number) -> Option<i64> {
        self.number(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row;
    use tollgate_domain::{Event, Timestamp};

    fn frame(seqs: Range<u64>) -> (Bytes, u64, u64) {
        let mut bytes = Vec::new();
        for seq in seqs.clone() {
            let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
            event.id = TxId::new(Timestamp::from_millis(seq as i64 * 3_600_000), u128::from(seq));
            event.seq = seq;
            let start = bytes.len();
            bytes.extend_from_slice(&[0; 4]);
            row::encode(&event, &mut bytes);
            let length = (bytes.len() - start - 4) as u32;
            bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        (bytes.into(), seqs.start, seqs.end - 1)
    }

    fn seqs(snapshot: &OpenSnapshot) -> Vec<u64> {
        snapshot.rows_from(0).map(|row| row.unwrap().0.seq).collect()
    }

    #[test]
    fn many_small_frames_make_few_runs() {
        let mut open = OpenRows::new();
        for seq in 1..=10_000 {
            let (rows, first, last) = frame(seq..seq + 1);
            open.push(rows, first, last);
            if seq % 100 == 0 {
                open.snapshot().warm().unwrap();
            }
        }
        assert!(open.runs.len() < 20, "{} runs", open.runs.len());
        assert_eq!(seqs(&open.snapshot()), (1..=10_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_snapshot_keeps_what_was_removed_after_it() {
        let mut open = OpenRows::new();
        for seqs in [1..4, 4..5, 5..9, 9..10] {
            let (rows, first, last) = frame(seqs);
            open.push(rows, first, last);
        }
        let before = open.snapshot();
        open.remove_through(4);
        assert_eq!(seqs(&open.snapshot()), [5, 6, 7, 8, 9]);
        assert_eq!(seqs(&before), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!((before.first_seq(), before.last_seq()), (Some(1), Some(9)));
        open.remove_through(9);
        assert!(open.is_empty() && open.bytes() == 0);
    }

    #[test]
    fn groups_for_sealing_are_by_kind_and_day_and_stop_at_the_seq() {
        let mut open = OpenRows::new();
        let (rows, first, last) = frame(20..30);
        open.push(rows, first, last);
        let snapshot = open.snapshot();
        let groups = snapshot.groups(27).unwrap();
        let sizes: Vec<_> = groups.iter().map(|group| (group.day.number(), group.rows.len())).collect();
        assert_eq!(sizes, [(0, 4), (1, 4)]);
    }

    #[test]
    fn a_cut_payload_is_malformed() {
        let (rows, _, _) = frame(1..3);
        let mut open = OpenRows::new();
        open.push(rows.slice(..rows.len() - 1), 1, 2);
        assert!(open.snapshot().warm().is_err());
    }
}
