//! Where callers reach this server, for links that are answered: as the operator says, else as the request itself was
//! sent.

use crate::ApiState;
use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use tollgate_catalog::Secret;
use tollgate_jobs::exports::Link;

/// Marks requests that came over TLS, to us or to a trusted proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// Where a request comes from: the caller's own address, or what a trusted proxy says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Notes it of a request, together with whether that came over TLS.
    pub(crate) fn note(request: &mut Extensions, from: IpAddr, over_tls: bool) {
        request.insert(Self(from));
        if over_tls {
            request.insert(OverTls);
        }
    }

    /// That of a request; of one that came through no server, nobody's.
    pub(crate) fn of(parts: &Parts) -> IpAddr {
        parts.extensions.get::<Self>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0)
    }
}

/// The beginning of links, without a slash at its end; empty when nobody knows it.
#[derive(Debug, Clone)]
pub(crate) struct Origin(String);

impl Origin {
    pub(crate) fn of(parts: &Parts, state: &ApiState) -> Self {
        if let Some(url) = &state.public_url {
            return Self(url.trim_end_matches('/').to_owned());
        }
        let scheme = if parts.extensions.get::<OverTls>().is_some() { "https" } else { "http" };
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
        let authority = parts.uri.authority().cloned().or(host);
        Self(authority.map(|authority| format!("{scheme}://{authority}")).unwrap_or_default())
    }

    /// A link to the console at which the holder of an invitation chooses a password.
    pub(crate) fn choose_password(&self, invitation: &Secret) -> String {
        format!("{}/console/#choose-password={}", self.0, invitation.expose())
    }

    /// A link to a file of the Download Center.
    pub(crate) fn link(&self, link: &Link) -> String {
        let Link { organization, artifact, expires, signature } = link;
        let begin = &self.0;
        // Names of files are ours, and nothing in them has to be encoded.
        format!(
            "{begin}/api/v2/download-center/files/{artifact}?organization={organization}&expires={expires}&signature={signature}"
        )
    }
}

impl FromRequestParts<ApiState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        Ok(Self::of(parts, state))
    }
}
