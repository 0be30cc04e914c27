//! Tokens: opaque, 256 bits, stored as digests. Access tokens of clients, sessions of users and their invitations are
//! told apart by their sort, and none of them passes for another. They expire, so they stand outside the log.

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

/// Seconds an access token lives.
pub const TOKEN_LIFETIME_SECONDS: i64 = 86_400;
/// Seconds a session lives: a day of work.
pub const SESSION_LIFETIME_SECONDS: i64 = 12 * 3_600;
/// Seconds in which an invitation can be used.
pub const INVITATION_LIFETIME_SECONDS: i64 = 86_400;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSort {
    /// Requests of an OAuth client.
    Access,
    /// Requests of a user who signed in.
    Session,
    /// One sign-in of a user, without the password.
    Invitation,
    /// One choice of a user's password, which signs in.
    PasswordLink,
}

impl TokenSort {
    const ALL: [Self; 4] = [Self::Access, Self::Session, Self::Invitation, Self::PasswordLink];

    /// That of a link to the console: one that chooses a password, or one that does not.
    pub(crate) fn of_link(chooses_password: bool) -> Self {
        if chooses_password { Self::PasswordLink } else { Self::Invitation }
    }

    /// As it is stored.
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Session => "session",
            Self::Invitation => "invitation",
            Self::PasswordLink => "password_link",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }

    fn lifetime_seconds(self) -> i64 {
        match self {
            Self::Access => TOKEN_LIFETIME_SECONDS,
            Self::Session => SESSION_LIFETIME_SECONDS,
            Self::Invitation | Self::PasswordLink => INVITATION_LIFETIME_SECONDS,
        }
    }
}

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is good for.
    pub sort: TokenSort,
    /// The organization it opens.
    pub organization: OrganizationId,
    /// The client that an access token was issued to; of every other sort the user.
    pub client_id: Arc<str>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token as it is written.
pub(crate) struct TokenRow {
    pub(crate) digest: Digest,
    pub(crate) token: Token,
    /// When it was revoked, if it is to be good for nothing.
    pub(crate) revoked_at: Option<Timestamp>,
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
            "SELECT n, hash, organization, client_id, issued_at, expires_at, revoked_at, sort FROM tokens \
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
        sort: TokenSort::named(row.try_get(7)?).ok_or_else(|| damaged("its sort is unknown"))?,
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
    /// The access token that `text` is, unless it has expired or was revoked.
    pub fn token(&self, text: &str) -> Option<Arc<Token>> {
        self.token_of(text, TokenSort::Access)
    }

    /// The token of a sort that `text` is, unless it has expired or was revoked.
    pub(crate) fn token_of(&self, text: &str, sort: TokenSort) -> Option<Arc<Token>> {
        let token = self.tokens.get(Digest::of(text))?;
        (token.sort == sort && token.expires_at > self.clock.now()).then_some(token)
    }

    /// The organization's access tokens in force, in no order.
    pub fn tokens_of(&self, organization: OrganizationId) -> Vec<Arc<Token>> {
        let now = self.clock.now();
        let held = self.tokens.held.load();
        let theirs = held.values().filter(|held| held.token.organization == organization);
        let tokens = theirs.map(|held| held.token.clone());
        tokens.filter(|token| token.sort == TokenSort::Access && token.expires_at > now).collect()
    }

    /// Issues an access token to a client that proved itself. It is on disk when this returns.
    pub async fn issue_token(
        &self,
        organization: OrganizationId,
        client: &Stored<OauthClient>,
    ) -> Result<Secret, CatalogError> {
        let secret = Secret::random(&*self.entropy);
        let row = self.row(TokenSort::Access, organization, client.meta.id.clone(), &secret);
        self.put_tokens(vec![row]).await?;
        Ok(secret)
    }

    /// A token that begins now.
    pub(crate) fn row(
        &self,
        sort: TokenSort,
        organization: OrganizationId,
        client_id: Arc<str>,
        secret: &Secret,
    ) -> TokenRow {
        let issued_at = self.clock.now();
        let expires_at = issued_at.plus_millis(sort.lifetime_seconds() * 1000);
        let token = Token { sort, organization, client_id, issued_at, expires_at };
        TokenRow { digest: secret.digest(), token, revoked_at: None }
    }

