//! The catalog's SQL: every statement of the revision log stands here, and nothing else does.

use crate::draft::{Actor, Changes};
use crate::error::{CatalogError, Damaged};
use crate::kinds::kind_named;
use crate::revision::{RawRevision, RawSecret};
use crate::snapshot::Batch;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{Connection, Row, SqliteConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tollgate_domain::{OrganizationId, Timestamp};

/// What makes each format of the one before; the last one's number is the `PRAGMA user_version`.
const FORMATS: [&str; 4] = [
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];
const FORMAT: i64 = FORMATS.len() as i64;
/// `PRAGMA application_id`: "TGct".
const APPLICATION: i64 = 0x5447_6374;

/// How every connection is made: WAL, so that readers never wait; FULL, so that what was answered is on disk.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .row_buffer_size(1024)
}

/// Makes the tables in an empty file, or checks that they are ours and brings them to the newest format.
pub(crate) async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<(), CatalogError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *transaction).await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *transaction).await?;
    let is_new = tables == 0 && application == 0;
    if !is_new && application != APPLICATION {
        return Err(CatalogError::Foreign(path.to_owned()));
    }
    if found > FORMAT {
        return Err(CatalogError::TooNew { path: path.to_owned(), found, known: FORMAT });
    }
    for step in FORMATS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(*step).execute(&mut *transaction).await?;
    }
    if is_new || found < FORMAT {
        sqlx::raw_sql("PRAGMA application_id = 1413964660; PRAGMA user_version = 4")
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// How many objects are read at once when the catalog is opened.
const PAGE: i64 = 8192;

/// The next objects after `seq` that exist, without their secrets.
pub(crate) async fn documents(connection: &mut SqliteConnection, seq: u64) -> Result<Batch, CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, 0 FROM documents \
         WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )
    .bind(number(seq))
    .bind(PAGE)
    .fetch_all(connection)
    .await?;
    Ok(Batch { revisions: read_revisions(&rows)?, secrets: Vec::new() })
}

/// The last states of objects of a kind that were deleted. One that came back since is among them.
pub(crate) async fn deleted(
    connection: &mut SqliteConnection,
    kind: &'static str,
) -> Result<Vec<RawRevision>, CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, deleted FROM revisions \
         WHERE kind = ?1 AND deleted ORDER BY seq",
    )
    .bind(kind)
    .fetch_all(connection)
    .await?;
    read_revisions(&rows)
}

/// Every secret, and the newest seq.
pub(crate) async fn secrets_and_seq(connection: &mut SqliteConnection) -> Result<(Batch, u64), CatalogError> {
    let rows = sqlx::query("SELECT organization, kind, id, algorithm, value FROM secrets")
        .fetch_all(&mut *connection)
        .await?;
    let batch = Batch { revisions: Vec::new(), secrets: read_secrets(&rows)? };
    Ok((batch, newest(connection).await?))
}

/// The newest revision of every organization: it may be a deletion, of which `documents` knows nothing.
pub(crate) async fn heads(
    connection: &mut SqliteConnection,
) -> Result<Vec<(OrganizationId, u64)>, CatalogError> {
    let rows = sqlx::query("SELECT organization, seq FROM heads").fetch_all(connection).await?;
    let read = |row: &SqliteRow| {
        let organization: &str = row.try_get(0)?;
        let malformed = |_| Damaged::new("an organization's head", "its organization is malformed");
        Ok((organization.parse().map_err(malformed)?, row.try_get::<i64, _>(1)?.unsigned_abs()))
    };
    rows.iter().map(read).collect()
}

/// The newest seq.
pub(crate) async fn newest(connection: &mut SqliteConnection) -> Result<u64, CatalogError> {
    let seq: i64 =
        sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM revisions").fetch_one(connection).await?;
    Ok(seq.unsigned_abs())
}

/// What was written after `seq`, and the newest seq.
pub(crate) async fn after(connection: &mut SqliteConnection, seq: u64) -> Result<(Batch, u64), CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, deleted FROM revisions \
         WHERE seq > ?1 ORDER BY seq",
    )
    .bind(number(seq))
    .fetch_all(&mut *connection)
    .await?;
    let revisions = read_revisions(&rows)?;
    let Some(newest) = revisions.last().map(|revision| revision.seq) else {
        return Ok((Batch::default(), seq));
    };
    let secrets = sqlx::query("SELECT organization, kind, id, algorithm, value FROM secrets WHERE seq > ?1")
        .bind(number(seq))
        .fetch_all(&mut *connection)
        .await?;
    Ok((Batch { revisions, secrets: read_secrets(&secrets)? }, newest))
}

