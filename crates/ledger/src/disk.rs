//! The disk as the ledger sees it: a trait, so that its faults can be simulated, and the real one.
//!
//! Paths are relative to the ledger's folder and use `/`. Every method blocks. An error of a write or a sync leaves
//! the file in an unknown state: the ledger stops the process then and never tries again.

use rustix::fs::{Advice, fadvise};
use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A folder tree on stable storage.
pub trait Disk: Send + Sync + 'static {
    /// Creates a file that does not exist yet, open for reading and writing.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, replacing what had it. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file's name; open handles stay readable.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Names of the files directly in a folder, in no particular order; none when the folder does not exist.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Makes a folder and those above it, durably.
    fn create_dir(&self, dir: &str) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// Bytes that can still be written.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Send + Sync + 'static {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Fills all of `bytes` from `offset`, or fails with `UnexpectedEof`.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// Says that this part will be read soon: what of it is not in memory is fetched meanwhile. Only a hint.
    fn will_read(&self, _part: Range<u64>) {}
    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Makes it exactly `length` bytes of zeros that occupy real blocks, so that later writes inside need no space
    /// and no metadata.
    fn allocate(&self, length: u64) -> io::Result<()>;
    /// Makes its contents durable.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of the machine's file system.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    /// Folders whose own names this process has made durable.
    made: Mutex<HashSet<String>>,
}

impl RealDisk {
    /// The folder at `root`, which is made when it does not exist.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        create_durably(&root)?;
        Ok(Self { root, made: Mutex::default() })
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }
}

/// Makes a folder, and syncs it and the two above it: what is newly made is seldom deeper.
fn create_durably(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for folder in dir.ancestors().take(3).filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Gives `path` the contents `bytes`, all or nothing: written beside it, synced every few MiB, renamed, the folder synced.
/// What a failure leaves behind is overwritten by the next try.
pub fn replace(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{path}.tmp");
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    disk.create_dir(dir)?;
    let _ = disk.remove(&temporary);
    let write = || {
        let file = disk.create(&temporary)?;
        for (part, chunk) in bytes.chunks(SYNC_EVERY).enumerate() {
            file.write_at((part * SYNC_EVERY) as u64, chunk)?;
            file.sync()?;
        }
        file.sync()
    };
    if let Err(error) = write() {
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    disk.rename(&temporary, path)?;
    disk.sync_dir(dir)
}

/// Bytes between two syncs of a big file, so that commits do not wait for all of it.
const SYNC_EVERY: usize = 4 << 20;

impl Disk for RealDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = fs::File::options().read(true).write(true).create_new(true).open(self.path(path))?;
        Ok(Arc::new(file))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(path);
        let file = match fs::File::options().read(true).write(true).open(&path) {
            // A segment is only read, and who has a publication that shares it may have taken the right to write away.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => fs::File::open(&path)?,
            opened => opened?,
        };
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(dir)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        Ok(names)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(dir) {
            create_durably(&self.path(dir))?;
            made.insert(dir.to_owned());
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        fs::File::open(self.path(dir))?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::CString::new(self.root.as_os_str().as_bytes())?;
        let mut stats = std::mem::MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: the path is a C string that outlives the call, and `stats` is read only after success filled it.
        #[allow(unsafe_code)]
        let stats = unsafe {
            if libc::statvfs(path.as_ptr(), stats.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            stats.assume_init()
        };
        Ok(stats.f_bavail * stats.f_frsize)
    }
}

impl DiskFile for fs::File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        FileExt::read_exact_at(self, bytes, offset)
    }

    fn will_read(&self, part: Range<u64>) {
        if let Some(length) = NonZeroU64::new(part.end.saturating_sub(part.start)) {
            // Without the hint the part is read all the same.
            let _ = fadvise(self, part.start, Some(length), Advice::WillNeed);
        }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        let zeros = vec![0; SYNC_EVERY];
        let mut offset = 0;
        while offset < length {
            let part = zeros.len().min((length - offset) as usize);
            FileExt::write_all_at(self, &zeros[..part], offset)?;
            self.sync_data()?;
            offset += part as u64;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
