//! The files of sums (docs/FORMATS.md, "Rollups"): one beside each segment, for its rows as they were judged, and one
//! beside each overlay, for what it changes. Each set is a section of its own, with its own checksum.

use super::fold::{Fold, Which};
use super::sets::{SETS, Set};
use super::sums::{Bytes, Sums};
use super::{MOST_BYTES, SLOTS};
use crate::disk::Disk;
use crate::segment::{RollupMeta, SegmentError, read_checked, write_beside};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tollgate_domain::IntegrationId;

const MAGIC: &[u8; 8] = b"TGROLLU\x01";
/// Magic, length and CRC-32C of the directory.
const HEAD: usize = 16;
/// What is read at first: the directory as a rule.
const FIRST: u64 = 2048;

/// What a file has of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    set: String,
    /// The names of its keys.
    keys: Vec<String>,
    at: u64,
    bytes: u64,
    crc: u32,
}

impl Entry {
    fn is_of(&self, set: &Set) -> bool {
        self.set == set.name && self.keys.iter().map(String::as_str).eq(set.keys().map(|key| key.name()))
    }
}

/// Writes what `fold` has as the file `name` of the segments' folder, under a temporary name and durably; `None` when it
/// has nothing that is worth a file. On an error nothing is left behind.
pub(crate) fn write(disk: &dyn Disk, name: &str, fold: &Fold) -> Result<Option<RollupMeta>, SegmentError> {
    let sections = fold.sections();
    if sections.is_empty() {
        return Ok(None);
    }
    let mut at = 0;
    let entry = |(set, bytes): &(usize, Vec<u8>)| {
        let keys = SETS[*set].keys().map(|key| key.name().to_owned()).collect();
        let (length, crc) = (bytes.len() as u64, crc32c::crc32c(bytes));
        at += length;
        Entry { set: SETS[*set].name.to_owned(), keys, at: at - length, bytes: length, crc }
    };
    let entries: Vec<Entry> = sections.iter().map(entry).collect();
    // Serialising plain structs of numbers and strings into memory does not fail.
    let directory = serde_json::to_vec(&entries).unwrap_or_default();
    let length = (directory.len() as u32).to_le_bytes();
    let crc = crc32c::crc32c(&directory).to_le_bytes();
    let mut parts: Vec<&[u8]> = vec![MAGIC, &length, &crc, &directory];
    parts.extend(sections.iter().map(|(_, bytes)| bytes.as_slice()));
    write_beside(disk, name, &parts).map(|(bytes, crc)| Some(RollupMeta { bytes, crc }))
}

/// A file of sums, by what the manifest says of it. Opening costs nothing.
#[derive(Clone)]
pub(crate) struct RollupFile {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: String,
    pub(crate) meta: RollupMeta,
}

impl RollupFile {
    /// What it has of a set; `None` when that was given up, or when the file is older than the set.
    pub(crate) fn section(&self, set: usize) -> Result<Option<Section>, SegmentError> {
        let disk_error = |source| SegmentError::Disk { path: self.path.clone(), source };
        let file = self.disk.open(&self.path).map_err(disk_error)?;
        if file.length().map_err(disk_error)? != self.meta.bytes {
            return Err(self.damaged());
        }
        let read = |at: u64, length: u64| {
            let end = at.checked_add(length).filter(|end| *end <= self.meta.bytes && length <= MOST_BYTES);
            let mut bytes = vec![0; end.map_or(0, |_| length as usize)];
            file.read_at(at, &mut bytes).map_err(disk_error)?;
            if end.is_some() { Ok(bytes) } else { Err(self.damaged()) }
        };
        let mut first = read(0, FIRST.min(self.meta.bytes))?;
        let length = directory_length(&first).ok_or_else(|| self.damaged())?;
        let begin = HEAD as u64 + length;
        if begin > first.len() as u64 {
            first = read(0, begin)?;
        }
        let entries = directory(&first[..begin as usize]).ok_or_else(|| self.damaged())?;
        let Some(entry) = entries.iter().find(|entry| entry.is_of(&SETS[set])) else { return Ok(None) };
        let bytes = read(begin.saturating_add(entry.at), entry.bytes)?;
        if crc32c::crc32c(&bytes) != entry.crc {
            return Err(self.damaged());
        }
        Ok(Some(Section { set, bytes, path: self.path.clone() }))
    }

    /// Adds what it has of `wanted` sets to `fold`; answers which of them it has.
    pub(crate) fn add_to(&self, fold: &mut Fold, wanted: &Which) -> Result<Which, SegmentError> {
        let mut added = Which::none();
        for set in wanted.sets() {
            if let Some(section) = self.section(set)? {
                section.each(None, &mut |group| {
                    group.each_slot(&mut |slot, sums| {
                        fold.put_coded(set, (group.integration, &group.texts, slot), sums);
                    })
                })?;
                added.insert(set);
            }
        }
        Ok(added)
    }

    /// The sets that it has.
    pub(crate) fn has(&self) -> Result<Which, SegmentError> {
        let mut has = Which::none();
        for set in 0..SETS.len() {
            if self.section(set)?.is_some() {
                has.insert(set);
            }
        }
        Ok(has)
    }

    /// Reads all of it and compares its checksum with the manifest's.
    pub(crate) fn verify(&self) -> Result<(), SegmentError> {
        read_checked(&*self.disk, &self.path, (self.meta.bytes, self.meta.crc), |_| {})
    }

