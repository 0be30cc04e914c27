//! The file of exports: every SQL statement about them stands here, and nothing else does.
//!
//! What was answered must be there after a crash, so commits wait for the disk: exports are few.

use super::record::{Export, ExportRequest, ExportState};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tollgate_domain::{IntegrationId, OrganizationId, Timestamp};

/// `PRAGMA user_version` of the tables.
const FORMAT: i64 = 1;
/// `PRAGMA application_id`: "TGex".
const APPLICATION: i64 = 0x5447_6578;

/// The file of exports is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no. The message is for the log, not for callers.
    #[error("the exports' database failed: {0}")]
    Storage(#[from] sqlx::Error),
    /// A file or folder could not be made or reached.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is some other program's, or a later Tollgate wrote it.
    #[error("{path} is not a file of exports that this Tollgate reads (format {found})", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
}

/// An export that is to be written now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claimed {
    pub(super) id: String,
    pub(super) artifact: String,
    pub(super) request: ExportRequest,
    /// Which attempt this is, from 1.
    pub(super) attempt: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Completed {
        total: u64,
        size: u64,
        cut: u64,
    },
    Failed(String),
    /// The process stops: it begins again, and this attempt does not count.
    Interrupted,
}

/// How many of an organization's exports there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) waiting: u64,
    pub(super) all: u64,
}

