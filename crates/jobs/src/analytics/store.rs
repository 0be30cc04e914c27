//! The folder of jobs: of each its record, and its result once that is whole. A file that is not whole never has a name
//! that is looked for.

use super::request::ReportRequest;
use super::text::FileForm;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tollgate_domain::Timestamp;
use tollgate_ledger::disk::{Disk, RealDisk, replace};

/// What ends the name of a record, of a result, and of a result in the making.
const RECORD: &str = "json";
const RESULT: &str = "csv";
const PART: &str = "part";

/// What is written down of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its id.
    pub(super) id: String,
    /// What was asked for.
    pub(super) request: ReportRequest,
    /// The form that was asked for with it.
    pub(super) form: Option<FileForm>,
    /// When it was asked for.
    pub(super) asked_at: Timestamp,
    /// How often it was begun without coming to an end.
    #[serde(default)]
    pub(super) attempts: u32,
    /// What came of it.
    pub(super) ended: Option<Ended>,
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// When that was.
    pub(super) at: Timestamp,
    /// Why there is no result; `None`: there is one.
    pub(super) why: Option<String>,
    /// Whether somebody ended it.
    #[serde(default)]
    pub(super) is_canceled: bool,
}

impl Record {
    /// Whether there is a result.
    fn is_done(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.why.is_none())
    }
}

/// The folder.
#[derive(Debug)]
pub(super) struct Store {
    disk: RealDisk,
    folder: PathBuf,
}

impl Store {
    /// Opens the folder and reads its records. What no record knows is removed; a record that cannot be read is told and
    /// removed too, for nobody can ask for what it was about.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Vec<Record>)> {
        let store = Self { disk: RealDisk::new(folder)?, folder: folder.to_owned() };
        let names = store.disk.list("")?;
        let mut records: Vec<Record> = Vec::new();
        for name in names.iter().filter(|name| name.ends_with(&format!(".{RECORD}"))) {
            match store.read(name) {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::error!(%error, name, "a job's record cannot be read; it is removed");
                    store.disk.remove(name)?;
                }
            }
        }
        let is_known = |name: &String| {
            let stem = name.strip_suffix(&format!(".{RESULT}"));
            name.ends_with(&format!(".{RECORD}"))
                || records.iter().any(|record| record.is_done() && stem == Some(&file_stem(&record.id)))
        };
        for name in names.iter().filter(|name| is_ours(name) && !is_known(name)) {
            store.disk.remove(name)?;
        }
        Ok((store, records))
    }

    fn read(&self, name: &str) -> io::Result<Record> {
        let record: Record = serde_json::from_slice(&fs::read(self.folder.join(name))?)?;
        if format!("{}.{RECORD}", file_stem(&record.id)) == name {
            return Ok(record);
        }
        Err(io::Error::other("the record's id is not its name"))
    }

    /// Writes a record, and waits for the disk.
    pub(super) fn keep(&self, record: &Record) -> io::Result<()> {
        let bytes = serde_json::to_vec(record)?;
        replace(&self.disk, &format!("{}.{RECORD}", file_stem(&record.id)), &bytes)
    }

    /// The file that a result is written to before it is whole.
    pub(super) fn begin(&self, id: &str) -> io::Result<File> {
        File::create(self.path(id, PART))
    }

    /// Gives a whole result its name, and waits for the disk.
    pub(super) fn finish(&self, id: &str, file: &File) -> io::Result<()> {
        file.sync_all()?;
        let name = |end: &str| format!("{}.{end}", file_stem(id));
        self.disk.rename(&name(PART), &name(RESULT))?;
        self.disk.sync_dir("")
    }

    /// Removes what was begun of a result.
    pub(super) fn give_up(&self, id: &str) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(self.path(id, PART));
    }

    /// Removes a result that nobody wants.
    pub(super) fn discard(&self, id: &str) -> io::Result<()> {
        match fs::remove_file(self.path(id, RESULT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where a result is, or would be.
    pub(super) fn result(&self, id: &str) -> PathBuf {
        self.path(id, RESULT)
    }

    /// Removes a job. The record goes last: while there is one, this is tried again.
    pub(super) fn remove(&self, id: &str) -> io::Result<()> {
        for end in [PART, RESULT, RECORD] {
            match fs::remove_file(self.path(id, end)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Bytes that the disk has left.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, id: &str, end: &str) -> PathBuf {
        self.folder.join(format!("{}.{end}", file_stem(id)))
    }
}

/// The beginning of the names of a job's files.
fn file_stem(id: &str) -> String {
    id.replace('/', "-")
}

/// Whether a file's name is one that this store gives: others are left alone.
fn is_ours(name: &str) -> bool {
    let Some((stem, end)) = name.rsplit_once('.') else { return false };
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    stem.len() == 69 && hex(stem) && [RECORD, RESULT, PART].contains(&end)
}
