//! Which files the directory holds, and whether one changed.

use crate::ip_kind::RangeKind;
use crate::source::SourceKind;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tollgate_domain::Timestamp;

/// What tells one version of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified_nanos: i128,
    size: u64,
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_nanos = modified.map_or(0, |since| since.as_nanos() as i128);
        Self { modified_nanos, size: metadata.len(), inode: metadata.ino() }
    }

    pub(crate) fn modified(self) -> Timestamp {
        Timestamp::from_millis((self.modified_nanos / 1_000_000) as i64)
    }
}

/// A data file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Path within the directory.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) kind: SourceKind,
    pub(crate) stamp: Stamp,
}

/// All data files, in order of kind and name. An absent directory or folder holds none.
pub(crate) fn scan(dir: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    folder(dir, "geo", SourceKind::Geo, |_| true, &mut found)?;
    folder(dir, "asn", SourceKind::Asn, |name| name.ends_with(".mmdb"), &mut found)?;
    for kind in RangeKind::ALL {
        folder(dir, kind.folder(), SourceKind::Ranges(kind), |_| true, &mut found)?;
    }
    folder(dir, "agents", SourceKind::Parsers, |name| name == "regexes.yaml", &mut found)?;
    folder(dir, "agents", SourceKind::Crawlers, |name| name == "crawlers.json", &mut found)?;
    found.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(found)
}

fn folder(
    dir: &Path,
    folder: &str,
    kind: SourceKind,
    wanted: impl Fn(&str) -> bool,
    found: &mut Vec<Found>,
) -> io::Result<()> {
    let entries = match fs::read_dir(dir.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_aside(&name) || !wanted(&name) {
            continue;
        }
        // Follows links: operators keep releases side by side and link to one.
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => {
                let stamp = Stamp::of(&metadata);
                found.push(Found { name: format!("{folder}/{name}"), path: entry.path(), kind, stamp });
            }
            // A folder, or a file that went away meanwhile.
            _ => {}
        }
    }
    Ok(())
}

/// Hidden files, notes, and what editors and downloads leave.
fn is_aside(name: &str) -> bool {
    name.starts_with('.')
        || [".license", ".licence", ".md", ".tmp", ".part", ".bak", ".swp", "~"]
            .iter()
            .any(|end| name.ends_with(end))
}
