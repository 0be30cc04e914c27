//! Who is calling. The traffic-quality dialect knows API keys, in `API-KEY` or as a bearer token, and users who signed
//! in; an OAuth token of the other dialect is neither.

use crate::ApiState;
use crate::clickshield::Failure;
use crate::error::{ApiError, Code};
use crate::session::{self, SignedIn};
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use std::sync::Arc;
use tollgate_catalog::{Actor, ApiKey, OrganizationSnapshot, Proven, Role, Scope, Snapshot, Stored};
use tollgate_domain::OrganizationId;

/// The holder of an API key, or a user who signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    organization: Arc<OrganizationSnapshot>,
    actor: Actor,
    key: Option<Arc<Stored<ApiKey>>>,
    /// Of a user, also of one whose key this is; `None` of the organization's own keys.
    role: Option<Role>,
}

impl Caller {
    /// The caller's organization, as of the moment the request came.
    pub fn organization(&self) -> &Arc<OrganizationSnapshot> {
        &self.organization
    }

    /// The organization's id.
    pub fn organization_id(&self) -> OrganizationId {
        self.organization.id()
    }

    /// Whether the caller may do what `scope` stands for.
    pub fn allows(&self, scope: Scope) -> bool {
        self.key.as_ref().is_none_or(|key| key.allows(scope))
            && self.role.is_none_or(|role| role.allows(scope))
    }

    /// Refuses users who are not owners.
    pub(crate) fn require_owner(&self) -> Result<(), ApiError> {
        session::require_owner(self.role)
    }

    /// The name that stands in the log for what this caller changes.
    pub fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// The holder of the key that `headers` present, when it has `scope`.
    pub fn of_headers(headers: &HeaderMap, snapshot: &Snapshot, scope: Scope) -> Result<Self, ApiError> {
        let key = presented(headers)?;
        let (key, role) = key_with(snapshot, key, scope)?.ok_or_else(|| ApiError::new(Code::Unauthorized))?;
        let Proven { organization, object } = key;
        Ok(Self { organization, actor: Actor::api_key(&object.id), key: Some(object), role })
    }
}

impl Caller {
    /// As [`Self::of_headers`], for the management API: users are known too, and the request counts towards the limit.
    fn counted(parts: &Parts, state: &ApiState, scope: Scope) -> Result<Self, ApiError> {
        if let Some(signed_in) = SignedIn::of(parts, state) {
            let signed_in = signed_in?;
            signed_in.require(scope)?;
            let (organization, actor) = (signed_in.organization().clone(), signed_in.actor());
            return Ok(Self { organization, actor, key: None, role: Some(signed_in.role()) });
        }
        let caller = Self::of_headers(&parts.headers, &state.catalog.snapshot(), scope)?;
        if let Some(key) = &caller.key {
            state.limits.count(&key.meta.id)?;
        }
        Ok(caller)
    }
}

/// An API key and the role of the user whose it is, if it is a user's.
type KeyAndRole = (Proven<ApiKey>, Option<Role>);

/// The API key that `text` is, which must have `scope`, as must the role of its user.
pub(crate) fn key_with(
    snapshot: &Snapshot,
    text: &str,
    scope: Scope,
) -> Result<Option<KeyAndRole>, ApiError> {
    let Some(key) = snapshot.api_key(text) else { return Ok(None) };
    if !key.object.allows(scope) {
        return Err(ApiError::missing_scope(scope));
    }
    let role = snapshot.role_behind(&key);
    role.map_or(Ok(()), |role| session::require(role, scope))?;
    Ok(Some((key, role)))
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
