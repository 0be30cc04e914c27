//! Callers of this dialect, for tests through the real router.

use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use tollgate_catalog::{Actor, ClientVersion, refresh_oauth_client};
use tollgate_domain::OrganizationId;

/// The holder of a token.
pub(crate) struct Publisher<'a> {
    app: &'a TestApp,
    token: String,
}

impl TestApp {
    /// A caller of the organization that `init` made.
    pub(crate) async fn publisher(&self) -> Publisher<'_> {
        let snapshot = self.catalog.snapshot();
        let client = snapshot.oauth_client(&self.made.v5.id, self.made.v5.secret.expose()).unwrap().object;
        let token = self.catalog.issue_token(self.made.organization_id, &client).await.unwrap();
        Publisher { app: self, token: token.expose().to_owned() }
    }

    /// A caller of another organization.
    pub(crate) async fn other_publisher(&self) -> Publisher<'_> {
        self.neighbour().await;
        let id: OrganizationId = "ffffffffffffffffffffffff".parse().unwrap();
        let actor = Actor::command_line();
        let write = self.catalog.write(id, &actor, |draft| refresh_oauth_client(draft, ClientVersion::V5));
        let made = write.await.unwrap();
        let snapshot = self.catalog.snapshot();
        let client = snapshot.oauth_client(&made.id, made.secret.expose()).unwrap().object;
        let token = self.catalog.issue_token(id, &client).await.unwrap();
        Publisher { app: self, token: token.expose().to_owned() }
    }
}

impl Publisher<'_> {
    /// A request with, unless it is null, a JSON body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answered {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &text, &[]).await
    }

    /// A request with a body as it is and more headers.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answered {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header(header::CONTENT_TYPE, "application/json;charset=UTF-8");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// The text of a good answer, which is not read further.
    pub(crate) async fn text(&self, path: &str) -> String {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        self.app.text(request.body(Body::empty()).unwrap()).await.1
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.call("GET", path, Value::Null).await
    }

    /// A new app; `fields` are put over those of the vendor's example. Answers its id.
    pub(crate) async fn new_app(&self, fields: Value) -> String {
        let mut body = json!({
            "nickname": "example app", "orientations": ["portrait"], "is_live": true, "is_test_mode_on": false,
            "store_app_id": "com.chartboost.example", "store_bundle_id": "com.chartboost.example",
            "store_app_url": "https://play.google.com/store/apps/example",
            "is_directed_at_kids_under_13": "NO", "platform": "android",
        });
        body.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        let made = self.call("POST", "/v5/apps", body).await;
        assert_eq!(made.status, 200, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }
}

impl Answered {
    /// What `detail` says: where, with points and brackets, and which `type`.
    pub(crate) fn details(&self) -> Vec<(String, String)> {
        let entries = self.body["detail"].as_array().map_or(&[][..], Vec::as_slice);
        let place = |entry: &Value| {
            let parts = entry["loc"].as_array().map_or(&[][..], Vec::as_slice);
            parts.iter().fold(String::new(), |place, part| match part {
                Value::Number(index) => format!("{place}[{index}]"),
                name if place.is_empty() => name.as_str().unwrap().to_owned(),
                name => format!("{place}.{}", name.as_str().unwrap()),
            })
        };
        let all = entries.iter().inspect(|entry| assert!(entry["msg"].is_string(), "{entry}"));
        all.map(|entry| (place(entry), entry["type"].as_str().unwrap().to_owned())).collect()
    }
}

/// The two prefixes under which everything answers.
pub(crate) const VERSIONS: [&str; 2] = ["/v4", "/v5"];

/// `details` as they are written in tests.
pub(crate) fn owned(details: &[(&str, &str)]) -> Vec<(String, String)> {
    details.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}
