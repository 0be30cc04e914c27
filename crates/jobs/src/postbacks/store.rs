//! The file of outgoing postbacks: every SQL statement about them stands here, and nothing else does.
//!
//! The ledger is the truth about what has to be sent: a delivery and the place in the ledger that it comes from are
//! written in one transaction, so whatever is lost of this file's end is made again from there, under the same ids.
//! Therefore commits need not wait for the disk.

use super::delivery::{Attempt, Delivery, DeliveryState, Due, Lane, MAX_ATTEMPTS, Message, NewDelivery};
use super::log::LogFilter;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tollgate_domain::{IntegrationId, OrganizationId, PostbackMethod, Timestamp};

/// `PRAGMA user_version` of the tables.
const FORMAT: i64 = 1;
/// `PRAGMA application_id`: "TGpb".
const APPLICATION: i64 = 0x5447_7062;
/// The index over what waits. A file that was made before there were lanes has another in its place.
const LANES: &str = "DROP INDEX IF EXISTS deliveries_pending; CREATE INDEX IF NOT EXISTS deliveries_lanes \
    ON deliveries (host, integration, due_at, began_at) WHERE state = 0";

/// The file of postbacks is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no. The message is for the log, not for callers.
    #[error("the postbacks' database failed: {0}")]
    Storage(#[from] sqlx::Error),
    /// The file could not be made or reached.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is some other program's, or a later Tollgate wrote it.
    #[error("{path} is not a file of postbacks that this Tollgate reads (format {found})", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
}

/// What was new of the deliveries that were to be stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Added {
    pub(super) deliveries: u64,
    /// Those of them that cannot be sent.
    pub(super) failed: u64,
}

/// What one attempt changes about a delivery.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) n: i64,
    /// When it was due first, as far as the attempt knew.
    pub(super) began_at: Timestamp,
    pub(super) state: DeliveryState,
    pub(super) due_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) attempts: Vec<Attempt>,
}

/// A lane that something waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WaitingLane {
    pub(super) lane: Lane,
    /// When the first of it is or was due.
    pub(super) first: Timestamp,
    /// When the first of it is due that is not due yet.
    pub(super) later: Option<Timestamp>,
}

/// Figures about what waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) pending: u64,
    /// When the longest-waiting delivery was due first.
    pub(super) oldest: Option<Timestamp>,
}

