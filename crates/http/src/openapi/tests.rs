//! The document is what the router does, the committed file is the document, and the pages load nothing from elsewhere.

use super::document;
use crate::testing::TestApp;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(super) fn parsed() -> Value {
    serde_json::from_str(&document()).unwrap()
}

/// The methods of every path of the document, upper case.
fn operations(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == document(),
        "docs/openapi.json is not what the code says; run `cargo run -p tollgate -- openapi > docs/openapi.json`"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_id() {
    let document = parsed();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{method} {path}: {id} is taken");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{id}");
            assert!(operation["security"].is_array(), "{id}");
        }
    }
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                map.values().for_each(|value| walk(value, document));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    walk(&document, &document);
}

/// The router's own paths, as its debug text shows them: there is no other way to ask for them.
fn routed(app: &TestApp) -> BTreeSet<String> {
    let text = format!("{:?}", app.router());
    let ours = |path: &&str| path.starts_with('/') && *path != "/" && !path.contains("__private");
    text.split('"').filter(ours).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_route_stands_in_the_document_with_its_methods() {
    let app = TestApp::new().await;
    let documented = operations(&parsed());
    let other =
        |path: &str| ["/docs", "/console", "/openapi.json"].iter().any(|other| path.starts_with(other));
    let routed: BTreeSet<String> = routed(&app).into_iter().filter(|path| !other(path)).collect();
    assert_eq!(routed, documented.keys().cloned().collect());
    for (path, methods) in documented {
        // A name that is no id of anything stands for every parameter.
        let path: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let request =
            Request::builder().method(Method::TRACE).uri(path.join("/")).body(Body::empty()).unwrap();
        let answered = app.send(request).await;
        assert_eq!(answered.status, 405, "{path:?}");
        let allowed = answered.header("allow").unwrap().split(',').map(str::to_owned);
        let allowed: BTreeSet<String> = allowed.filter(|method| method != "HEAD").collect();
        assert_eq!(allowed, methods, "{path:?}");
    }
}

#[tokio::test]
async fn the_pages_load_nothing_from_elsewhere() {
    let app = TestApp::new().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let served = app.send(get("/openapi.json")).await;
    assert_eq!((served.status.as_u16(), &served.body), (200, &parsed()));
    for path in ["/docs", "/docs/errors", "/docs/style.css", "/docs/script.js"] {
        let (headers, text) = app.text(get(path)).await;
        assert!(!text.contains("://"), "{path}");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert!(!text.contains("innerHTML") && !text.contains(" style="), "{path}");
    }
    let (_, errors) = app.text(get("/docs/errors")).await;
    assert!(errors.contains("id=\"precondition_failed\""));
}
