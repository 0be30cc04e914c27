//! Reports with amounts of money: by campaign, by app, by country, and every install. Some are told at once; what may take
//! its time is a job, whose result is kept for an hour.
//!
//! A job is written down before it is answered, and its result is on the disk under its name before the job is said to be
//! ready, so both survive a restart; what a process had begun is begun again by the next one. The store of jobs never says
//! who may ask: it answers for an organization only what is that organization's.

mod attempt;
mod change;
mod columns;
mod figures;
mod install;
mod json;
mod listed;
mod names;
mod number;
mod parts;
mod produce;
mod request;
mod rows;
mod store;
mod text;
mod work;

pub use figures::{About, Counts, FigureError, Row, integrations_ever, sources};
pub use json::JsonRows;
pub use listed::Listed;
pub use names::{Names, platform_name};
pub use number::Millionths;
pub use parts::figures;
pub use request::{Aggregate, Grouping, Report, ReportRequest, Role, ad_type_ids};
pub use text::{FileForm, ResultFile};

use attempt::{Attempt, Ends};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Ended, Record, Store};
use tokio::sync::Notify;
use tollgate_catalog::Catalog;
use tollgate_domain::{Clock, Entropy, OrganizationId, Timestamp, Uuid, hex};
use tollgate_ledger::Ledger;

/// The folder of jobs within a data directory.
pub const FOLDER: &str = "analytics";

/// How often a job is begun that the process does not survive.
const ATTEMPTS: u32 = 5;

/// How much jobs may take.
#[derive(Debug, Clone)]
pub struct Options {
    /// Jobs that are worked on at a time.
    pub workers: usize,
    /// Jobs of one organization that are kept, whatever became of them.
    pub kept: usize,
    /// Events that one job may read.
    pub rows: u64,
    /// Bytes of one result.
    pub file_bytes: u64,
    /// Bytes of the disk that are left to others.
    pub reserve_bytes: u64,
    /// How long a result is kept.
    pub lifetime: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 2,
            kept: 1000,
            rows: 500_000_000,
            file_bytes: 4 << 30,
            reserve_bytes: 1 << 30,
            lifetime: Duration::from_secs(60 * 60),
        }
    }
}

/// What jobs work with.
pub struct Parts {
    /// What things are called.
    pub catalog: Arc<Catalog>,
    /// Where figures come from.
    pub ledger: Ledger,
    /// When things happen.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub entropy: Arc<dyn Entropy>,
    /// How much they may take.
    pub options: Options,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Nobody began with it.
    Waiting,
    /// It is worked on.
    Running,
    /// Its result is there.
    Done,
    /// There will be none, for this reason.
    Failed(String),
    /// There will be none, for somebody ended it.
    Canceled,
}

/// Figures for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobStats {
    /// Jobs that wait.
    pub waiting: u64,
    /// Jobs that are worked on.
    pub running: u64,
    /// Jobs whose result became whole, since the start.
    pub completed: u64,
    /// Jobs that failed, since the start.
    pub failed: u64,
    /// Jobs that were canceled, since the start.
    pub canceled: u64,
}

/// A job was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// So many of the organization are kept already.
    #[error("{0} jobs of the last hour are kept already; ask again when some of them are gone")]
    TooMany(usize),
    /// It could not be written down.
    #[error("a job could not be written down: {0}")]
    Store(#[from] io::Error),
}

/// The jobs of all organizations.
pub struct Analytics {
    catalog: Arc<Catalog>,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: Options,
    store: Arc<Store>,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// One at a time changes what is written down of a job; to be taken before `jobs`.
    writing: Mutex<()>,
    /// One caller at a time counts what is kept and adds to it.
    asking: tokio::sync::Mutex<()>,
    /// Rings when a job waits.
    news: Notify,
    ends: Ends,
}

/// A job as this process knows it.
#[derive(Debug, Clone)]
struct Job {
    record: Record,
    /// What is under way for it, wanted or not.
    attempt: Option<Attempt>,
}

impl Job {
    fn new(record: Record) -> Self {
        Self { record, attempt: None }
    }

    fn state(&self) -> JobState {
        match &self.record.ended {
            Some(Ended { is_canceled: true, .. }) => JobState::Canceled,
            Some(Ended { why: Some(why), .. }) => JobState::Failed(why.clone()),
            Some(_) => JobState::Done,
            None if self.is_running() => JobState::Running,
            None => JobState::Waiting,
        }
    }

    /// Whether it is worked on by somebody who was not told to leave it.
    fn is_running(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.is_wanted)
    }
}

