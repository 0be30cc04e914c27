//! The manifest: which segments hold the history, and up to which `seq`. It lives in frames of the log: whole at the
//! start of each file, and as a change whenever rows were sealed (docs/FORMATS.md, "Manifest").

use crate::ledger::LedgerError;
use crate::segment::{OverlayMeta, SegmentMeta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Written into every manifest; a reader refuses a greater one. 2 has overlays.
pub(crate) const FORMAT: u32 = 2;

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
    /// New overlays of segments that were there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) overlays: Vec<NewOverlay>,
}

/// An overlay that takes the place of a segment's former one, if it had one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewOverlay {
    /// The segment's name.
    pub(crate) segment: String,
    /// What the segment's entry says of it from now on.
    pub(crate) overlay: OverlayMeta,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { format: FORMAT, sealed_seq: 0, last_seq: 0, next_segment: 1, segments: Vec::new() }
    }
}

impl Manifest {
    /// The whole manifest of a frame; an older format reads as the present one.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, LedgerError> {
        let mut manifest: Self = parse(payload)?;
        let format = std::mem::replace(&mut manifest.format, FORMAT);
        if (1..=FORMAT).contains(&format) {
            return Ok(manifest);
        }
        Err(LedgerError::Format(format!("manifest format {format} is not known")))
    }

    /// Applies a change.
    pub(crate) fn apply(&mut self, change: ManifestChange) {
        self.sealed_seq = change.sealed_seq;
        self.last_seq = self.last_seq.max(change.sealed_seq);
        self.next_segment = change.next_segment;
        for NewOverlay { segment, overlay } in change.overlays {
            if let Some(meta) = self.segments.iter_mut().find(|meta| meta.name == segment) {
                meta.overlay = Some(overlay);
            }
        }
        self.segments.extend(change.added);
    }

    /// Whether it names a file of the segments' folder.
    pub(crate) fn names(&self, file: &str) -> bool {
        self.segments.iter().any(|meta| {
            meta.name == file
                || meta.overlay.as_ref().is_some_and(|overlay| overlay.file_name(&meta.name) == file)
        })
    }
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(payload).map_err(|error| LedgerError::Format(format!("manifest: {error}")))
}

impl ManifestChange {
    /// The change of a frame.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, LedgerError> {
        parse(payload)
    }

    /// The names of the files it adds.
    pub(crate) fn files(&self) -> Vec<String> {
        let of_added = self.added.iter().flat_map(|meta| {
            let overlay = meta.overlay.as_ref().map(|overlay| overlay.file_name(&meta.name));
            [Some(meta.name.clone()), overlay]
        });
        let replaced = self.overlays.iter().map(|new| new.overlay.file_name(&new.segment));
        of_added.flatten().chain(replaced).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_format_1_read_as_ever_and_greater_ones_are_refused() {
        let segment = include_str!("../fixtures/segment-1.json");
        let whole = |format: u32| {
            format!(
                r#"{{"format":{format},"sealed_seq":20,"last_seq":25,"next_segment":2,"segments":[{segment}]}}"#
            )
        };
        let mut manifest = Manifest::parse(whole(1).as_bytes()).unwrap();
        assert_eq!((manifest.format, manifest.sealed_seq, manifest.segments.len()), (FORMAT, 20, 1));
        assert_eq!(manifest.segments[0].overlay, None);
        let added = segment.replace("segment-1", "segment-2");
        let change = format!(r#"{{"sealed_seq":30,"next_segment":3,"added":[{added}]}}"#);
        manifest.apply(ManifestChange::parse(change.as_bytes()).unwrap());
        assert!(manifest.names("segment-1.parquet") && manifest.names("segment-2.parquet"));
        let error = Manifest::parse(whole(FORMAT + 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("format 3 is not known"), "{error}");
    }
}
