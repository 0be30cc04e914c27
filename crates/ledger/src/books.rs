//! The manifest in memory with its open segments: what a view of the sealed part is made of.

use crate::carried::Gone;
use crate::disk::Disk;
use crate::ledger::frame_of;
use crate::log::HEAD;
use crate::manifest::{FORMAT, Manifest, ManifestChange, NewDeletes, NewRollup};
use crate::segment::{FooterCache, Overlay, Overlays, Segment, SegmentMeta};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(crate) struct Books {
    manifest: Manifest,
    segments: Arc<[Arc<Segment>]>,
    overlays: Overlays,
    gone: Arc<Gone>,
    manifest_bytes: u64,
    /// The number of the next segment that is written, published or not.
    next_number: u64,
    /// The number of the last overlay that a segment had, where it has none now: a view may still hold the file, so no
    /// other gets its name.
    used_overlays: HashMap<u64, u64>,
    disk: Arc<dyn Disk>,
    footers: Arc<FooterCache>,
}

impl Books {
    /// Opens what the manifest names, which costs nothing before it is read.
    pub(crate) fn new(manifest: Manifest, disk: Arc<dyn Disk>, footers: Arc<FooterCache>) -> Self {
        let manifest_bytes = manifest.frame().len() as u64;
        let metas = manifest.segments.clone();
        let next_number = manifest.next_segment;
        let (segments, overlays, used_overlays) = (Arc::new([]), Overlays::default(), HashMap::new());
        let gone = Arc::new(gone_of(&manifest));
        let mut books = Self {
            manifest,
            segments,
            overlays,
            gone,
            manifest_bytes,
            next_number,
            used_overlays,
            disk,
            footers,
        };
        books.open(&metas);
        books
    }

    /// Opens segments, with their overlays.
    fn open(&mut self, metas: &[SegmentMeta]) {
        let open = |meta: &SegmentMeta| {
            Arc::new(Segment::open(self.disk.clone(), meta.clone(), self.footers.clone()))
        };
        let opened: Vec<Arc<Segment>> = metas.iter().map(open).collect();
        let mut overlays = self.overlays.clone();
        for segment in &opened {
            if let Some(meta) = &segment.meta().overlay {
                let overlay = Overlay::open(
                    self.disk.clone(),
                    &segment.meta().name,
                    meta.clone(),
                    self.footers.clone(),
                );
                Arc::make_mut(&mut overlays).insert(segment.number(), Arc::new(overlay));
            }
        }
        self.overlays = overlays;
        self.segments = self.segments.iter().cloned().chain(opened).collect();
    }

    pub(crate) fn segments(&self) -> Arc<[Arc<Segment>]> {
        self.segments.clone()
    }

    pub(crate) fn overlays(&self) -> Overlays {
        self.overlays.clone()
    }

    /// What is known of rows that are deleted.
    pub(crate) fn gone(&self) -> Arc<Gone> {
        self.gone.clone()
    }

    /// Sealed seq, segments, bytes of segments, rows that are deleted and still in files.
    pub(crate) fn figures(&self) -> (u64, u64, u64, u64) {
        let segments = &self.manifest.segments;
        let bytes = segments.iter().map(|segment| segment.bytes).sum();
        let deleted = segments.iter().map(|meta| meta.rows - meta.live_rows()).sum();
        (self.manifest.sealed_seq, segments.len() as u64, bytes, deleted)
    }

    /// The number of a segment's next overlay.
    pub(crate) fn next_overlay(&self, segment: u64) -> u64 {
        let last = match self.overlays.get(&segment) {
            Some(overlay) => overlay.meta().number,
            None => self.used_overlays.get(&segment).copied().unwrap_or(0),
        };
        last + 1
    }

    pub(crate) fn sealed_seq(&self) -> u64 {
        self.manifest.sealed_seq
    }

    /// A number for a segment that is to be written; nobody else gets it in this life of the process.
    pub(crate) fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Whether the log's newest whole manifest is of an older format, which a change must not follow.
    pub(crate) fn is_older_format(&self) -> bool {
        self.manifest.format < FORMAT
    }

    /// Bytes of the frame that holds the whole manifest, at least.
    pub(crate) fn manifest_bytes(&self) -> u64 {
        self.manifest_bytes
    }

    /// The frame of the whole manifest, at a time when `last_seq` is the highest given out.
    pub(crate) fn manifest_frame(&mut self, last_seq: u64) -> Vec<u8> {
        self.manifest.last_seq = self.manifest.last_seq.max(last_seq);
        self.manifest.format = FORMAT;
        let frame = self.manifest.frame();
        self.manifest_bytes = frame.len() as u64;
        frame
    }