    /// The token of a sort that `text` is, also one that another process issued just now. What is no token takes nobody's
    /// place at the writing connection.
    pub(crate) async fn known(
        &self,
        text: &str,
        sort: TokenSort,
    ) -> Result<Option<Arc<Token>>, CatalogError> {
        if let Some(token) = self.token_of(text, sort) {
            return Ok(Some(token));
        }
        self.catch_up().await?;
        Ok(self.token_of(text, sort))
    }

    /// Revokes an access token. Answers whether there was one in force.
    pub async fn revoke_token(&self, text: &str) -> Result<bool, CatalogError> {
        Ok(self.take_token(text, TokenSort::Access).await?.is_some())
    }

    /// Revokes the token of a sort that `text` is, and answers it: to one caller only, however many ask at once.
    pub(crate) async fn take_token(
        &self,
        text: &str,
        sort: TokenSort,
    ) -> Result<Option<Arc<Token>>, CatalogError> {
        if self.known(text, sort).await?.is_none() {
            return Ok(None);
        }
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        self.tokens.catch_up(&mut transaction).await?;
        let Some(token) = self.token_of(text, sort) else {
            transaction.rollback().await?;
            *slot = Some(connection);
            return Ok(None);
        };
        let row = TokenRow {
            digest: Digest::of(text),
            token: (*token).clone(),
            revoked_at: Some(self.clock.now()),
        };
        put(&mut transaction, &row).await?;
        transaction.commit().await?;
        self.tokens.catch_up(&mut connection).await?;
        *slot = Some(connection);
        Ok(Some(token))
    }

    /// Revokes every token of a client or user. Answers how many were in force.
    pub async fn revoke_tokens_of(
        &self,
        organization: OrganizationId,
        client_id: &str,
    ) -> Result<usize, CatalogError> {
        self.catch_up().await?;
        let theirs = self.revocations(organization, client_id);
        let count = theirs.len();
        self.put_tokens(theirs).await?;
        Ok(count)
    }

    /// The end of every token of a client or user that is in force.
    pub(crate) fn revocations(&self, organization: OrganizationId, client_id: &str) -> Vec<TokenRow> {
        let now = self.clock.now();
        let held = self.tokens.held.load();
        let of = held.values().filter(|held| held.token.organization == organization);
        of.filter(|held| *held.token.client_id == *client_id && held.token.expires_at > now)
            .map(|held| TokenRow { digest: held.digest, token: (*held.token).clone(), revoked_at: Some(now) })
            .collect()
    }

    /// Writes tokens in one transaction, clears expired ones away, and takes in what it did.
    pub(crate) async fn put_tokens(&self, rows: Vec<TokenRow>) -> Result<(), CatalogError> {
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        self.put_all(&mut transaction, &rows).await?;
        transaction.commit().await?;
        self.tokens.catch_up(&mut connection).await?;
        *slot = Some(connection);
        Ok(())
    }
}

impl Catalog {
    /// Writes tokens, and clears expired ones away.
    pub(crate) async fn put_all(
        &self,
        connection: &mut SqliteConnection,
        rows: &[TokenRow],
    ) -> Result<(), CatalogError> {
        sqlx::query("DELETE FROM tokens WHERE expires_at <= ?1")
            .bind(self.clock.now().millis())
            .execute(&mut *connection)
            .await?;
        for row in rows {
            put(connection, row).await?;
        }
        Ok(())
    }
}

/// Writes a token's row under a new `n`, in place of the one it had.
async fn put(connection: &mut SqliteConnection, row: &TokenRow) -> Result<(), CatalogError> {
    let TokenRow { digest, token, revoked_at } = row;
    sqlx::query(
        "INSERT OR REPLACE INTO tokens (hash, organization, client_id, issued_at, expires_at, revoked_at, sort) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(digest.as_bytes().to_vec())
    .bind(token.organization.as_str().to_owned())
    .bind(token.client_id.to_string())
    .bind(token.issued_at.millis())
    .bind(token.expires_at.millis())
    .bind(revoked_at.map(Timestamp::millis))
    .bind(token.sort.name())
    .execute(connection)
    .await?;
    Ok(())
}