/// The file.
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
            .synchronous(SqliteSynchronous::Normal)
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
            sqlx::raw_sql("PRAGMA application_id = 1413967970; PRAGMA user_version = 1")
                .execute(&mut *transaction)
                .await?;
        } else if owner != APPLICATION || found != FORMAT {
            return Err(StoreError::Foreign { path: path.to_owned(), found });
        }
        sqlx::raw_sql(LANES).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The `seq` that was looked at last; `None` before the first time.
    pub(super) async fn cursor(&self) -> Result<Option<u64>, StoreError> {
        let seq: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM cursor").fetch_optional(&self.pool).await?;
        Ok(seq.map(i64::unsigned_abs))
    }

    /// Stores deliveries, those that are there already excepted, and how far the ledger was looked at: both or neither.
    pub(super) async fn add(
        &self,
        deliveries: &[NewDelivery],
        cursor: u64,
        now: Timestamp,
    ) -> Result<Added, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // Times rise with the log's order even when the clock is set back: pages of a time range rely on it.
        let newest: i64 = sqlx::query_scalar(
            "SELECT coalesce((SELECT created_at FROM deliveries ORDER BY n DESC LIMIT 1), 0)",
        )
        .fetch_one(&mut *transaction)
        .await?;
        let created_at = newest.max(now.millis());
        let mut added = Added::default();
        for delivery in deliveries {
            if insert(&mut transaction, delivery, created_at, now).await? {
                added.deliveries += 1;
                added.failed += u64::from(delivery.unsendable.is_some());
            }
        }
        sqlx::query("INSERT INTO cursor (one, seq) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET seq = ?1")
            .bind(i64::try_from(cursor).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// Every lane that something waits on.
    pub(super) async fn lanes(&self, now: Timestamp) -> Result<Vec<WaitingLane>, StoreError> {
        // Steps from lane to lane over the index; grouping would read every delivery that waits.
        let rows = sqlx::query(
            "WITH RECURSIVE lanes (host, integration) AS ( \
               SELECT host, integration FROM deliveries WHERE n = ( \
                 SELECT n FROM deliveries WHERE state = 0 ORDER BY host, integration LIMIT 1) \
               UNION ALL \
               SELECT next.host, next.integration FROM lanes JOIN deliveries AS next ON next.n = coalesce( \
                 (SELECT n FROM deliveries WHERE state = 0 AND host = lanes.host \
                    AND integration > lanes.integration ORDER BY integration LIMIT 1), \
                 (SELECT n FROM deliveries WHERE state = 0 AND host > lanes.host \
                  ORDER BY host, integration LIMIT 1))) \
             SELECT host, integration, \
               (SELECT min(due_at) FROM deliveries WHERE state = 0 \
                AND host = lanes.host AND integration = lanes.integration), \
               (SELECT min(due_at) FROM deliveries WHERE state = 0 \
                AND host = lanes.host AND integration = lanes.integration AND due_at > ?1) \
             FROM lanes",
        )
        .bind(now.millis())
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &SqliteRow| {
            let later: Option<i64> = row.try_get(3)?;
            Ok(WaitingLane {
                lane: Lane { host: row.try_get(0)?, integration: row.try_get(1)? },
                first: Timestamp::from_millis(row.try_get(2)?),
                later: later.map(Timestamp::from_millis),
            })
        };
        rows.iter().map(read).collect()
    }

    /// The deliveries on a lane that are due at `now`, the longest due first.
    pub(super) async fn due(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "SELECT n, organization, postback, method, url, body, began_at, attempts FROM deliveries \
             WHERE state = 0 AND host = ?1 AND integration = ?2 AND due_at <= ?3 ORDER BY due_at LIMIT ?4",
        )
        .bind(lane.host.clone())
        .bind(lane.integration.clone())
        .bind(now.millis())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| read_due(row, lane)).collect()
    }

    /// Writes down what came of attempts. A delivery that was canceled or put back into the queue meanwhile stays so,
    /// unless it arrived. Answers the deliveries' new states, `None` for those that stay.
    pub(super) async fn record(
        &self,
        outcomes: &[Outcome],
    ) -> Result<Vec<Option<DeliveryState>>, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut states = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let kept = outcome.attempts.len().saturating_sub(MAX_ATTEMPTS);
            sqlx::query("UPDATE deliveries SET attempts = ?2 WHERE n = ?1")
                .bind(outcome.n)
                .bind(written(&outcome.attempts[kept..]))
                .execute(&mut *transaction)
                .await?;
            let done = sqlx::query(
                "UPDATE deliveries SET state = ?2, due_at = ?3, finished_at = ?4 \
                 WHERE n = ?1 AND (?2 = 1 OR (state = 0 AND began_at = ?5))",
            )
            .bind(outcome.n)
            .bind(outcome.state as i64)
            .bind(outcome.due_at.millis())
            .bind(outcome.finished_at.map(Timestamp::millis))
            .bind(outcome.began_at.millis())
            .execute(&mut *transaction)
            .await?;
            states.push((done.rows_affected() == 1).then_some(outcome.state));
        }
        transaction.commit().await?;
        Ok(states)
    }

    /// The postback that comes after `last` (organization and postback) among those that something waits for.
    pub(super) async fn next_waiting(
        &self,
        last: &(String, String),
    ) -> Result<Option<(String, String)>, StoreError> {
        let row = sqlx::query(
            "SELECT organization, postback FROM deliveries WHERE state = 0 AND (organization, postback) > (?1, ?2) \
             ORDER BY organization, postback LIMIT 1",
        )
        .bind(last.0.clone())
        .bind(last.1.clone())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Cancels what waits for a postback. Answers how many there were.
    pub(super) async fn cancel(
        &self,
        organization: &str,
        postback: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE deliveries SET state = 3, finished_at = ?3 \
             WHERE state = 0 AND organization = ?1 AND postback = ?2",
        )
        .bind(organization.to_owned())
        .bind(postback.to_owned())
        .bind(now.millis())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }

    /// Puts a delivery back into the queue, with a day of patience from `now`.
    pub(super) async fn requeue(&self, n: u64, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            // Another time than before, by which an attempt that is under way knows that this came in between.
            "UPDATE deliveries SET state = 0, due_at = ?2, finished_at = NULL, \
               began_at = CASE began_at WHEN ?2 THEN ?2 + 1 ELSE ?2 END \
             WHERE n = ?1",
        )
        .bind(i64::try_from(n).unwrap_or(i64::MAX))
        .bind(now.millis())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// One delivery of an integration.
    pub(super) async fn find(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        id: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut query = select(organization, integration);
        query.push(" AND id = ").push_bind(id.to_owned());
        query.build().fetch_optional(&self.pool).await?.as_ref().map(read).transpose()
    }

    /// Deliveries of an integration, newest first.
    pub(super) async fn page(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        filter: &LogFilter,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut query = select(organization, integration);
        for (column, value) in [("postback", &filter.postback), ("conversion", &filter.conversion)] {
            if let Some(value) = value {
                query.push(format_args!(" AND {column} = ")).push_bind(value.clone());
            }
        }
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state as i64);
        }
        if let Some(before) = filter.before {
            query.push(" AND n < ").push_bind(i64::try_from(before).unwrap_or(i64::MAX));
        }
        // Times rise with n, so a range of times is one of n.
        if let Some(from) = filter.from {
            query.push(" AND n >= coalesce((SELECT n FROM deliveries WHERE created_at >= ");
            query.push_bind(from.millis()).push(" ORDER BY created_at, n LIMIT 1), 9223372036854775807)");
        }
        if let Some(to) = filter.to {
            query.push(" AND n <= coalesce((SELECT n FROM deliveries WHERE created_at < ");
            query.push_bind(to.millis()).push(" ORDER BY created_at DESC, n DESC LIMIT 1), 0)");
        }
        query.push(" ORDER BY n DESC LIMIT ").push_bind(i64::from(filter.limit));
        query.build().fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Deletes up to `limit` deliveries that were made before `before` and do not wait any more.
    pub(super) async fn prune(&self, before: Timestamp, limit: u32) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM deliveries WHERE n IN ( \
               SELECT n FROM deliveries WHERE created_at < ?1 AND state <> 0 ORDER BY created_at LIMIT ?2)",
        )
        .bind(before.millis())
        .bind(limit)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Figures about what waits.
    pub(super) async fn waiting(&self) -> Result<Waiting, StoreError> {
        let row = sqlx::query("SELECT count(*), min(began_at) FROM deliveries WHERE state = 0")
            .fetch_one(&self.pool)
            .await?;
        let oldest: Option<i64> = row.try_get(1)?;
        Ok(Waiting {
            pending: row.try_get::<i64, _>(0)?.unsigned_abs(),
            oldest: oldest.map(Timestamp::from_millis),
        })
    }

    /// Closes the file in good order.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Stores a delivery unless it is there already; answers whether it was not.