/// What waits, and what is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) waiting: u64,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// The file.
#[derive(Debug)]
pub(super) struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the file; makes it, for its owner alone, when there is none.
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        made.map_err(|source| StoreError::File { path: path.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let store = Self { pool };
        store.prepare(path).await?;
        Ok(store)
    }

    /// Makes the tables in an empty file, or checks that they are ours.
    async fn prepare(&self, path: &Path) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
        let owner: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *transaction).await?;
        let tables: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *transaction).await?;
        if tables == 0 && owner == 0 {
            sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *transaction).await?;
            sqlx::raw_sql("PRAGMA application_id = 1413965176; PRAGMA user_version = 1")
                .execute(&mut *transaction)
                .await?;
        } else if owner != APPLICATION || found != FORMAT {
            return Err(StoreError::Foreign { path: path.to_owned(), found });
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Puts back into the queue what was under way when the process ended; what was so too often has failed.
    pub(super) async fn recover(&self, most: u32, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE exports SET updated_at = ?1, \
               state = CASE WHEN attempts >= ?2 THEN 3 ELSE 0 END, \
               finished_at = CASE WHEN attempts >= ?2 THEN ?1 END, \
               error = CASE WHEN attempts >= ?2 THEN ?3 END \
             WHERE state = 1",
        )
        .bind(now.millis())
        .bind(most)
        .bind(format!("Tollgate ended in the middle of it {most} times."))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The files that there should be, with their sizes.
    pub(super) async fn files(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows =
            sqlx::query("SELECT artifact, size FROM exports WHERE state = 2").fetch_all(&self.pool).await?;
        let read = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.unsigned_abs()));
        rows.iter().map(read).collect()
    }

    /// Notes that a file is not there any more.
    pub(super) async fn lost(&self, artifact: &str, why: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE exports SET state = 3, updated_at = ?2, error = ?3 WHERE artifact = ?1 AND state = 2",
        )
        .bind(artifact.to_owned())
        .bind(now.millis())
        .bind(why.to_owned())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes what is written of an integration's exports out of reach: whole files are lost, for `why`, and what is being
    /// written begins again. Answers the names of the whole files, and the ids of what is being written.
    pub(super) async fn forget(
        &self,
        integration: IntegrationId,
        why: &str,
        now: Timestamp,
    ) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let files = sqlx::query_scalar(
            "UPDATE exports SET state = 3, error = ?2, updated_at = ?3, total = NULL, size = NULL, cut = NULL \
             WHERE integration = ?1 AND state = 2 RETURNING artifact",
        )
        .bind(integration.as_str().to_owned())
        .bind(why.to_owned())
        .bind(now.millis())
        .fetch_all(&mut *transaction)
        .await?;
        let begun = sqlx::query_scalar(
            "UPDATE exports SET state = 0, updated_at = ?2 WHERE integration = ?1 AND state = 1 RETURNING id",
        )
        .bind(integration.as_str().to_owned())
        .bind(now.millis())
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((files, begun))
    }

    /// How many exports an organization has.
    pub(super) async fn counts(&self, organization: OrganizationId) -> Result<Counts, StoreError> {
        let row = sqlx::query(
            "SELECT count(*), count(*) FILTER (WHERE state = 0) FROM exports WHERE organization = ?1",
        )
        .bind(organization.as_str().to_owned())
        .fetch_one(&self.pool)
        .await?;
        let count = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        Ok(Counts { all: count(0)?, waiting: count(1)? })
    }

    /// Stores a new export.
    pub(super) async fn add(&self, export: &Export) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO exports (id, organization, integration, artifact, request, requested_by, updated_by, state, \
               attempts, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, ?9)",
        )
        .bind(export.id.clone())
        .bind(export.request.organization.as_str().to_owned())
        .bind(export.request.integration.as_str().to_owned())
        .bind(export.artifact.clone())
        .bind(written(&export.request))
        .bind(export.requested_by.clone())
        .bind(export.updated_by.clone())
        .bind(export.created_at.millis())
        .bind(export.updated_at.millis())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The next export that waits, leaving out those whose organization is among `full` or which are among `under_way`;
    /// organizations take turns. It is in progress from then on.
    pub(super) async fn claim(
        &self,
        full: &[String],
        under_way: &[String],
        now: Timestamp,
    ) -> Result<Option<Claimed>, StoreError> {
        let row = sqlx::query(
            "UPDATE exports SET state = 1, attempts = attempts + 1, started_at = ?3, updated_at = ?3, error = NULL \
             WHERE n = (SELECT n FROM exports AS one WHERE state = 0 \
                 AND organization NOT IN (SELECT value FROM json_each(?1)) \
                 AND id NOT IN (SELECT value FROM json_each(?2)) \
               ORDER BY (SELECT coalesce(max(started_at), 0) FROM exports AS other \
                         WHERE other.organization = one.organization), n LIMIT 1) \
             RETURNING id, artifact, request, attempts",
        )
        .bind(listed(full))
        .bind(listed(under_way))
        .bind(now.millis())
        .fetch_optional(&self.pool)
        .await?;
        let read = |row: &SqliteRow| -> Result<Claimed, StoreError> {
            Ok(Claimed {
                id: row.try_get(0)?,
                artifact: row.try_get(1)?,
                request: request(row.try_get(2)?)?,
                attempt: row.try_get(3)?,
            })
        };
        row.as_ref().map(read).transpose()
    }

    /// Writes down how an attempt ended; answers whether that still counts. It does not when the export was deleted,
    /// canceled or begun anew meanwhile.
    pub(super) async fn end(
        &self,
        id: &str,
        attempt: i64,
        ended: &Ended,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (state, error, numbers) = match ended {
            Ended::Completed { total, size, cut } => (2, None, [total, size, cut].map(|one| Some(*one))),
            Ended::Failed(why) => (3, Some(why.clone()), [None; 3]),
            Ended::Interrupted => (0, None, [None; 3]),
        };
        let [total, size, cut] = numbers.map(|one| one.map(|one| i64::try_from(one).unwrap_or(i64::MAX)));
        let done = sqlx::query(
            "UPDATE exports SET state = ?3, error = ?4, total = ?5, size = ?6, cut = ?7, updated_at = ?8, \
               finished_at = CASE ?3 WHEN 0 THEN NULL ELSE ?8 END, \
               attempts = CASE ?3 WHEN 0 THEN attempts - 1 ELSE attempts END \
             WHERE id = ?1 AND state = 1 AND attempts = ?2",
        )
        .bind(id.to_owned())
        .bind(attempt)
        .bind(state)
        .bind(error)
        .bind(total)
        .bind(size)
        .bind(cut)
        .bind(now.millis())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Cancels an export that waits or is written; answers whether it was either.
    pub(super) async fn cancel(&self, id: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE exports SET state = 4, updated_at = ?2, finished_at = ?2, updated_by = ?3 \
             WHERE id = ?1 AND state IN (0, 1)",
        )
        .bind(id.to_owned())
        .bind(now.millis())
        .bind(by.to_owned())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts an export that failed or was canceled back into the queue; answers whether it was either.
    pub(super) async fn retry(&self, id: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE exports SET state = 0, attempts = 0, error = NULL, updated_at = ?2, started_at = NULL, \
               finished_at = NULL, total = NULL, size = NULL, cut = NULL, updated_by = ?3 \
             WHERE id = ?1 AND state IN (3, 4)",
        )
        .bind(id.to_owned())
        .bind(now.millis())
        .bind(by.to_owned())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes an export; answers whether it was there.
    pub(super) async fn delete(
        &self,
        organization: OrganizationId,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let artifact =
            sqlx::query_scalar("DELETE FROM exports WHERE organization = ?1 AND id = ?2 RETURNING artifact")
                .bind(organization.as_str().to_owned())
                .bind(id.to_owned())
                .fetch_optional(&self.pool)
                .await?;
        Ok(artifact)
    }

    /// Deletes up to `limit` exports that came to an end before `before`; answers the names of their files.
    pub(super) async fn expire(&self, before: Timestamp, limit: u32) -> Result<Vec<String>, StoreError> {
        let artifacts = sqlx::query_scalar(
            "DELETE FROM exports WHERE n IN ( \
               SELECT n FROM exports WHERE finished_at < ?1 ORDER BY finished_at LIMIT ?2) RETURNING artifact",
        )
        .bind(before.millis())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(artifacts)
    }

    /// Every export of an organization, newest first.
    pub(super) async fn list(&self, organization: OrganizationId) -> Result<Vec<Export>, StoreError> {
        let mut query = select(organization);
        query.push(" ORDER BY n DESC");
        query.build().fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// The export of an organization whose id, or whose file's name, is this.
    pub(super) async fn find(
        &self,
        organization: OrganizationId,
        name: Named<'_>,
    ) -> Result<Option<Export>, StoreError> {
        let mut query = select(organization);
        match name {
            Named::Id(id) => query.push(" AND id = ").push_bind(id.to_owned()),
            Named::Artifact(artifact) => query.push(" AND artifact = ").push_bind(artifact.to_owned()),
        };
        query.build().fetch_optional(&self.pool).await?.as_ref().map(read).transpose()
    }

    /// Figures about all exports.
    pub(super) async fn figures(&self) -> Result<Figures, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 2), \
               coalesce(sum(size) FILTER (WHERE state = 2), 0) FROM exports",
        )
        .fetch_one(&self.pool)
        .await?;
        let count = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        Ok(Figures { waiting: count(0)?, files: count(1)?, bytes: count(2)? })
    }

    /// What an organization's links are signed with; `new` from now on when there is none.
    pub(super) async fn key(
        &self,
        organization: OrganizationId,
        new: [u8; 32],
    ) -> Result<Vec<u8>, StoreError> {
        sqlx::query(
            "INSERT INTO keys (organization, key) VALUES (?1, ?2) ON CONFLICT (organization) DO NOTHING",
        )
        .bind(organization.as_str().to_owned())
        .bind(new.to_vec())
        .execute(&self.pool)
        .await?;
        self.known_key(organization).await.map(Option::unwrap_or_default)
    }

    /// What an organization's links are signed with, if any was made.
    pub(super) async fn known_key(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = sqlx::query_scalar("SELECT key FROM keys WHERE organization = ?1")
            .bind(organization.as_str().to_owned())
            .fetch_optional(&self.pool)
            .await?;
        Ok(key)
    }

    /// Replaces what an organization's links are signed with.
    pub(super) async fn set_key(
        &self,
        organization: OrganizationId,
        key: [u8; 32],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO keys (organization, key) VALUES (?1, ?2) ON CONFLICT (organization) DO UPDATE SET key = ?2",
        )
        .bind(organization.as_str().to_owned())
        .bind(key.to_vec())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Closes the file in good order.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// What names an export in its organization.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    Id(&'a str),
    Artifact(&'a str),
}

