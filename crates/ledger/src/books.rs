//! The manifest in memory with its open segments: what a view of the sealed part is made of.

use crate::ledger::frame_of;
use crate::manifest::{Manifest, ManifestChange};
use crate::segment::Segment;
use std::sync::Arc;

pub(crate) struct Books {
    manifest: Manifest,
    segments: Arc<[Arc<Segment>]>,
    manifest_bytes: u64,
}

impl Books {
    pub(crate) fn new(manifest: Manifest, segments: Vec<Arc<Segment>>) -> Self {
        let manifest_bytes = manifest.frame().len() as u64;
        Self { manifest, segments: segments.into(), manifest_bytes }
    }

    pub(crate) fn segments(&self) -> Arc<[Arc<Segment>]> {
        self.segments.clone()
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

    /// Adopts a change that is durable, with the segments it adds.
    pub(crate) fn apply(&mut self, change: ManifestChange, added: Vec<Arc<Segment>>) {
        // Counted, not measured: writing the whole manifest out takes longer the more history there is.
        self.manifest_bytes += frame_of(&change.added).len() as u64;
        self.manifest.apply(change);
        self.segments = self.segments.iter().cloned().chain(added).collect();
    }
}
