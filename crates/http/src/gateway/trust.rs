//! Who speaks, how far that is believed, and how much he is told.

use super::{Core, signature};
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use tollgate_catalog::Scope;
use tollgate_domain::row::Field;
use tollgate_domain::{Column, Event, EventKind, Text, Trust};
use tollgate_intake::signature::Purpose;
use tollgate_intake::{LiveIntegration, Wishes, is_of_click};

/// What an answer may tell beside the short verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disclosure {
    /// Everything: the caller holds a key.
    Full,
    /// What the caller may know anyway, and why a verdict was given: anyone may speak here.
    Open,
    /// What the caller may know anyway.
    Guarded,
    /// The short verdict alone: somebody else may have sent the event.
    Verdict,
}

impl Disclosure {
    /// The same where the event is one that was stored before, by whomever.
    pub(super) fn of_stored(self) -> Self {
        if self == Self::Full { Self::Full } else { Self::Verdict }
    }

    /// Whether a field of this event may be told. Whoever posts a conversion has named a click, no more: what is known of
    /// the click is not for him.
    pub(super) fn allows(self, event: &Event, field: Field) -> bool {
        let column = match field {
            Field::Stored(column) => column,
            Field::TxId => Column::Text(Text::ExternalTransactionId),
            _ => return self != Self::Verdict,
        };
        let joined = event.kind == EventKind::Conversion && event.text(Text::ClickRealTxId).is_some();
        match self {
            Self::Full => true,
            Self::Verdict => false,
            Self::Guarded if column == Column::Text(Text::Evidence) => false,
            Self::Open | Self::Guarded => !(joined && is_of_click(column)),
        }
    }
}

impl Core {
    /// Whether the integration's trust lets this caller speak at the endpoint for this purpose.
    pub(super) fn check_trust(
        &self,
        live: &LiveIntegration,
        parts: &Parts,
        purpose: Purpose,
        peer: IpAddr,
    ) -> Result<(), ApiError> {
        let (integration, headers) = (&live.entry.integration, &parts.headers);
        let is_listed = || {
            let client = self.client_ip(headers, peer);
            let listed = integration.trusted_sources.iter().filter_map(|net| net.parse::<IpNet>().ok());
            listed.into_iter().any(|net| net.contains(&client))
        };
        let trusted = match integration.trust {
            Trust::Open => true,
            Trust::Listed => is_listed() || self.holds_key(live, headers),
            Trust::Strict => self.holds_key(live, headers) || signature::covers(live, parts, purpose),
        };
        if trusted {
            return Ok(());
        }
        Err(ApiError::because(
            Code::Unauthorized,
            "This integration takes events from trusted callers only: send an API key, or sign the link for this endpoint where that counts.",
        ))
    }

    /// How much this caller may be told. The short verdict needs no key, so none is looked for.
    pub(super) fn disclosure(
        &self,
        live: &LiveIntegration,
        headers: &HeaderMap,
        wishes: &Wishes,
    ) -> Disclosure {
        if !wishes.json && wishes.fields.is_none() {
            return Disclosure::Guarded;
        }
        match live.entry.integration.trust {
            _ if self.holds_key(live, headers) => Disclosure::Full,
            Trust::Open => Disclosure::Open,
            Trust::Listed | Trust::Strict => Disclosure::Guarded,
        }
    }

    /// Whether the request shows an API key of the integration's organization that may write.
    pub(super) fn holds_key(&self, live: &LiveIntegration, headers: &HeaderMap) -> bool {
        let snapshot = self.intake.catalog().snapshot();
        let caller = Caller::of_headers(headers, &snapshot, Scope::Write);
        caller.is_ok_and(|caller| caller.organization_id() == live.entry.organization)
    }

    /// For the management API: the caller's address, and whether a trusted proxy says that it was called over TLS.
    pub(crate) fn caller(&self, headers: &HeaderMap, peer: IpAddr) -> (IpAddr, bool) {
        let is_trusted = self.options.trusted_proxies.iter().any(|net| net.contains(&peer.to_canonical()));
        (self.client_ip(headers, peer), is_trusted && is_forwarded_over_tls(headers))
    }

    /// The user's address: the caller's own, or what a trusted proxy says of it.
    pub(super) fn client_ip(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        client_ip(&self.options.trusted_proxies, headers, peer.to_canonical())
    }
}

/// The nearest address that is not a proxy of ours; everything further left is hearsay. What does not parse ends the walk:
/// whoever wrote it, nothing beyond it can be told from what the user made up.
fn client_ip(proxies: &[IpNet], headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let is_ours = |ip: &IpAddr| proxies.iter().any(|net| net.contains(ip));
    if !is_ours(&peer) {
        return peer;
    }
    let values = headers.get_all("x-forwarded-for").iter().rev();
    for hop in values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
        match hop_address(hop) {
            Some(hop) if is_ours(&hop) => {}
            Some(hop) => return hop,
            None => break,
        }
    }
    peer
}

/// Whether the proxies before us were called over TLS, as far as they say so.
fn is_forwarded_over_tls(headers: &HeaderMap) -> bool {
    let values = headers.get_all("x-forwarded-proto").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

/// An address as proxies write it: plain, with a port, or in brackets.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let plain = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    plain.or_else(bare).map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_through_proxies_ends_where_trust_does() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let of = |peer: &str, values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            client_ip(&proxies, &headers, peer.parse().unwrap()).to_string()
        };
        assert_eq!(of("9.9.9.9", &["1.1.1.1"]), "9.9.9.9", "not a proxy of ours");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "1.1.1.1", "10.0.0.2"]), "1.1.1.1");
        assert_eq!(of("10.0.0.1", &["1.1.1.1:5678"]), "1.1.1.1");
        assert_eq!(of("10.0.0.1", &["[2001:470::1]:443, [2001:db8::5], 10.0.0.2:80"]), "2001:470::1");
        assert_eq!(of("10.0.0.1", &["::ffff:1.1.1.1"]), "1.1.1.1");
        for broken in ["6.6.6.6, unknown", "6.6.6.6, unknown, 10.0.0.2", "6.6.6.6,", "", "6.6.6.6, 1.1.1.1:x"]
        {
            assert_eq!(of("10.0.0.1", &[broken]), "10.0.0.1", "{broken}");
        }
    }
}
