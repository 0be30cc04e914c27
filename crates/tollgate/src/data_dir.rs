//! The data directory: its layout, and the lock that keeps a second process out.

use crate::failure::Failure;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tollgate_catalog::FILE_NAME;
use tollgate_jobs::{analytics, exports, postbacks, privacy};

/// The lock file. It stays; what counts is who holds its lock.
const LOCK: &str = "tollgate.lock";
/// The socket that commands ask a running server through.
const SOCKET: &str = "tollgate.sock";
/// What may stand in a directory that `init` fills: made by us, or put there for us.
const OURS: &[&str] = &[
    LOCK,
    SOCKET,
    FILE_NAME,
    "catalog.sqlite-wal",
    "catalog.sqlite-shm",
    postbacks::FILE_NAME,
    "postbacks.sqlite-wal",
    "postbacks.sqlite-shm",
    exports::FILE_NAME,
    "exports.sqlite-wal",
    "exports.sqlite-shm",
    exports::FOLDER_NAME,
    privacy::FOLDER,
    analytics::FOLDER,
    "ledger",
    "signals",
    "imports",
    "tollgate.toml",
    "demo.json",
    "lost+found",
];

/// A data directory that this process alone uses.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
}

/// Where things lie in a data directory.
pub(crate) fn catalog(root: &Path) -> PathBuf {
    root.join(FILE_NAME)
}

/// The ledger's folder.
pub(crate) fn ledger(root: &Path) -> PathBuf {
    root.join("ledger")
}

/// What has to be told to others, and what was.
pub(crate) fn postbacks(root: &Path) -> PathBuf {
    root.join(postbacks::FILE_NAME)
}

/// Certificates of what was deleted at persons' request.
pub(crate) fn privacy(root: &Path) -> PathBuf {
    root.join(privacy::FOLDER)
}

/// Jobs of reports, and their results.
pub(crate) fn analytics(root: &Path) -> PathBuf {
    root.join(analytics::FOLDER)
}

/// What was asked to be exported.
pub(crate) fn export_records(root: &Path) -> PathBuf {
    root.join(exports::FILE_NAME)
}

/// The files that were exported, unless they go elsewhere.
pub(crate) fn exports(root: &Path) -> PathBuf {
    root.join(exports::FOLDER_NAME)
}

/// Files that are being imported, and lines of them that were refused.
pub(crate) fn imports(root: &Path) -> PathBuf {
    root.join("imports")
}

/// The socket that commands ask a running server through.
pub(crate) fn socket(root: &Path) -> PathBuf {
    root.join(SOCKET)
}

/// Who holds the directory's lock, when someone does.
pub(crate) fn holder(root: &Path) -> std::io::Result<Option<String>> {
    let mut file = match File::options().read(true).write(true).open(root.join(LOCK)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    match file.try_lock() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(named(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The process that wrote itself into the lock file.
fn named(file: &mut File) -> String {
    let mut text = String::new();
    // A holder that has not written its name yet is still a holder.
    let _ = file.read_to_string(&mut text);
    if text.trim().is_empty() { "another process".to_owned() } else { text.trim().to_owned() }
}

impl DataDir {
    /// Takes a directory that `init` made, for `purpose` (a command's name).
    pub(crate) fn open(root: &Path, purpose: &str) -> Result<Self, Failure> {
        if !catalog(root).exists() {
            let shown = root.display();
            return Err(Failure::new(format!(
                "{shown} is not a data directory; make one with `tollgate init --data-dir {shown}`"
            )));
        }
        Self::lock(root, purpose)
    }

    /// Takes an absent or empty directory, or one whose `init` was interrupted.
    pub(crate) fn create(root: &Path, purpose: &str) -> Result<Self, Failure> {
        let shown = root.display();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(Failure::because(format!("{shown} cannot be made")))?;
        let entries = fs::read_dir(root).map_err(Failure::because(format!("{shown} cannot be read")))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if !OURS.iter().any(|ours| name == *ours) {
                return Err(Failure::new(format!(
                    "{shown} is not empty: it holds {}; choose another directory",
                    name.to_string_lossy()
                )));
            }
        }
        Self::lock(root, purpose)
    }

    fn lock(root: &Path, purpose: &str) -> Result<Self, Failure> {
        let path = root.join(LOCK);
        let unusable = || Failure::because(format!("{} cannot be used", path.display()));
        let options = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).clone();
        let mut file = options.open(&path).map_err(unusable())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format!(
                    "the data directory {} is in use by {}",
                    root.display(),
                    named(&mut file)
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unusable()(error)),
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "process {} (tollgate {purpose})", std::process::id())
        };
        write().map_err(Failure::because(format!("{} cannot be written", path.display())))?;
        Ok(Self { root: root.to_owned(), _lock: file })
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_only_where_init_may_go() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data");
        assert!(DataDir::open(&root, "serve").unwrap_err().message.contains("tollgate init"));
        let held = DataDir::create(&root, "init").unwrap();
        let refused = DataDir::create(&root, "init").unwrap_err().message;
        assert!(refused.contains("in use by process") && refused.contains("(tollgate init)"), "{refused}");
        assert!(holder(&root).unwrap().is_some());
        drop(held);
        assert_eq!(holder(&root).unwrap(), None);
        fs::write(root.join("thesis.txt"), "").unwrap();
        assert!(DataDir::create(&root, "init").unwrap_err().message.contains("thesis.txt"));
    }
}
