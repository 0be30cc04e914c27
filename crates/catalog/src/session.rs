//! Sessions: what a user has after signing in, until it ends by itself, by signing out or with the user. Invitations let
//! a user sign in once without the password.

use crate::catalog::Catalog;
use crate::error::CatalogError;
use crate::kinds::User;
use crate::object::Stored;
use crate::secret::{Secret, StoredSecret, hash_password};
use crate::snapshot::{OrganizationSnapshot, Proven};
use crate::token::{Token, TokenSort};
use std::sync::Arc;
use tollgate_domain::{OrganizationId, Timestamp};

/// A session in force.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who signed in, as the user is now.
    pub user: Arc<Stored<User>>,
    /// The user's organization.
    pub organization: Arc<OrganizationSnapshot>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Catalog {
    /// The session that `text` is, unless it has ended or its user is gone.
    pub fn session(&self, text: &str) -> Option<Session> {
        let token = self.token_of(text, TokenSort::Session)?;
        let Proven { organization, object } = self.user_of(&token)?;
        Some(Session { user: object, organization, expires_at: token.expires_at })
    }

    /// Starts a session of a user who proved to be one. It is on disk when this returns.
    pub async fn start_session(&self, user: &Proven<User>) -> Result<Secret, CatalogError> {
        self.issue(TokenSort::Session, user.organization.id(), user.object.meta.id.clone()).await
    }

    /// Ends the session that `text` is. Answers whether there was one.
    pub async fn end_session(&self, text: &str) -> Result<bool, CatalogError> {
        Ok(self.take_token(text, TokenSort::Session).await?.is_some())
    }

    /// Ends every session and invitation of a user. Answers how many there were.
    pub async fn end_sessions_of(
        &self,
        organization: OrganizationId,
        user: &str,
    ) -> Result<usize, CatalogError> {
        self.revoke_tokens_of(organization, user).await
    }

    /// Makes an invitation of a user.
    pub async fn invite(&self, organization: OrganizationId, user: &str) -> Result<Secret, CatalogError> {
        self.issue(TokenSort::Invitation, organization, user.into()).await
    }

    /// The user whom the invitation `text` is for; it is used up by this.
    pub async fn accept_invitation(&self, text: &str) -> Result<Option<Proven<User>>, CatalogError> {
        let token = self.take_token(text, TokenSort::Invitation).await?;
        Ok(token.and_then(|token| self.user_of(&token)))
    }

    /// The user of this address and password. It takes tens of milliseconds, as long for an address that nobody has: call
    /// it on a blocking thread.
    pub fn user_with_password(&self, email: &str, password: &str) -> Option<Proven<User>> {
        let snapshot = self.snapshot();
        let Some((found, secret)) = snapshot.user_by_email(email) else {
            // Nobody learns from the time that it takes which addresses there are; the hash itself is of no use.
            let _ = hash_password(password, &*self.entropy);
            return None;
        };
        secret.verify_password(password).then_some(found)
    }

    fn user_of(&self, token: &Token) -> Option<Proven<User>> {
        let snapshot = self.snapshot();
        let organization = snapshot.organization(token.organization)?;
        let object = organization.get::<User>(&token.client_id)?.clone();
        Some(Proven { organization: organization.clone(), object })
    }
}

impl crate::snapshot::Snapshot {
    /// The user of an address, without case, and the password's hash.
    fn user_by_email(&self, email: &str) -> Option<(Proven<User>, Arc<StoredSecret>)> {
        self.organizations().find_map(|organization| {
            let users = organization.table::<User>();
            let user = users.iter().find(|user| user.email.eq_ignore_ascii_case(email))?;
            let secret = organization.secret::<User>(&user.id)?.clone();
            Some((Proven { organization: organization.clone(), object: user.clone() }, secret))
        })
    }
}
