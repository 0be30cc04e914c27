//! The catalog itself: one file, one writer at a time, one snapshot that everybody reads.
//!
//! A write holds SQLite's write lock from the moment it looks at the newest state until its revisions are on disk, so
//! what it checked is still true when it is stored, whichever process wrote before. The snapshot is replaced before
//! the write returns. It never holds a state that is not on disk.

use crate::draft::{Actor, Draft, Refused};
use crate::error::{CatalogError, Damaged, WriteError};
use crate::kinds::remembered;
use crate::object::Kind;
use crate::revision::Revision;
use crate::snapshot::Snapshot;
use crate::store;
use crate::token::Tokens;
use arc_swap::ArcSwap;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tollgate_domain::{Clock, Entropy, OrganizationId, Timestamp};

/// The catalog's file within a data directory.
pub const FILE_NAME: &str = "catalog.sqlite";
/// How often writes of other processes are looked for.
const POLL: Duration = Duration::from_millis(500);
/// After how many looks expired tokens are dropped from memory.
const POLLS_PER_CLEANING: u32 = 120;

/// A change that stands in a transaction.
pub(crate) struct Changed<T> {
    /// What the change made.
    pub(crate) made: T,
    /// The state that it was judged against.
    pub(crate) judged: Arc<Snapshot>,
    /// The state it leads to; `None` when it changed nothing.
    pub(crate) next: Option<Snapshot>,
}

type Follower = Box<dyn Fn(&Snapshot) + Send + Sync>;

/// The configuration and the credentials of a Tollgate.
pub struct Catalog {
    path: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    snapshot: ArcSwap<Snapshot>,
    seq: watch::Sender<u64>,
    followers: std::sync::Mutex<Vec<Follower>>,
    pub(crate) tokens: Tokens,
    /// The writing connection. A write takes it out and puts it back when it ended well: one that was cancelled or
    /// failed half-way is never used again.
    writer: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("path", &self.path)
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// Opens the catalog file that `tollgate init` made.
    pub async fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, CatalogError> {
        if !path.exists() {
            return Err(CatalogError::Missing(path.to_owned()));
        }
        Self::open_or_create(path, clock, entropy).await
    }

    /// Opens the catalog file, or makes an empty one that only its owner may read.
    pub async fn open_or_create(
        path: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, CatalogError> {
        create_private(path).map_err(|source| CatalogError::File { path: path.to_owned(), source })?;
        let options = store::options(path);
        let mut connection = options.connect().await?;
        store::prepare(&mut connection, path).await?;
        let mut reading = connection.begin().await?;
        let snapshot = load(&mut reading).await?;
        let tokens = Tokens::load(&mut reading, clock.now()).await?;
        reading.commit().await?;
        let seq = snapshot.seq();
        Ok(Self {
            path: path.to_owned(),
            clock,
            entropy,
            snapshot: ArcSwap::from_pointee(snapshot),
            seq: watch::Sender::new(seq),
            followers: std::sync::Mutex::default(),
            tokens,
            writer: Mutex::new(Some(connection)),
            readers: SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options),
        })
    }

