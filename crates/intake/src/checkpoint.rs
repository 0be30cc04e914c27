//! Checkpoints: each shard's counters in a file, so that a restart folds only what came after (docs/FORMATS.md,
//! "Checkpoint").
//!
//! Slots are copied a few at a time while judging goes on; every slot knows up to which `seq` it counted. A file is
//! given its name only after all the events it counted are durable, so it never knows more than the ledger.

use crate::shard::{SHARDS, Shards};
use std::io;
use tollgate_domain::{hex, unhex};
use tollgate_ledger::Ledger;
use tollgate_ledger::disk::{Disk, replace};
use tollgate_screening::{Counters, SlotError};

pub(crate) const DIR: &str = "checkpoints";
const MAGIC: &[u8; 8] = b"TGCHECK\x01";
/// Magic, shard, number of shards, seq.
const HEAD: usize = 8 + 4 + 4 + 8;
/// Slots copied under one lock: a copy of many keys takes well under a millisecond.
const SLOTS_AT_ONCE: usize = 16;

/// A checkpoint could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk failed.
    #[error("{path}: {source}")]
    Disk {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not whole, or another version's.
    #[error(
        "{path}: {what}; move it aside and start again: counters are then rebuilt from what the log still holds"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
}

fn disk_error(path: &str) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |source| CheckpointError::Disk { path, source }
}

fn path(shard: usize) -> String {
    format!("{DIR}/shard-{shard:02}.counters")
}

/// Writes every shard's file; returns the `seq` that the oldest of them includes.
pub(crate) fn write(disk: &dyn Disk, ledger: &Ledger, shards: &Shards) -> Result<u64, CheckpointError> {
    let mut oldest = u64::MAX;
    for shard in 0..SHARDS {
        let (bytes, first_seq, last_seq) = export(ledger, shards, shard);
        ledger.wait_committed(last_seq);
        let path = path(shard);
        replace(disk, &path, &bytes).map_err(disk_error(&path))?;
        oldest = oldest.min(first_seq);
    }
    Ok(oldest)
}

/// The shard's file, the `seq` up to which all of it counted, and the highest `seq` that any of it counted.
fn export(ledger: &Ledger, shards: &Shards, index: usize) -> (Vec<u8>, u64, u64) {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(index as u32).to_le_bytes());
    bytes.extend_from_slice(&(SHARDS as u32).to_le_bytes());
    let (mut first_seq, mut last_seq) = (0, 0);
    let mut slot_bytes = Vec::new();
    for start in (0..Counters::SLOTS).step_by(SLOTS_AT_ONCE) {
        let shard = shards.lock(index);
        // Events of this shard get their `seq` under this lock, so all up to the last one given out are counted.
        last_seq = ledger.assigned();
        if start == 0 {
            first_seq = last_seq;
            bytes.extend_from_slice(&first_seq.to_le_bytes());
        }
        for slot in start..(start + SLOTS_AT_ONCE).min(Counters::SLOTS) {
            slot_bytes.clear();
            shard.counters.export_slot(slot, &mut slot_bytes);
            bytes.extend_from_slice(&(slot_bytes.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&slot_bytes);
        }
    }
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    (bytes, first_seq, last_seq)
}

/// Fills `counters` from the shard's file; returns the `seq` up to which every slot counted, 0 without a file.
pub(crate) fn read(disk: &dyn Disk, shard: usize, counters: &mut Counters) -> Result<u64, CheckpointError> {
    let path = path(shard);
    let Some(bytes) = load(disk, DIR, &path)? else { return Ok(0) };
    decode(&bytes, shard, counters).map_err(|what| CheckpointError::Damaged { path, what })
}

/// A file's bytes. Its name is made durable, since log files may be recycled because of what it says.
fn load(disk: &dyn Disk, dir: &str, path: &str) -> Result<Option<Vec<u8>>, CheckpointError> {
    let load = || {
        let file = disk.open(path)?;
        let mut bytes = vec![0; file.length()? as usize];
        file.read_at(0, &mut bytes)?;
        disk.sync_dir(dir)?;
        Ok(bytes)
    };
    match load() {
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
        loaded => loaded.map(Some).map_err(disk_error(path)),
    }
}

fn decode(bytes: &[u8], shard: usize, counters: &mut Counters) -> Result<u64, String> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or("the file is too short")?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Err("the checksum is wrong".into());
    }
    let (head, mut rest) = body.split_first_chunk::<HEAD>().ok_or("the file is too short")?;
    let expected = [&MAGIC[..], &(shard as u32).to_le_bytes(), &(SHARDS as u32).to_le_bytes()].concat();
    if head[..16] != expected[..] {
        return Err("it is of another version or shard".into());
    }
    for slot in 0..Counters::SLOTS {
        let (length, after) = rest.split_first_chunk::<4>().ok_or("a slot is missing")?;
        let (slot_bytes, after) =
            after.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or("a slot is cut")?;
        counters.import_slot(slot, slot_bytes).map_err(|error: SlotError| error.to_string())?;
        rest = after;
    }
    Ok(u64::from_le_bytes([16, 17, 18, 19, 20, 21, 22, 23].map(|i| head[i])))
}

/// The ledger's secrets: 16 bytes each for ids and for counter keys, kept beside the ledger since both stand in stored
/// history.
pub(crate) fn secrets(
    disk: &dyn Disk,
    entropy: &dyn tollgate_domain::Entropy,
) -> Result<([u8; 16], [u8; 16]), CheckpointError> {
    const PATH: &str = "secrets/ledger.key";
    let text = match load(disk, "secrets", PATH)? {
        Some(text) => text,
        None => {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            let text = hex(&bytes).into_bytes();
            replace(disk, PATH, &text).map_err(disk_error(PATH))?;
            text
        }
    };
    let bytes = std::str::from_utf8(&text).ok().and_then(unhex);
    let halves =
        bytes.as_deref().and_then(|b| Some((b.first_chunk::<16>()?, b.get(16..)?.as_array::<16>()?)));
    match halves {
        Some((ids, counters)) => Ok((*ids, *counters)),
        None => Err(CheckpointError::Damaged { path: PATH.into(), what: "it is not 64 hex digits".into() }),
    }
}
