//! The folder of a publication: written beside its place under another name, and then put there as a whole.

use super::manifest::{self, NAME};
use super::{ENGINES, INTEGRATIONS, PublishError, disk, folder_of};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tollgate_domain::KINDS_ALL;

/// Who may read a new folder: events are personal data, so its owner alone.
const MODE: u32 = 0o700;

/// A folder in the making. Dropped before it is published, it is removed.
pub(super) struct Folder {
    /// Where it is to be.
    place: PathBuf,
    /// Where it is written.
    temporary: PathBuf,
    /// Locked while it is written, so that no two write the same.
    lock: File,
    published: bool,
}

impl Folder {
    /// Makes an empty folder beside `dir`, which must be free for a publication and outside of the ledger's.
    pub(super) fn prepare(dir: &Path, ledger: &Path) -> Result<Self, PublishError> {
        let refuse = |why| PublishError::Place { dir: dir.to_owned(), why };
        let place = resolved(dir).map_err(disk(dir))?;
        let ledger = fs::canonicalize(ledger).map_err(disk(ledger))?;
        // The ledger's folder is one of several in the data directory.
        let data = ledger.parent().unwrap_or(&ledger);
        if place.starts_with(data) || data.starts_with(&place) {
            return Err(refuse("must lie outside of the data directory"));
        }
        let mode = check(&place)?;
        let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
            return Err(refuse("must be a folder with a name"));
        };
        let temporary = parent.join(format!(".{}.publishing", name.to_string_lossy()));
        let lock = claim(&temporary).map_err(disk(&temporary))?.ok_or_else(|| refuse(BUSY))?;
        let folder = Self { place, temporary, lock, published: false };
        folder.clear(mode).map_err(disk(&folder.temporary))?;
        Ok(folder)
    }

    /// Where it is written.
    pub(super) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Removes what a publication left behind that was broken off.
    fn clear(&self, mode: u32) -> io::Result<()> {
        for entry in fs::read_dir(&self.temporary)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        fs::set_permissions(&self.temporary, fs::Permissions::from_mode(mode))
    }

    /// Puts it in its place, durably. An earlier publication changes places with it in one step where the file system can
    /// do that, and is moved aside first where it cannot; then it is removed.
    pub(super) fn publish(mut self) -> Result<(), PublishError> {
        let Self { place, temporary, .. } = &self;
        self.lock.sync_all().map_err(disk(temporary))?;
        check(place)?;
        let parent = place.parent().unwrap_or(place);
        let sync = || File::open(parent)?.sync_all();
        if !has_entries(place).map_err(disk(place))? {
            fs::rename(temporary, place).and_then(|()| sync()).map_err(disk(place))?;
            self.published = true;
            return Ok(());
        }
        exchange(place, temporary).and_then(|()| sync()).map_err(disk(place))?;
        self.published = true;
        if let Err(error) = fs::remove_dir_all(&self.temporary) {
            let left = self.temporary.display();
            tracing::warn!(%error, %left, "the next publication removes what is left of the earlier one");
        }
        Ok(())
    }
}

const BUSY: &str = "another publication is being written there";

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed by the next publication.
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// The folder without links and dots; its last part need not exist.
fn resolved(dir: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        other => return other,
    }
    let absolute = std::path::absolute(dir)?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => Ok(fs::canonicalize(parent)?.join(name)),
        _ => Ok(absolute),
    }
}

/// Refuses a place that is taken by something else; answers who may read what comes there.
fn check(place: &Path) -> Result<u32, PublishError> {
    let metadata = match fs::metadata(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(MODE),
        other => other.map_err(disk(place))?,
    };
    let mut names = Vec::new();
    // A file in its place is refused here.
    for entry in fs::read_dir(place).map_err(disk(place))? {
        names.push(entry.map_err(disk(place))?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let has_manifest = names.iter().any(|name| name == NAME) && manifest::is_one(&place.join(NAME));
    match names.into_iter().find(|name| !has_manifest || !is_ours(name)) {
        Some(found) => Err(PublishError::Occupied { dir: place.to_owned(), found }),
        None if metadata.uid() == geteuid().as_raw() => Ok(metadata.mode() & 0o777),
        None => Ok(MODE),
    }
}

/// Whether a publication has something of this name.
fn is_ours(name: &str) -> bool {
    name == NAME
        || name == INTEGRATIONS
        || ENGINES.iter().any(|(_, views)| name == *views)
        || KINDS_ALL.iter().any(|kind| [false, true].iter().any(|of| name == folder_of(*kind, *of)))
}

fn has_entries(place: &Path) -> io::Result<bool> {
    match fs::read_dir(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        entries => Ok(entries?.next().transpose()?.is_some()),
    }
}

/// Makes the folder, or takes over one that was left behind; `None` when somebody is writing it.
fn claim(temporary: &Path) -> io::Result<Option<File>> {
    match DirBuilder::new().mode(MODE).create(temporary) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made?,
    }
    // Neither a link nor a folder of somebody else, who could read what comes there, or have us clear another folder.
    let options = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits();
    let lock = File::options().read(true).custom_flags(options as i32).open(temporary)?;
    if lock.metadata()?.uid() != geteuid().as_raw() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    match lock.try_lock() {
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    // Whoever held the lock before may have put the folder in its place meanwhile: then it is not to be touched.
    let is_it = fs::symlink_metadata(temporary).is_ok_and(|there| {
        lock.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (there.dev(), there.ino()))
    });
    Ok(is_it.then_some(lock))
}

/// Lets two folders change places.
fn exchange(place: &Path, temporary: &Path) -> io::Result<()> {
    match renameat_with(CWD, temporary, CWD, place, RenameFlags::EXCHANGE) {
        Err(error) if [rustix::io::Errno::INVAL, rustix::io::Errno::NOSYS].contains(&error) => {
            let aside = temporary.with_extension("former");
            fs::rename(place, &aside)?;
            // What was there is there again when the new one cannot be.
            fs::rename(temporary, place).inspect_err(|_| drop(fs::rename(&aside, place)))?;
            fs::rename(&aside, temporary)
        }
        exchanged => Ok(exchanged?),
    }
}
