//! Reading a token request: JSON or form, the client in the body or by HTTP Basic. A parameter without a value counts
//! as absent (RFC 6749 3.2); unknown ones are ignored.

use crate::body::{pairs, read_object};
use crate::error::{ApiError, Code};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::fmt;

/// Whom the client says it is, with what it says to prove it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ClaimedClient {
    pub(super) id: String,
    pub(super) secret: String,
}

impl fmt::Debug for ClaimedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedClient").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A token request as it was sent.
#[derive(Debug)]
pub(super) struct TokenRequest {
    pub(super) grant_type: Option<String>,
    /// `None`: no credentials, or some that cannot be read.
    pub(super) client: Option<ClaimedClient>,
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
}

impl TokenRequest {
    /// Reads a request. Errors are `invalid_request`: what is malformed cannot be judged any further.
    pub(super) async fn read(request: Request) -> Result<Self, ApiError> {
        let header = header_client(request.headers())?;
        let (mut body, _) = read_object(request).await.map_err(as_oauth)?;
        let body_id = take(&mut body, "client_id")?;
        let body_secret = take(&mut body, "client_secret")?;
        let read = Self {
            grant_type: take(&mut body, "grant_type")?,
            audience: take(&mut body, "audience")?,
            scope: take(&mut body, "scope")?,
            client: match header {
                None => body_id.zip(body_secret).map(|(id, secret)| ClaimedClient { id, secret }),
                Some(_) if body_id.is_some() || body_secret.is_some() => {
                    return Err(ApiError::because(
                        Code::InvalidRequest,
                        "The client is given both in the Authorization header and in the body.",
                    ));
                }
                Some(client) => client,
            },
        };
        Ok(read)
    }
}

/// Errors of the body in the words of RFC 6749; statuses that say more than 400 stay.
fn as_oauth(error: ApiError) -> ApiError {
    match error.code {
        Code::BodyTooLarge | Code::UnsupportedMediaType | Code::Internal | Code::Unavailable => error,
        _ => ApiError { code: Code::InvalidRequest, ..error },
    }
}

fn take(body: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match body.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => {
            Err(ApiError::because(Code::InvalidRequest, format!("{name} must be a string, given once.")))
        }
    }
}

/// The client of the `Authorization` header. `Some(None)`: there is a header, but no client can be read from it.
fn header_client(headers: &HeaderMap) -> Result<Option<Option<ClaimedClient>>, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::because(
            Code::InvalidRequest,
            "The header Authorization is given more than once.",
        ));
    }
    Ok(Some(value.to_str().ok().and_then(basic)))
}

/// RFC 7617, with both halves form-encoded as RFC 6749 2.3.1 asks.
fn basic(value: &str) -> Option<ClaimedClient> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| Some(pairs(format!("_={part}").as_bytes()).ok()?.pop()?.1);
    Some(ClaimedClient { id: decode(id)?, secret: decode(secret)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_decoded_in_both_layers() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let client = basic(&header("a%3Ab:s+t%25")).unwrap();
        assert_eq!((client.id.as_str(), client.secret.as_str()), ("a:b", "s t%"));
        assert!(basic(&header("no colon")).is_none());
        assert!(basic("Basic ###").is_none());
        assert!(basic("Bearer abc").is_none());
        assert!(!format!("{client:?}").contains("s t%"));
    }
}
