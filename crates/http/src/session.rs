//! Who is calling, when it is a person: the session of a user who signed in. Its cookie cannot be read by scripts, so a
//! request must also have `X-CSRF-Token`, which only a page of this server can know; a request that another site makes a
//! browser send does not count. What the user's role does not allow is refused here, whatever a page shows.
//!
//! A request with an API key or a token is judged by that alone; its cookies are not looked at.

use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::origin::OverTls;
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use std::net::IpAddr;
use std::sync::Arc;
use tollgate_catalog::{Actor, Digest, OrganizationSnapshot, Role, SESSION_LIFETIME_SECONDS, Scope, Session};

/// The cookie's name where it may travel without TLS.
pub(crate) const PLAIN_NAME: &str = "tollgate_session";
/// Its name elsewhere: browsers take one of this name only from this very host, over TLS, for every path.
pub(crate) const NAME: &str = "__Host-tollgate_session";
/// The header that a page sends with every request.
const CSRF: &str = "x-csrf-token";

/// Counts a request for a credential's id.
pub(crate) type Count<'a> = dyn Fn(&Arc<str>) -> Result<(), ApiError> + 'a;

/// A user who signed in, and whose request this is.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn(Session);

impl SignedIn {
    /// The user of a request that presents a session and no other credential; `None` when it presents none. The request
    /// counts towards the user's limit.
    pub(crate) fn of(parts: &Parts, state: &ApiState) -> Option<Result<Self, ApiError>> {
        Self::counted(parts, state, &|user| state.limits.count(user))
    }

    /// The same, where `count` counts the request for the user's id.
    pub(crate) fn counted(
        parts: &Parts,
        state: &ApiState,
        count: &Count<'_>,
    ) -> Option<Result<Self, ApiError>> {
        let signed_in = Self::presented(parts, state, count)?;
        Some(signed_in.and_then(|signed_in| {
            signed_in.require(scope_of(&parts.method))?;
            Ok(signed_in)
        }))
    }

    fn presented(parts: &Parts, state: &ApiState, count: &Count<'_>) -> Option<Result<Self, ApiError>> {
        let own = [AUTHORIZATION.as_str(), "api-key"];
        if own.into_iter().any(|name| parts.headers.contains_key(name)) {
            return None;
        }
        Some(Self::read(cookie(parts, state)?, parts, state, count))
    }

    fn read(text: &str, parts: &Parts, state: &ApiState, count: &Count<'_>) -> Result<Self, ApiError> {
        let session = state.catalog.session(text).ok_or_else(ended)?;
        count(&session.user.meta.id)?;
        let given = parts.headers.get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Digests are compared in constant time.
        if Digest::of(given) != Digest::of(&csrf_token(text)) {
            return Err(ApiError::new(Code::CsrfRefused));
        }
        Ok(Self(session))
    }

    /// The user of a request about the session itself, which every role may make.
    pub(crate) fn of_any_role(parts: &Parts, state: &ApiState) -> Option<Result<Self, ApiError>> {
        Self::presented(parts, state, &|user| state.limits.count(user))
    }

    /// The user's organization.
    pub(crate) fn organization(&self) -> &Arc<OrganizationSnapshot> {
        &self.0.organization
    }

    /// The user's id.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.0.user.meta.id
    }

    /// Where mail reaches the user.
    pub(crate) fn email(&self) -> &str {
        &self.0.user.email
    }

    /// What the user may do.
    pub(crate) fn role(&self) -> Role {
        self.0.user.role
    }

    /// The name that stands in the log for what this user changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::user(&self.0.user.id)
    }

    /// Refuses what the role does not allow.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), ApiError> {
        require(self.role(), scope)
    }
}

/// What a request must be allowed to do follows from its method: read with GET and HEAD, write with all others.
pub(crate) fn scope_of(method: &Method) -> Scope {
    if method == Method::GET || method == Method::HEAD { Scope::Read } else { Scope::Write }
}

/// Refuses what a role does not allow.
pub(crate) fn require(role: Role, scope: Scope) -> Result<(), ApiError> {
    if role.allows(scope) { Ok(()) } else { Err(insufficient(role)) }
}

/// Refuses users who are not owners; `None` stands for a credential of the organization itself.
pub(crate) fn require_owner(role: Option<Role>) -> Result<(), ApiError> {
    match role {
        None | Some(Role::Owner) => Ok(()),
        Some(role) => Err(insufficient(role)),
    }
}

fn insufficient(role: Role) -> ApiError {
    let message = format!("A user with the role {} may not do this.", role.name());
    ApiError::because(Code::InsufficientRole, message)
}

/// What is answered for a session that is over.
pub(crate) fn ended() -> ApiError {
    ApiError::because(Code::Unauthorized, "The session has ended: sign in again.")
}

/// The session that a request's cookie names.
pub(crate) fn cookie<'a>(parts: &'a Parts, state: &ApiState) -> Option<&'a str> {
    let name = if may_be_plain(parts, state) { PLAIN_NAME } else { NAME };
    let pairs = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// What a session's requests must have in `X-CSRF-Token`: it follows from the session and tells nothing of it.
pub(crate) fn csrf_token(session: &str) -> String {
    Digest::of(&format!("csrf:{session}")).to_hex()
}

/// The `Set-Cookie` of a session, or, of an empty one, of its end.
pub(crate) fn set_cookie(session: &str, parts: &Parts, state: &ApiState) -> String {
    let age = if session.is_empty() { 0 } else { SESSION_LIFETIME_SECONDS };
    let (name, secure) = if may_be_plain(parts, state) { (PLAIN_NAME, "") } else { (NAME, "; Secure") };
    format!("{name}={session}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether the cookie may travel without TLS: on this machine only, where browsers would not all send a `Secure` one.
fn may_be_plain(parts: &Parts, state: &ApiState) -> bool {
    let is_public = state.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    if is_public || parts.extensions.get::<OverTls>().is_some() {
        return false;
    }
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(host) = host else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
