//! API keys of the traffic-quality dialect. The key's digest stands in the secrets table; deleting the object revokes it.

use crate::object::Object;
use serde::{Deserialize, Serialize};

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reading configuration and reports.
    Read,
    /// Changing configuration, sending events that need a key.
    Write,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeyOwner {
    /// The organization's.
    Organization,
    /// A user's own.
    User {
        /// The user's id.
        id: String,
    },
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// 10 characters of `a-z0-9`; public, unlike the key.
    pub id: String,
    /// What its makers call it, 1 to 255 characters.
    pub name: String,
    /// What it allows, without duplicates.
    pub scopes: Vec<Scope>,
    /// Whose it is.
    pub owner: KeyOwner,
}

impl ApiKey {
    /// Whether it allows `scope`.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl Object for ApiKey {
    const KIND: &'static str = "api_key";

    fn id(&self) -> &str {
        &self.id
    }
}
