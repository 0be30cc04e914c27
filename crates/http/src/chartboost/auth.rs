//! Who is calling: the holder of an OAuth token, RFC 6750. The token names the organization; nothing else in a request
//! does, so whatever a caller names is looked for in its own organization only.

use super::Failure;
use crate::ApiState;
use crate::error::{ApiError, Code};
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use std::sync::Arc;
use tollgate_catalog::{Actor, Catalog, OrganizationSnapshot, Token};
use tollgate_domain::OrganizationId;

/// The holder of a token in force.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    token: Arc<Token>,
    organization: Arc<OrganizationSnapshot>,
}

impl Client {
    /// The caller's organization, as of the moment the request came.
    pub(crate) fn organization(&self) -> &Arc<OrganizationSnapshot> {
        &self.organization
    }

    /// The organization's id.
    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.token.organization
    }

    /// The id of the client that the token was issued to.
    pub(crate) fn client_id(&self) -> &str {
        &self.token.client_id
    }

    /// The name that stands in the log for what this caller changes.
    pub(crate) fn actor(&self) -> Actor {
        Actor::oauth_client(self.client_id())
    }

    /// The holder of the token that `headers` present.
    pub(crate) fn of_headers(headers: &HeaderMap, catalog: &Catalog) -> Result<Self, ApiError> {
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
        let token = catalog.token(token.trim()).ok_or_else(invalid)?;
        let organization = catalog.snapshot().organization(token.organization).cloned();
        Ok(Self { organization: organization.ok_or_else(invalid)?, token })
    }
}

impl FromRequestParts<ApiState> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        let client = Self::of_headers(&parts.headers, &state.catalog)?;
        state.limits.count(&client.token.client_id)?;
        Ok(client)
    }
}