async fn insert(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    created_at: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let due_at = delivery.due_at(now).millis();
    let (state, finished_at, attempts) = match delivery.unsendable {
        None => (DeliveryState::Pending, None, Vec::new()),
        Some(error) => {
            let attempt =
                Attempt { at: now.millis(), status: None, millis: 0, error: Some(error.to_owned()) };
            (DeliveryState::Failed, Some(now.millis()), vec![attempt])
        }
    };
    let done = sqlx::query(
        "INSERT INTO deliveries (id, organization, integration, postback, conversion, verdict, method, url, body, \
           host, state, created_at, began_at, due_at, finished_at, attempts) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14, ?15) ON CONFLICT (id) DO NOTHING",
    )
        .bind(delivery.id.clone())
        .bind(delivery.organization.as_str().to_owned())
        .bind(delivery.integration.as_str().to_owned())
        .bind(delivery.postback.as_str().to_owned())
        .bind(delivery.conversion.to_string())
        .bind(delivery.verdict.name())
        .bind(delivery.message.method.name())
        .bind(delivery.message.url.clone())
        .bind(delivery.message.body.clone())
        .bind(delivery.message.host())
        .bind(state as i64)
        .bind(created_at)
        .bind(due_at)
        .bind(finished_at)
        .bind(written(&attempts))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The beginning of a query for deliveries.
fn select(organization: OrganizationId, integration: IntegrationId) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT n, id, postback, conversion, verdict, method, url, body, state, created_at, due_at, finished_at, \
         attempts FROM deliveries WHERE integration = ",
    );
    query.push_bind(integration.as_str().to_owned());
    query.push(" AND organization = ").push_bind(organization.as_str().to_owned());
    query
}

fn read(row: &SqliteRow) -> Result<Delivery, StoreError> {
    let time = |column: usize| row.try_get(column).map(Timestamp::from_millis);
    let state = usize::try_from(row.try_get::<i64, _>(8)?).unwrap_or(usize::MAX);
    let unknown = || sqlx::Error::Decode("a delivery's state is none".into());
    Ok(Delivery {
        n: row.try_get::<i64, _>(0)?.unsigned_abs(),
        id: row.try_get(1)?,
        postback: row.try_get(2)?,
        conversion: row.try_get(3)?,
        verdict: row.try_get(4)?,
        method: row.try_get(5)?,
        url: row.try_get(6)?,
        body: row.try_get(7)?,
        state: *DeliveryState::ALL.get(state).ok_or_else(unknown)?,
        created_at: time(9)?,
        due_at: time(10)?,
        finished_at: row.try_get::<Option<i64>, _>(11)?.map(Timestamp::from_millis),
        attempts: attempts(row.try_get(12)?)?,
    })
}

fn read_due(row: &SqliteRow, lane: &Lane) -> Result<Due, StoreError> {
    let method: &str = row.try_get(3)?;
    Ok(Due {
        n: row.try_get(0)?,
        organization: row.try_get(1)?,
        postback: row.try_get(2)?,
        lane: lane.clone(),
        message: Message {
            method: if method == "POST" { PostbackMethod::Post } else { PostbackMethod::Get },
            url: row.try_get(4)?,
            body: row.try_get(5)?,
        },
        began_at: Timestamp::from_millis(row.try_get(6)?),
        attempts: attempts(row.try_get(7)?)?,
    })
}

fn attempts(json: &str) -> Result<Vec<Attempt>, StoreError> {
    serde_json::from_str(json).map_err(|error| sqlx::Error::Decode(error.into()).into())
}

/// Attempts are plain numbers and texts, which can always be written.
fn written(attempts: &[Attempt]) -> String {
    serde_json::to_string(attempts).unwrap_or_else(|_| "[]".to_owned())
}
