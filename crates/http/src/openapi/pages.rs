//! `/openapi.json`, and the pages at `/docs` that make it readable. They load nothing from elsewhere, and their headers
//! forbid them to.

use crate::ApiState;
use crate::error::Code;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use std::fmt::Write as _;

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes(document: String) -> Router<ApiState> {
    let document = Bytes::from(document);
    Router::new()
        .route("/openapi.json", get(move || async move { file("application/json", document) }))
        .route("/docs", get(|| async { file("text/html; charset=utf-8", PAGE) }))
        .route("/docs/errors", get(|| async { file("text/html; charset=utf-8", errors()) }))
        .route("/docs/style.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/docs/script.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
}

fn file(kind: &'static str, content: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}

/// The table of errors, a line for each: the `type` of a native error points here.
fn errors() -> String {
    let mut rows = String::new();
    for code in Code::ALL {
        let (text, status, about) = (code.text(), code.status().as_u16(), code.about());
        // Writing into a String cannot fail; the texts are our own and hold nothing that HTML would read.
        let _ = writeln!(
            rows,
            "<tr id=\"{text}\"><td><code>{text}</code></td><td>{status}</td><td>{about}</td></tr>"
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Tollgate: errors</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <link rel=\"stylesheet\" href=\"/docs/style.css\"></head>\n<body class=\"plain\">\n<main>\n<h1>Errors</h1>\n\
         <p><a href=\"/docs\">The API</a></p>\n\
         <table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n\
         </main>\n</body>\n</html>\n"
    )
}