/// Every object as it was at `seq`.
pub(crate) async fn as_of(connection: &mut SqliteConnection, seq: u64) -> Result<Batch, CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, deleted FROM revisions AS r \
         WHERE seq <= ?1 AND NOT deleted AND seq = (SELECT max(seq) FROM revisions AS n \
           WHERE n.organization = r.organization AND n.kind = r.kind AND n.id = r.id AND n.seq <= ?1) \
         ORDER BY seq",
    )
    .bind(number(seq))
    .fetch_all(&mut *connection)
    .await?;
    Ok(Batch { revisions: read_revisions(&rows)?, secrets: Vec::new() })
}

/// Every revision of one object, oldest first.
pub(crate) async fn history(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    kind: &'static str,
    id: &str,
) -> Result<Vec<RawRevision>, CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, deleted FROM revisions \
         WHERE organization = ?1 AND kind = ?2 AND id = ?3 ORDER BY version",
    )
    .bind(organization.as_str().to_owned())
    .bind(kind)
    .bind(id.to_owned())
    .fetch_all(&mut *connection)
    .await?;
    read_revisions(&rows)
}

/// One revision of an object: that of a version, or the newest.
pub(crate) async fn revision(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    kind: &'static str,
    id: &str,
    version: Option<u64>,
) -> Result<Option<RawRevision>, CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, deleted FROM revisions \
         WHERE organization = ?1 AND kind = ?2 AND id = ?3 AND version = coalesce(?4, version) \
         ORDER BY version DESC LIMIT 1",
    )
    .bind(organization.as_str().to_owned())
    .bind(kind)
    .bind(id.to_owned())
    .bind(version.map(number))
    .fetch_all(&mut *connection)
    .await?;
    Ok(read_revisions(&rows)?.pop())
}

/// The deletions of a kind that came in the same write as `deletion`, as far as the log tells: same time, same actor.
pub(crate) async fn deleted_with(
    connection: &mut SqliteConnection,
    deletion: &RawRevision,
    kind: &'static str,
) -> Result<Vec<RawRevision>, CatalogError> {
    let rows = sqlx::query(
        "SELECT seq, organization, kind, id, version, at, created_at, actor, doc, deleted FROM revisions \
         WHERE organization = ?1 AND kind = ?2 AND at = ?3 AND actor = ?4 AND deleted ORDER BY seq",
    )
    .bind(deletion.organization.as_str().to_owned())
    .bind(kind)
    .bind(deletion.at.millis())
    .bind(deletion.actor.to_string())
    .fetch_all(&mut *connection)
    .await?;
    read_revisions(&rows)
}

/// Whose changes are appended, and when.
pub(crate) struct Append<'a> {
    pub(crate) organization: OrganizationId,
    pub(crate) actor: &'a Actor,
    pub(crate) at: Timestamp,
    /// The organization's head that the changes were judged against.
    pub(crate) head: u64,
}

/// Appends changes to the log and updates `documents`, `secrets` and the head. The caller's transaction makes it one.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    to: &Append<'_>,
    changes: Changes,
) -> Result<Batch, CatalogError> {
    let mut batch = Batch::default();
    for ((kind, id), change) in changes {
        let mut revision = RawRevision {
            seq: 0,
            organization: to.organization,
            kind,
            id,
            version: change.from_version + 1,
            at: to.at,
            created_at: change.created_at,
            actor: to.actor.0.clone(),
            doc: change.doc,
            deleted: change.deleted,
        };
        if change.from_version == 0 {
            resume_history(connection, &mut revision).await?;
        }
        append_revision(connection, &mut revision).await?;
        if let Some(secret) = change.secret {
            let secret = RawSecret { organization: to.organization, kind, id: revision.id.clone(), secret };
            put_secret(connection, &secret, revision.seq).await?;
            batch.secrets.push(secret);
        }
        batch.revisions.push(revision);
    }
    if let Some(last) = batch.revisions.last() {
        move_head(connection, to, last.seq).await?;
    }
    Ok(batch)
}

/// An object that comes back after its deletion goes on with its versions and keeps its time of creation.
async fn resume_history(
    connection: &mut SqliteConnection,
    revision: &mut RawRevision,
) -> Result<(), CatalogError> {
    let row = sqlx::query(
        "SELECT coalesce(max(version), 0), coalesce(min(created_at), ?4) FROM revisions \
         WHERE organization = ?1 AND kind = ?2 AND id = ?3",
    )
    .bind(revision.organization.as_str().to_owned())
    .bind(revision.kind)
    .bind(revision.id.to_string())
    .bind(revision.created_at.millis())
    .fetch_one(connection)
    .await?;
    revision.version = row.try_get::<i64, _>(0)?.unsigned_abs() + 1;
    revision.created_at = Timestamp::from_millis(row.try_get(1)?);
    Ok(())
}

