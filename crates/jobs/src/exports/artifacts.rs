//! Where finished files lie: a small trait, and the folder of the data directory that is its first implementation.
//!
//! A file has its name only once it is whole and on the disk; nothing that is still written can be opened.

use super::record::LOG_NAMES;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate_ledger::disk::{Disk, RealDisk};

/// Files by name. Names are ours: letters, digits, `_`, `-` and `.`. Every method blocks.
pub trait Artifacts: fmt::Debug + Send + Sync + 'static {
    /// Begins a file. Until it is finished nobody sees it; dropped before that, it leaves nothing behind.
    fn put(&self, name: &str) -> io::Result<Box<dyn Unfinished>>;
    /// Opens a finished file; `None` when there is none of this name. It stays readable when it is removed meanwhile.
    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn Artifact>>>;
    /// Removes a file, if there is one.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names and sizes of all finished files.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// Bytes that can still be written.
    fn free_bytes(&self) -> io::Result<u64>;
    /// Removes what a process that died left unfinished. Nothing may be under way.
    fn tidy(&self) -> io::Result<()>;
}

/// A file that is being written.
pub trait Unfinished: Write + Send {
    /// Makes the file durable and gives it its name. Answers its size.
    fn finish(self: Box<Self>) -> io::Result<u64>;
}

/// A finished file.
pub trait Artifact: Send + Sync + 'static {
    /// Its size in bytes.
    fn size(&self) -> u64;
    /// Fills all of `bytes` from `offset`. Blocks.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// Ends the name of a file that is not finished.
const UNFINISHED: &str = ".part";
/// Bytes between two syncs, so that the ledger's commits do not wait for all of a big file.
const SYNC_EVERY: u64 = 4 << 20;

/// A folder of the file system.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    disk: RealDisk,
}

impl Folder {
    /// The folder at `root`, which is made, for its owner alone, when it does not exist.
    pub fn open(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        Ok(Self { root: root.to_owned(), disk: RealDisk::new(root)? })
    }

    /// The files of the folder, finished or not. What others keep there is none of ours and stays.
    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let name =
                entry.file_name().into_string().ok().filter(|name| metadata.is_file() && is_ours(name));
            files.extend(name.map(|name| (name, metadata.len())));
        }
        Ok(files)
    }
}

/// Whether a name is one that exports have.
fn is_ours(name: &str) -> bool {
    let begin = LOG_NAMES.iter().find_map(|log| name.strip_prefix(log)?.strip_prefix('-'));
    let Some((id, end)) = begin.and_then(|rest| rest.split_once('.')) else { return false };
    let end = end.strip_suffix(UNFINISHED).unwrap_or(end);
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && ["csv", "csv.gz"].contains(&end)
}

impl Artifacts for Folder {
    fn put(&self, name: &str) -> io::Result<Box<dyn Unfinished>> {
        let path = self.root.join(format!("{name}{UNFINISHED}"));
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let named = self.root.join(name);
        Ok(Box::new(Part { file, path: Some(path), named, written: 0, unsynced: 0 }))
    }

    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn Artifact>>> {
        match File::open(self.root.join(name)) {
            Ok(file) => {
                let size = file.metadata()?.len();
                Ok(Some(Arc::new(Whole { file, size })))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.root.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = self.files()?;
        files.retain(|(name, _)| !name.ends_with(UNFINISHED));
        Ok(files)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }

    fn tidy(&self) -> io::Result<()> {
        let files = self.files()?;
        files
            .iter()
            .filter(|(name, _)| name.ends_with(UNFINISHED))
            .try_for_each(|(name, _)| self.remove(name))
    }
}

/// A file of a folder under its temporary name.
struct Part {
    file: File,
    /// None once it has its own name.
    path: Option<PathBuf>,
    named: PathBuf,
    written: u64,
    unsynced: u64,
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        self.unsynced += written as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unfinished for Part {
    fn finish(mut self: Box<Self>) -> io::Result<u64> {
        self.file.sync_all()?;
        let Some(path) = &self.path else { return Ok(self.written) };
        fs::rename(path, &self.named)?;
        self.path = None;
        if let Some(folder) = self.named.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.written)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is removed at the next start.
            let _ = fs::remove_file(path);
        }
    }
}

/// A finished file of a folder.
struct Whole {
    file: File,
    size: u64,
}

impl Artifact for Whole {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("exports");
        let folder = Folder::open(&root).unwrap();
        let name = "click_logs-0a.csv";
        let mut file = folder.put(name).unwrap();
        file.write_all(b"hello").unwrap();
        assert!(folder.list().unwrap().is_empty() && folder.open(name).unwrap().is_none());
        assert_eq!(file.finish().unwrap(), 5);
        assert_eq!(folder.list().unwrap(), [(name.to_owned(), 5)]);
        let whole = folder.open(name).unwrap().unwrap();
        folder.remove(name).unwrap();
        folder.remove(name).unwrap();
        let mut part = [0; 3];
        whole.read_at(1, &mut part).unwrap();
        assert_eq!((&part, whole.size()), (b"ell", 5));
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        drop(folder.put("click_logs-0a.csv").unwrap());
        assert!(folder.files().unwrap().is_empty());
        std::mem::forget(folder.put("impression_logs-0b.csv.gz").unwrap());
        for others in ["report.csv", "report.part", "click_logs-mine.csv", "click_logs-0a.csv.bak"] {
            fs::write(dir.path().join(others), "").unwrap();
        }
        assert_eq!(folder.files().unwrap().len(), 1);
        folder.tidy().unwrap();
        assert!(folder.files().unwrap().is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "what others keep there stays");
    }
}
