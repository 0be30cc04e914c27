//! What the manifest keeps of each segment: enough to know, without opening the file, that a query does not need it.

use serde::{Deserialize, Serialize};
use tollgate_domain::{Day, EventKind, IntegrationId, Timestamp, TxId};

/// The rows of one integration in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationRange(
    /// The integration.
    pub IntegrationId,
    /// Its smallest id.
    pub TxId,
    /// Its greatest id.
    pub TxId,
    /// How many rows.
    pub u64,
);

/// A segment's entry in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// The file's name within the segments folder.
    pub name: String,
    /// The one kind of its rows.
    #[serde(with = "kind_name")]
    pub kind: EventKind,
    /// The one UTC day its rows' ids lie in.
    pub day: Day,
    /// How many rows.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
    /// CRC-32C of the whole file.
    pub crc: u32,
    /// Length of the file's tail: its page index and footer.
    pub tail: u64,
    /// CRC-32C of the tail, compared whenever it is read.
    pub tail_crc: u32,
    /// Smallest id of any row.
    pub min_id: TxId,
    /// Greatest id of any row.
    pub max_id: TxId,
    /// Smallest `seq` of any row.
    pub min_seq: u64,
    /// Greatest `seq` of any row.
    pub max_seq: u64,
    /// Latest arrival of any row, when rows have one.
    pub max_arrival: Option<Timestamp>,
    /// Whether any row has an idempotency key.
    pub has_keys: bool,
    /// Its integrations in order, when there are at most [`SegmentMeta::MAX_INTEGRATIONS`]; the file has them all.
    pub integrations: Option<Vec<IntegrationRange>>,
    /// What amends its rows, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<OverlayMeta>,
    /// Which of its rows are deleted, if any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletes: Option<DeletesMeta>,
    /// The sums of its rows as they were judged, the deleted ones too, if there are any sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup: Option<RollupMeta>,
}

/// The entry of a file of sums in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupMeta {
    /// The file's size.
    pub bytes: u64,
    /// CRC-32C of the whole file. Its parts have their own, compared whenever they are read.
    pub crc: u32,
}

/// What the name of a file of sums has behind that of the file whose sums they are.
pub(crate) const ROLLUP: &str = ".rollup";

/// The entry of a segment's delete vector in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletesMeta {
    /// Its number: 1 for a segment's first delete vector, then one more with each that replaces it.
    pub number: u64,
    /// How many rows are deleted.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
    /// CRC-32C of the file, compared whenever it is read.
    pub crc: u32,
}

impl DeletesMeta {
    /// The file's name: the segment's, and its own number.
    pub fn file_name(&self, segment: &str) -> String {
        format!("{segment}.deletes-{}", self.number)
    }
}

/// The entry of a segment's overlay in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlayMeta {
    /// Its number: 1 for a segment's first overlay, then one more with each that replaces it.
    pub number: u64,
    /// How many amendments.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
    /// CRC-32C of the file, compared whenever it is read.
    pub crc: u32,
    /// Smallest `seq` of any amendment.
    pub min_seq: u64,
    /// Greatest `seq` of any amendment.
    pub max_seq: u64,
    /// Latest arrival of any amendment.
    pub max_arrival: Option<Timestamp>,
    /// Whether any amendment has an idempotency key.
    pub has_keys: bool,
    /// The sums of what it changes, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup: Option<RollupMeta>,
}

impl OverlayMeta {
    /// The file's name: the segment's, and its own number.
    pub fn file_name(&self, segment: &str) -> String {
        format!("{segment}.overlay-{}", self.number)
    }

    /// The names of its files: its own, and that of its sums.
    pub fn files(&self, segment: &str) -> impl Iterator<Item = String> {
        let name = self.file_name(segment);
        let rollup = self.rollup.as_ref().map(|_| format!("{name}{ROLLUP}"));
        std::iter::once(name).chain(rollup)
    }
}

impl SegmentMeta {
    /// More integrations than this are not listed in the manifest.
    pub const MAX_INTEGRATIONS: usize = 1000;

    /// The customary name: kind, day, and a number that the ledger never uses twice.
    pub fn file_name(kind: EventKind, day: Day, number: u64) -> String {
        format!("{}-{day}-{number:016x}.parquet", kind.name())
    }

    /// The names of its files: its own, those of its overlay, its delete vector's and that of its sums.
    pub fn files(&self) -> impl Iterator<Item = String> {
        let overlay = self.overlay.iter().flat_map(|overlay| overlay.files(&self.name));
        let deletes = self.deletes.as_ref().map(|deletes| deletes.file_name(&self.name));
        let rollup = self.rollup.as_ref().map(|_| format!("{}{ROLLUP}", self.name));
        std::iter::once(self.name.clone()).chain(overlay).chain(deletes).chain(rollup)
    }

    /// Bytes of its sums and of those of its overlay.
    pub fn rollup_bytes(&self) -> u64 {
        let of_overlay = self.overlay.as_ref().and_then(|overlay| overlay.rollup.as_ref());
        self.rollup.iter().chain(of_overlay).map(|rollup| rollup.bytes).sum()
    }

    /// How many of its rows are not deleted.
    pub fn live_rows(&self) -> u64 {
        self.rows - self.deletes.as_ref().map_or(0, |deletes| deletes.rows)
    }

    /// The smallest and the greatest id that rows of `integration` can have here; `None` when there are none.
    pub fn bounds(&self, integration: IntegrationId) -> Option<(TxId, TxId)> {
        match &self.integrations {
            None => Some((self.min_id, self.max_id)),
            Some(list) => {
                let found = list.binary_search_by_key(&integration, |range| range.0).ok()?;
                Some((list[found].1, list[found].2))
            }
        }
    }

    /// How many rows the integration has, at most.
    pub(crate) fn rows_of(&self, integration: IntegrationId) -> u64 {
        match &self.integrations {
            None => self.rows,
            Some(list) => {
                list.binary_search_by_key(&integration, |range| range.0).map_or(0, |found| list[found].3)
            }
        }
    }
}

mod kind_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use tollgate_domain::EventKind;

    pub(super) fn serialize<S: Serializer>(kind: &EventKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventKind, D::Error> {
        let name = String::deserialize(deserializer)?;
        EventKind::from_name(&name).ok_or_else(|| D::Error::custom("unknown kind of event"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meta_survives_json_and_bounds_its_integrations() {
        let meta = SegmentMeta {
            name: SegmentMeta::file_name(EventKind::Click, Day::from_number(20_000), 7),
            kind: EventKind::Click,
            day: Day::from_number(20_000),
            rows: 3,
            bytes: 100,
            crc: 5,
            tail: 40,
            tail_crc: 6,
            min_id: TxId::from_u128(1),
            max_id: TxId::from_u128(9),
            min_seq: 4,
            max_seq: 8,
            max_arrival: None,
            has_keys: true,
            integrations: Some(vec![IntegrationRange(
                "abcdefghij".parse().unwrap(),
                TxId::from_u128(1),
                TxId::from_u128(5),
                3,
            )]),
            overlay: None,
            deletes: None,
            rollup: Some(RollupMeta { bytes: 9, crc: 1 }),
        };
        assert_eq!(meta.name, "click-2024-10-04-0000000000000007.parquet");
        let json = serde_json::to_string(&meta).unwrap();
        assert_eq!(serde_json::from_str::<SegmentMeta>(&json).unwrap(), meta);
        assert_eq!(
            meta.bounds("abcdefghij".parse().unwrap()),
            Some((TxId::from_u128(1), TxId::from_u128(5)))
        );
        assert_eq!(meta.bounds("bbcdefghij".parse().unwrap()), None);
    }
}