async fn append_revision(
    connection: &mut SqliteConnection,
    revision: &mut RawRevision,
) -> Result<(), CatalogError> {
    let organization = revision.organization.as_str();
    let done = sqlx::query(
        "INSERT INTO revisions (organization, kind, id, version, at, created_at, actor, doc, deleted) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(organization.to_owned())
    .bind(revision.kind)
    .bind(revision.id.to_string())
    .bind(number(revision.version))
    .bind(revision.at.millis())
    .bind(revision.created_at.millis())
    .bind(revision.actor.to_string())
    .bind(revision.doc.clone())
    .bind(revision.deleted)
    .execute(&mut *connection)
    .await?;
    revision.seq = done.last_insert_rowid().unsigned_abs();
    sqlx::query("DELETE FROM documents WHERE organization = ?1 AND kind = ?2 AND id = ?3")
        .bind(organization.to_owned())
        .bind(revision.kind)
        .bind(revision.id.to_string())
        .execute(&mut *connection)
        .await?;
    if !revision.deleted {
        sqlx::query(
            "INSERT INTO documents (seq, organization, kind, id, version, at, created_at, actor, doc) \
             SELECT seq, organization, kind, id, version, at, created_at, actor, doc FROM revisions WHERE seq = ?1",
        )
        .bind(number(revision.seq))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn put_secret(
    connection: &mut SqliteConnection,
    secret: &RawSecret,
    seq: u64,
) -> Result<(), CatalogError> {
    let (algorithm, value) =
        secret.secret.as_ref().map_or(("none", &[][..]), |secret| (secret.algorithm(), secret.value()));
    sqlx::query(
        "INSERT OR REPLACE INTO secrets (organization, kind, id, seq, algorithm, value) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(secret.organization.as_str().to_owned())
    .bind(secret.kind)
    .bind(secret.id.to_string())
    .bind(number(seq))
    .bind(algorithm)
    .bind(value.to_vec())
    .execute(connection)
    .await?;
    Ok(())
}

/// Compare and set: the head must be the one that the changes were judged against.
async fn move_head(connection: &mut SqliteConnection, to: &Append<'_>, seq: u64) -> Result<(), CatalogError> {
    let done = sqlx::query(
        "INSERT INTO heads (organization, seq) VALUES (?1, ?2) \
         ON CONFLICT (organization) DO UPDATE SET seq = ?2 WHERE seq = ?3",
    )
    .bind(to.organization.as_str().to_owned())
    .bind(number(seq))
    .bind(number(to.head))
    .execute(connection)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    Err(Damaged::new("an organization's head", "the log and its head disagree").into())
}

/// SQLite's integers are signed; seq and versions never come near the end of them.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn read_revisions(rows: &[SqliteRow]) -> Result<Vec<RawRevision>, CatalogError> {
    let mut actor: Arc<str> = "".into();
    rows.iter()
        .map(|row| {
            // Neighbours often have the same actor; they share it.
            let name: &str = row.try_get(7)?;
            if *actor != *name {
                actor = name.into();
            }
            read_revision(row, actor.clone())
        })
        .collect()
}

pub(crate) fn read_revision(row: &SqliteRow, actor: Arc<str>) -> Result<RawRevision, CatalogError> {
    let seq = row.try_get::<i64, _>(0)?.unsigned_abs();
    let organization: &str = row.try_get(1)?;
    Ok(RawRevision {
        seq,
        organization: organization.parse().map_err(|error| Damaged::new(format!("revision {seq}"), error))?,
        kind: kind_named(row.try_get(2)?)?,
        id: row.try_get::<&str, _>(3)?.into(),
        version: row.try_get::<i64, _>(4)?.unsigned_abs(),
        at: Timestamp::from_millis(row.try_get(5)?),
        created_at: Timestamp::from_millis(row.try_get(6)?),
        actor,
        doc: row.try_get::<&[u8], _>(8)?.to_vec(),
        deleted: row.try_get::<i64, _>(9)? != 0,
    })
}

fn read_secrets(rows: &[SqliteRow]) -> Result<Vec<RawSecret>, CatalogError> {
    rows.iter()
        .map(|row| {
            let value: &[u8] = row.try_get(4)?;
            Ok(RawSecret::read(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, value)?)
        })
        .collect()
}
