//! Access tokens: opaque, 256 bits, stored as digests, valid for a day. They expire, so they stand outside the log.

use crate::catalog::Catalog;
use crate::error::{CatalogError, Damaged};
use crate::kinds::OauthClient;
use crate::object::Stored;
use crate::secret::{Digest, Secret};
use crate::store::number;
use arc_swap::ArcSwap;
use imbl::HashMap as SharedMap;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_domain::{OrganizationId, Timestamp};

/// Seconds a token lives.
pub const TOKEN_LIFETIME_SECONDS: i64 = 86_400;

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The organization it opens.
    pub organization: OrganizationId,
    /// The client it was issued to.
    pub client_id: Arc<str>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone)]
struct Held {
    digest: Digest,
    token: Arc<Token>,
}

/// The tokens in force, by digest.
#[derive(Debug)]
pub(crate) struct Tokens {
    held: ArcSwap<SharedMap<u128, Held>>,
    /// The newest `n` taken in.
    last: AtomicU64,
}

/// A row: the digest, and the token unless it was revoked.
struct RawToken {
    n: u64,
    digest: Digest,
    token: Option<Token>,
}

impl Tokens {
    pub(crate) async fn load(
        connection: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<Self, CatalogError> {
        let tokens = Self { held: ArcSwap::default(), last: AtomicU64::new(0) };
        tokens.catch_up(connection).await?;
        tokens.forget_expired(now);
        Ok(tokens)
    }

    /// Whether another process issued or revoked any.
    pub(crate) async fn is_behind(&self, connection: &mut SqliteConnection) -> Result<bool, CatalogError> {
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(n), 0) FROM tokens").fetch_one(connection).await?;
        Ok(newest.unsigned_abs() > self.last.load(Ordering::Acquire))
    }

    /// Takes in what was issued or revoked since. Only the holder of the writer's slot calls this.
    pub(crate) async fn catch_up(&self, connection: &mut SqliteConnection) -> Result<(), CatalogError> {
        let rows = sqlx::query(
            "SELECT n, hash, organization, client_id, issued_at, expires_at, revoked_at FROM tokens \
             WHERE n > ?1 ORDER BY n",
        )
        .bind(number(self.last.load(Ordering::Acquire)))
        .fetch_all(connection)
        .await?;
        self.apply(rows.iter().map(read).collect::<Result<_, _>>()?);
        Ok(())
    }

    fn apply(&self, rows: Vec<RawToken>) {
        let Some(last) = rows.last().map(|row| row.n) else { return };
        let mut held = (**self.held.load()).clone();
        for row in rows {
            match row.token {
                Some(token) => {
                    held.insert(row.digest.key(), Held { digest: row.digest, token: Arc::new(token) })
                }
                None => held.remove(&row.digest.key()),
            };
        }
        self.held.store(Arc::new(held));
        self.last.store(last, Ordering::Release);
    }

    fn get(&self, digest: Digest) -> Option<Arc<Token>> {
        let held = self.held.load();
        held.get(&digest.key()).filter(|held| held.digest == digest).map(|held| held.token.clone())
    }

    /// Drops what is of no use any more. A token that comes in at the same time is not lost: `rcu` tries again.
    pub(crate) fn forget_expired(&self, now: Timestamp) {
        if self.held.load().values().any(|held| held.token.expires_at <= now) {
            self.held.rcu(|held| {
                held.iter()
                    .filter(|(_, held)| held.token.expires_at > now)
                    .map(|(key, held)| (*key, held.clone()))
                    .collect::<SharedMap<_, _>>()
            });
        }
    }
}

fn read(row: &SqliteRow) -> Result<RawToken, CatalogError> {
    let damaged = |why: &str| Damaged::new("a token", why);
    let organization: &str = row.try_get(2)?;
    let revoked: Option<i64> = row.try_get(6)?;
    let token = Token {
        organization: organization.parse().map_err(|_| damaged("its organization is malformed"))?,
        client_id: row.try_get::<&str, _>(3)?.into(),
        issued_at: Timestamp::from_millis(row.try_get(4)?),
        expires_at: Timestamp::from_millis(row.try_get(5)?),
    };
    Ok(RawToken {
        n: row.try_get::<i64, _>(0)?.unsigned_abs(),
        digest: Digest::from_bytes(row.try_get(1)?).ok_or_else(|| damaged("its hash is malformed"))?,
        token: revoked.is_none().then_some(token),
    })
}

