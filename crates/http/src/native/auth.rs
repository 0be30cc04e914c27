//! Who calls the native API: the holder of an API key, by its scopes, or of an OAuth token of the Chartboost dialect,
//! which may do everything in its organization. What a request must be allowed to do follows from its method.

use super::Failure;
use crate::ApiState;
use crate::auth::presented;
use crate::error::{ApiError, Code};
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use std::sync::Arc;
use tollgate_catalog::{Actor, OrganizationSnapshot, Scope};
use tollgate_domain::OrganizationId;

/// A caller who proved to be of an organization and may do what the request's method does: read with GET and HEAD,
/// write with all others.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    organization: Arc<OrganizationSnapshot>,
    actor: Actor,
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

    /// Refuses to change apps and their locations before the organization accepted the disclosures.
    pub(crate) fn require_disclosures(&self) -> Result<(), ApiError> {
        match self.organization.organization() {
            Some(organization) if organization.disclosures_accepted => Ok(()),
            _ => Err(ApiError::new(Code::DisclosureNotAccepted)),
        }
    }

    /// Who presents this request's credential.
    pub(crate) fn of(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        let presented = presented(&parts.headers)?;
        let snapshot = state.catalog.snapshot();
        if let Some(key) = snapshot.api_key(presented) {
            state.limits.count(&key.object.meta.id)?;
            let scope = scope_of(&parts.method);
            if !key.object.allows(scope) {
                return Err(ApiError::missing_scope(scope));
            }
            return Ok(Self { actor: Actor::api_key(&key.object.id), organization: key.organization });
        }
        let unknown =
            || ApiError::because(Code::Unauthorized, "The API key or token is not valid (any more).");
        let token = state.catalog.token(presented).ok_or_else(unknown)?;
        let organization = snapshot.organization(token.organization).ok_or_else(unknown)?.clone();
        state.limits.count(&token.client_id)?;
        Ok(Self { actor: Actor::oauth_client(&token.client_id), organization })
    }
}

fn scope_of(method: &Method) -> Scope {
    if method == Method::GET || method == Method::HEAD { Scope::Read } else { Scope::Write }
}

impl FromRequestParts<ApiState> for Principal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        Ok(Self::of(parts, state)?)
    }
}
