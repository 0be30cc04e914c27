//! The manifest: which segments hold the history, and up to which `seq`. It lives in frames of the log: whole at the
//! start of each file, and as a change whenever rows were sealed (docs/FORMATS.md, "Manifest").

use crate::carried::ByIntegration;
use crate::expired::Expiry;
use crate::ledger::LedgerError;
use crate::segment::{DeletesMeta, OverlayMeta, RollupMeta, SegmentMeta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Written into every manifest; a reader refuses a greater one. 2 has overlays, 3 changes that drop segments, and deleted
/// rows, 4 files of sums, 5 what deleted rows counted, 6 up to when rows were too old and are deleted.
pub(crate) const FORMAT: u32 = 6;

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
    /// Rows up to this `seq` were deleted, or some of them: log files that had them must not keep them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) erase_seq: u64,
    /// What rows counted that are deleted.
    #[serde(default, skip_serializing_if = "ByIntegration::is_empty")]
    pub(crate) carried: ByIntegration,
    /// Up to when rows are deleted that were too old; since format 6.
    #[serde(default, skip_serializing_if = "Expiry::is_empty")]
    pub(crate) expired: Expiry,
    /// All segments, in the order they were added.
    pub(crate) segments: Vec<SegmentMeta>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What one sealing changes, or one merge.
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
    /// Names of segments that are dropped, with their overlays: what is added has their rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed: Vec<String>,
    /// Segments of which rows are deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deletes: Vec<NewDeletes>,
    /// Sums of segments that had none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rollups: Vec<NewRollup>,
    /// What [`Manifest::erase_seq`] is at least from now on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) erase_seq: u64,
    /// What [`Manifest::carried`] says of these integrations from now on.
    #[serde(default, skip_serializing_if = "ByIntegration::is_empty")]
    pub(crate) carried: ByIntegration,
    /// What [`Manifest::expired`] says at least from now on.
    #[serde(default, skip_serializing_if = "Expiry::is_empty")]
    pub(crate) expired: Expiry,
}

/// A delete vector that takes the place of a segment's former one, if it had one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewDeletes {
    /// The segment's name.
    pub(crate) segment: String,
    /// What the segment's entry says of it from now on.
    pub(crate) deletes: DeletesMeta,
    /// The segment's overlay from now on: without amendments of deleted rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) overlay: Option<OverlayMeta>,
}

/// Sums of a segment that had none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewRollup {
    /// The segment's name.
    pub(crate) segment: String,
    /// What the segment's entry says of them from now on.
    pub(crate) rollup: RollupMeta,
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
        Self {
            format: FORMAT,
            sealed_seq: 0,
            last_seq: 0,
            next_segment: 1,
            erase_seq: 0,
            carried: ByIntegration::new(),
            expired: Expiry::default(),
            segments: Vec::new(),
        }
    }
}

impl Manifest {
    /// The whole manifest of a frame, with the format it was written in: what follows in an older format's name must not
    /// say what that format does not know.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, LedgerError> {
        let manifest: Self = parse(payload)?;
        match manifest.format {
            1..=FORMAT => Ok(manifest),
            format => Err(LedgerError::Format(format!("manifest format {format} is not known"))),
        }
    }

    /// Applies a change.
    pub(crate) fn apply(&mut self, change: ManifestChange) {
        self.sealed_seq = change.sealed_seq;
        self.last_seq = self.last_seq.max(change.sealed_seq);
        self.next_segment = self.next_segment.max(change.next_segment);
        for NewOverlay { segment, overlay } in change.overlays {
            if let Some(meta) = self.segments.iter_mut().find(|meta| meta.name == segment) {
                meta.overlay = Some(overlay);
            }
        }
        self.erase_seq = self.erase_seq.max(change.erase_seq);
        self.carried.extend(change.carried);
        self.expired.add(&change.expired);
        for NewDeletes { segment, deletes, overlay } in change.deletes {
            if let Some(meta) = self.segments.iter_mut().find(|meta| meta.name == segment) {
                (meta.deletes, meta.overlay) = (Some(deletes), overlay);
            }
        }
        for NewRollup { segment, rollup } in change.rollups {
            if let Some(meta) = self.segments.iter_mut().find(|meta| meta.name == segment) {
                meta.rollup = Some(rollup);
            }
        }
        if !change.removed.is_empty() {
            let removed: HashSet<String> = change.removed.into_iter().collect();
            self.segments.retain(|meta| !removed.contains(&meta.name));
        }
        self.segments.extend(change.added);
    }

    /// Whether it names a file of the segments' folder.
    pub(crate) fn names(&self, file: &str) -> bool {
        let owner = file.split_inclusive(".parquet").next().unwrap_or(file);
        let owners = self.segments.iter().filter(|meta| meta.name == owner);
        owners.flat_map(SegmentMeta::files).any(|name| name == file)
    }
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(payload).map_err(|error| LedgerError::Format(format!("manifest: {error}")))
}

