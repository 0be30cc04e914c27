//! Exports: what was asked for is written down before it is answered, written to a file in the background at idle
//! priority, and kept for a while.
//!
//! The records stand in a file of their own ([`store`]), the files behind a small trait ([`artifacts`]). A record says
//! that its file is whole only after the file is on the disk under its name; what a process that died had begun is begun
//! again by the next one. So a file that can be downloaded is whole.

mod artifacts;
mod bucket;
mod folder;
mod links;
mod produce;
mod reconcile;
mod record;
mod store;
mod work;
mod write;

pub use artifacts::{Artifact, Artifacts, Pieces, Stopped, Unfinished};
pub use bucket::{Bucket, BucketOptions};
pub use folder::Folder;
pub use links::{Link, LinkError, Signer};
pub use record::{AskedFilter, Export, ExportRequest, ExportState, LOG_NAMES, log_name};
pub use store::StoreError;
pub use write::{FileFormat, write_file};

use crate::Changed;
use produce::Running;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Figures, Named, Store};
use tokio::sync::Notify;
use tollgate_domain::{Clock, Entropy, IntegrationId, Invalid, OrganizationId, hex};
use tollgate_ledger::Ledger;

/// The file of records within a data directory.
pub const FILE_NAME: &str = "exports.sqlite";
/// The folder of files within a data directory.
pub const FOLDER_NAME: &str = "exports";
/// How often an export is begun that the process does not survive.
const ATTEMPTS: u32 = 5;

/// How much exports may take.
#[derive(Debug, Clone)]
pub struct Options {
    /// Exports that are written at a time.
    pub workers: usize,
    /// Those of one organization among them.
    pub each: usize,
    /// Exports of one organization that wait.
    pub waiting: u64,
    /// Exports of one organization that are kept.
    pub kept: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of the disk that are left to others.
    pub reserve_bytes: u64,
    /// How long an export is kept after its end.
    pub retention: Duration,
    /// How long a link leads to its file.
    pub link_lifetime: Duration,
    /// Threads that read for one export.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 2,
            each: 1,
            waiting: 100,
            kept: 10_000,
            file_bytes: 256 << 30,
            reserve_bytes: 1 << 30,
            retention: Duration::from_secs(90 * 86_400),
            link_lifetime: Duration::from_secs(15 * 60),
            threads: 2,
        }
    }
}

/// What exports work with.
pub struct Parts {
    /// Where events come from.
    pub ledger: Ledger,
    /// Where files go.
    pub artifacts: Arc<dyn Artifacts>,
    /// When things happen.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and keys.
    pub entropy: Arc<dyn Entropy>,
    /// How much they may take.
    pub options: Options,
}

/// The exports of all organizations.
pub struct Exports {
    ledger: Ledger,
    artifacts: Arc<dyn Artifacts>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: Options,
    store: Store,
    /// What is being written, by its id, with its organization.
    running: Mutex<HashMap<String, (OrganizationId, Arc<Running>)>>,
    /// One caller at a time counts what waits and adds to it.
    asking: tokio::sync::Mutex<()>,
    /// Rings when something may have to be begun.
    news: Notify,
    figures: Mutex<Figures>,
    completed: AtomicU64,
    failed: AtomicU64,
    /// Whether files may be left that no record has; claimed by whoever removes them or lets a file be begun.
    untidy: tokio::sync::Mutex<bool>,
}

/// Figures for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportStats {
    /// Exports that wait.
    pub waiting: u64,
    /// Exports that are being written.
    pub running: u64,
    /// Files that are kept.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Exports whose file became whole, since the start.
    pub completed: u64,
    /// Exports that failed, since the start.
    pub failed: u64,
}

/// An export was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The request cannot be carried out.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// So many of the organization wait already.
    #[error("{0} exports of the organization wait already; try again when some of them are done.")]
    TooManyWaiting(u64),
    /// So many of the organization are kept already.
    #[error("{0} exports of the organization are kept already; delete some of them first.")]
    TooManyKept(u64),
    /// The records cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Files that hold what was deleted are not known to be gone.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The records.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What keeps the files.
    #[error("what keeps the files of exports: {0}")]
    Files(std::io::Error),
}

