//! Parameters out of a query string, a form or a JSON object, into a draft.

use super::{GatewayBody, error};
use crate::error::{ApiError, Code};
use bytes::Bytes;
use http::{HeaderMap, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use tollgate_domain::Invalid;
use tollgate_intake::{Draft, set_from_json};

/// Most bytes of one event's body.
const SINGLE_LIMIT: usize = 64 << 10;
/// Most bytes of a body of many events.
const EVENTS_LIMIT: usize = 32 << 20;

/// Takes every parameter of a query string or form.
pub(super) fn set_from_query(draft: &mut Draft, query: &str) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) => draft.set(&name, &value),
            _ => {
                let name: String = name.chars().take(64).collect();
                draft.refuse(Invalid::new(name, "is not percent-encoded UTF-8"));
            }
        }
    }
}

/// A percent-decoded piece of a query, with `+` as a space; `None` when it is not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Some(Cow::Borrowed(text));
    }
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    Some(Cow::Owned(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned()))
}

/// How a body is written.
enum Encoding {
    Form,
    Json,
}

/// Reads a single event's body.
pub(super) async fn read_single(body: Incoming) -> Result<Bytes, Box<Response<GatewayBody>>> {
    read(body, SINGLE_LIMIT).await
}

/// Reads a body of many events.
pub(super) async fn read_events(body: Incoming) -> Result<Bytes, Box<Response<GatewayBody>>> {
    read(body, EVENTS_LIMIT).await
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, Box<Response<GatewayBody>>> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(cause) if cause.downcast_ref::<LengthLimitError>().is_some() => {
            let message = format!("The body is larger than {limit} bytes.");
            Err(error(&ApiError::because(Code::BodyTooLarge, message)))
        }
        Err(_) => {
            Err(error(&ApiError::because(Code::MalformedBody, "The body ended before it was complete.")))
        }
    }
}

/// Takes every parameter of a body.
pub(super) fn set_from_body(draft: &mut Draft, headers: &HeaderMap, body: &[u8]) -> Result<(), ApiError> {
    if body.is_empty() {
        return Ok(());
    }
    match encoding(headers)? {
        Encoding::Json => set_from_json(draft, body, &[])
            .map_err(|invalid| ApiError { errors: vec![invalid], ..ApiError::new(Code::MalformedBody) }),
        Encoding::Form => {
            let text = std::str::from_utf8(body)
                .map_err(|_| ApiError::because(Code::MalformedBody, "The form is not UTF-8."))?;
            set_from_query(draft, text);
            Ok(())
        }
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Encoding::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Encoding::Form)
    } else {
        Err(ApiError::new(Code::UnsupportedMediaType))
    }
}

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