    fn damaged(&self) -> SegmentError {
        damaged(&self.path)
    }
}

fn damaged(path: &str) -> SegmentError {
    SegmentError::Damaged { path: path.to_owned(), what: "its sums are not what was written" }
}

fn directory_length(first: &[u8]) -> Option<u64> {
    let length: &[u8; 4] = first.strip_prefix(MAGIC)?.first_chunk()?;
    Some(u64::from(u32::from_le_bytes(*length)))
}

fn directory(head: &[u8]) -> Option<Vec<Entry>> {
    let crc: &[u8; 4] = head.get(12..)?.first_chunk()?;
    let json = head.get(HEAD..)?;
    (crc32c::crc32c(json) == u32::from_le_bytes(*crc)).then_some(())?;
    serde_json::from_slice(json).ok()
}

/// The sums of one set.
pub(crate) struct Section {
    set: usize,
    bytes: Vec<u8>,
    path: String,
}

/// The sums of one combination of values.
pub(crate) struct Group<'s> {
    pub(crate) integration: IntegrationId,
    /// A text for each of the set's keys.
    pub(crate) texts: Vec<Option<&'s str>>,
    /// The place of each text in the file's list, from 1 on; 0 is for none.
    pub(crate) codes: Vec<u32>,
    slots: Slots<'s>,
}

/// What it has by slot.
enum Slots<'s> {
    One(u8, Sums),
    Many(Sums, &'s [u8], u64),
}

impl Group<'_> {
    /// All slots together; where there is one, which.
    pub(crate) fn all(&self) -> (Option<u8>, &Sums) {
        match &self.slots {
            Slots::One(slot, sums) => (Some(*slot), sums),
            Slots::Many(all, ..) => (None, all),
        }
    }

    /// Each slot by itself; `None` when its bytes are malformed.
    pub(crate) fn each_slot(&self, take: &mut dyn FnMut(u8, &Sums)) -> Option<()> {
        match &self.slots {
            Slots::One(slot, sums) => take(*slot, sums),
            Slots::Many(_, bytes, count) => {
                let (mut bytes, mut slot) = (Bytes(bytes), 0u64);
                for _ in 0..*count {
                    slot = slot.checked_add(bytes.number()?).filter(|slot| *slot < SLOTS as u64)?;
                    take(slot as u8, &Sums::read(&mut bytes)?);
                }
            }
        }
        Some(())
    }
}

impl Section {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many texts there are.
    pub(crate) fn texts(&self) -> Result<usize, SegmentError> {
        let count = Bytes(&self.bytes).number().filter(|count| *count <= self.bytes.len() as u64);
        count.map(|count| count as usize).ok_or_else(|| damaged(&self.path))
    }

    /// Hands over each combination of values, of one integration or of all. `take` says `None` when bytes of it are
    /// malformed.
    pub(crate) fn each(
        &self,
        only: Option<IntegrationId>,
        take: &mut dyn FnMut(&Group<'_>) -> Option<()>,
    ) -> Result<(), SegmentError> {
        self.read(only, take).ok_or_else(|| damaged(&self.path))
    }

    fn read(
        &self,
        only: Option<IntegrationId>,
        take: &mut dyn FnMut(&Group<'_>) -> Option<()>,
    ) -> Option<()> {
        let mut bytes = Bytes(&self.bytes);
        let mut texts = Vec::new();
        for _ in 0..bytes.number()? {
            let length = usize::try_from(bytes.number()?).ok()?;
            texts.push(std::str::from_utf8(bytes.take(length)?).ok()?);
        }
        for _ in 0..bytes.number()? {
            let integration = IntegrationId::from_bytes(*bytes.take(10)?.first_chunk()?)?;
            let length = usize::try_from(bytes.number()?).ok()?;
            let groups = bytes.take(length)?;
            if only.is_none_or(|only| only == integration) {
                self.read_groups(integration, groups, &texts, take)?;
            }
        }
        bytes.0.is_empty().then_some(())
    }

    fn read_groups<'s>(
        &self,
        integration: IntegrationId,
        groups: &'s [u8],
        texts: &[&'s str],
        take: &mut dyn FnMut(&Group<'_>) -> Option<()>,
    ) -> Option<()> {
        let mut bytes = Bytes(groups);
        let slots = Slots::One(0, Sums::default());
        let mut group = Group { integration, texts: Vec::new(), codes: Vec::new(), slots };
        while !bytes.0.is_empty() {
            group.texts.clear();
            group.codes.clear();
            for _ in SETS[self.set].dimensions {
                let code = usize::try_from(bytes.number()?).ok()?;
                group.texts.push(match code.checked_sub(1) {
                    None => None,
                    Some(at) => Some(*texts.get(at)?),
                });
                group.codes.push(code as u32);
            }
            group.slots = match bytes.number()? {
                1 => {
                    let slot = bytes.number().filter(|slot| *slot < SLOTS as u64)? as u8;
                    Slots::One(slot, Sums::read(&mut bytes)?)
                }
                count => {
                    let all = Sums::read(&mut bytes)?;
                    let length = usize::try_from(bytes.number()?).ok()?;
                    Slots::Many(all, bytes.take(length)?, count)
                }
            };
            take(&group)?;
        }
        Some(())
    }
}
