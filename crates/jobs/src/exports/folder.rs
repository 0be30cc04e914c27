//! Files in a folder of this machine.

use super::artifacts::{Artifact, Artifacts, Pieces, READ_AHEAD, Stopped, Unfinished, is_ours};
use bytes::Bytes;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{self, Sender};
use tollgate_ledger::disk::{Disk, RealDisk};

/// Bytes that are read at a time.
const PIECE: u64 = 512 << 10;
/// Ends the name of a file that is not finished.
const UNFINISHED: &str = ".part";
/// Bytes between two syncs. The ledger's commits wait for whatever the disk is given before them: with pieces of 4 MiB the
/// slowest hundredth of them took 8 ms rather than 0.6.
const SYNC_EVERY: u64 = 256 << 10;

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
                entry.file_name().into_string().ok().filter(|name| metadata.is_file() && is_file(name));
            files.extend(name.map(|name| (name, metadata.len())));
        }
        Ok(files)
    }
}

/// Whether a name is one that exports have, finished or not.
fn is_file(name: &str) -> bool {
    is_ours(name.strip_suffix(UNFINISHED).unwrap_or(name))
}

impl Artifacts for Folder {
    fn put(&self, name: &str, _: Stopped) -> io::Result<Box<dyn Unfinished>> {
        let path = self.root.join(format!("{name}{UNFINISHED}"));
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let named = self.root.join(name);
        // What stays behind when no thread can be started is removed at the next start.
        let syncs = Syncs::start(file.try_clone()?)?;
        Ok(Box::new(Part { file, path: Some(path), named, written: 0, unsynced: 0, syncs }))
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

    fn largest(&self) -> u64 {
        u64::MAX
    }

    fn tidy(&self, written: &[String]) -> io::Result<()> {
        let is_left = |name: &str| {
            name.strip_suffix(UNFINISHED).is_some_and(|name| !written.iter().any(|one| one == name))
        };
        let files = self.files()?;
        files.iter().filter(|(name, _)| is_left(name)).try_for_each(|(name, _)| self.remove(name))
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn close(&self) {}
}

/// A file of a folder under its temporary name.
struct Part {
    file: File,
    /// None once it has its own name.
    path: Option<PathBuf>,
    named: PathBuf,
    written: u64,
    unsynced: u64,
    syncs: Syncs,
}

/// Makes durable what was written to a file while more is written, by a thread that ends with it.
struct Syncs {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Syncs {
    fn start(file: File) -> io::Result<Self> {
        // One may wait while another is under way, so no more than three parts are not durable.
        let (ask, asked) = sync_channel(1);
        let sync = move || asked.iter().try_for_each(|()| file.sync_data());
        let thread = std::thread::Builder::new().name("export-sync".to_owned()).spawn(sync)?;
        Ok(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// Asks for another, and waits while two are asked for already.
    fn ask(&mut self) -> io::Result<()> {
        let asked = self.ask.as_ref().is_some_and(|ask| ask.send(()).is_ok());
        // Its thread ends early when a sync failed.
        if asked { Ok(()) } else { self.end().and_then(|()| Err(ErrorKind::BrokenPipe.into())) }
    }

    /// Waits for all that were asked for.
    fn end(&mut self) -> io::Result<()> {
        self.ask = None;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs panicked")))
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(&bytes[..bytes.len().min(SYNC_EVERY as usize)])?;
        self.written += written as u64;
        self.unsynced += written as u64;
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            self.syncs.ask()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unfinished for Part {
    fn finish(mut self: Box<Self>) -> io::Result<u64> {
        self.syncs.end()?;
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

    fn read(self: Arc<Self>, part: Range<u64>) -> Pieces {
        let (told, pieces) = mpsc::channel(READ_AHEAD);
        tokio::spawn(self.tell(part, told));
        pieces
    }
}

impl Whole {
    /// Reads a part for whoever takes it, where blocking is allowed.
    async fn tell(self: Arc<Self>, mut part: Range<u64>, to: Sender<io::Result<Bytes>>) {
        while !part.is_empty() {
            let Ok(place) = to.reserve().await else { return };
            let (file, offset, length) = (self.clone(), part.start, (part.end - part.start).min(PIECE));
            let reading = tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; length as usize];
                file.file.read_exact_at(&mut bytes, offset)?;
                Ok(Bytes::from(bytes))
            });
            let read = reading.await.unwrap_or_else(|error| Err(io::Error::other(error)));
            part.start = if read.is_ok() { part.start + length } else { part.end };
            place.send(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Folder, name: &str) -> Box<dyn Unfinished> {
        folder.put(name, Arc::new(|| false)).unwrap()
    }

    #[tokio::test]
    async fn a_file_has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("exports");
        let folder = Folder::open(&root).unwrap();
        let name = "click_logs-0a.csv";
        let mut file = put(&folder, name);
        file.write_all(b"hello").unwrap();
        assert!(folder.list().unwrap().is_empty() && folder.open(name).unwrap().is_none());
        assert_eq!(file.finish().unwrap(), 5);
        assert_eq!(folder.list().unwrap(), [(name.to_owned(), 5)]);
        let whole = folder.open(name).unwrap().unwrap();
        folder.remove(name).unwrap();
        folder.remove(name).unwrap();
        assert_eq!(whole.size(), 5);
        let mut pieces = whole.clone().read(1..4);
        assert_eq!(pieces.recv().await.unwrap().unwrap(), "ell");
        assert!(pieces.recv().await.is_none());
        let mut pieces = whole.read(4..9);
        assert!(pieces.recv().await.unwrap().is_err() && pieces.recv().await.is_none());
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        drop(put(&folder, "click_logs-0a.csv"));
        assert!(folder.files().unwrap().is_empty());
        let being_written = "conversion_logs-0c.csv";
        std::mem::forget(put(&folder, "impression_logs-0b.csv.gz"));
        std::mem::forget(put(&folder, being_written));
        for others in ["report.csv", "report.part", "click_logs-mine.csv", "click_logs-0a.csv.bak"] {
            fs::write(dir.path().join(others), "").unwrap();
        }
        assert_eq!(folder.files().unwrap().len(), 2);
        folder.tidy(&[being_written.to_owned()]).unwrap();
        assert_eq!(folder.files().unwrap(), [(format!("{being_written}.part"), 0)]);
        folder.tidy(&[]).unwrap();
        assert!(folder.files().unwrap().is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "what others keep there stays");
    }
}
