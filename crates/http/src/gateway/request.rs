//! Parameters out of a query string, a form or a JSON object, into a draft or a rejection.

use crate::body::{Encoding, content_type, decode};
use crate::error::{ApiError, Code};
use http::HeaderMap;
use tollgate_domain::{Invalid, Text};
use tollgate_intake::{Draft, MAX_VALUE, Parameters, set_from_json};

/// Takes every parameter of a query string or form.
pub(super) fn set_from_query(to: &mut impl Parameters, query: &str) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode(name.as_bytes()), decode(value.as_bytes())) {
            (Some(name), Some(value)) => to.set(&name, &value),
            _ => {
                let name: String = name.chars().take(64).collect();
                to.refuse(Invalid::new(name, "is not percent-encoded UTF-8"));
            }
        }
    }
}

/// Takes every parameter of a body.
pub(super) fn set_from_body(
    to: &mut impl Parameters,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), ApiError> {
    if body.is_empty() {
        return Ok(());
    }
    match content_type(headers)? {
        Some(Encoding::Json) => set_from_json(to, body, &[])
            .map_err(|invalid| ApiError { errors: vec![invalid], ..ApiError::new(Code::MalformedBody) }),
        Some(Encoding::Form) => {
            let text = std::str::from_utf8(body)
                .map_err(|_| ApiError::because(Code::MalformedBody, "The form is not UTF-8."))?;
            set_from_query(to, text);
            Ok(())
        }
        None => Err(ApiError::new(Code::UnsupportedMediaType)),
    }
}

/// What the user's own request says beside its address, where the parameters are silent.
pub(super) fn set_from_headers(draft: &mut Draft, headers: &HeaderMap) {
    let header = |name| headers.get(name).map(http::HeaderValue::as_bytes);
    draft.set_ambient(Text::UserAgent, header(http::header::USER_AGENT));
    draft.observe_user_agent(None);
    draft.set_ambient(Text::Referer, header(http::header::REFERER));
    draft.set_ambient(Text::BrowserLanguages, header(http::header::ACCEPT_LANGUAGE));
}

/// The `Idempotency-Key` of a request.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Invalid> {
    let refuse = |message: String| Err(Invalid::new("Idempotency-Key", message));
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(key) if key.len() <= MAX_KEY => Ok(Some(key)),
        Ok(_) => refuse(format!("is longer than {MAX_KEY} bytes")),
        Err(_) => refuse("must be printable ASCII".to_owned()),
    }
}

/// Longest key of a request: there is room for a line's number behind it.
const MAX_KEY: usize = MAX_VALUE - 8;

/// A hash of what was asked, to tell a retry from another request under the same key.
pub(super) fn body_hash(parts: &[&[u8]]) -> i64 {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    i64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| digest[i]))
}
