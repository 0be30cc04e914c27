//! Writes that happen once however often they are asked for: the answer to a request with an `Idempotency-Key` is stored
//! in the transaction of its write, for a day. Answers expire, so they stand outside the log.
//!
//! A request of an equal key waits for the first one, since writes queue; what failed was not stored and may be tried
//! again. An answer that holds a secret must never be kept: those requests do not take a key.

use crate::catalog::Catalog;
use crate::draft::{Actor, Draft, Refused};
use crate::error::{CatalogError, Damaged, WriteError};
use crate::kinds::Organization;
use crate::object::Object;
use crate::secret::Digest;
use crate::snapshot::OrganizationSnapshot;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};
use tollgate_domain::{OrganizationId, Timestamp};

/// Seconds an answer is kept.
pub const ANSWER_LIFETIME_SECONDS: i64 = 86_400;

/// What makes a request that is sent again the same request: the caller is the actor, by the id of its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Method and path.
    pub route: String,
    /// The caller's key, 1 to 255 visible ASCII characters.
    pub key: String,
    /// The digest of the body: one key is for one body.
    pub request: Digest,
}

/// An answer as it was first given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// The headers that belong to it.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What became of a write with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It was done now.
    Now(KeptAnswer),
    /// It had been done before; this was the answer.
    Before(KeptAnswer),
    /// The key was used for another body.
    KeyReused,
}

impl Catalog {
    /// Changes one organization as [`Catalog::write`] does, unless this actor did so before with an equal key. `answer`
    /// makes the answer from what `change` made and from the organization as it is afterwards, metadata included.
    /// Without a key it is done in any case.
    pub async fn write_once<T>(
        &self,
        organization: OrganizationId,
        actor: &Actor,
        once: Option<&Once>,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
        answer: impl FnOnce(T, &OrganizationSnapshot) -> KeptAnswer,
    ) -> Result<Written, WriteError> {
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let by = once.map(|once| By { organization, actor, once, now: self.clock.now() });
        if let Some(by) = &by
            && let Some(before) = find(&mut transaction, by).await?
        {
            transaction.rollback().await?;
            *slot = Some(connection);
            return Ok(before);
        }
        let done = match self.change(&mut transaction, organization, actor, change).await {
            Ok(done) => done,
            Err(WriteError::Refused(refused)) => {
                transaction.rollback().await?;
                *slot = Some(connection);
                return Err(refused.into());
            }
            Err(WriteError::Catalog(error)) => return Err(error.into()),
        };
        let snapshot = done.next.as_ref().unwrap_or(&done.judged);
        let unknown = || Refused::NotFound { kind: Organization::KIND, id: organization.to_string() };
        let answer = answer(done.made, snapshot.organization(organization).ok_or_else(unknown)?);
        if let Some(by) = &by {
            put(&mut transaction, by, &answer).await?;
        }
        transaction.commit().await?;
        if let Some(next) = done.next {
            self.publish(next);
        }
        *slot = Some(connection);
        Ok(Written::Now(answer))
    }

    /// Deletes answers that are older than a day. Answers how many.
    pub async fn forget_answers(&self) -> Result<u64, CatalogError> {
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let gone = forget_expired(&mut connection, self.clock.now()).await?;
        *slot = Some(connection);
        Ok(gone)
    }
}

/// A request's place in the table.
struct By<'a> {
    organization: OrganizationId,
    actor: &'a Actor,
    once: &'a Once,
    now: Timestamp,
}

/// What is known about an equal key.
async fn find(connection: &mut SqliteConnection, by: &By<'_>) -> Result<Option<Written>, CatalogError> {
    let row = sqlx::query(
        "SELECT request, status, headers, body FROM answers \
         WHERE organization = ?1 AND actor = ?2 AND route = ?3 AND key = ?4 AND expires_at > ?5",
    )
    .bind(by.organization.as_str().to_owned())
    .bind(by.actor.to_string())
    .bind(by.once.route.clone())
    .bind(by.once.key.clone())
    .bind(by.now.millis())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<&[u8], _>(0)? != by.once.request.as_bytes() {
        return Ok(Some(Written::KeyReused));
    }
    Ok(Some(Written::Before(read(&row)?)))
}

fn read(row: &SqliteRow) -> Result<KeptAnswer, CatalogError> {
    let damaged = |why: &dyn std::fmt::Display| Damaged::new("a kept answer", why);
    let headers: &str = row.try_get(2)?;
    Ok(KeptAnswer {
        status: u16::try_from(row.try_get::<i64, _>(1)?).map_err(|error| damaged(&error))?,
        headers: serde_json::from_str(headers).map_err(|error| damaged(&error))?,
        body: row.try_get(3)?,
    })
}

async fn put(
    connection: &mut SqliteConnection,
    by: &By<'_>,
    answer: &KeptAnswer,
) -> Result<(), CatalogError> {
    forget_expired(connection, by.now).await?;
    let headers = serde_json::to_string(&answer.headers)
        .map_err(|error| Damaged::new("the headers of an answer", error))?;
    sqlx::query(
        "INSERT INTO answers (organization, actor, route, key, request, status, headers, body, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(by.organization.as_str().to_owned())
    .bind(by.actor.to_string())
    .bind(by.once.route.clone())
    .bind(by.once.key.clone())
    .bind(by.once.request.as_bytes().to_vec())
    .bind(i64::from(answer.status))
    .bind(headers)
    .bind(answer.body.clone())
    .bind(by.now.plus_millis(ANSWER_LIFETIME_SECONDS * 1000).millis())
    .execute(connection)
    .await?;
    Ok(())
}

async fn forget_expired(connection: &mut SqliteConnection, now: Timestamp) -> Result<u64, CatalogError> {
    let done = sqlx::query("DELETE FROM answers WHERE expires_at <= ?1")
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
