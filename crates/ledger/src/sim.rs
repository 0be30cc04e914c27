//! A disk in memory that loses, tears, reorders and fails what was not synced. Everything it does follows from a seed.
//!
//! What it promises is what a careful reading of POSIX promises: a synced file has its contents, a synced folder has
//! its names. Of unsynced writes any sectors may survive a crash; of unsynced names any prefix of the changes.

use crate::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// A small deterministic generator (splitmix64), for the simulation and the tests that drive it.
#[derive(Debug, Clone)]
pub struct SimRng(u64);

impl SimRng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(String, usize),
    Remove(String),
    /// From, to: one change, as file systems do it.
    Rename(String, String),
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(name, id) => {
                names.insert(name, id);
            }
            Self::Remove(name) => {
                names.remove(&name);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(&from) {
                    names.insert(to, id);
                }
            }
        }
    }

    fn dir(&self) -> &str {
        let (Self::Set(name, _) | Self::Remove(name) | Self::Rename(_, name)) = self;
        name.rsplit_once('/').map_or("", |(dir, _)| dir)
    }
}

#[derive(Debug, Default)]
struct Contents {
    durable: Vec<u8>,
    cached: Vec<u8>,
    /// Unsynced writes, oldest first: offset and bytes.
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug)]
struct State {
    rng: SimRng,
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    changes: Vec<NameChange>,
    capacity: u64,
    /// Writes and syncs until one fails; 0 is never.
    fail_in: u64,
    /// Raised by a crash: handles of before are dead.
    epoch: u64,
}

/// The simulated disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty disk of `capacity` bytes.
    pub fn new(seed: u64, capacity: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: SimRng::new(seed),
            files: vec![],
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: vec![],
            capacity,
            fail_in: 0,
            epoch: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many bytes the disk has.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Lets the `n`th write or sync from now fail; 0 lets none fail.
    pub fn fail_in(&self, n: u64) {
        self.state().fail_in = n;
    }

    /// Cuts the power: what was not synced survives in part, and open handles fail from now on.
    pub fn crash(&self) {
        self.state().crash();
    }

    /// Ends the process, not the machine: what was written survives, synced or not, and open handles fail from now on.
    pub fn kill(&self) {
        let mut state = self.state();
        state.epoch += 1;
        state.fail_in = 0;
    }

    /// Changes one byte of a file, as a bad sector would; false when the file is shorter.
    pub fn damage(&self, path: &str, offset: usize) -> bool {
        let mut state = self.state();
        let Some(id) = state.names.get(path).copied() else { return false };
        let contents = &mut state.files[id];
        match (contents.durable.get_mut(offset), contents.cached.get_mut(offset)) {
            (Some(durable), Some(cached)) => {
                *durable ^= 0x55;
                *cached = *durable;
                true
            }
            _ => false,
        }
    }
}

impl State {
    fn crash(&mut self) {
        self.epoch += 1;
        self.fail_in = 0;
        let kept = self.rng.below(self.changes.len() as u64 + 1) as usize;
        for change in self.changes.drain(..).take(kept) {
            change.apply(&mut self.durable_names);
        }
        self.names = self.durable_names.clone();
        for file in &mut self.files {
            let luck = self.rng.below(4);
            for (offset, bytes) in std::mem::take(&mut file.unsynced) {
                for (i, sector) in bytes.chunks(SECTOR).enumerate() {
                    if luck == 0 || (luck != 1 && self.rng.one_in(2)) {
                        file.durable_write(offset + i * SECTOR, sector);
                    }
                }
            }
            file.cached = file.durable.clone();
        }
    }

    fn used(&self) -> u64 {
        self.names.values().map(|id| self.files[*id].cached.len() as u64).sum()
    }

    fn count_down(&mut self) -> io::Result<()> {
        if self.fail_in > 0 {
            self.fail_in -= 1;
            if self.fail_in == 0 {
                return Err(io::Error::other("simulated failure"));
            }
        }
        Ok(())
    }

    fn id(&self, path: &str) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }
}

impl Contents {
    fn durable_write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.durable, offset, bytes);
    }
}

fn put(target: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if target.len() < offset + bytes.len() {
        target.resize(offset + bytes.len(), 0);
    }
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl Disk for SimDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        if state.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.files.push(Contents::default());
        let id = state.files.len() - 1;
        state.change(NameChange::Set(path.to_owned(), id));
        Ok(Arc::new(SimFile { disk: self.clone(), id, epoch: state.epoch }))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        Ok(Arc::new(SimFile { disk: self.clone(), id: state.id(path)?, epoch: state.epoch }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.id(from)?;
        state.change(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.id(path)?;
        state.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut state = self.state();
        let shuffle = state.rng.next_u64();
        let inside = state.names.keys().filter_map(|path| path.strip_prefix(dir)?.strip_prefix('/'));
        let mut names: Vec<String> = inside.filter(|name| !name.contains('/')).map(str::to_owned).collect();
        // Folders come in whatever order.
        names.sort_by_cached_key(|name| {
            name.bytes().fold(shuffle, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        });
        Ok(names)
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        state.count_down()?;
        for change in std::mem::take(&mut state.changes) {
            if change.dir() == dir {
                change.apply(&mut state.durable_names);
            } else {
                state.changes.push(change);
            }
        }
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity.saturating_sub(state.used()))
    }
}

struct SimFile {
    disk: SimDisk,
    id: usize,
    epoch: u64,
}

impl SimFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.epoch != self.epoch {
            return Err(io::Error::other("the machine this handle belonged to is gone"));
        }
        Ok(state)
    }

    fn write(&self, state: &mut State, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let grows = (offset + bytes.len()).saturating_sub(state.files[self.id].cached.len()) as u64;
        if grows > 0 && state.used() + grows > state.capacity {
            return Err(ErrorKind::StorageFull.into());
        }
        let file = &mut state.files[self.id];
        put(&mut file.cached, offset, bytes);
        file.unsynced.push((offset, bytes.to_vec()));
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state()?;
        if let Err(error) = state.count_down() {
            // A failed write may have written a part.
            let part = state.rng.below(bytes.len() as u64 + 1) as usize;
            let _ = self.write(&mut state, offset as usize, &bytes[..part]);
            return Err(error);
        }
        self.write(&mut state, offset as usize, bytes)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.state()?;
        let start = offset as usize;
        let cached = &state.files[self.id].cached;
        let source = cached.get(start..start + bytes.len()).ok_or(ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(source);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.state()?.files[self.id].cached.len() as u64)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let mut state = self.state()?;
        state.count_down()?;
        state.files[self.id].cached.truncate(length as usize);
        self.write(&mut state, 0, &vec![0; length as usize])
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        state.count_down()?;
        let file = &mut state.files[self.id];
        file.unsynced.clear();
        file.durable = file.cached.clone();
        Ok(())
    }
}
