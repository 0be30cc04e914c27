//! Signed links: an HMAC over a link's parameters, so that nobody but those who know the integration's key can make a
//! link or change one (docs/FORMATS.md, "Signed links").

use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use std::borrow::Cow;
use tollgate_domain::{IntegrationId, hex, unhex};

/// The parameter that holds the signature.
pub const SIGNATURE: &str = "tg_signature";
/// The parameter that says when the link was signed.
pub const SIGNED_AT: &str = "tg_signed_at";

/// A link's parameter, decoded: name and value.
pub type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// What stays as it is: RFC 3986, "unreserved".
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The signature of a link to `integration` with these parameters, among which [`SIGNED_AT`] should be. One that is a
/// signature is left out.
pub fn sign(key: &[u8], integration: IntegrationId, parameters: &[Parameter<'_>]) -> String {
    hex(&mac(key, integration, parameters).finalize().into_bytes())
}

/// Whether a link was signed with `key`: its time is among the parameters, and the signature is that of all others.
pub fn is_signed(
    key: &[u8],
    integration: IntegrationId,
    parameters: &[Parameter<'_>],
    signature: &str,
) -> bool {
    let has_time = parameters.iter().any(|(name, _)| name == SIGNED_AT);
    let Some(signature) = unhex(signature).filter(|_| has_time) else { return false };
    // Compared in constant time.
    mac(key, integration, parameters).verify_slice(&signature).is_ok()
}

fn mac(key: &[u8], integration: IntegrationId, parameters: &[Parameter<'_>]) -> Hmac<Sha256> {
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let signed = parameters.iter().filter(|(name, _)| name != SIGNATURE);
    let mut pairs: Vec<_> =
        signed.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.sort_unstable();
    let message = format!("tollgate-link-1\n{integration}\n{}", pairs.join("&"));
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
        assert_eq!(sign(KEY, integration(), &link), EXAMPLE);
    }

    const EXAMPLE: &str = "e210cd7ac455ec71939fd3ff88b326f26d5697065c365d529bdd9e81c064c289";

    #[test]
    fn only_the_very_parameters_are_signed() {
        let link = [("offer", "7"), ("publisher", "p"), (SIGNED_AT, "1790000000")];
        let signature = sign(KEY, integration(), &parameters(&link));
        let is_right = |key: &[u8], pairs: &[(&str, &str)], signature: &str| {
            is_signed(key, integration(), &parameters(pairs), signature)
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
        assert!(!is_signed(KEY, "abcdefghik".parse().unwrap(), &parameters(&link), &signature));
        for wrong in ["", "00", &signature[2..], &signature.to_uppercase(), "no hexadecimal digits"] {
            assert!(!is_right(KEY, &link, wrong), "{wrong}");
        }
        let timeless = &link[..2];
        assert!(!is_right(KEY, timeless, &sign(KEY, integration(), &parameters(timeless))));
    }

    #[test]
    fn names_and_values_cannot_be_shifted_into_each_other() {
        let one = sign(KEY, integration(), &parameters(&[("a", "b&c=d"), (SIGNED_AT, "1")]));
        let other = sign(KEY, integration(), &parameters(&[("a", "b"), ("c", "d"), (SIGNED_AT, "1")]));
        assert_ne!(one, other);
    }
}
