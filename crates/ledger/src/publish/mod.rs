//! A publication: one cut of the history as plain Parquet files with views of them in SQL, in a folder of its own, for
//! programs that others wrote (docs/FORMATS.md, "Publications").
//!
//! It is written under another name and takes its own, and the place of the publication before it, as a whole. Segments are
//! linked where they can be, so most of a publication costs no space and no time. Deleted rows are in none of its files.

mod files;
mod folder;
mod manifest;
mod views;

use crate::amendments::Entry;
use crate::overlays;
use crate::row::Malformed;
use crate::scan::ScanError;
use crate::segment::{NotMerged, Overlay, SegmentError};
use crate::view::View;
use files::Files;
use folder::Folder;
use manifest::Manifest;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tollgate_domain::{Day, EventKind, IntegrationId, KINDS_ALL, OrganizationId, Timestamp};
use views::Engine;

/// What a publication tells of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedIntegration {
    /// Its id.
    pub id: IntegrationId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
    /// The IANA name of the time zone that its days are told in.
    pub time_zone: String,
}

/// Where a publication goes, and what it is made of beside the history.
#[derive(Debug)]
pub struct PublishOptions<'a> {
    /// The folder of the ledger that is looked at.
    pub ledger: &'a Path,
    /// The folder that is to hold the publication: one that does not exist, is empty, or holds an earlier one.
    pub dir: &'a Path,
    /// Whether segments are copied even where they could be linked.
    pub copy: bool,
    /// What it tells of integrations.
    pub integrations: &'a [PublishedIntegration],
    /// When it is made.
    pub at: Timestamp,
}