/// The beginning of a query for an organization's exports.
fn select(organization: OrganizationId) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT id, artifact, request, requested_by, updated_by, state, created_at, updated_at, started_at, \
         finished_at, error, total, size, cut FROM exports WHERE organization = ",
    );
    query.push_bind(organization.as_str().to_owned());
    query
}

fn read(row: &SqliteRow) -> Result<Export, StoreError> {
    let state = usize::try_from(row.try_get::<i64, _>(5)?).unwrap_or(usize::MAX);
    let unknown = || sqlx::Error::Decode("an export's state is none".into());
    let state = *ExportState::ALL.get(state).ok_or_else(unknown)?;
    let time = |column: usize| {
        let millis = row.try_get::<Option<i64>, _>(column)?;
        Ok::<_, sqlx::Error>(millis.map(Timestamp::from_millis))
    };
    let number = |column: usize| {
        let number = row.try_get::<Option<i64>, _>(column)?;
        Ok::<_, sqlx::Error>(number.map(i64::unsigned_abs))
    };
    Ok(Export {
        id: row.try_get(0)?,
        artifact: row.try_get(1)?,
        request: request(row.try_get(2)?)?,
        requested_by: row.try_get(3)?,
        updated_by: row.try_get(4)?,
        state,
        created_at: time(6)?.unwrap_or_default(),
        updated_at: time(7)?.unwrap_or_default(),
        started_at: time(8)?,
        finished_at: time(9)?,
        error: row.try_get(10)?,
        total: number(11)?,
        size: number(12)?,
        cut: number(13)?,
        progress: if state == ExportState::Completed { 1.0 } else { 0.0 },
    })
}

fn request(json: &str) -> Result<ExportRequest, StoreError> {
    serde_json::from_str(json).map_err(|error| sqlx::Error::Decode(error.into()).into())
}

/// Requests are plain numbers and texts, which can always be written.
fn written(request: &ExportRequest) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

/// The same of texts.
fn listed(texts: &[String]) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}
