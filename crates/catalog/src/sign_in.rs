//! Signing in, and whatever ends a user's sessions: each is one step, so that a sign-in that proved an older password, or
//! used an invitation that was taken back meanwhile, does not outlive the change.

use crate::candidates::Verified;
use crate::catalog::Catalog;
use crate::draft::{Actor, Draft, Refused};
use crate::error::WriteError;
use crate::kinds::User;
use crate::secret::{Digest, Secret, StoredSecret};
use crate::token::{TokenRow, TokenSort};
use sqlx::Connection;
use tollgate_domain::OrganizationId;

impl Catalog {
    /// Starts a session of a user, unless the password is another one by now. It is on disk when this returns.
    pub async fn sign_in(&self, verified: &Verified) -> Result<Option<Secret>, WriteError> {
        let (organization, user) = (verified.user.organization.id(), &verified.user.object.meta.id);
        let actor = Actor::user(user);
        let session = Secret::random(&*self.entropy);
        let row = self.row(TokenSort::Session, organization, user.clone(), &session);
        let judge = |draft: &mut Draft<'_>| Ok(verified.is_current(draft.snapshot()));
        let is_current = self.write_with_tokens(organization, &actor, judge, |is_current| {
            if *is_current { vec![row] } else { Vec::new() }
        });
        Ok(is_current.await?.then_some(session))
    }

    /// Starts a session of the user whose invitation `text` is, which is used up by this. With the hash of a password it must
    /// be a link to choose one: that becomes the user's, and everything that was signed in with the former one ends.
    pub async fn sign_in_with_invitation(
        &self,
        text: &str,
        password: Option<StoredSecret>,
    ) -> Result<Option<Secret>, WriteError> {
        let sort = TokenSort::of_link(password.is_some());
        let Some(token) = self.known(text, sort).await? else { return Ok(None) };
        let (organization, user) = (token.organization, &token.client_id);
        let actor = Actor::user(user);
        let session = Secret::random(&*self.entropy);
        let row = self.row(TokenSort::Session, organization, user.clone(), &session);
        let judge = |draft: &mut Draft<'_>| {
            // Somebody else can have used it since.
            let is_there = draft.get::<User>(user).is_some() && self.token_of(text, sort).is_some();
            if let Some(hash) = password.as_ref().filter(|_| is_there) {
                draft.set_secret::<User>(user, Some(hash.clone()))?;
            }
            Ok(is_there)
        };
        let signed_in = self.write_with_tokens(organization, &actor, judge, |is_there| {
            let used =
                TokenRow { digest: Digest::of(text), token: (*token).clone(), revoked_at: Some(self.now()) };
            let ended = match (is_there, &password) {
                (false, _) => return Vec::new(),
                (true, None) => vec![used],
                (true, Some(_)) => self.ended(organization, user, None),
            };
            ended.into_iter().chain([row]).collect()
        });
        Ok(signed_in.await?.then_some(session))
    }

    /// Makes a link that signs a user in, once, as it is: for whoever has the data directory. Such links that were made before
    /// are good for nothing from now on.
    pub async fn invite(&self, organization: OrganizationId, user: &str) -> Result<Secret, WriteError> {
        let actor = Actor::user(user);
        self.link(TokenSort::Invitation, organization, &actor, user, |_| Ok(())).await
    }

    /// Makes a link at which a user chooses a password; such links that were made before are good for nothing from now on.
    /// Whoever has it can become the user, so it leaves a version of the user, by whoever made it.
    pub async fn link_to_password(
        &self,
        organization: OrganizationId,
        actor: &Actor,
        user: &str,
    ) -> Result<Secret, WriteError> {
        let judge = |draft: &mut Draft<'_>| {
            let stored = draft.require::<User>(user, None)?;
            draft.update(User { linked_at: Some(draft.now()), ..stored.value.clone() }, None)
        };
        self.link(TokenSort::PasswordLink, organization, actor, user, judge).await
    }

    async fn link(
        &self,
        sort: TokenSort,
        organization: OrganizationId,
        actor: &Actor,
        user: &str,
        judge: impl FnMut(&mut Draft<'_>) -> Result<(), Refused>,
    ) -> Result<Secret, WriteError> {
        let secret = Secret::random(&*self.entropy);
        let row = self.row(sort, organization, user.into(), &secret);
        let written = self.write_with_tokens(organization, actor, judge, |()| {
            let mut rows = self.ended(organization, user, None);
            rows.retain(|row| row.token.sort == sort);
            rows.push(row);
            rows
        });
        written.await.map(|()| secret)
    }

    /// Gives a user who proved the present password another one. Every other session and every invitation of the user
    /// ends with that; `kept` is the session that goes on. False where the password was changed meanwhile.
    pub async fn change_password(
        &self,
        verified: &Verified,
        hash: &StoredSecret,
        kept: &str,
    ) -> Result<bool, WriteError> {
        let (organization, user) = (verified.user.organization.id(), &verified.user.object.meta.id);
        let actor = Actor::user(user);
        let judge = |draft: &mut Draft<'_>| {
            let is_current = verified.is_current(draft.snapshot());
            if is_current {
                draft.set_secret::<User>(user, Some(hash.clone()))?;
            }
            Ok(is_current)
        };
        let changed = self.write_with_tokens(organization, &actor, judge, |is_current| {
            if *is_current { self.ended(organization, user, Some(kept)) } else { Vec::new() }
        });
        changed.await
    }

    /// Changes an organization like [`Catalog::write`], and ends every session and invitation of a user in the same step.
    pub async fn write_ending_sessions<T>(
        &self,
        organization: OrganizationId,
        actor: &Actor,
        user: &str,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
    ) -> Result<T, WriteError> {
        self.write_with_tokens(organization, actor, change, |_| self.ended(organization, user, None)).await
    }

    /// Changes an organization and writes tokens in one transaction; `tokens` sees those that are in force then.
    async fn write_with_tokens<T>(
        &self,
        organization: OrganizationId,
        actor: &Actor,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
        tokens: impl FnOnce(&T) -> Vec<TokenRow>,
    ) -> Result<T, WriteError> {
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        self.tokens.catch_up(&mut transaction).await?;
        let done = match self.change(&mut transaction, organization, actor, change).await {
            Ok(done) => done,
            Err(WriteError::Refused(refused)) => {
                transaction.rollback().await?;
                *slot = Some(connection);
                return Err(refused.into());
            }
            Err(WriteError::Catalog(error)) => return Err(error.into()),
        };
        let rows = tokens(&done.made);
        if !rows.is_empty() {
            self.put_all(&mut transaction, &rows).await?;
        }
        transaction.commit().await?;
        if let Some(next) = done.next {
            self.publish(next);
        }
        self.tokens.catch_up(&mut connection).await?;
        *slot = Some(connection);
        Ok(done.made)
    }

    /// The end of every session and invitation of a user, but for one.
    fn ended(&self, organization: OrganizationId, user: &str, kept: Option<&str>) -> Vec<TokenRow> {
        let kept = kept.map(Digest::of);
        let mut rows = self.revocations(organization, user);
        rows.retain(|row| kept != Some(row.digest));
        rows
    }
}
