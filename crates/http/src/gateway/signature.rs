//! Signed links: made for publishers, and found right or wrong here, where the key is known. What that means for a click
//! is judged by the `signature` filter.

use super::{Endpoint, Route};
use crate::body::decode;
use http::{Method, request::Parts};
use tollgate_domain::{IntegrationId, Template, Timestamp, web_address};
use tollgate_intake::signature::{self, Parameter, Purpose, SIGNATURE, SIGNED_AT, sign};
use tollgate_intake::{Draft, LiveIntegration};

/// Notes on a finished click whether its link's signature is right. A signature covers a link; what a body adds to it is
/// covered by none.
pub(super) fn check(live: &LiveIntegration, draft: &mut Draft, query: &str, body: &[u8]) {
    if draft.wishes.signature.is_some() {
        let parameters = parameters(query).filter(|_| body.is_empty());
        signature::note(live, draft, parameters.as_deref());
    }
}

/// Whether a request is signed as a whole: it is its link, whose parameters and purpose the integration's key covers.
pub(super) fn covers(live: &LiveIntegration, parts: &Parts, purpose: Purpose) -> bool {
    let parameters = parts.uri.query().filter(|_| parts.method == Method::GET).and_then(parameters);
    parameters.is_some_and(|parameters| signature::is_of(live, purpose, &parameters))
}

/// A query's parameters; `None` when one cannot be decoded.
fn parameters(query: &str) -> Option<Vec<Parameter<'_>>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| Some((decode(name.as_bytes())?, decode(value.as_bytes())?))).collect()
}

/// The link with the parameters that sign it, as of `at`, for the endpoint that its address names; `domain` is the one
/// under which integrations have hosts. An address that names none of ours is that of a click: whoever gave it a name of
/// his own leads it there. A link that is signed already, whose query cannot be decoded, that has macros to be filled in
/// later, or whose endpoint takes no signed ones, is refused with what is wrong.
pub fn sign_link(
    key: &[u8],
    integration: IntegrationId,
    link: &str,
    domain: Option<&str>,
    at: Timestamp,
) -> Result<String, &'static str> {
    let (front, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
    let (base, query) = front.split_once('?').unwrap_or((front, ""));
    let mut all = parameters(query).ok_or("has a parameter that is not percent-encoded UTF-8")?;
    if all.iter().any(|(name, _)| name == SIGNATURE || name == SIGNED_AT) {
        return Err("is signed already");
    }
    if query.contains('{') || Template::form(query).names().next().is_some() {
        return Err("has a macro: sign it after macros are filled in");
    }
    let purpose = purpose_of(base, domain).ok_or("is to an endpoint that takes no signed links")?;
    let seconds = at.seconds().to_string();
    all.push((SIGNED_AT.into(), seconds.as_str().into()));
    let signature = sign(key, integration, purpose, &all);
    let separator = if query.is_empty() { "" } else { "&" };
    Ok(format!("{base}?{query}{separator}{SIGNED_AT}={seconds}&{SIGNATURE}={signature}{fragment}"))
}

/// What a link to this address is for; `None` when its endpoint takes no signed links.
fn purpose_of(base: &str, domain: Option<&str>) -> Option<Purpose> {
    let (host, path) = match web_address::parse(base) {
        Ok(address) => (Some(address.host), &base[address.tail..]),
        Err(_) => (None, base),
    };
    match Route::at(path, host, domain) {
        Some(route) => route.endpoint.purpose(),
        None => Some(Purpose::Click),
    }
}

impl Endpoint {
    /// What signed links to it are for.
    fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Single(kind) => Some(kind.into()),
            Self::Pixel => Some(Purpose::Impression),
            Self::Rejection => Some(Purpose::Rejection),
            Self::Events | Self::Collector => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_intake::signature::is_signed;

    const KEY: &[u8] = b"a signing key of some length";
    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn signed(link: &str) -> Result<String, &'static str> {
        sign_link(KEY, "abcdefghij".parse().unwrap(), link, Some("gate.example"), AT)
    }

    fn is_for(purpose: Purpose, link: &str) -> bool {
        let (_, query) = link.split_once('?').unwrap();
        let given = query.rsplit('=').next().unwrap();
        is_signed(KEY, "abcdefghij".parse().unwrap(), purpose, &parameters(query).unwrap(), given)
    }

    #[test]
    fn a_link_is_signed_before_its_fragment_and_found_right() {
        let end = "tg_signed_at=1790000000&tg_signature=";
        // The example of docs/FORMATS.md.
        let link = signed("https://a.example/g/x/click?offer=7&sub_id=a+b%26c&%C3%A9=#top").unwrap();
        let expected = "e210cd7ac455ec71939fd3ff88b326f26d5697065c365d529bdd9e81c064c289#top";
        assert_eq!(
            link,
            format!("https://a.example/g/x/click?offer=7&sub_id=a+b%26c&%C3%A9=&{end}{expected}")
        );
        for link in ["https://a.example/?&&a=1&a=1&b", "https://a.example", "https://a.example/?"] {
            let link = signed(link).unwrap();
            assert!(is_for(Purpose::Click, &link), "{link}");
        }
    }

    #[test]
    fn a_link_is_signed_for_the_endpoint_that_its_address_names() {
        for (link, purpose) in [
            ("https://a.example/g/abcdefghij/click?a=1", Purpose::Click),
            ("/g/abcdefghij/postback?a=1", Purpose::Postback),
            ("https://a.example:8080/g/abcdefghij/postback/?a=1", Purpose::Postback),
            ("https://a.example/g/abcdefghij/impression", Purpose::Impression),
            ("https://a.example/g/abcdefghij/pixel.gif?a=1", Purpose::Impression),
            ("https://a.example/g/abcdefghij/rejection?a=1", Purpose::Rejection),
            ("https://ABCDEFGHIJ.postbacks.gate.example:8443?a=1", Purpose::Postback),
            ("https://abcdefghij.imp.gate.example/any?a=1", Purpose::Impression),
            ("https://abcdefghij.postbacks.other.example/?a=1", Purpose::Click),
        ] {
            assert!(is_for(purpose, &signed(link).unwrap()), "{link}");
        }
        for link in ["https://a.example/g/abcdefghij/events?a=1", "/g/abcdefghij/collector.js"] {
            assert_eq!(signed(link), Err("is to an endpoint that takes no signed links"), "{link}");
        }
    }

    #[test]
    fn what_could_not_be_right_is_not_signed() {
        let twice = signed(&signed("https://a.example/?a=1").unwrap());
        assert_eq!(twice, Err("is signed already"));
        assert!(signed("https://a.example/?a=%ff").unwrap_err().contains("percent-encoded"));
        for link in
            ["https://a.example/?s={sub_id}", "https://a.example/?s=[sub_id]", "https://a.example/?s={"]
        {
            assert!(signed(link).unwrap_err().contains("macro"), "{link}");
        }
    }
}