impl Catalog {
    /// The token that `text` is, unless it has expired or was revoked.
    pub fn token(&self, text: &str) -> Option<Arc<Token>> {
        self.tokens.get(Digest::of(text)).filter(|token| token.expires_at > self.clock.now())
    }

    /// The organization's tokens in force, in no order.
    pub fn tokens_of(&self, organization: OrganizationId) -> Vec<Arc<Token>> {
        let now = self.clock.now();
        let held = self.tokens.held.load();
        let theirs = held.values().filter(|held| held.token.organization == organization);
        theirs.map(|held| held.token.clone()).filter(|token| token.expires_at > now).collect()
    }

    /// Issues a token to a client that proved itself. It is on disk when this returns.
    pub async fn issue_token(
        &self,
        organization: OrganizationId,
        client: &Stored<OauthClient>,
    ) -> Result<Secret, CatalogError> {
        let secret = Secret::random(&*self.entropy);
        let issued_at = self.clock.now();
        let token = Token {
            organization,
            client_id: client.meta.id.clone(),
            issued_at,
            expires_at: issued_at.plus_millis(TOKEN_LIFETIME_SECONDS * 1000),
        };
        self.put_tokens(vec![(secret.digest(), token, None)]).await?;
        Ok(secret)
    }

    /// Revokes a token. Answers whether there was one in force.
    pub async fn revoke_token(&self, text: &str) -> Result<bool, CatalogError> {
        let Some(token) = self.token(text) else { return Ok(false) };
        let now = self.clock.now();
        self.put_tokens(vec![(Digest::of(text), (*token).clone(), Some(now))]).await?;
        Ok(true)
    }

    /// Revokes every token of a client. Answers how many were in force.
    pub async fn revoke_tokens_of(
        &self,
        organization: OrganizationId,
        client_id: &str,
    ) -> Result<usize, CatalogError> {
        self.catch_up().await?;
        let now = self.clock.now();
        let theirs: Vec<_> = self
            .tokens
            .held
            .load()
            .values()
            .filter(|held| held.token.organization == organization && *held.token.client_id == *client_id)
            .filter(|held| held.token.expires_at > now)
            .map(|held| (held.digest, (*held.token).clone(), Some(now)))
            .collect();
        let count = theirs.len();
        self.put_tokens(theirs).await?;
        Ok(count)
    }

    /// Writes tokens in one transaction, clears expired ones away, and takes in what it did.
    async fn put_tokens(&self, rows: Vec<(Digest, Token, Option<Timestamp>)>) -> Result<(), CatalogError> {
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM tokens WHERE expires_at <= ?1")
            .bind(self.clock.now().millis())
            .execute(&mut *transaction)
            .await?;
        for (digest, token, revoked_at) in &rows {
            put(&mut transaction, *digest, token, *revoked_at).await?;
        }
        transaction.commit().await?;
        self.tokens.catch_up(&mut connection).await?;
        *slot = Some(connection);
        Ok(())
    }
}

/// Writes a token's row under a new `n`, in place of the one it had.
async fn put(
    connection: &mut SqliteConnection,
    digest: Digest,
    token: &Token,
    revoked_at: Option<Timestamp>,
) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT OR REPLACE INTO tokens (hash, organization, client_id, issued_at, expires_at, revoked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(digest.as_bytes().to_vec())
    .bind(token.organization.as_str().to_owned())
    .bind(token.client_id.to_string())
    .bind(token.issued_at.millis())
    .bind(token.expires_at.millis())
    .bind(revoked_at.map(Timestamp::millis))
    .execute(connection)
    .await?;
    Ok(())
}
