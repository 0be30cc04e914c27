//! Sessions: what a user has after signing in, until it ends by itself, by signing out or with the user. Invitations let
//! a user sign in once without the password, and choose another one.

use crate::catalog::Catalog;
use crate::error::CatalogError;
use crate::kinds::User;
use crate::object::Stored;
use crate::snapshot::{OrganizationSnapshot, Proven};
use crate::token::{Token, TokenSort};
use std::sync::Arc;
use tollgate_domain::Timestamp;

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

    /// Ends the session that `text` is. Answers whether there was one.
    pub async fn end_session(&self, text: &str) -> Result<bool, CatalogError> {
        Ok(self.take_token(text, TokenSort::Session).await?.is_some())
    }

    /// The user whom the link `text` is for, to choose a password or not, which is not used up by this.
    pub async fn invited(
        &self,
        text: &str,
        chooses_password: bool,
    ) -> Result<Option<Proven<User>>, CatalogError> {
        let token = self.known(text, TokenSort::of_link(chooses_password)).await?;
        Ok(token.and_then(|token| self.user_of(&token)))
    }

    fn user_of(&self, token: &Token) -> Option<Proven<User>> {
        let snapshot = self.snapshot();
        let organization = snapshot.organization(token.organization)?;
        let object = organization.get::<User>(&token.client_id)?.clone();
        Some(Proven { organization: organization.clone(), object })
    }
}