    /// Adopts a change that is durable. What it replaced is handed back: files go with it, if no view has them, and that
    /// should not happen under a lock.
    #[must_use]
    pub(crate) fn apply(&mut self, change: ManifestChange) -> Retired {
        // Counted, not measured: writing the whole manifest out takes longer the more history there is.
        self.manifest_bytes += frame_of(&change.added).len() as u64;
        let mut retired = Retired::default();
        for new in &change.overlays {
            let Some(segment) = self.segments.iter().find(|segment| segment.meta().name == new.segment)
            else {
                continue;
            };
            let overlay =
                Overlay::open(self.disk.clone(), &new.segment, new.overlay.clone(), self.footers.clone());
            let replaced = Arc::make_mut(&mut self.overlays).insert(segment.number(), Arc::new(overlay));
            // Where there was one, its entry in the manifest is about as long.
            if replaced.is_none() {
                self.manifest_bytes += frame_of(&new.overlay).len() as u64;
            }
            retired.overlays.extend(replaced);
        }
        for new in &change.deletes {
            self.delete(new, &mut retired);
        }
        change.rollups.iter().for_each(|new| self.sum_up(new));
        if !change.removed.is_empty() {
            self.remove(&change.removed, &mut retired);
        }
        let added = change.added.clone();
        let carries = !change.carried.is_empty() || !change.expired.is_empty();
        self.manifest_bytes += (frame_of(&change.carried).len() + frame_of(&change.expired).len()) as u64;
        self.manifest.apply(change);
        if carries {
            self.gone = Arc::new(gone_of(&self.manifest));
        }
        self.open(&added);
        retired
    }

    fn delete(&mut self, new: &NewDeletes, retired: &mut Retired) {
        let Some(at) = self.segments.iter().position(|segment| segment.meta().name == new.segment) else {
            return;
        };
        let former = self.segments[at].clone();
        let mut meta = former.meta().clone();
        (meta.deletes, meta.overlay) = (Some(new.deletes.clone()), new.overlay.clone());
        let overlays = Arc::make_mut(&mut self.overlays);
        let overlay = overlays.get(&former.number());
        if overlay.map(|overlay| overlay.meta()) != new.overlay.as_ref() {
            if let Some(overlay) = overlays.remove(&former.number()) {
                self.used_overlays.insert(former.number(), overlay.meta().number);
                retired.overlays.push(overlay);
            }
            if let Some(meta) = &new.overlay {
                let overlay =
                    Overlay::open(self.disk.clone(), &new.segment, meta.clone(), self.footers.clone());
                overlays.insert(former.number(), Arc::new(overlay));
            }
        }
        self.manifest_bytes += frame_of(&new.deletes).len() as u64;
        let mut segments = self.segments.to_vec();
        segments[at] = Arc::new(former.with_meta(meta));
        self.segments = segments.into();
        retired.replaced.push(former);
    }

    /// Gives a segment its sums; it stays the same otherwise.
    fn sum_up(&mut self, new: &NewRollup) {
        let mut segments = self.segments.to_vec();
        for segment in segments.iter_mut().filter(|segment| segment.meta().name == new.segment) {
            let meta = SegmentMeta { rollup: Some(new.rollup.clone()), ..segment.meta().clone() };
            *segment = Arc::new(segment.with_meta(meta));
            self.manifest_bytes += frame_of(&new.rollup).len() as u64;
        }
        self.segments = segments.into();
    }

    fn remove(&mut self, names: &[String], retired: &mut Retired) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let is_gone = |segment: &&Arc<Segment>| names.contains(segment.meta().name.as_str());
        let (gone, kept): (Vec<_>, Vec<_>) = self.segments.iter().partition(is_gone);
        let overlays = Arc::make_mut(&mut self.overlays);
        for segment in &gone {
            retired.overlays.extend(overlays.remove(&segment.number()));
            self.used_overlays.remove(&segment.number());
            let entry = frame_of(segment.meta()).len() - HEAD;
            self.manifest_bytes = self.manifest_bytes.saturating_sub(entry as u64);
        }
        retired.segments.extend(gone.into_iter().cloned());
        self.segments = kept.into_iter().cloned().collect();
    }
}

fn gone_of(manifest: &Manifest) -> Gone {
    Gone { counted: manifest.carried.clone(), expired: manifest.expired.clone() }
}

/// What no manifest names any more. Files are removed when the last view that has them is gone.
#[derive(Default)]
pub(crate) struct Retired {
    segments: Vec<Arc<Segment>>,
    /// Segments that have another delete vector now.
    replaced: Vec<Arc<Segment>>,
    overlays: Vec<Arc<Overlay>>,
}

impl Drop for Retired {
    fn drop(&mut self) {
        self.segments.iter().for_each(|segment| segment.doom());
        self.replaced.iter().for_each(|segment| segment.doom_deletes());
        self.overlays.iter().for_each(|overlay| overlay.doom());
    }
}
