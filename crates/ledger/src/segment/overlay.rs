//! A segment's overlay: the amendments of its rows, in a file of its own beside it (docs/FORMATS.md, "Overlays").
//!
//! An overlay is never changed: when more amendments come, a new one that holds the old one's too takes its place.

use super::cache::FooterCache;
use super::{OverlayMeta, ROLLUP, SegmentError, path, read_checked, write_beside};
use crate::amendments::{self, Amendments};
use crate::disk::Disk;
use crate::open::frame_rows;
use crate::rollup::RollupFile;
use crate::row::RowHead;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tollgate_domain::{Number, Timestamp};

const MAGIC: &[u8; 8] = b"TGOVERL\x01";

/// The overlays of a view's segments, by the segment's number in this process.
pub(crate) type Overlays = Arc<BTreeMap<u64, Arc<Overlay>>>;

/// The amendments of one segment's rows. Opening costs nothing; they are read when a query needs them, and cached.
pub struct Overlay {
    meta: OverlayMeta,
    path: String,
    disk: Arc<dyn Disk>,
    cache: Arc<FooterCache>,
    number: u64,
    doomed: AtomicBool,
}

impl Overlay {
    /// The overlay that the manifest describes with `meta`, of the segment called `segment`. Nothing is read yet.
    pub fn open(disk: Arc<dyn Disk>, segment: &str, meta: OverlayMeta, cache: Arc<FooterCache>) -> Self {
        let number = cache.register();
        let path = path(&meta.file_name(segment));
        Self { meta, path, disk, cache, number, doomed: AtomicBool::new(false) }
    }

    /// What the manifest says of it.
    pub fn meta(&self) -> &OverlayMeta {
        &self.meta
    }

    /// The sums of what it changes.
    pub(crate) fn rollup(&self) -> Option<RollupFile> {
        let (disk, path) = (self.disk.clone(), format!("{}{ROLLUP}", self.path));
        self.meta.rollup.clone().map(|meta| RollupFile { disk, path, meta })
    }

    /// Reads it and compares it with the manifest, for whoever wants to know.
    pub fn check(&self) -> Result<(), SegmentError> {
        self.read().map(|_| ())
    }

    /// What it holds.
    pub(crate) fn amendments(&self) -> Result<Arc<Amendments>, SegmentError> {
        self.cache.overlay(self.number, || self.read())
    }

    fn read(&self) -> Result<(Amendments, usize), SegmentError> {
        let damaged = |what| SegmentError::Damaged { path: self.path.clone(), what };
        let mut bytes = Vec::with_capacity(self.meta.bytes as usize);
        let expected = (self.meta.bytes, self.meta.crc);
        read_checked(&*self.disk, &self.path, expected, |part| bytes.extend_from_slice(part))?;
        let bytes = Bytes::from(bytes);
        let Some(rows) = bytes.strip_prefix(MAGIC) else {
            return Err(damaged("it is no overlay, or one of a newer version of Tollgate"));
        };
        let entry = |row: Result<&[u8], _>| row.and_then(|row| amendments::entry(bytes.slice_ref(row)));
        let entries = frame_rows(rows).map(entry).collect::<Result<Vec<_>, _>>();
        let entries = entries.map_err(|_| damaged("an amendment in it is malformed"))?;
        if entries.len() as u64 != self.meta.rows {
            return Err(damaged("its number of amendments is not what the manifest says"));
        }
        let amendments = Amendments::new(entries);
        let size = bytes.len() + amendments.bytes();
        Ok((amendments, size))
    }

    /// Says that no manifest names it any more: its file is removed when the last view that has it is gone.
    pub(crate) fn doom(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        self.cache.forget(self.number);
        if !self.doomed.load(Ordering::Relaxed) {
            return;
        }
        for path in self.rollup().map(|file| file.path).iter().chain([&self.path]) {
            if let Err(error) = self.disk.remove(path) {
                tracing::warn!(overlay = path, %error, "an overlay that is no longer used could not be removed");
            }
        }
    }
}

/// Writes the amendments `rows` (encoded, in the order of `seq`, at least one) as overlay `number` of the segment
/// called `segment`, under a temporary name and durably; [`super::publish`] gives it its name. On an error nothing is
/// left behind.
pub(crate) fn write_overlay(
    disk: &dyn Disk,
    segment: &str,
    number: u64,
    rows: &[Bytes],
) -> Result<OverlayMeta, SegmentError> {
    let mut meta = OverlayMeta {
        number,
        rows: rows.len() as u64,
        bytes: 0,
        crc: 0,
        min_seq: u64::MAX,
        max_seq: 0,
        max_arrival: None,
        has_keys: false,
        rollup: None,
    };
    let name = meta.file_name(segment);
    for row in rows {
        let malformed = |_| SegmentError::Rows { path: path(&name), what: "an amendment is malformed" };
        let head = RowHead::parse(row).map_err(malformed)?;
        meta.min_seq = meta.min_seq.min(head.seq);
        meta.max_seq = meta.max_seq.max(head.seq);
        let arrival = head.number_in(row, Number::ArrivalTime).map(Timestamp::from_millis);
        meta.max_arrival = meta.max_arrival.max(arrival);
        meta.has_keys |= head.key != 0;
    }
    let lengths: Vec<[u8; 4]> = rows.iter().map(|row| (row.len() as u32).to_le_bytes()).collect();
    let mut parts: Vec<&[u8]> = vec![MAGIC];
    parts.extend(lengths.iter().zip(rows).flat_map(|(length, row)| [&length[..], row]));
    (meta.bytes, meta.crc) = write_beside(disk, &name, &parts)?;
    Ok(meta)
}
