//! Writes a segment: rows of one kind and day are sorted, turned into columns in batches, and encoded as Parquet.

use super::columns::Batch;
use super::encoding::{Contents, SAMPLE, Variety};
use super::file_writer::{FileWriter, attempt};
use super::schema::Presence;
use super::sink::Written;
use super::{IntegrationRange, SegmentError, SegmentMeta, parquet_error, path};
use crate::disk::Disk;
use crate::row::{RawRow, RowHead, RowView};
use tollgate_domain::{Day, EventKind, IntegrationId, Number, Timestamp, TxId};

/// How many rows stand together in a file. Readers take any; tests and measurements use others than the default.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Rows of a row group.
    pub group_rows: usize,
    /// Rows of a data page.
    pub page_rows: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { group_rows: 65_536, page_rows: 512 }
    }
}

/// Rows that are turned into columns at a time, and the bytes of rows after which a batch is closed early.
pub(super) const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 32 << 20;

/// Writes `rows` (encoded, in any order, all of `kind` and with ids of `day`) as the segment `name`, under a temporary
/// name and durably; [`super::publish`] gives it its name. On an error nothing is left behind.
pub fn write(
    disk: &dyn Disk,
    name: &str,
    kind: EventKind,
    day: Day,
    rows: &[&[u8]],
) -> Result<SegmentMeta, SegmentError> {
    write_as(Layout::default(), disk, name, kind, day, rows)
}

/// [`write`] with another layout.
pub fn write_as(
    layout: Layout,
    disk: &dyn Disk,
    name: &str,
    kind: EventKind,
    day: Day,
    rows: &[&[u8]],
) -> Result<SegmentMeta, SegmentError> {
    let (order, facts) = Order::of(name, kind, day, rows)?;
    attempt(disk, name, |refusal| {
        let contents = facts.contents();
        let mut file = FileWriter::create(disk, name, layout, &contents, &order.variety(), refusal)?;
        let mut batch = Batch::new(facts.presence);
        let mut bytes = 0;
        for row in &order.rows {
            batch.push(&RawRow::parse(row.bytes).map_err(|_| malformed(name))?);
            bytes += row.bytes.len();
            if batch.rows() == BATCH_ROWS || bytes >= BATCH_BYTES {
                flush(&mut file, name, &mut batch)?;
                bytes = 0;
            }
        }
        if batch.rows() > 0 {
            flush(&mut file, name, &mut batch)?;
        }
        let written = file.finish(&facts.integrations)?;
        Ok(facts.meta(name, &written))
    })
}

fn flush(file: &mut FileWriter, name: &str, batch: &mut Batch) -> Result<(), SegmentError> {
    file.write(batch.finish().map_err(|error| parquet_error(&path(name))(error.into()))?)
}

fn malformed(name: &str) -> SegmentError {
    SegmentError::Rows { path: path(name), what: "a row to be sealed is malformed" }
}

/// The rows in the order of the file.
struct Order<'a> {
    rows: Vec<Sorted<'a>>,
}

struct Sorted<'a> {
    integration: IntegrationId,
    id: TxId,
    bytes: &'a [u8],
}

impl<'a> Order<'a> {
    fn of(name: &str, kind: EventKind, day: Day, rows: &[&'a [u8]]) -> Result<(Self, Facts), SegmentError> {
        let refuse = |what| SegmentError::Rows { path: path(name), what };
        let mut facts = Facts::new(kind, day);
        let mut sorted = Vec::with_capacity(rows.len());
        for bytes in rows {
            let head = RowHead::parse(bytes).map_err(|_| malformed(name))?;
            if head.kind != kind || head.id.time().day() != day {
                return Err(refuse("a row to be sealed is of another kind or day"));
            }
            facts.presence.add(&head);
            facts.add(head.seq, head.number_in(bytes, Number::ArrivalTime));
            sorted.push(Sorted { integration: head.integration, id: head.id, bytes });
        }
        if sorted.is_empty() {
            return Err(refuse("there are no rows to be sealed"));
        }
        sorted.sort_unstable_by_key(|row| (row.integration, row.id));
        sorted.iter().for_each(|row| facts.place(row.integration, row.id));
        Ok((Self { rows: sorted }, facts))
    }

    fn variety(&self) -> Variety {
        let step = self.rows.len().div_ceil(SAMPLE).max(1);
        let sampled = self.rows.iter().step_by(step);
        // Rows were read once already, so all of them parse.
        let rows: Vec<RowView<'_>> = sampled.filter_map(|row| RowView::parse(row.bytes).ok()).collect();
        Variety::of_rows(&rows)
    }
}

/// What is found out about the rows of a segment while it is made.
pub(super) struct Facts {
    kind: EventKind,
    day: Day,
    pub(super) presence: Presence,
    pub(super) rows: u64,
    bounds: Option<(TxId, TxId)>,
    min_seq: u64,
    max_seq: u64,
    max_arrival: Option<i64>,
    pub(super) integrations: Vec<IntegrationRange>,
}

impl Facts {
    pub(super) fn new(kind: EventKind, day: Day) -> Self {
        Self {
            kind,
            day,
            presence: Presence::default(),
            rows: 0,
            bounds: None,
            min_seq: u64::MAX,
            max_seq: 0,
            max_arrival: None,
            integrations: Vec::new(),
        }
    }

    /// What the file will hold, once all rows were added.
    fn contents(&self) -> Contents {
        Contents { kind: self.kind, day: self.day, rows: self.rows, presence: self.presence }
    }

    /// Adds a row, in any order.
    pub(super) fn add(&mut self, seq: u64, arrival: Option<i64>) {
        self.rows += 1;
        self.min_seq = self.min_seq.min(seq);
        self.max_seq = self.max_seq.max(seq);
        self.max_arrival = self.max_arrival.max(arrival);
    }

    /// Adds a row's place, in the order of the file.
    pub(super) fn place(&mut self, integration: IntegrationId, id: TxId) {
        let (least, greatest) = self.bounds.unwrap_or((id, id));
        self.bounds = Some((least.min(id), greatest.max(id)));
        match self.integrations.last_mut() {
            Some(last) if last.0 == integration => {
                last.2 = id;
                last.3 += 1;
            }
            _ => self.integrations.push(IntegrationRange(integration, id, id, 1)),
        }
    }

    pub(super) fn meta(self, name: &str, written: &Written) -> SegmentMeta {
        let listed = self.integrations.len() <= SegmentMeta::MAX_INTEGRATIONS;
        let (min_id, max_id) = self.bounds.unwrap_or_default();
        SegmentMeta {
            name: name.to_owned(),
            kind: self.kind,
            day: self.day,
            rows: self.rows,
            bytes: written.bytes,
            crc: written.crc,
            tail: written.tail,
            tail_crc: written.tail_crc,
            min_id,
            max_id,
            min_seq: self.min_seq,
            max_seq: self.max_seq,
            max_arrival: self.max_arrival.map(Timestamp::from_millis),
            has_keys: self.presence.keys,
            integrations: listed.then_some(self.integrations),
            overlay: None,
            deletes: None,
            rollup: None,
        }
    }
}
