//! The `user_id` and `user_signature` pair of the v3 API. The signature's digest stands in the secrets table.

use crate::object::Object;
use serde::{Deserialize, Serialize};

/// A v3 credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyCredential {
    /// The `user_id`: 24 lower-case hex characters.
    pub id: String,
}

impl Object for LegacyCredential {
    const KIND: &'static str = "legacy_credential";

    fn id(&self) -> &str {
        &self.id
    }
}
