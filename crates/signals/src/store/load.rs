//! Parsing one data file.

use super::files::{Found, Stamp};
use super::licence::said_about;
use crate::agent::{Crawlers, Parsers};
use crate::error::Malformed;
use crate::ip::{AsnTable, GeoTable, Spans, parse_list};
use crate::source::{Source, SourceKind};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tollgate_domain::{Timestamp, hex};

/// Files beyond this are refused: they are no data of ours, and reading them would take the machine's memory.
const MAX_BYTES: u64 = 1 << 30;

/// A parsed file's contents. Shared by all sets it stays part of.
#[derive(Clone)]
pub(crate) enum Data {
    Geo(Arc<GeoTable>),
    Asn(Arc<AsnTable>),
    Ranges(Arc<Spans>),
    Parsers(Arc<Parsers>),
    Crawlers(Arc<Crawlers>),
}

/// A file as it stands: what is known of it, and the newest contents that parsed.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) source: Source,
    /// Of the newest version that was tried, whether it parsed or not.
    pub(crate) stamp: Stamp,
    pub(crate) data: Option<Data>,
}

/// What parsing finds out besides the data.
struct Parsed {
    data: Data,
    entries: usize,
    memory: usize,
    version: Option<String>,
    notes: Vec<String>,
}

/// Reads and parses a file. When that fails, `old` stays in use and carries the error.
pub(crate) fn load(
    dir: &Path,
    found: &Found,
    old: Option<&Loaded>,
    now: Timestamp,
) -> Result<Loaded, Box<(Loaded, Malformed)>> {
    match read_whole(found).and_then(|bytes| Ok((parse(found, &bytes)?, bytes))) {
        Ok((parsed, bytes)) => Ok(describe(dir, found, parsed, &bytes, now)),
        Err(error) => {
            let mut kept = old.cloned().unwrap_or_else(|| unusable(found, now));
            kept.stamp = found.stamp;
            kept.source.error = Some(error.to_string());
            Err(Box::new((kept, error)))
        }
    }
}

/// All bytes of one version: a file that is being written while we read is refused, and tried again when it rests.
fn read_whole(found: &Found) -> Result<Vec<u8>, Malformed> {
    let mut file = File::open(&found.path)?;
    let size = file.metadata()?.len();
    if size > MAX_BYTES {
        return Err(Malformed::new(format!("it has {size} bytes; the limit is {MAX_BYTES}")));
    }
    let mut bytes = Vec::with_capacity(size as usize + 1);
    file.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let same =
        Stamp::of(&file.metadata()?) == found.stamp && Stamp::of(&fs::metadata(&found.path)?) == found.stamp;
    if !same || bytes.len() as u64 != size {
        return Err(Malformed::new("it changed while it was read"));
    }
    Ok(bytes)
}

fn parse(found: &Found, bytes: &[u8]) -> Result<Parsed, Malformed> {
    let plain = |data, entries, memory| Parsed { data, entries, memory, version: None, notes: Vec::new() };
    Ok(match found.kind {
        SourceKind::Geo => {
            let mmdb = found.name.ends_with(".mmdb");
            let table = if mmdb { GeoTable::from_mmdb(bytes)? } else { GeoTable::from_text(bytes)? };
            let (entries, memory, version) = (table.entries, table.bytes(), table.built.map(build_day));
            Parsed { version, ..plain(Data::Geo(Arc::new(table)), entries, memory) }
        }
        SourceKind::Asn => {
            let table = AsnTable::from_mmdb(bytes)?;
            let (entries, memory, version) = (table.entries, table.bytes(), Some(build_day(table.built)));
            Parsed { version, ..plain(Data::Asn(Arc::new(table)), entries, memory) }
        }
        SourceKind::Ranges(_) => {
            let (spans, version) = parse_list(bytes)?;
            let entries = spans.len();
            Parsed { version, ..plain(Data::Ranges(Arc::new(spans)), entries, 0) }
        }
        SourceKind::Parsers => {
            let parsers = Parsers::parse(bytes)?;
            let entries = parsers.entries;
            plain(Data::Parsers(Arc::new(parsers)), entries, 0)
        }
        SourceKind::Crawlers => {
            let crawlers = Crawlers::parse(bytes)?;
            let (entries, ignored) = (crawlers.entries, &crawlers.ignored);
            let note =
                |pattern: &String| format!("pattern `{pattern}` is left out: it matches ordinary browsers");
            let notes = ignored.iter().map(note).collect();
            Parsed { notes, ..plain(Data::Crawlers(Arc::new(crawlers)), entries, 0) }
        }
        // The compiled-in rules are no file.
        SourceKind::Builtin => return Err(Malformed::new("the compiled-in rules are no file")),
    })
}

fn build_day(seconds: u64) -> String {
    let millis = i64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
    format!("built {}", Timestamp::from_millis(millis).day())
}

fn describe(dir: &Path, found: &Found, parsed: Parsed, bytes: &[u8], now: Timestamp) -> Loaded {
    let sha256 = hex(&Sha256::digest(bytes));
    let said = said_about(dir, &found.name, &sha256, bytes);
    let modified = found.stamp.modified();
    let version = parsed.version.or(said.version).unwrap_or_else(|| modified.day().to_string());
    let source = Source {
        name: found.name.clone(),
        kind: found.kind,
        version,
        sha256,
        licence: said.licence.unwrap_or_default(),
        modified,
        loaded: now,
        bytes: bytes.len() as u64,
        entries: parsed.entries,
        memory: parsed.memory,
        notes: parsed.notes,
        error: None,
        in_use: true,
    };
    Loaded { source, stamp: found.stamp, data: Some(parsed.data) }
}

/// A file of which no version ever parsed.
fn unusable(found: &Found, now: Timestamp) -> Loaded {
    let modified = found.stamp.modified();
    let source = Source {
        name: found.name.clone(),
        kind: found.kind,
        version: modified.day().to_string(),
        sha256: String::new(),
        licence: String::new(),
        modified,
        loaded: now,
        bytes: 0,
        entries: 0,
        memory: 0,
        notes: Vec::new(),
        error: None,
        in_use: false,
    };
    Loaded { source, stamp: found.stamp, data: None }
}
