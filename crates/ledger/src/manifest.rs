//! The manifest: which segments hold the history, and up to which `seq`. It lives in frames of the log: whole at the
//! start of each file, and as a change whenever rows were sealed (docs/FORMATS.md, "Manifest").

use crate::segment::SegmentMeta;
use serde::{Deserialize, Serialize};

/// Written into every manifest; a reader refuses others.
pub(crate) const FORMAT: u32 = 1;

/// The whole manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// Rows up to this `seq` are in segments.
    pub(crate) sealed_seq: u64,
    /// The highest `seq` given out when this was written.
    pub(crate) last_seq: u64,
    /// The number of the next segment's name.
    pub(crate) next_segment: u64,
    /// All segments, in the order they were added.
    pub(crate) segments: Vec<SegmentMeta>,
}

/// What one sealing changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestChange {
    /// Rows up to this `seq` are in segments from now on.
    pub(crate) sealed_seq: u64,
    /// The number of the next segment's name.
    pub(crate) next_segment: u64,
    /// New segments.
    pub(crate) added: Vec<SegmentMeta>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { format: FORMAT, sealed_seq: 0, last_seq: 0, next_segment: 1, segments: Vec::new() }
    }
}

impl Manifest {
    /// Applies a change.
    pub(crate) fn apply(&mut self, change: ManifestChange) {
        self.sealed_seq = change.sealed_seq;
        self.last_seq = self.last_seq.max(change.sealed_seq);
        self.next_segment = change.next_segment;
        self.segments.extend(change.added);
    }
}
