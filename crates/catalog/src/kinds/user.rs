//! People. Their password hashes stand in the secrets table.

use crate::kinds::Scope;
use crate::object::Object;
use serde::{Deserialize, Serialize};
use tollgate_domain::Timestamp;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything. Older documents call it `admin`.
    #[serde(alias = "admin")]
    Owner,
    /// Everything but users and API keys. Older documents call it `member`.
    #[serde(alias = "member")]
    Manager,
    /// Reading, files of events included.
    Analyst,
}

impl Role {
    /// Every role, with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("owner", Self::Owner), ("manager", Self::Manager), ("analyst", Self::Analyst)];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Analyst => "analyst",
        }
    }

    /// Whether it may do what an API key needs `scope` for.
    pub fn allows(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => true,
            Scope::Write => self != Self::Analyst,
        }
    }
}

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// 24 lower-case hex characters.
    pub id: String,
    /// Where mail reaches them; no other user of the organization has it, without case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// When a link to choose their password was made last: whoever has it can become them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_at: Option<Timestamp>,
}

impl Object for User {
    const KIND: &'static str = "user";

    fn id(&self) -> &str {
        &self.id
    }
}

impl std::fmt::Debug for User {
    /// Without the address: it is a personal datum.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}
