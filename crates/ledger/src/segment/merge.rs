//! Several segments of one kind and day as one: their rows that are not deleted, which each of them has sorted, in one
//! order.
//!
//! Columns are moved, never events: a heap over the next row of each source says where the next rows of the result come
//! from, and some thousands at a time they are gathered and encoded. What is in memory is a page of each column of each
//! source and the row group that is being encoded.

use super::encoding::{Contents, SAMPLE, Variety};
use super::file_writer::{FileWriter, attempt};
use super::schema::Presence;
use super::sink::Refusal;
use super::stream::{Rows, Stream};
use super::writer::{BATCH_ROWS, Facts, Layout};
use super::{Footer, IdWindow, Segment, SegmentError, SegmentMeta, parquet_error, path};
use crate::disk::Disk;
use arrow_array::{Array, ArrayRef};
use arrow_schema::Schema;
use arrow_select::interleave::interleave;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;
use tollgate_domain::{Event, IntegrationId, TxId};

/// Why nothing was merged. Nothing has changed.
#[derive(Debug)]
pub(crate) enum NotMerged {
    /// A source cannot be read, or has columns that this version does not know.
    Source(SegmentError),
    /// The result could not be written.
    Result(SegmentError),
    /// Whoever was asked between two batches wanted no more.
    Stopped,
}

impl From<SegmentError> for NotMerged {
    fn from(error: SegmentError) -> Self {
        Self::Result(error)
    }
}

/// Places in each source where rows are looked at, to see which columns repeat themselves.
const PLACES: usize = 4;

/// Writes the rows of `sources`, which are of one kind and day and at least one, as the segment `name` under a temporary
/// name and durably; [`super::publish`] gives it its name. `go_on` is asked after every batch. On an error nothing is
/// left behind.
pub(crate) fn merge(
    layout: Layout,
    disk: &dyn Disk,
    name: &str,
    sources: &[Arc<Segment>],
    go_on: &mut dyn FnMut() -> bool,
) -> Result<SegmentMeta, NotMerged> {
    let (contents, footers) = prepare(sources)?;
    let variety = sample(sources, &footers).map_err(NotMerged::Source)?;
    attempt(disk, name, |refusal: Refusal| {
        let mut file = FileWriter::create(disk, name, layout, &contents, &variety, refusal)?;
        let mut facts = Facts::new(contents.kind, contents.day);
        facts.presence = contents.presence;
        let schema = file.schema().clone();
        let mut order = Order::open(sources, &footers, &schema).map_err(NotMerged::Source)?;
        while let Some(picked) = order.next(&mut facts) {
            let columns = order.gather(&picked).map_err(|error| parquet_error(&path(name))(error.into()))?;
            file.write(columns)?;
            order.refill(&schema).map_err(NotMerged::Source)?;
            if !go_on() {
                return Err(NotMerged::Stopped);
            }
        }
        if facts.rows != contents.rows {
            return Err(NotMerged::Source(damaged(
                &sources[0],
                "its rows are not as many as its footer says",
            )));
        }
        let written = file.finish(&facts.integrations)?;
        Ok(facts.meta(name, &written))
    })
}

fn damaged(segment: &Segment, what: &'static str) -> SegmentError {
    SegmentError::Damaged { path: segment.path().to_owned(), what }
}

/// What the result will hold, and the footers of the sources.
fn prepare(sources: &[Arc<Segment>]) -> Result<(Contents, Vec<Arc<Footer>>), NotMerged> {
    let first = sources[0].meta();
    let mut contents = Contents { kind: first.kind, day: first.day, rows: 0, presence: Presence::default() };
    let mut footers = Vec::with_capacity(sources.len());
    for segment in sources {
        let footer = segment.footer().map_err(NotMerged::Source)?;
        if !footer.leaves.iter().all(|leaf| contents.presence.add_leaf(*leaf)) {
            let what = "it has columns of a newer version of Tollgate";
            return Err(NotMerged::Source(damaged(segment, what)));
        }
        contents.rows += segment.meta().live_rows();
        footers.push(footer);
    }
    Ok((contents, footers))
}