impl fmt::Debug for Analytics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analytics").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Analytics {
    /// Opens the folder of jobs, makes it when there is none, and removes what is not whole or is kept no longer.
    pub fn open(folder: &Path, parts: Parts) -> io::Result<Arc<Self>> {
        let Parts { catalog, ledger, clock, entropy, options } = parts;
        let (store, records) = Store::open(folder)?;
        let job = |record: Record| (record.id.clone(), Job::new(record));
        let analytics = Self {
            catalog,
            ledger,
            clock,
            entropy,
            options,
            store: Arc::new(store),
            jobs: Mutex::new(records.into_iter().map(job).collect()),
            writing: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            news: Notify::new(),
            ends: Ends::default(),
        };
        analytics.expire();
        Ok(Arc::new(analytics))
    }

    /// Takes up a job; answers its id. `form` is the form of its file unless whoever fetches it says another.
    pub async fn ask(
        self: &Arc<Self>,
        request: ReportRequest,
        form: Option<FileForm>,
    ) -> Result<String, AskError> {
        let _one_at_a_time = self.asking.lock().await;
        let own = self
            .jobs()
            .values()
            .filter(|job| {
                job.record.request.organization == request.organization && !self.is_over(&job.record)
            })
            .count();
        if own >= self.options.kept {
            return Err(AskError::TooMany(self.options.kept));
        }
        let record =
            Record { id: self.new_id(), request, form, asked_at: self.clock.now(), attempts: 0, ended: None };
        let (this, kept) = (self.clone(), record.clone());
        let keeping = tokio::task::spawn_blocking(move || this.store.keep(&kept));
        keeping.await.map_err(io::Error::other)??;
        let id = record.id.clone();
        self.jobs().insert(id.clone(), Job::new(record));
        self.news.notify_one();
        Ok(id)
    }

    /// How far a job of an organization is; `None` when there is none of this id, or not any more.
    pub fn state(&self, organization: OrganizationId, id: &str) -> Option<JobState> {
        self.job(organization, id).map(|job| job.state())
    }

    /// Figures of this moment, of the jobs of all organizations.
    pub fn stats(&self) -> JobStats {
        let jobs = self.jobs();
        let open = || jobs.values().filter(|job| job.record.ended.is_none());
        let running = open().filter(|job| job.is_running()).count() as u64;
        self.ends.stats(open().count() as u64 - running, running)
    }

    /// The result of a job that is done, in `form`, else as it was asked for. It blocks.
    pub fn result(
        &self,
        organization: OrganizationId,
        id: &str,
        form: Option<FileForm>,
    ) -> io::Result<Option<ResultFile>> {
        let Some(job) = self.job(organization, id) else { return Ok(None) };
        let form = form.or(job.record.form).unwrap_or_default();
        match std::fs::File::open(self.store.result(id)) {
            Ok(file) => Ok(Some(ResultFile::new(file, form))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A job that is still kept.
    fn job(&self, organization: OrganizationId, id: &str) -> Option<Job> {
        let job = self.jobs().get(id)?.clone();
        let is_theirs = job.record.request.organization == organization;
        (is_theirs && !self.is_over(&job.record)).then_some(job)
    }

    fn is_over(&self, record: &Record) -> bool {
        let end = |at: Timestamp| at.plus_millis(listed::millis(self.options.lifetime));
        record.ended.as_ref().is_some_and(|ended| end(ended.at) <= self.clock.now())
    }

    /// Whether a job is kept no longer, and nobody works on it.
    fn is_forgotten(&self, job: &Job) -> bool {
        self.is_over(&job.record) && job.attempt.is_none()
    }

    /// Removes jobs that are kept no longer. It blocks.
    fn expire(&self) {
        let over: Vec<String> = {
            let jobs = self.jobs();
            jobs.values().filter(|job| self.is_forgotten(job)).map(|job| job.record.id.clone()).collect()
        };
        for id in over {
            let _alone = self.writing();
            // It may have been begun again meanwhile.
            if !self.jobs().get(&id).is_some_and(|job| self.is_forgotten(job)) {
                continue;
            }
            match self.store.remove(&id) {
                Ok(()) => drop(self.jobs().remove(&id)),
                Err(error) => {
                    tracing::error!(%error, id, "a job's result could not be removed; that is tried again");
                }
            }
        }
    }

    /// 32 hex digits, a slash and a UUID: clients split it there.
    fn new_id(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        format!("{}/{}", hex(&bytes), Uuid::random(&*self.entropy).as_str())
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where jobs lie.
    pub fn folder(&self) -> PathBuf {
        self.store.folder().to_owned()
    }
}
