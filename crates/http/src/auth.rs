//! Who is calling. The traffic-quality dialect knows API keys, in `API-KEY` or as a bearer token; an OAuth token of the
//! other dialect is not one.

use crate::ApiState;
use crate::clickshield::Failure;
use crate::error::{ApiError, Code};
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use std::sync::Arc;
use tollgate_catalog::{Actor, ApiKey, OrganizationSnapshot, Proven, Scope, Snapshot};
use tollgate_domain::OrganizationId;

/// The holder of an API key.
#[derive(Debug, Clone)]
pub struct Caller {
    proven: Proven<ApiKey>,
}

impl Caller {
    /// The caller's organization, as of the moment the request came.
    pub fn organization(&self) -> &Arc<OrganizationSnapshot> {
        &self.proven.organization
    }

    /// The organization's id.
    pub fn organization_id(&self) -> OrganizationId {
        self.proven.organization.id()
    }

    /// The key that was sent.
    pub fn key(&self) -> &ApiKey {
        &self.proven.object
    }

    /// The name that stands in the log for what this caller changes.
    pub fn actor(&self) -> Actor {
        Actor::api_key(&self.proven.object.id)
    }

    /// The holder of the key that `headers` present, when it has `scope`.
    pub fn of_headers(headers: &HeaderMap, snapshot: &Snapshot, scope: Scope) -> Result<Self, ApiError> {
        let key = presented(headers)?;
        let proven = snapshot.api_key(key).ok_or_else(|| ApiError::new(Code::Unauthorized))?;
        if !proven.object.allows(scope) {
            return Err(ApiError::missing_scope(scope));
        }
        Ok(Self { proven })
    }
}

impl Caller {
    /// As [`Self::of_headers`], for the management API: the request counts towards the key's limit.
    fn counted(parts: &Parts, state: &ApiState, scope: Scope) -> Result<Self, ApiError> {
        let caller = Self::of_headers(&parts.headers, &state.catalog.snapshot(), scope)?;
        state.limits.count(&caller.proven.object.meta.id)?;
        Ok(caller)
    }
}

/// The one key that the request presents.
pub(crate) fn presented(headers: &HeaderMap) -> Result<&str, ApiError> {
    let unauthorized = |message: &str| ApiError::because(Code::Unauthorized, message);
    let mut keys = headers.get_all("api-key").iter();
    let own = match (keys.next(), keys.next()) {
        (Some(key), None) => Some(key.to_str().unwrap_or_default().trim()),
        (None, _) => None,
        (Some(_), Some(_)) => return Err(unauthorized("The header API-KEY is given more than once.")),
    };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let bearer = match (values.next(), values.next()) {
        (Some(value), None) => {
            let text = value.to_str().unwrap_or_default();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(unauthorized("The Authorization header must be Bearer with an API key."));
            }
            Some(token.trim())
        }
        (None, _) => None,
        (Some(_), Some(_)) => return Err(unauthorized("The header Authorization is given more than once.")),
    };
    match (own, bearer) {
        (Some(own), Some(bearer)) if own != bearer => {
            Err(unauthorized("API-KEY and Authorization hold different keys."))
        }
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => {
            Err(unauthorized("No API key was provided: send it in the header API-KEY or as a bearer token."))
        }
    }
}

/// A caller who may read.
#[derive(Debug, Clone)]
pub struct Reader(pub Caller);

/// A caller who may change things.
#[derive(Debug, Clone)]
pub struct Writer(pub Caller);

impl FromRequestParts<ApiState> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        Ok(Self(Caller::counted(parts, state, Scope::Read)?))
    }
}

impl FromRequestParts<ApiState> for Writer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        Ok(Self(Caller::counted(parts, state, Scope::Write)?))
    }
}
