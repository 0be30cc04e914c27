//! Versions on the wire: an object's version is its `ETag`, and `If-Match` makes a change conditional on it (RFC 9110,
//! 8.8.3 and 13.1.1). A change whose condition does not hold is 412 and changes nothing, so that no update is lost.
//!
//! ```ignore
//! // GET, POST, PATCH, PUT of one object:
//! Ok((etag(stored.meta.version), Json(body)).into_response())
//!
//! // PATCH, PUT, DELETE: the extractor stands among the handler's arguments, before the body.
//! async fn handle(client: Client, if_match: IfMatch, request: Request) -> Answer {
//!     state.catalog.write(organization, &actor, |draft| {
//!         let app = if_match.require::<App>(draft, &id)?; // 404, or 412 when it has another version
//!         draft.update(change.apply(&app)?, None)
//!     })
//! }
//! ```

#[cfg(test)]
mod lost_updates;

use crate::error::{ApiError, Code, Dialect, Place};
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use std::sync::Arc;
use tollgate_catalog::{Draft, Kind, Refused, Stored};
use tollgate_domain::Invalid;

/// Tags that one request may name: nobody has read more versions than that.
const MAX_TAGS: usize = 64;

/// The header that tells an object's version.
pub(crate) fn etag(version: u64) -> [(HeaderName, HeaderValue); 1] {
    [(ETAG, tag(version))]
}

/// The tag of a version, quotes included.
pub(crate) fn tag(version: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The condition that a request's `If-Match` sets. As an extractor it refuses a malformed one with 400 in the dialect of
/// the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// There is no such header: whatever is stored is changed.
    Absent,
    /// `*`: the object must exist, which it must anyway.
    Any,
    /// The object must be at one of these versions. Tags that are weak or were never ours match nothing and are left out.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// Reads the condition. Several headers are one list.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut tags = Vec::new();
        let mut given = headers.get_all(IF_MATCH).iter().peekable();
        if given.peek().is_none() {
            return Ok(Self::Absent);
        }
        for value in given {
            let text = value.to_str().map_err(|_| malformed())?.trim_matches([' ', '\t']);
            if text == "*" && headers.get_all(IF_MATCH).iter().count() == 1 {
                return Ok(Self::Any);
            }
            read_list(text, &mut tags).ok_or_else(malformed)?;
        }
        // An empty list names no tag, which the grammar does not allow.
        if tags.is_empty() || tags.len() > MAX_TAGS {
            return Err(malformed());
        }
        Ok(Self::Versions(tags.into_iter().flatten().collect()))
    }

    /// The object of an id as the draft sees it, when it exists and the condition holds.
    pub(crate) fn require<T: Kind>(&self, draft: &Draft<'_>, id: &str) -> Result<Arc<Stored<T>>, Refused> {
        let stored = draft.require::<T>(id, None)?;
        self.check(stored.meta.version)?;
        Ok(stored)
    }

    /// Whether the condition holds for an object at `version`.
    pub(crate) fn check(&self, version: u64) -> Result<(), Refused> {
        match self {
            Self::Versions(versions) if !versions.contains(&version) => Err(Refused::VersionConflict {
                // 0 is the version of nothing: no tag of the request was one of ours.
                expected: versions.first().copied().unwrap_or(0),
                actual: version,
            }),
            Self::Absent | Self::Any | Self::Versions(_) => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        // Nested routers see a part of the path only.
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, state).await;
        Self::of(&parts.headers).map_err(|error| error.respond(Dialect::of(uri.path())))
    }
}

fn malformed() -> ApiError {
    let rule = "must be * or a list of at most 64 entity tags such as \"3\"";
    ApiError {
        errors: vec![Invalid::new("If-Match", rule)],
        place: Place::Header,
        ..ApiError::because(Code::InvalidParameters, "The header If-Match cannot be read.")
    }
}

/// Adds the tags of a list to `tags`, `None` for one that matches nothing. The answer is `None` when the text is no list.
fn read_list(mut text: &str, tags: &mut Vec<Option<u64>>) -> Option<()> {
    loop {
        text = text.trim_start_matches([' ', '\t']);
        // Empty elements are to be ignored (RFC 9110, 5.6.1.2).
        if let Some(rest) = text.strip_prefix(',') {
            text = rest;
            continue;
        }
        if text.is_empty() {
            return Some(());
        }
        let (strong, rest) = match text.strip_prefix("W/") {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let (opaque, rest) = rest.strip_prefix('"')?.split_once('"')?;
        let legal = |byte: u8| byte == 0x21 || (0x23..=0x7e).contains(&byte);
        if !opaque.bytes().all(legal) {
            return None;
        }
        tags.push(version(opaque).filter(|_| strong));
        text = rest.trim_start_matches([' ', '\t']);
        if !text.is_empty() {
            text = text.strip_prefix(',')?;
        }
    }
}

/// The version that a tag of ours stands for: tags are compared byte by byte, so `03` is not `3`.
fn version(opaque: &str) -> Option<u64> {
    let version: u64 = opaque.parse().ok()?;
    (version.to_string() == opaque).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<IfMatch, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_str(value).unwrap());
        }
        IfMatch::of(&headers).map_err(|error| error.code)
    }

    #[test]
    fn lists_stars_and_weak_tags() {
        let versions = |versions: &[u64]| Ok(IfMatch::Versions(versions.to_vec()));
        assert_eq!(read(&[]), Ok(IfMatch::Absent));
        assert_eq!(read(&["*"]), Ok(IfMatch::Any));
        assert_eq!(read(&["\"3\""]), versions(&[3]));
        assert_eq!(read(&[" \"3\" ,, \"4\","]), versions(&[3, 4]));
        assert_eq!(read(&["\"3\"", "\"4\""]), versions(&[3, 4]));
        assert_eq!(read(&["W/\"3\", \"03\", \"+3\", \"abc\", \"\""]), versions(&[]));
        let malformed =
            ["", ",", "3", "\"3", "3\"", "\"3\" \"4\"", "*, \"3\"", "w/\"3\"", "\"a b\"", "W/3", "\"3\";"];
        for text in malformed {
            assert_eq!(read(&[text]), Err(Code::InvalidParameters), "{text}");
        }
        assert_eq!(read(&["*", "\"3\""]), Err(Code::InvalidParameters));
        assert_eq!(read(&[&"\"1\",".repeat(65)]), Err(Code::InvalidParameters));
    }

    #[test]
    fn a_version_matches_its_own_tag_only() {
        assert_eq!(tag(7), "\"7\"");
        let tags = read(&["\"7\", \"9\""]).unwrap();
        assert_eq!(tags.check(9), Ok(()));
        assert_eq!(tags.check(8), Err(Refused::VersionConflict { expected: 7, actual: 8 }));
        assert!(read(&["W/\"7\""]).unwrap().check(7).is_err(), "weak tags never match");
        assert_eq!(IfMatch::Any.check(1), Ok(()));
        assert_eq!(IfMatch::Absent.check(1), Ok(()));
    }
}