impl fmt::Debug for Exports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exports").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Exports {
    /// Opens the records at `path` and makes files and records agree: what is not whole goes, what was under way waits
    /// again. Files that are reached over the network may be out of reach just now: [`Self::run`] looks at them.
    pub async fn open(path: &Path, parts: Parts) -> Result<Arc<Self>, StoreError> {
        let Parts { ledger, artifacts, clock, entropy, options } = parts;
        let store = Store::open(path).await?;
        let exports = Self {
            ledger,
            artifacts,
            clock,
            entropy,
            options,
            store,
            running: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            news: Notify::new(),
            figures: Mutex::default(),
            completed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            untidy: tokio::sync::Mutex::new(true),
        };
        exports.store.recover(ATTEMPTS, exports.clock.now()).await?;
        if !exports.artifacts.is_remote() {
            let failed = |source| StoreError::File { path: path.to_owned(), source };
            exports.reconcile().await?.map_err(failed)?;
        }
        exports.look_at_figures().await?;
        Ok(Arc::new(exports))
    }

    /// Takes up a request of `by`, unless the organization has too many already.
    pub async fn ask(&self, request: ExportRequest, by: &str) -> Result<Export, AskError> {
        write::encoding(&request, FileFormat::Csv)?.check()?;
        let _one_at_a_time = self.asking.lock().await;
        let counts = self.store.counts(request.organization).await?;
        if counts.waiting >= self.options.waiting {
            return Err(AskError::TooManyWaiting(counts.waiting));
        }
        if counts.all >= self.options.kept {
            return Err(AskError::TooManyKept(counts.all));
        }
        let mut id = [0; 12];
        self.entropy.fill(&mut id);
        let (id, now) = (hex(&id), self.clock.now());
        let end = if request.gzip { "csv.gz" } else { "csv" };
        let export = Export {
            artifact: format!("{}-{id}.{end}", log_name(request.kind)),
            id,
            request,
            requested_by: by.to_owned(),
            updated_by: by.to_owned(),
            state: ExportState::Pending,
            created_at: now,
            updated_at: now,
            started_at: None,
            finished_at: None,
            error: None,
            total: None,
            size: None,
            cut: None,
            progress: 0.0,
        };
        self.store.add(&export).await?;
        self.news.notify_one();
        Ok(export)
    }

    /// Every export of an organization, newest first.
    pub async fn list(&self, organization: OrganizationId) -> Result<Vec<Export>, StoreError> {
        let mut exports = self.store.list(organization).await?;
        exports.iter_mut().for_each(|export| self.note_progress(export));
        Ok(exports)
    }

    /// One export of an organization.
    pub async fn find(&self, organization: OrganizationId, id: &str) -> Result<Option<Export>, StoreError> {
        let mut found = self.store.find(organization, Named::Id(id)).await?;
        found.iter_mut().for_each(|export| self.note_progress(export));
        Ok(found)
    }

    /// The export whose whole file has this name.
    pub async fn find_file(
        &self,
        organization: OrganizationId,
        artifact: &str,
    ) -> Result<Option<Export>, StoreError> {
        let found = self.store.find(organization, Named::Artifact(artifact)).await?;
        Ok(found.filter(|export| export.state == ExportState::Completed))
    }

    fn note_progress(&self, export: &mut Export) {
        if export.state != ExportState::InProgress {
            return;
        }
        if let Some((_, running)) = self.running().get(&export.id) {
            export.progress = running.share();
        }
    }

    /// The file of a finished export. Blocks.
    pub fn open_file(&self, export: &Export) -> std::io::Result<Option<Arc<dyn Artifact>>> {
        let file = self.artifacts.open(&export.artifact)?;
        // Another size is not the file that the record speaks of.
        Ok(file.filter(|file| Some(file.size()) == export.size))
    }

    /// Deletes an export with its file, and stops it if it is being written. Answers whether there was one.
    pub async fn delete(&self, organization: OrganizationId, id: &str) -> Result<bool, StoreError> {
        let Some(artifact) = self.store.delete(organization, id).await? else { return Ok(false) };
        self.stop_one(id);
        self.remove(vec![artifact]).await;
        self.news.notify_one();
        Ok(true)
    }

    /// Removes what files hold of an integration, after events of it were deleted: whole files go, and their exports are
    /// errors that can be tried again; what is being written begins again. Answers how many files went; with an error some
    /// may be left, which nobody can download any more, and it is to be asked for again.
    pub async fn forget(&self, integration: IntegrationId) -> Result<usize, ForgetError> {
        let why = "The file held events that were deleted since; retry the export.";
        let (files, begun) = self.store.forget(integration, why, self.clock.now()).await?;
        begun.iter().for_each(|id| self.stop_one(id));
        let count = files.len();
        self.remove(files).await;
        self.news.notify_one();
        // Those, and what an earlier attempt or process left.
        self.reconcile().await?.map_err(ForgetError::Files)?;
        Ok(count)
    }

    /// Ends an export that waits or is being written.
    pub async fn cancel(
        &self,
        organization: OrganizationId,
        id: &str,
        by: &str,
    ) -> Result<Changed, StoreError> {
        if self.store.find(organization, Named::Id(id)).await?.is_none() {
            return Ok(Changed::Missing);
        }
        if !self.store.cancel(id, by, self.clock.now()).await? {
            return Ok(Changed::NotNow);
        }
        self.stop_one(id);
        self.news.notify_one();
        Ok(Changed::Done)
    }

    /// Puts an export that failed or was canceled back into the queue.
    pub async fn retry(&self, organization: OrganizationId, id: &str, by: &str) -> Result<Changed, AskError> {
        let _one_at_a_time = self.asking.lock().await;
        if self.store.find(organization, Named::Id(id)).await?.is_none() {
            return Ok(Changed::Missing);
        }
        let waiting = self.store.counts(organization).await?.waiting;
        if waiting >= self.options.waiting {
            return Err(AskError::TooManyWaiting(waiting));
        }
        if !self.store.retry(id, by, self.clock.now()).await? {
            return Ok(Changed::NotNow);
        }
        self.news.notify_one();
        Ok(Changed::Done)
    }

    /// What makes links to files of an organization, from now on for a while.
    pub async fn signer(&self, organization: OrganizationId) -> Result<Signer, StoreError> {
        let key = match self.store.known_key(organization).await? {
            Some(key) => key,
            None => self.store.key(organization, self.new_key()).await?,
        };
        let lifetime = i64::try_from(self.options.link_lifetime.as_secs()).unwrap_or(i64::MAX);
        let expires = self.clock.now().seconds().saturating_add(lifetime);
        Ok(Signer::new(key, organization, expires))
    }

    /// Whether a link leads to its file at this moment.
    pub async fn check_link(&self, link: &Link) -> Result<Result<(), LinkError>, StoreError> {
        let Some(key) = self.store.known_key(link.organization).await? else {
            return Ok(Err(LinkError::Wrong));
        };
        Ok(links::check(&key, link, self.clock.now()))
    }

    /// Ends every link of an organization.
    pub async fn revoke_links(&self, organization: OrganizationId) -> Result<(), StoreError> {
        self.store.set_key(organization, self.new_key()).await
    }

    fn new_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        self.entropy.fill(&mut key);
        key
    }

    /// Figures of this moment.
    pub fn stats(&self) -> ExportStats {
        let Figures { waiting, files, bytes } = *self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        ExportStats {
            waiting,
            running: self.running().len() as u64,
            files,
            bytes,
            completed: self.completed.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// Brings the figures about what waits and what is kept up to date.
    async fn look_at_figures(&self) -> Result<(), StoreError> {
        let figures = self.store.figures().await?;
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
        Ok(())
    }

    /// Closes the records in good order, and gives up what waits for files out of reach.
    pub async fn close(&self) {
        self.artifacts.close();
        self.store.close().await;
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, (OrganizationId, Arc<Running>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop_one(&self, id: &str) {
        if let Some((_, running)) = self.running().get(id) {
            running.stop();
        }
    }
}