    /// The time by the catalog's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The newest state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Tells the seq of the newest snapshot whenever there is a new one.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.seq.subscribe()
    }

    /// Calls `follower` with every new snapshot, before the write that made it returns: whoever is told that a change was
    /// made finds it in force. It must be quick.
    pub fn on_publish(&self, follower: impl Fn(&Snapshot) + Send + Sync + 'static) {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(follower));
    }

    /// Changes one organization: `change` sees its newest state, whoever wrote it, and either all of its changes are
    /// on disk and in the snapshot when this returns, or none. It may be run again when another process was faster,
    /// and must not block.
    pub async fn write<T>(
        &self,
        organization: OrganizationId,
        actor: &Actor,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
    ) -> Result<T, WriteError> {
        let mut slot = self.writer.lock().await;
        let mut connection = self.take(&mut slot).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let done = self.change(&mut transaction, organization, actor, change).await;
        let answer = match done {
            Ok(Changed { made, next: Some(next), .. }) => {
                transaction.commit().await?;
                self.publish(next);
                Ok(made)
            }
            Ok(Changed { made, next: None, .. }) => {
                transaction.rollback().await?;
                Ok(made)
            }
            Err(WriteError::Refused(refused)) => {
                transaction.rollback().await?;
                Err(refused.into())
            }
            Err(WriteError::Catalog(error)) => return Err(error.into()),
        };
        *slot = Some(connection);
        answer
    }

    /// Judges a change against the newest state and appends it, in a transaction that the caller commits before it
    /// publishes [`Changed::next`].
    pub(crate) async fn change<T>(
        &self,
        transaction: &mut SqliteConnection,
        organization: OrganizationId,
        actor: &Actor,
        mut change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
    ) -> Result<Changed<T>, WriteError> {
        self.catch_up_on(transaction).await?;
        let judged = self.snapshot();
        let now = self.clock.now();
        let mut draft = Draft::new(&judged, organization, actor.clone(), now, &*self.entropy);
        let made = change(&mut draft)?;
        let changes = draft.finish()?;
        let head = judged.organization(organization).map_or(0, |organization| organization.head());
        let to = store::Append { organization, actor, at: now, head };
        let batch = store::append(transaction, &to, changes).await?;
        let Some(seq) = batch.revisions.last().map(|revision| revision.seq) else {
            return Ok(Changed { made, judged, next: None });
        };
        let mut next = (*judged).clone();
        next.fold(&batch, seq)?;
        Ok(Changed { made, judged, next: Some(next) })
    }

    /// Judges a change against the newest snapshot and stores nothing: for a request that cannot succeed, to learn
    /// everything else that is wrong with it.
    pub fn rehearse<T>(
        &self,
        organization: OrganizationId,
        actor: &Actor,
        change: impl FnOnce(&mut Draft<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let snapshot = self.snapshot();
        change(&mut Draft::new(&snapshot, organization, actor.clone(), self.clock.now(), &*self.entropy))
    }

    /// Takes in what other processes wrote. Answers whether there was anything.
    pub async fn catch_up(&self) -> Result<bool, CatalogError> {
        {
            let mut reader = self.readers.acquire().await?;
            let newest = store::newest(&mut reader).await?;
            if newest <= self.snapshot.load().seq() && !self.tokens.is_behind(&mut reader).await? {
                return Ok(false);
            }
        }
        let mut slot = self.writer.lock().await;
        let mut connection = self.take(&mut slot).await?;
        let mut reading = connection.begin().await?;
        self.catch_up_on(&mut reading).await?;
        self.tokens.catch_up(&mut reading).await?;
        reading.commit().await?;
        *slot = Some(connection);
        Ok(true)
    }

    /// Follows other processes and forgets expired tokens until it is dropped.
    pub async fn follow(&self) {
        let mut failing = false;
        for poll in (0..POLLS_PER_CLEANING).cycle() {
            tokio::time::sleep(POLL).await;
            let result = self.catch_up().await;
            match &result {
                Err(error) if !failing => tracing::error!(%error, "following the catalog failed"),
                Ok(_) if failing => tracing::info!("following the catalog works again"),
                _ => {}
            }
            failing = result.is_err();
            if poll == 0 {
                self.tokens.forget_expired(self.clock.now());
                if let Err(error) = self.forget_answers().await {
                    tracing::error!(%error, "expired answers could not be deleted");
                }
            }
        }
    }

    /// Every revision of one object, oldest first; empty when there never was one.
    pub async fn history<T: Kind>(
        &self,
        organization: OrganizationId,
        id: &str,
    ) -> Result<Vec<Revision>, CatalogError> {
        let mut reader = self.readers.acquire().await?;
        let revisions = store::history(&mut reader, organization, T::KIND, id).await?;
        Ok(revisions.into_iter().map(|revision| revision.publish()).collect::<Result<_, _>>()?)
    }

    /// The catalog as it was at `seq`, without any secret: nothing can be proved against it.
    pub async fn as_of(&self, seq: u64) -> Result<Snapshot, CatalogError> {
        let mut reader = self.readers.acquire().await?;
        let batch = store::as_of(&mut reader, seq).await?;
        let mut snapshot = Snapshot::default();
        snapshot.fold(&batch, seq)?;
        Ok(snapshot)
    }

    /// Closes the file in good order. Writes that come later open it again.
    pub async fn close(&self) {
        let writer = self.writer.lock().await.take();
        if let Some(writer) = writer
            && let Err(error) = writer.close().await
        {
            tracing::warn!(%error, "the catalog did not close in good order");
        }
        self.readers.close().await;
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, CatalogError> {
        Ok(self.readers.acquire().await?)
    }

    /// The writing connection, opened anew when the last write did not give it back.
    pub(crate) async fn take(
        &self,
        slot: &mut Option<SqliteConnection>,
    ) -> Result<SqliteConnection, CatalogError> {
        match slot.take() {
            Some(connection) => Ok(connection),
            None => Ok(store::options(&self.path).connect().await?),
        }
    }

    /// The slot of the writing connection; whoever holds it is the only one that publishes.
    pub(crate) async fn writer(&self) -> tokio::sync::MutexGuard<'_, Option<SqliteConnection>> {
        self.writer.lock().await
    }

    async fn catch_up_on(&self, connection: &mut SqliteConnection) -> Result<(), CatalogError> {
        let snapshot = self.snapshot();
        let (batch, seq) = store::after(connection, snapshot.seq()).await?;
        if seq > snapshot.seq() {
            let mut next = (*snapshot).clone();
            next.fold(&batch, seq)?;
            self.publish(next);
        }
        Ok(())
    }

    pub(crate) fn publish(&self, next: Snapshot) {
        let seq = next.seq();
        let next = Arc::new(next);
        self.snapshot.store(next.clone());
        for follower in self.followers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            follower(&next);
        }
        self.seq.send_replace(seq);
    }
}

/// Folds every object that exists. A page is decoded on another thread while the next one is read.
async fn load(connection: &mut SqliteConnection) -> Result<Snapshot, CatalogError> {
    let mut snapshot = Snapshot::default();
    let mut folding = None;
    let mut last = 0;
    loop {
        let page = store::documents(connection, last).await?;
        if let Some(folding) = folding.take() {
            snapshot = joined(folding).await?;
        }
        let Some(newest) = page.revisions.last().map(|revision| revision.seq) else { break };
        last = newest;
        folding = Some(tokio::task::spawn_blocking(move || {
            snapshot.fold_objects(&page, newest)?;
            Ok(snapshot)
        }));
        snapshot = Snapshot::default();
    }
    for kind in remembered() {
        let revisions = store::deleted(connection, kind).await?;
        snapshot.remember(&revisions)?;
    }
    let (secrets, seq) = store::secrets_and_seq(connection).await?;
    snapshot.fold_objects(&secrets, seq)?;
    snapshot.set_heads(store::heads(connection).await?);
    snapshot.gather_all();
    Ok(snapshot)
}

async fn joined(folding: JoinHandle<Result<Snapshot, CatalogError>>) -> Result<Snapshot, CatalogError> {
    folding.await.map_err(|error| Damaged::new("an object", error))?
}

/// Makes an empty file that only its owner may read, unless there is one.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}
