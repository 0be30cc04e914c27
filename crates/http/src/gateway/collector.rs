//! The script for pages, `collector/collector.js`. It is the same for every integration: it learns from its own address
//! whose it is.

use super::GatewayBody;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::LazyLock;
use tollgate_domain::hex;

const SCRIPT: &str = include_str!("collector/collector.js");
/// An hour: a page that is looked at twice fetches it once, and a newer binary's script is in use soon.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// A form of the script, with the tag that is its own.
struct Form {
    content: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(content: Bytes) -> Self {
        let tag = format!("\"{}\"", hex(&Sha256::digest(&content)[..16]));
        Self { content, tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")) }
    }
}

static PLAIN: LazyLock<Form> = LazyLock::new(|| Form::new(Bytes::from_static(SCRIPT.as_bytes())));

/// `None` if it could not be compressed: then it goes out as it is.
static GZIPPED: LazyLock<Option<Form>> = LazyLock::new(|| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(SCRIPT.as_bytes()).ok()?;
    Some(Form::new(encoder.finish().ok()?.into()))
});

/// The script, or that the caller has it.
pub(super) fn answer(request: &HeaderMap) -> Response<GatewayBody> {
    let gzipped = GZIPPED.as_ref().filter(|_| takes_gzip(request));
    let form = gzipped.unwrap_or(&PLAIN);
    let mut response = Response::new(Either::Left(Full::default()));
    if is_known(request, &form.tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Either::Left(Full::new(form.content.clone()));
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, form.tag.clone());
    headers.insert(header::CACHE_CONTROL, CACHED);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if gzipped.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The elements of a header that is a list.
fn elements(request: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = request.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether the caller names gzip and does not weigh it with nothing.
fn takes_gzip(request: &HeaderMap) -> bool {
    elements(request, header::ACCEPT_ENCODING).any(|element| {
        let (name, weight) = element.split_once(';').unwrap_or((element, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Whether the caller has this form. `If-None-Match` compares weakly, and our tags hold no comma.
fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    elements(request, header::IF_NONE_MATCH)
        .any(|element| element == "*" || element.strip_prefix("W/").unwrap_or(element) == tag)
}
