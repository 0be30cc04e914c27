//! Who calls the native API: the holder of an API key, by its scopes, or of an OAuth token of the Chartboost dialect,
//! which may do everything in its organization, or a user who signed in, by the role. What a request must be allowed to
//! do follows from its method.

use super::Failure;
use crate::ApiState;
use crate::auth::{key_with, presented};
use crate::error::{ApiError, Code};
use crate::session::{self, Count, SignedIn, scope_of};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;
use tollgate_catalog::{Actor, OrganizationSnapshot, Role};
use tollgate_domain::OrganizationId;

/// A caller who proved to be of an organization and may do what the request's method does: read with GET and HEAD,
/// write with all others.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    organization: Arc<OrganizationSnapshot>,
    actor: Actor,
    /// Of a user, also of one whose key this is; `None` of the organization's own credentials.
    role: Option<Role>,
}

impl Principal {
    /// The caller's organization, as of the moment the request came.
    pub(crate) fn organization(&self) -> &Arc<OrganizationSnapshot> {
        &self.organization
    }

    /// The organization's id.
    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.organization.id()
    }

    /// The name that stands in the log for what this caller changes; it names the credential.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Refuses users who are not owners.
    pub(crate) fn require_owner(&self) -> Result<(), ApiError> {
        session::require_owner(self.role)
    }

    /// Refuses to change apps and their locations before the organization accepted the disclosures.
    pub(crate) fn require_disclosures(&self) -> Result<(), ApiError> {
        match self.organization.organization() {
            Some(organization) if organization.disclosures_accepted => Ok(()),
            _ => Err(ApiError::new(Code::DisclosureNotAccepted)),
        }
    }

    /// Who presents this request's credential. The request counts towards the credential's limit.
    pub(crate) fn of(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        Self::found(parts, state, &|credential| state.limits.count(credential))
    }

    /// The same of a request that was counted before: whether its credential is still in force.
    pub(crate) fn still(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        Self::found(parts, state, &|_| Ok(()))
    }

    fn found(parts: &Parts, state: &ApiState, count: &Count<'_>) -> Result<Self, ApiError> {
        if let Some(signed_in) = SignedIn::counted(parts, state, count) {
            let signed_in = signed_in?;
            let (organization, actor) = (signed_in.organization().clone(), signed_in.actor());
            return Ok(Self { organization, actor, role: Some(signed_in.role()) });
        }
        let presented = presented(&parts.headers)?;
        let snapshot = state.catalog.snapshot();
        if let Some((key, role)) = key_with(&snapshot, presented, scope_of(&parts.method))? {
            count(&key.object.meta.id)?;
            let actor = Actor::api_key(&key.object.id);
            return Ok(Self { actor, organization: key.organization, role });
        }
        let unknown =
            || ApiError::because(Code::Unauthorized, "The API key or token is not valid (any more).");
        let token = state.catalog.token(presented).ok_or_else(unknown)?;
        let organization = snapshot.organization(token.organization).ok_or_else(unknown)?.clone();
        count(&token.client_id)?;
        Ok(Self { actor: Actor::oauth_client(&token.client_id), organization, role: None })
    }
}

impl FromRequestParts<ApiState> for Principal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        Ok(Self::of(parts, state)?)
    }
}
