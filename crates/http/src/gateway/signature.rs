//! Whether a click's link was signed: found out here, where the key is known, and judged by the `signature` filter.

use crate::body::decode;
use tollgate_catalog::StoredSecret;
use tollgate_domain::{EventKind, Number};
use tollgate_intake::{Draft, LiveIntegration, signature};

/// Notes on a finished click whether its link's signature is right, where there is one and the integration has a key. A
/// signature covers a link; what a body adds to it is covered by none.
pub(super) fn check(live: &LiveIntegration, draft: &mut Draft, query: &str, body: &[u8]) {
    let Some(StoredSecret::Key(key)) = live.entry.signing_key.as_deref() else { return };
    let Some(given) = draft.wishes.signature.as_deref().filter(|_| draft.event.kind == EventKind::Click)
    else {
        return;
    };
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let decoded = pairs.map(|(name, value)| Some((decode(name.as_bytes())?, decode(value.as_bytes())?)));
    // What cannot be decoded was refused before.
    let parameters: Vec<_> = decoded.flatten().collect();
    let is_right = body.is_empty() && signature::is_signed(key, draft.event.integration, &parameters, given);
    draft.event.set_number(Number::SignatureValid, i64::from(is_right));
    if let Some(at) = draft.wishes.signed_at.filter(|_| is_right) {
        draft.event.set_number(Number::SignedAt, at.millis());
    }
}
