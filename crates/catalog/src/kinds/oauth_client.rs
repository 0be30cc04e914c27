//! OAuth clients of the control plane. The secret's digest stands in the secrets table; deleting the object ends its
//! ability to get tokens, while tokens already issued live on.

use crate::object::Object;
use serde::{Deserialize, Serialize};

/// The API version a client's credentials belong to. They are refreshed separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientVersion {
    /// `POST /v4/token`.
    V4,
    /// `POST /oauth/token`, `POST /v5/oauth/token`.
    V5,
}

/// An OAuth client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthClient {
    /// The `client_id`: 32 lower-case hex characters.
    pub id: String,
    /// The version it belongs to.
    pub version: ClientVersion,
}

impl Object for OauthClient {
    const KIND: &'static str = "oauth_client";

    fn id(&self) -> &str {
        &self.id
    }
}
