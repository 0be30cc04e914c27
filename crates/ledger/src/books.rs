//! The manifest in memory with its open segments: what a view of the sealed part is made of.

use crate::disk::Disk;
use crate::ledger::frame_of;
use crate::manifest::{Manifest, ManifestChange};
use crate::segment::{FooterCache, Overlay, Overlays, Segment, SegmentMeta};
use std::sync::Arc;

pub(crate) struct Books {
    manifest: Manifest,
    segments: Arc<[Arc<Segment>]>,
    overlays: Overlays,
    manifest_bytes: u64,
    disk: Arc<dyn Disk>,
    footers: Arc<FooterCache>,
}

impl Books {
    /// Opens what the manifest names, which costs nothing before it is read.
    pub(crate) fn new(manifest: Manifest, disk: Arc<dyn Disk>, footers: Arc<FooterCache>) -> Self {
        let manifest_bytes = manifest.frame().len() as u64;
        let metas = manifest.segments.clone();
        let (segments, overlays) = (Arc::new([]), Overlays::default());
        let mut books = Self { manifest, segments, overlays, manifest_bytes, disk, footers };
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

    /// Sealed seq, segments, bytes of segments.
    pub(crate) fn figures(&self) -> (u64, u64, u64) {
        let bytes = self.manifest.segments.iter().map(|segment| segment.bytes).sum();
        (self.manifest.sealed_seq, self.manifest.segments.len() as u64, bytes)
    }

    pub(crate) fn sealed_seq(&self) -> u64 {
        self.manifest.sealed_seq
    }

    pub(crate) fn next_segment(&self) -> u64 {
        self.manifest.next_segment
    }

    /// Bytes of the frame that holds the whole manifest, as of its last change.
    pub(crate) fn manifest_bytes(&self) -> u64 {
        self.manifest_bytes
    }

    /// The frame of the whole manifest, at a time when `last_seq` is the highest given out.
    pub(crate) fn manifest_frame(&mut self, last_seq: u64) -> Vec<u8> {
        self.manifest.last_seq = self.manifest.last_seq.max(last_seq);
        self.manifest.frame()
    }

    /// Adopts a change that is durable.
    pub(crate) fn apply(&mut self, change: ManifestChange) {
        // Counted, not measured: writing the whole manifest out takes longer the more history there is.
        self.manifest_bytes += frame_of(&change.added).len() as u64;
        for new in &change.overlays {
            let Some(segment) = self.segments.iter().find(|segment| segment.meta().name == new.segment)
            else {
                continue;
            };
            let overlay =
                Overlay::open(self.disk.clone(), &new.segment, new.overlay.clone(), self.footers.clone());
            match Arc::make_mut(&mut self.overlays).insert(segment.number(), Arc::new(overlay)) {
                // Its entry in the manifest is about as long.
                Some(replaced) => replaced.doom(),
                None => self.manifest_bytes += frame_of(&new.overlay).len() as u64,
            }
        }
        let added = change.added.clone();
        self.manifest.apply(change);
        self.open(&added);
    }
}