/// What was published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Published {
    /// The cut: nothing with a greater `seq` is in it, and everything else is.
    pub cut: u64,
    /// Events.
    pub rows: u64,
    /// Amendments of events.
    pub amendments: u64,
    /// Parquet files.
    pub files: u64,
    /// Those of them that are links to the ledger's own.
    pub linked: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// There is no publication. What the folder held before is there as it was.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The folder holds something else.
    #[error("{} holds {found}, which no publication has: choose an empty folder or a new name", dir.display())]
    Occupied {
        /// The folder.
        dir: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The folder is one that a publication cannot go to.
    #[error("{}: {why}", dir.display())]
    Place {
        /// The folder.
        dir: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// The disk refused.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The history could not be read, or a file could not be written.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The history could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Whoever watched broke it off.
    #[error("the publication was canceled")]
    Canceled,
}

impl From<Malformed> for PublishError {
    fn from(malformed: Malformed) -> Self {
        Self::Scan(malformed.into())
    }
}

impl From<NotMerged> for PublishError {
    fn from(not_merged: NotMerged) -> Self {
        match not_merged {
            NotMerged::Source(error) | NotMerged::Result(error) => Self::Segment(error),
            NotMerged::Stopped => Self::Canceled,
        }
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    let path = path.to_owned();
    move |source| PublishError::Disk { path, source }
}

/// Told the part of the work that is done, from 0 to 1; may break the publication off.
pub type Watcher<'w> = dyn FnMut(f64) -> ControlFlow<()> + 'w;

impl View {
    /// Publishes everything that it sees. It blocks.
    pub fn publish(
        &self,
        options: &PublishOptions<'_>,
        watcher: &mut Watcher<'_>,
    ) -> Result<Published, PublishError> {
        let folder = Folder::prepare(options.dir, options.ledger)?;
        let mut work = Work::new(self, options, watcher);
        let files = Files::create(folder.path())?;
        work.write(&files)?;
        files.end()?;
        work.manifest.write_views(folder.path())?;
        let published = work.manifest.write(folder.path())?;
        folder.publish()?;
        Ok(published)
    }
}

/// A publication under way.
struct Work<'a> {
    view: &'a View,
    options: &'a PublishOptions<'a>,
    watcher: &'a mut Watcher<'a>,
    manifest: Manifest,
    /// Bytes that are to be read and that were.
    total: u64,
    done: u64,
}

/// Amendments that belong into one file.
type OfDay = (EventKind, Day);

impl<'a> Work<'a> {
    fn new(view: &'a View, options: &'a PublishOptions<'a>, watcher: &'a mut Watcher<'_>) -> Self {
        let total = view.segments().iter().map(|segment| segment.meta().bytes).sum();
        let manifest = Manifest::new(view.cut(), options.at);
        Self { view, options, watcher, manifest, total, done: 0 }
    }

    fn write(&mut self, files: &Files) -> Result<(), PublishError> {
        for kind in KINDS_ALL {
            self.manifest.add(files.columns(*kind, false)?);
            self.manifest.add(files.columns(*kind, true)?);
        }
        self.manifest.add(files.integrations(self.options.integrations)?);
        self.segments(files)?;
        self.open_rows(files)?;
        self.amendments(files)
    }

    fn told(&mut self, bytes: u64) -> Result<(), PublishError> {
        self.done += bytes;
        let share = self.done as f64 / self.total.max(1) as f64;
        if (self.watcher)(share).is_break() { Err(PublishError::Canceled) } else { Ok(()) }
    }

    fn segments(&mut self, files: &Files) -> Result<(), PublishError> {
        for segment in self.view.segments().iter() {
            let entry = if segment.has_deletes() {
                let share = self.done as f64 / self.total.max(1) as f64;
                files.rewrite(segment, &mut || (self.watcher)(share).is_continue())?
            } else {
                files.link(segment, self.options)?
            };
            self.manifest.add(entry);
            self.told(segment.meta().bytes)?;
        }
        Ok(())
    }

    fn open_rows(&mut self, files: &Files) -> Result<(), PublishError> {
        for group in self.view.open().groups(self.view.cut())? {
            self.manifest.add(files.rows((group.kind, group.day), &group.rows, false)?);
            self.told(0)?;
        }
        Ok(())
    }

    /// Writes amendments a day at a time: all of them together may be many.
    fn amendments(&mut self, files: &Files) -> Result<(), PublishError> {
        let mut open: BTreeMap<OfDay, Vec<Entry>> = BTreeMap::new();
        for entry in overlays::of_present_events(self.view)? {
            open.entry((entry.kind, entry.id.time().day())).or_default().push(entry);
        }
        let mut sealed: BTreeMap<OfDay, Vec<&Overlay>> = BTreeMap::new();
        for segment in self.view.segments().iter() {
            if let Some(overlay) = self.view.overlay(segment) {
                sealed.entry((segment.meta().kind, segment.meta().day)).or_default().push(overlay);
            }
        }
        let mut days: Vec<OfDay> = open.keys().chain(sealed.keys()).copied().collect();
        days.sort_unstable();
        days.dedup();
        for day in days {
            let mut rows: Vec<bytes::Bytes> = Vec::new();
            for overlay in sealed.get(&day).into_iter().flatten() {
                rows.extend(overlay.amendments()?.entries().iter().map(|entry| entry.row.clone()));
            }
            rows.extend(open.remove(&day).into_iter().flatten().map(|entry| entry.row));
            let rows: Vec<&[u8]> = rows.iter().map(|row| &row[..]).collect();
            self.manifest.add(files.rows(day, &rows, true)?);
            self.told(0)?;
        }
        Ok(())
    }
}

/// The engines that views are written for, with the names of their files.
const ENGINES: [(Engine, &str); 2] =
    [(Engine::DuckDb, "views.duckdb.sql"), (Engine::ClickHouse, "views.clickhouse.sql")];

/// The folder of a kind's events, or of their amendments.
fn folder_of(kind: EventKind, amendments: bool) -> String {
    if amendments { format!("{}-amendments", kind.name()) } else { kind.name().to_owned() }
}

/// The folder of what is told of integrations.
const INTEGRATIONS: &str = "integrations";
