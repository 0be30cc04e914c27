//! Signed links: an HMAC over a link's parameters and what the link is for, so that nobody but those who know the
//! integration's key can make a link, change one, or use it for something else (docs/FORMATS.md, "Signed links").

use crate::draft::Draft;
use crate::json::{Member, each_member};
use crate::live::LiveIntegration;
use hmac::{Hmac, Mac};
use percent_encoding::utf8_percent_encode;
use sha2::Sha256;
use std::borrow::Cow;
use tollgate_catalog::StoredSecret;
use tollgate_domain::{EventKind, IntegrationId, Number, UNRESERVED, hex, unhex};

/// The parameter that holds the signature.
pub const SIGNATURE: &str = "tg_signature";
/// The parameter that says when the link was signed.
pub const SIGNED_AT: &str = "tg_signed_at";

/// What a link is for. Its signature counts for that alone: who was given a click's link must not make conversions
/// of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The click endpoint.
    Click,
    /// The impression endpoint and the pixel.
    Impression,
    /// The postback endpoint.
    Postback,
    /// The rejection endpoint.
    Rejection,
}

impl Purpose {
    /// The first line of what is signed. Clicks' links were there first.
    fn title(self) -> &'static str {
        match self {
            Self::Click => "tollgate-link-1",
            Self::Impression => "tollgate-impression-1",
            Self::Postback => "tollgate-postback-1",
            Self::Rejection => "tollgate-rejection-1",
        }
    }
}

impl From<EventKind> for Purpose {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Click => Self::Click,
            EventKind::Conversion => Self::Postback,
            EventKind::Impression => Self::Impression,
        }
    }
}

