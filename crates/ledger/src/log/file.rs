//! One log file: its name, its header, and how it is made ready or given back.

use super::{DIR, LogError};
use crate::disk::{Disk, DiskFile};
use std::sync::Arc;

/// Frames begin here; the header has the block before it to itself.
pub(super) const DATA: u64 = 4096;
const MAGIC: &[u8; 8] = b"TGLOG\0\0\x01";
const HEADER: usize = 28;

/// An open log file.
pub(super) struct LogFile {
    pub(super) number: u64,
    pub(super) salt: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) size: u64,
}

/// The path of log file `number`.
pub(super) fn path(number: u64) -> String {
    format!("{DIR}/{number:016x}.log")
}

/// The number of the log file called `name`.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The number of the spare file at `path`.
pub(super) fn number_of_spare(path: &str) -> Option<u64> {
    let digits = path.rsplit('/').next()?.strip_suffix(".spare")?;
    u64::from_str_radix(digits, 16).ok()
}

/// The path of spare file `number`: the right size, contents without meaning.
pub(super) fn spare_path(number: u64) -> String {
    format!("{DIR}/{number:016x}.spare")
}

/// Whether `name` is a spare file's.
pub(super) fn is_spare(name: &str) -> bool {
    name.ends_with(".spare")
}

/// Makes log file `number` out of `spare` (its path), or anew. It is durable and holds no frame.
pub(super) fn prepare(
    disk: &dyn Disk,
    spare: Option<&str>,
    number: u64,
    salt: u64,
    size: u64,
) -> Result<LogFile, LogError> {
    let fresh = spare_path(number);
    let from = spare.unwrap_or(&fresh);
    let ready = || -> std::io::Result<Arc<dyn DiskFile>> {
        let file = if spare.is_some() { disk.open(from)? } else { disk.create(from)? };
        if file.length()? != size {
            file.allocate(size)?;
        }
        file.write_at(0, &header(number, salt))?;
        file.sync()?;
        Ok(file)
    };
    match ready() {
        Ok(file) => {
            let path = path(number);
            let named = disk.rename(from, &path).and_then(|()| disk.sync_dir(DIR));
            named.map_err(LogError::fatal(&path))?;
            Ok(LogFile { number, salt, file, size })
        }
        Err(error) => {
            if spare.is_none() {
                // Half-made: give its space back. When this fails too, the next start removes it.
                let _ = disk.remove(&fresh);
            }
            Err(LogError::disk(from)(error))
        }
    }
}

/// Makes log file `number` a spare again, durably; returns its path. Its frames mean nothing from then on.
pub(super) fn give_back(disk: &dyn Disk, number: u64) -> Result<String, LogError> {
    let (path, spare) = (path(number), spare_path(number));
    let renamed = disk.rename(&path, &spare).and_then(|()| disk.sync_dir(DIR));
    renamed.map_err(LogError::fatal(&path))?;
    Ok(spare)
}

impl LogFile {
    /// Overwrites everything from `offset` on with zeros, durably.
    pub(super) fn erase_from(&self, offset: u64) -> Result<(), LogError> {
        let zeros = vec![0; 1 << 20];
        let erase = || {
            let mut at = offset;
            while at < self.size {
                let part = (self.size - at).min(zeros.len() as u64);
                self.file.write_at(at, &zeros[..part as usize])?;
                at += part;
            }
            self.file.sync()
        };
        erase().map_err(LogError::disk(&path(self.number)))
    }
}

fn header(number: u64, salt: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    bytes[16..24].copy_from_slice(&salt.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..24]);
    bytes[24..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The salt of log file `number` whose first bytes are `bytes`, when its header is whole.
pub(super) fn salt_of(bytes: &[u8], number: u64) -> Option<u64> {
    let found: &[u8; HEADER] = bytes.first_chunk()?;
    let salt = u64::from_le_bytes([16, 17, 18, 19, 20, 21, 22, 23].map(|i| found[i]));
    (*found == header(number, salt)).then_some(salt)
}