/// Looks at about [`SAMPLE`] rows, neighbours in a few places of each source: reading more pages would cost too much.
fn sample(sources: &[Arc<Segment>], footers: &[Arc<Footer>]) -> Result<Variety, SegmentError> {
    let each = (SAMPLE / (PLACES * sources.len())).max(1) as u64;
    let mut events: Vec<Event> = Vec::with_capacity(SAMPLE);
    for (segment, footer) in sources.iter().zip(footers) {
        let rows = segment.meta().rows;
        let step = rows.div_ceil(PLACES as u64).max(1);
        let starts = (0..rows).step_by(step as usize);
        let sampled: Vec<u64> = starts.flat_map(|start| start..(start + each.min(step)).min(rows)).collect();
        events.extend(segment.events(footer, &mut IdWindow::default(), &sampled)?);
    }
    Ok(Variety::of_rows(&events))
}

/// The next row of a source: what it is sorted by, then the source.
type Next = Reverse<((IntegrationId, TxId), usize)>;

/// The sources' rows in one order.
struct Order<'a> {
    sources: Vec<Source<'a>>,
    heap: BinaryHeap<Next>,
    /// A source whose rows at hand were all picked.
    used_up: Option<usize>,
}

struct Source<'a> {
    segment: &'a Segment,
    stream: Stream,
    rows: Rows,
    at: usize,
}

impl<'a> Order<'a> {
    fn open(
        sources: &'a [Arc<Segment>],
        footers: &[Arc<Footer>],
        schema: &Schema,
    ) -> Result<Self, SegmentError> {
        let mut order = Self { sources: Vec::new(), heap: BinaryHeap::new(), used_up: None };
        for (segment, footer) in sources.iter().zip(footers) {
            let mut stream = Stream::open(segment, footer)?;
            let rows = stream.next(schema)?.ok_or_else(|| damaged(segment, "it has no rows"))?;
            let source = Source { segment, stream, rows, at: 0 };
            order.heap.push(Reverse((source.key()?, order.sources.len())));
            order.sources.push(source);
        }
        Ok(order)
    }

    /// Picks the rows that come next, and notes what they are: source and row of each. `None` at the end.
    fn next(&mut self, facts: &mut Facts) -> Option<Vec<(usize, usize)>> {
        let mut picked = Vec::with_capacity(BATCH_ROWS);
        while picked.len() < BATCH_ROWS && self.used_up.is_none() {
            let Some(mut top) = self.heap.peek_mut() else { break };
            let Reverse((key, number)) = *top;
            let source = &mut self.sources[number];
            facts.add(source.rows.seq(source.at), source.rows.arrival(source.at));
            facts.place(key.0, key.1);
            picked.push((number, source.at));
            source.at += 1;
            // A key that cannot be read ends the source early, and the number of rows tells.
            let key = if source.at < source.rows.len() { source.rows.key(source.at) } else { None };
            match key {
                Some(key) => *top = Reverse((key, number)),
                None => {
                    PeekMut::pop(top);
                    self.used_up = Some(number);
                }
            }
        }
        (!picked.is_empty()).then_some(picked)
    }

    /// The columns of picked rows.
    fn gather(&self, picked: &[(usize, usize)]) -> Result<Vec<ArrayRef>, arrow_schema::ArrowError> {
        let columns = 0..self.sources[0].rows.columns.len();
        let gather = |column: usize| {
            let arrays: Vec<&dyn Array> = self.sources.iter().map(|s| &*s.rows.columns[column]).collect();
            interleave(&arrays, picked)
        };
        columns.map(gather).collect()
    }

    /// Reads on where a source was used up.
    fn refill(&mut self, schema: &Schema) -> Result<(), SegmentError> {
        let Some(number) = self.used_up.take() else { return Ok(()) };
        let source = &mut self.sources[number];
        if let Some(rows) = source.stream.next(schema)? {
            (source.rows, source.at) = (rows, 0);
            self.heap.push(Reverse((source.key()?, number)));
        }
        Ok(())
    }
}

impl Source<'_> {
    fn key(&self) -> Result<(IntegrationId, TxId), SegmentError> {
        self.rows.key(self.at).ok_or_else(|| damaged(self.segment, "an integration or id in it is malformed"))
    }
}
