//! Files are given as they were built, places get the page, and nothing may come from elsewhere.

use super::{Console, routes};
use crate::ApiState;
use crate::testing::TestApp;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use tower::ServiceExt;

fn console() -> Console {
    let files = [
        ("index.html", "page"),
        ("index.html.gz", "zipped page"),
        ("assets/app-1a2b.js", "script"),
        ("assets/app-1a2b.js.br", "brotli"),
        ("assets/app-1a2b.js.gz", "zipped"),
    ];
    Console::new(files.map(|(name, text)| (name.to_owned(), Bytes::from_static(text.as_bytes()))))
}

async fn get(console: &Console, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let app = TestApp::new().await;
    let state = ApiState { console: console.clone(), ..app.state.clone() };
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let router = routes().with_state(state);
    let response: Response<Body> = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn files_come_in_the_form_that_is_taken_and_places_get_the_page() {
    let console = console();
    for (path, accepted, encoding, text) in [
        ("/console/", "", None, "page"),
        ("/console/", "br, gzip", Some("gzip"), "zipped page"),
        ("/console/explorer", "", None, "page"),
        ("/console/events/01ARZ3NDEKTSV4RRFFQ69G5FAV", "gzip;q=0", None, "page"),
        ("/console/assets/app-1a2b.js", "gzip, br", Some("br"), "brotli"),
        ("/console/assets/app-1a2b.js", "gzip;q=1, br;q=0", Some("gzip"), "zipped"),
    ] {
        let (status, headers, body) = get(&console, path, &[("accept-encoding", accepted)]).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, text), "{path} {accepted}");
        assert_eq!(headers.get("content-encoding").map(|value| value.to_str().unwrap()), encoding);
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let is_hashed = path.contains("assets");
        assert_eq!(headers["cache-control"].to_str().unwrap().contains("immutable"), is_hashed, "{path}");
    }
    for missing in ["/console/assets/gone-0000.js", "/console/favicon.ico", "/console/assets/app-1a2b.js.map"]
    {
        assert_eq!(get(&console, missing, &[]).await.0, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let console = console();
    let (_, headers, _) = get(&console, "/console/", &[]).await;
    let etag = headers["etag"].to_str().unwrap().to_owned();
    let (status, headers, body) = get(&console, "/console/", &[("if-none-match", &etag)]).await;
    assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert!(headers.contains_key("content-security-policy"));
}

#[tokio::test]
async fn the_root_leads_to_the_console_and_a_binary_without_one_says_so() {
    for path in ["/", "/console"] {
        let (status, headers, _) = get(&Console::default(), path, &[]).await;
        assert_eq!(status, StatusCode::TEMPORARY_REDIRECT, "{path}");
        assert_eq!(headers["location"], "/console/");
    }
    let (status, _, body) = get(&Console::default(), "/console/", &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("built without the console"), "{body}");
}
