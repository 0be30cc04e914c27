//! What a publication holds, as `manifest.json` says it, and the files of its views.

use super::views;
use super::{ENGINES, PublishError, Published, disk};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use tollgate_domain::Timestamp;

/// The name of the file.
pub(super) const NAME: &str = "manifest.json";
/// Written into every manifest; it rises when a reader of older ones would go wrong.
const FORMAT: u32 = 1;

/// The whole manifest.
#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    tollgate_publication: u32,
    program: &'static str,
    published_at: String,
    cut: u64,
    rows: u64,
    amendments: u64,
    views: Vec<&'static str>,
    files: Vec<Entry>,
}

/// Whether a file is the manifest of a publication.
pub(super) fn is_one(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "tollgate_publication")]
        _format: u32,
    }
    let file = File::open(path).map(std::io::BufReader::new);
    file.is_ok_and(|file| serde_json::from_reader::<_, Named>(file).is_ok())
}

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Events.
    Events,
    /// Amendments of events.
    Amendments,
    /// Integrations.
    Integrations,
    /// None: it says which columns there are.
    Columns,
}

/// One Parquet file.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// Relative to the folder.
    pub(super) path: String,
    pub(super) what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) day: Option<String>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) crc32c: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_seq: Option<u64>,
    /// Whether it is a link to the ledger's own file.
    pub(super) linked: bool,
}

impl Manifest {
    pub(super) fn new(cut: u64, at: Timestamp) -> Self {
        Self {
            tollgate_publication: FORMAT,
            program: concat!("tollgate ", env!("CARGO_PKG_VERSION")),
            published_at: at.to_string(),
            cut,
            rows: 0,
            amendments: 0,
            views: ENGINES.map(|(_, name)| name).to_vec(),
            files: Vec::new(),
        }
    }

    /// Adds a file that is written.
    pub(super) fn add(&mut self, entry: Entry) {
        match entry.what {
            What::Events => self.rows += entry.rows,
            What::Amendments => self.amendments += entry.rows,
            What::Integrations | What::Columns => {}
        }
        self.files.push(entry);
    }

    /// Writes the views into `folder`.
    pub(super) fn write_views(&self, folder: &Path) -> Result<(), PublishError> {
        for (engine, name) in ENGINES {
            write(&folder.join(name), views::of(engine, self.cut).as_bytes())?;
        }
        Ok(())
    }

    /// Writes itself into `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<Published, PublishError> {
        let path = folder.join(NAME);
        let json = serde_json::to_vec_pretty(self).map_err(|error| disk(&path)(error.into()))?;
        write(&path, &json)?;
        Ok(Published {
            cut: self.cut,
            rows: self.rows,
            amendments: self.amendments,
            files: self.files.len() as u64,
            linked: self.files.iter().filter(|entry| entry.linked).count() as u64,
            bytes: self.files.iter().map(|entry| entry.bytes).sum(),
        })
    }
}

/// Writes a new file, durably.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(disk(path))
}
