//! Who is calling: the holder of an OAuth token, RFC 6750, or a user who signed in. The token or session names the
//! organization; nothing else in a request does, so whatever a caller names is looked for in its own organization only.

use super::Failure;
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::session::SignedIn;
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use std::sync::Arc;
use tollgate_catalog::{Actor, OrganizationSnapshot};
use tollgate_domain::OrganizationId;

/// The holder of a token in force, or a user who signed in.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    organization: Arc<OrganizationSnapshot>,
    /// The id of the client, or of the user.
    credential: Arc<str>,
    actor: Actor,
}

impl Client {
    /// The caller's organization, as of the moment the request came.
    pub(crate) fn organization(&self) -> &Arc<OrganizationSnapshot> {
        &self.organization
    }

    /// The organization's id.
    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.organization.id()
    }

    /// The id of the client that the token was issued to, or of the user.
    pub(crate) fn credential(&self) -> &Arc<str> {
        &self.credential
    }

    /// The name that stands in the log for what this caller changes.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// Whose request it is; the request counts towards the caller's limit.
    pub(crate) fn of(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        if let Some(signed_in) = SignedIn::of(parts, state) {
            let signed_in = signed_in?;
            let organization = signed_in.organization().clone();
            return Ok(Self { organization, credential: signed_in.id().clone(), actor: signed_in.actor() });
        }
        Self::of_token(&parts.headers, state)
    }

    /// The holder of the token that a request presents; the request counts towards the client's limit.
    fn of_token(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let invalid = || ApiError {
            challenge: "Bearer error=\"invalid_token\"",
            ..ApiError::because(
                Code::Unauthorized,
                "The access token is malformed, has expired or was revoked.",
            )
        };
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let missing =
            || ApiError::because(Code::Unauthorized, "Send an access token: Authorization: Bearer TOKEN.");
        let value = values.next().ok_or_else(missing)?;
        if values.next().is_some() {
            return Err(invalid());
        }
        let text = value.to_str().map_err(|_| invalid())?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        let token = state.catalog.token(token.trim()).ok_or_else(invalid)?;
        let organization = state.catalog.snapshot().organization(token.organization).cloned();
        let organization = organization.ok_or_else(invalid)?;
        state.limits.count(&token.client_id)?;
        let (credential, actor) = (token.client_id.clone(), Actor::oauth_client(&token.client_id));
        Ok(Self { organization, credential, actor })
    }
}

impl FromRequestParts<ApiState> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        Ok(Self::of(parts, state)?)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestApp;
    use axum::body::Body;
    use axum::http::{HeaderValue, Request, header};
    use serde_json::json;
    use tollgate_catalog::TOKEN_LIFETIME_SECONDS;

    async fn challenge(app: &TestApp, values: &[&[u8]]) -> (u16, Option<String>) {
        let mut request = Request::get("/v5/apps").body(Body::empty()).unwrap();
        for value in values {
            request.headers_mut().append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        let answered = app.send(request).await;
        if answered.status == 401 {
            let detail = &answered.body["detail"][0];
            let expected = json!({"detail": [{"msg": detail["msg"], "type": "unauthorized"}]});
            assert_eq!(answered.body, expected);
        }
        (answered.status.as_u16(), answered.header("www-authenticate").map(str::to_owned))
    }

    #[tokio::test]
    async fn what_proves_nothing_is_told_apart_from_what_is_no_longer_valid() {
        let app = TestApp::new().await;
        let snapshot = app.catalog.snapshot();
        let client = snapshot.oauth_client(&app.made.v4.id, app.made.v4.secret.expose()).unwrap().object;
        let token = app.catalog.issue_token(app.made.organization_id, &client).await.unwrap();
        let bearer = format!("Bearer {}", token.expose());
        let plain = (401, Some("Bearer".to_owned()));
        let invalid = (401, Some("Bearer error=\"invalid_token\"".to_owned()));
        assert_eq!(challenge(&app, &[]).await, plain);
        assert_eq!(challenge(&app, &[b"Basic YTpi"]).await, plain);
        let key = format!("Bearer {}", app.made.api_key.secret.expose());
        for wrong in ["Bearer", "Bearer ", "bearer x", "Bearer \u{e4}", &bearer[..70], &key] {
            assert_eq!(challenge(&app, &[wrong.as_bytes()]).await, invalid, "{wrong}");
        }
        assert_eq!(challenge(&app, &[bearer.as_bytes(), bearer.as_bytes()]).await, invalid);
        assert_eq!(challenge(&app, &[bearer.as_bytes()]).await, (200, None));
        assert_eq!(challenge(&app, &[bearer.replace("Bearer", "bEARER").as_bytes()]).await, (200, None));

        app.clock.advance_seconds(TOKEN_LIFETIME_SECONDS - 1);
        assert_eq!(challenge(&app, &[bearer.as_bytes()]).await, (200, None));
        app.clock.advance_seconds(1);
        assert_eq!(challenge(&app, &[bearer.as_bytes()]).await, invalid, "it has expired");

        let token = app.catalog.issue_token(app.made.organization_id, &client).await.unwrap();
        assert!(app.catalog.revoke_token(token.expose()).await.unwrap());
        assert_eq!(challenge(&app, &[format!("Bearer {}", token.expose()).as_bytes()]).await, invalid);
    }

    #[tokio::test]
    async fn unknown_routes_and_methods_answer_in_this_dialect() {
        let app = TestApp::new().await;
        let request =
            |method: &str, path: &str| Request::builder().method(method).uri(path).body(Body::empty());
        for path in ["/v5/nothing", "/v4/", "/v6/apps", "/v5/apps/a/b/c/d"] {
            let answered = app.send(request("GET", path).unwrap()).await;
            assert_eq!(
                (answered.status.as_u16(), &answered.body["detail"][0]["type"]),
                (404, &json!("not_found"))
            );
        }
        for prefix in ["/v4", "/v5"] {
            let answered = app.send(request("PUT", &format!("{prefix}/apps")).unwrap()).await;
            assert_eq!(answered.body["detail"][0]["type"], "method_not_allowed");
            assert_eq!((answered.status.as_u16(), answered.header("allow")), (405, Some("GET,HEAD,POST")));
        }
    }
}
