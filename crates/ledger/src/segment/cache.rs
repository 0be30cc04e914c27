//! The one bounded cache of what is read of segments and their overlays again and again.

use super::SegmentError;
use super::footer::Footer;
use super::pick::Dictionaries;
use crate::amendments::Amendments;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Footers, dictionaries and overlays by the number of their file, the least recently used given up when they take more
/// than the budget. Segments stay open as long as their footer is here.
pub struct FooterCache {
    budget: usize,
    inner: Mutex<Inner>,
}

/// A file, and which part of it: 0 is the footer or the whole overlay, others are row groups, counted from 1.
type Part = (u64, u32);

/// What is kept of a part.
#[derive(Clone)]
enum Cached {
    Footer(Arc<Footer>),
    Dictionaries(Arc<Dictionaries>),
    Overlay(Arc<Amendments>),
}

struct Entry {
    cached: Cached,
    bytes: usize,
    /// When it was last used, in ticks.
    used: u64,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<Part, Entry>,
    order: BTreeMap<u64, Part>,
    bytes: usize,
    tick: u64,
    files: u64,
}

impl FooterCache {
    /// A cache of about `budget` bytes; the newest entry is always kept.
    pub fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self { budget, inner: Mutex::default() })
    }

    /// Bytes that what is in it takes.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Whether there is room for what nobody asked for yet.
    pub(super) fn has_room(&self) -> bool {
        self.bytes() < self.budget / 4 * 3
    }

    /// A number for a file to be known by here.
    pub(super) fn register(&self) -> u64 {
        let mut inner = self.lock();
        inner.files += 1;
        inner.files
    }

    /// The footer of a segment, read with `read` when it is not here.
    pub(super) fn footer(
        &self,
        segment: u64,
        read: impl FnOnce() -> Result<Footer, SegmentError>,
    ) -> Result<Arc<Footer>, SegmentError> {
        let unwrap = |cached| if let Cached::Footer(footer) = cached { Some(footer) } else { None };
        self.kept((segment, 0), unwrap, || {
            let footer = Arc::new(read()?);
            Ok((footer.clone(), Cached::Footer(footer.clone()), footer.bytes))
        })
    }

    /// The dictionaries of a row group of a segment, read with `read` when they are not here.
    pub(super) fn dictionaries(
        &self,
        segment: u64,
        group: usize,
        read: impl FnOnce() -> Result<Dictionaries, SegmentError>,
    ) -> Result<Arc<Dictionaries>, SegmentError> {
        let unwrap = |cached| if let Cached::Dictionaries(found) = cached { Some(found) } else { None };
        self.kept((segment, group as u32 + 1), unwrap, || {
            let dictionaries = Arc::new(read()?);
            Ok((dictionaries.clone(), Cached::Dictionaries(dictionaries.clone()), dictionaries.bytes()))
        })
    }

    /// What an overlay holds. `read` reads it, and says what it takes, when it is not here.
    pub(super) fn overlay(
        &self,
        overlay: u64,
        read: impl FnOnce() -> Result<(Amendments, usize), SegmentError>,
    ) -> Result<Arc<Amendments>, SegmentError> {
        let unwrap = |cached| if let Cached::Overlay(found) = cached { Some(found) } else { None };
        self.kept((overlay, 0), unwrap, || {
            let (amendments, bytes) = read()?;
            let amendments = Arc::new(amendments);
            Ok((amendments.clone(), Cached::Overlay(amendments), bytes))
        })
    }

    /// What is kept of a part, or what `read` gives, which is kept from then on. Nothing is locked while it reads.
    fn kept<T>(
        &self,
        part: Part,
        unwrap: impl FnOnce(Cached) -> Option<T>,
        read: impl FnOnce() -> Result<(T, Cached, usize), SegmentError>,
    ) -> Result<T, SegmentError> {
        let found = self.lock().touch(part);
        if let Some(found) = found.and_then(unwrap) {
            return Ok(found);
        }
        let (value, cached, bytes) = read()?;
        self.lock().insert(part, cached, bytes, self.budget);
        Ok(value)
    }

    pub(super) fn forget(&self, file: u64) {
        let mut inner = self.lock();
        while let Some((part, _)) = inner.entries.range((file, 0)..=(file, u32::MAX)).next() {
            let part = *part;
            inner.remove(part);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn touch(&mut self, part: Part) -> Option<Cached> {
        self.tick += 1;
        let entry = self.entries.get_mut(&part)?;
        self.order.remove(&entry.used);
        entry.used = self.tick;
        self.order.insert(self.tick, part);
        Some(entry.cached.clone())
    }

    fn insert(&mut self, part: Part, cached: Cached, bytes: usize, budget: usize) {
        self.remove(part);
        self.tick += 1;
        self.bytes += bytes;
        self.order.insert(self.tick, part);
        self.entries.insert(part, Entry { cached, bytes, used: self.tick });
        while self.bytes > budget && self.entries.len() > 1 {
            let Some((_, oldest)) = self.order.first_key_value() else { break };
            let oldest = *oldest;
            self.remove(oldest);
        }
    }

    fn remove(&mut self, part: Part) {
        if let Some(entry) = self.entries.remove(&part) {
            self.order.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}