/// A link's parameter, decoded: name and value.
pub type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The signature of a link to `integration` with these parameters, among which [`SIGNED_AT`] should be. One that is a
/// signature is left out.
pub fn sign(
    key: &[u8],
    integration: IntegrationId,
    purpose: Purpose,
    parameters: &[Parameter<'_>],
) -> String {
    hex(&mac(key, integration, purpose, parameters).finalize().into_bytes())
}

/// Whether a link was signed with `key` for this purpose: its time is among the parameters, and the signature is that of
/// all others.
pub fn is_signed(
    key: &[u8],
    integration: IntegrationId,
    purpose: Purpose,
    parameters: &[Parameter<'_>],
    signature: &str,
) -> bool {
    let has_time = parameters.iter().any(|(name, _)| name == SIGNED_AT);
    let Some(signature) = unhex(signature).filter(|_| has_time) else { return false };
    // Compared in constant time.
    mac(key, integration, purpose, parameters).verify_slice(&signature).is_ok()
}

/// What a request says beside its link, or a forwarder adds to what the link said: no link's signature covers it.
const BESIDE_THE_LINK: &[&str] =
    &["kind", "ip", "click_ip", "click_time", "user_agent", "referer", "browser_languages", "event_key"];

/// The key that links to the integration are signed with.
fn key(live: &LiveIntegration) -> Option<&[u8]> {
    match live.entry.signing_key.as_deref() {
        Some(StoredSecret::Key(key)) => Some(key),
        _ => None,
    }
}

/// Whether a request's parameters are signed with the integration's key for this purpose.
pub fn is_of(live: &LiveIntegration, purpose: Purpose, parameters: &[Parameter<'_>]) -> bool {
    let (integration, given) =
        (live.entry.integration.id, parameters.iter().find(|(name, _)| name == SIGNATURE));
    let signed =
        |key| given.is_some_and(|(_, given)| is_signed(key, integration, purpose, parameters, given));
    key(live).is_some_and(signed)
}

/// Notes on a finished click whether its link's signature is right, where there is one and the integration has a key.
/// Without `parameters` nothing is covered.
pub fn note(live: &LiveIntegration, draft: &mut Draft, parameters: Option<&[Parameter<'_>]>) {
    let (true, Some(_)) = (is_expected(live, draft), &draft.wishes.signature) else { return };
    let is_right = parameters.is_some_and(|parameters| is_of(live, draft.event.kind.into(), parameters));
    draft.event.set_number(Number::SignatureValid, i64::from(is_right));
    if let Some(at) = draft.wishes.signed_at.filter(|_| is_right) {
        draft.event.set_number(Number::SignedAt, at.millis());
    }
}

/// The same for the click of a line, an object or a row with names: its signature covers all of it, or what of it a link
/// says.
pub fn note_line(live: &LiveIntegration, draft: &mut Draft, mut parameters: Vec<Parameter<'_>>) {
    if !is_of(live, draft.event.kind.into(), &parameters) {
        parameters.retain(|(name, _)| !BESIDE_THE_LINK.contains(&&**name));
    }
    note(live, draft, Some(&parameters));
}

/// Notes on a finished click that came as a JSON object whether that is signed.
pub fn note_json(live: &LiveIntegration, draft: &mut Draft, json: &[u8]) {
    if draft.wishes.signature.is_none() || !is_expected(live, draft) {
        return;
    }
    let mut parameters = Vec::new();
    let read = each_member(json, |name, member| {
        let (Member::Plain(value) | Member::Deep(value)) = member;
        parameters.push((Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned())));
    });
    if read.is_ok() {
        note_line(live, draft, parameters);
    }
}

/// Whether the draft is one of an event whose signature is looked at.
fn is_expected(live: &LiveIntegration, draft: &Draft) -> bool {
    draft.event.kind == EventKind::Click && key(live).is_some()
}

fn mac(
    key: &[u8],
    integration: IntegrationId,
    purpose: Purpose,
    parameters: &[Parameter<'_>],
) -> Hmac<Sha256> {
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let signed = parameters.iter().filter(|(name, _)| name != SIGNATURE);
    let mut pairs: Vec<_> =
        signed.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.sort_unstable();
    let message = format!("{}\n{integration}\n{}", purpose.title(), pairs.join("&"));
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("a key of any length");
    mac.update(message.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a signing key of some length";

    fn parameters<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Parameter<'a>> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn integration() -> IntegrationId {
        "abcdefghij".parse().unwrap()
    }

    /// The example of docs/FORMATS.md, made with another program (`openssl dgst -sha256 -hmac`).
    #[test]
    fn the_documented_example_is_signed_like_that() {
        let link = parameters(&[("sub_id", "a b&c"), ("offer", "7"), (SIGNED_AT, "1790000000"), ("é", "")]);
        assert_eq!(sign(KEY, integration(), Purpose::Click, &link), EXAMPLE);
    }

    const EXAMPLE: &str = "e210cd7ac455ec71939fd3ff88b326f26d5697065c365d529bdd9e81c064c289";

    #[test]
    fn only_the_very_parameters_are_signed() {
        let link = [("offer", "7"), ("publisher", "p"), (SIGNED_AT, "1790000000")];
        let signature = sign(KEY, integration(), Purpose::Click, &parameters(&link));
        let is_right = |key: &[u8], pairs: &[(&str, &str)], signature: &str| {
            is_signed(key, integration(), Purpose::Click, &parameters(pairs), signature)
        };
        assert!(is_right(KEY, &link, &signature));
        let mut other = link.to_vec();
        other.reverse();
        other.push((SIGNATURE, &signature));
        assert!(is_right(KEY, &other, &signature), "neither order nor the signature itself counts");
        for (n, changed) in [("offer", "8"), ("offr", "7"), (SIGNED_AT, "1790000001")].into_iter().enumerate()
        {
            let mut pairs = link.to_vec();
            pairs[if n < 2 { 0 } else { 2 }] = changed;
            assert!(!is_right(KEY, &pairs, &signature), "{changed:?}");
        }
        assert!(!is_right(KEY, &link[1..], &signature), "one is missing");
        assert!(!is_right(KEY, &[&link[..], &[("offer", "7")]].concat(), &signature), "one is there twice");
        assert!(!is_right(b"another key of some length", &link, &signature));
        for other in [Purpose::Impression, Purpose::Postback, Purpose::Rejection] {
            let pairs = parameters(&link);
            assert!(!is_signed(KEY, integration(), other, &pairs, &signature), "{other:?}");
            assert!(is_signed(KEY, integration(), other, &pairs, &sign(KEY, integration(), other, &pairs)));
        }
        assert!(!is_signed(
            KEY,
            "abcdefghik".parse().unwrap(),
            Purpose::Click,
            &parameters(&link),
            &signature
        ));
        for wrong in ["", "00", &signature[2..], &signature.to_uppercase(), "no hexadecimal digits"] {
            assert!(!is_right(KEY, &link, wrong), "{wrong}");
        }
        let timeless = &link[..2];
        assert!(!is_right(KEY, timeless, &sign(KEY, integration(), Purpose::Click, &parameters(timeless))));
    }

    #[test]
    fn names_and_values_cannot_be_shifted_into_each_other() {
        let one = sign(KEY, integration(), Purpose::Click, &parameters(&[("a", "b&c=d"), (SIGNED_AT, "1")]));
        let other = sign(
            KEY,
            integration(),
            Purpose::Click,
            &parameters(&[("a", "b"), ("c", "d"), (SIGNED_AT, "1")]),
        );
        assert_ne!(one, other);
    }
}