impl ManifestChange {
    /// One that changes nothing yet, when rows up to `sealed_seq` are in segments.
    pub(crate) fn new(sealed_seq: u64) -> Self {
        Self {
            sealed_seq,
            next_segment: 0,
            added: vec![],
            overlays: vec![],
            removed: vec![],
            deletes: vec![],
            rollups: vec![],
            erase_seq: 0,
            carried: ByIntegration::new(),
            expired: Expiry::default(),
        }
    }

    /// Adds a segment that was written as number `number`.
    pub(crate) fn add(&mut self, meta: SegmentMeta, number: u64) {
        self.added.push(meta);
        self.next_segment = self.next_segment.max(number + 1);
    }

    /// The change of a frame.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, LedgerError> {
        parse(payload)
    }

    /// The names of the files it adds; the overlays in [`Self::deletes`] may be old ones and are not among them.
    pub(crate) fn files(&self) -> Vec<String> {
        let replaced = self.overlays.iter().flat_map(|new| new.overlay.files(&new.segment));
        let deletes = self.deletes.iter().map(|new| new.deletes.file_name(&new.segment));
        self.added.iter().flat_map(SegmentMeta::files).chain(replaced).chain(deletes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::frame_of;
    use crate::log::HEAD;
    use tollgate_domain::EventKind;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{FIXTURES}/{name}")).unwrap()
    }

    #[test]
    fn manifests_of_format_1_read_as_ever_and_greater_ones_are_refused() {
        let segment = include_str!("../fixtures/segment-1.json");
        let whole = |format: u32| {
            format!(
                r#"{{"format":{format},"sealed_seq":20,"last_seq":25,"next_segment":2,"segments":[{segment}]}}"#
            )
        };
        let mut manifest = Manifest::parse(whole(1).as_bytes()).unwrap();
        assert_eq!((manifest.format, manifest.sealed_seq, manifest.segments.len()), (1, 20, 1));
        assert_eq!(manifest.segments[0].overlay, None);
        let added = segment.replace("segment-1", "segment-2");
        let change = format!(r#"{{"sealed_seq":30,"next_segment":3,"added":[{added}]}}"#);
        manifest.apply(ManifestChange::parse(change.as_bytes()).unwrap());
        assert!(manifest.names("segment-1.parquet") && manifest.names("segment-2.parquet"));
        let error = Manifest::parse(whole(FORMAT + 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("format 7 is not known"), "{error}");
    }

    /// The fixtures are as format 2 wrote them.
    #[test]
    fn manifests_of_format_2_read_as_ever() {
        let mut manifest = Manifest::parse(&fixture("manifest-2.json")).unwrap();
        assert_eq!((manifest.format, manifest.sealed_seq, manifest.last_seq), (2, 6, 7));
        assert_eq!((manifest.segments.len(), manifest.next_segment), (2, 3));
        manifest.apply(ManifestChange::parse(&fixture("manifest-change-2.json")).unwrap());
        assert_eq!((manifest.sealed_seq, manifest.segments.len(), manifest.next_segment), (9, 3, 4));
        for segment in &manifest.segments {
            assert!(manifest.names(&segment.name), "{}", segment.name);
        }
        let amended: Vec<_> = manifest.segments.iter().filter(|meta| meta.overlay.is_some()).collect();
        assert_eq!(amended.len(), 1);
        assert!(manifest.names(&format!("{}.overlay-2", amended[0].name)));
    }

    /// The fixtures are as format 3 wrote them.
    #[test]
    fn manifests_of_format_3_read_as_ever() {
        let mut manifest = Manifest::parse(&fixture("manifest-3.json")).unwrap();
        assert_eq!((manifest.format, manifest.erase_seq), (3, 5));
        assert_eq!(manifest.segments[0].live_rows(), 16);
        assert!(manifest.segments.iter().all(|meta| meta.rollup_bytes() == 0), "there were no sums");
        let names: Vec<String> = manifest.segments.iter().map(|meta| meta.name.clone()).collect();
        manifest.apply(ManifestChange::parse(&fixture("manifest-change-3.json")).unwrap());
        assert_eq!((manifest.sealed_seq, manifest.segments.len(), manifest.erase_seq), (9, 2, 8));
        assert!(!manifest.names(&names[0]) && manifest.names(&format!("{}.deletes-1", names[1])));
        assert!(manifest.names(&format!("{}.overlay-2", names[1])));
    }

    #[test]
    fn of_several_deletions_the_latest_time_of_each_kind_is_kept() {
        let carried = r#""carried":{"aaaaaa0000":{"revenue":"7","payout":"0","price":"0"}}"#;
        let whole = format!(
            r#"{{"format":5,"sealed_seq":20,"last_seq":25,"next_segment":2,{carried},"segments":[]}}"#
        );
        let mut manifest = Manifest::parse(whole.as_bytes()).unwrap();
        assert!(manifest.expired.is_empty(), "format 5 does not say");
        for (kind, happened, known) in [("click", 5, 9), ("click", 7, 8), ("conversion", 1, 2)] {
            let expired =
                format!(r#"{{"aaaaaa0000":{{"{kind}":{{"happened":{happened},"known":{known}}}}}}}"#);
            let change = format!(r#"{{"sealed_seq":30,"next_segment":3,"added":[],"expired":{expired}}}"#);
            manifest.apply(ManifestChange::parse(change.as_bytes()).unwrap());
        }
        let again = Manifest::parse(&serde_json::to_vec(&manifest).unwrap()).unwrap();
        let of = |kind| {
            let expired = again.expired.of("aaaaaa0000".parse().unwrap(), kind)?;
            Some((expired.happened.millis(), expired.known.millis()))
        };
        let kinds = [EventKind::Click, EventKind::Conversion, EventKind::Impression];
        assert_eq!(kinds.map(of), [Some((7, 9)), Some((1, 2)), None]);
    }

    #[test]
    fn a_change_drops_segments_and_adds_the_one_that_has_their_rows() {
        let mut manifest = Manifest::parse(&fixture("manifest-2.json")).unwrap();
        let mut change = ManifestChange::new(manifest.sealed_seq);
        change.removed = manifest.segments.iter().map(|meta| meta.name.clone()).collect();
        let mut result = manifest.segments[0].clone();
        result.name = "result.parquet".to_owned();
        change.add(result, 9);
        let frame = frame_of(&change);
        manifest.apply(ManifestChange::parse(&frame[HEAD..]).unwrap());
        assert_eq!(manifest.segments.iter().map(|meta| &*meta.name).collect::<Vec<_>>(), ["result.parquet"]);
        assert_eq!((manifest.sealed_seq, manifest.next_segment), (6, 10));
        // A change that was begun before that one and is adopted after it gives no number a second time.
        let mut sealing = ManifestChange::new(8);
        sealing.next_segment = 7;
        manifest.apply(sealing);
        assert_eq!((manifest.sealed_seq, manifest.next_segment), (8, 10));
    }
}
