//! The console's pages: files that were built, compressed and named by their content before, and are given away here as
//! they are. Every path below `/console/` without a file is a place within the console, so it gets the page, which finds
//! its way by itself. The headers forbid the pages to load or reach anything from elsewhere.

#[cfg(test)]
mod tests;

use crate::ApiState;
use crate::error::{ApiError, Code, Dialect};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tollgate_catalog::Digest;

/// The page itself.
const PAGE: &str = "index.html";
/// Files in this folder have their content's hash in their names.
const HASHED: &str = "assets/";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files of the console, by their paths below `/console/`; none in a binary that was built without it.
#[derive(Clone, Default)]
pub struct Console(Arc<HashMap<String, File>>);

/// One file.
#[derive(Debug, Clone)]
struct File {
    /// As it is.
    plain: Bytes,
    /// The same, compressed before, where that is smaller.
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    etag: HeaderValue,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("files", &self.0.len()).finish_non_exhaustive()
    }
}

impl Console {
    /// The console of these files; `NAME.br` and `NAME.gz` are `NAME`, compressed.
    pub fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let all: HashMap<String, Bytes> = files.into_iter().collect();
        let is_compressed = |name: &str| {
            let stem = name.strip_suffix(".br").or_else(|| name.strip_suffix(".gz"));
            stem.is_some_and(|stem| all.contains_key(stem))
        };
        let file = |(name, plain): (&String, &Bytes)| {
            let compressed = |ending: &str| all.get(&format!("{name}{ending}")).cloned();
            let (brotli, gzip) = (compressed(".br"), compressed(".gz"));
            let etag = format!("\"{}\"", &Digest::of_bytes(plain).to_hex()[..32]);
            // Hex digits and quotes are legal in a header.
            let etag = HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\""));
            (name.clone(), File { plain: plain.clone(), brotli, gzip, etag })
        };
        Self(Arc::new(all.iter().filter(|(name, _)| !is_compressed(name)).map(file).collect()))
    }

    fn find(&self, path: &str) -> Option<(&str, &File)> {
        if let Some((name, file)) = self.0.get_key_value(path) {
            return Some((name, file));
        }
        // What looks like a file and is none is missing; everything else is a place within the console.
        let is_place =
            !path.starts_with(HASHED) && !path.rsplit('/').next().unwrap_or_default().contains('.');
        let (name, file) = is_place.then(|| self.0.get_key_value(PAGE))??;
        Some((name, file))
    }
}

/// `/` leads to the console. Hosts of the gateway never come here.
pub(crate) fn routes() -> Router<ApiState> {
    let to_console = || get(async || (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/console/")]));
    Router::new()
        .route("/", to_console())
        .route("/console", to_console())
        .route("/console/", get(page))
        .route("/console/{*path}", get(file))
}

async fn page(State(state): State<ApiState>, headers: HeaderMap) -> Response {
    answer(&state.console, PAGE, &headers)
}

async fn file(State(state): State<ApiState>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(&state.console, &path, &headers)
}

fn answer(console: &Console, path: &str, headers: &HeaderMap) -> Response {
    let Some((name, file)) = console.find(path) else {
        let message = match console.0.is_empty() {
            true => {
                "This binary was built without the console (cargo's feature `console`, which `make run` sets)."
            }
            false => "There is nothing under this path.",
        };
        return ApiError::because(Code::NotFound, message).respond(Dialect::Native);
    };
    let cached = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let common = [
        (CACHE_CONTROL, HeaderValue::from_static(cached)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (VARY, HeaderValue::from_static("accept-encoding")),
        (ETAG, file.etag.clone()),
    ];
    if headers.get(IF_NONE_MATCH) == Some(&file.etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let (encoding, content) = encoded(file, headers);
    let mut response = (common, [(CONTENT_TYPE, kind(name))], content).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The smallest form that the caller takes.
fn encoded(file: &File, headers: &HeaderMap) -> (Option<&'static str>, Bytes) {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|one| {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
            coding.trim().eq_ignore_ascii_case(name) && !refused
        })
    };
    match (&file.brotli, &file.gzip) {
        (Some(brotli), _) if takes("br") => (Some("br"), brotli.clone()),
        (_, Some(gzip)) if takes("gzip") => (Some("gzip"), gzip.clone()),
        _ => (None, file.plain.clone()),
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
