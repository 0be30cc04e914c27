//! The tenant that owns everything else.

use crate::object::Object;
use serde::{Deserialize, Serialize};
use tollgate_domain::OrganizationId;

/// An organization. It is the first object of its own part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, 1 to 255 characters.
    pub name: String,
    /// Whether the disclosures that the control plane asks for were accepted.
    #[serde(default)]
    pub disclosures_accepted: bool,
}

impl Object for Organization {
    const KIND: &'static str = "organization";

    fn id(&self) -> &str {
        self.id.as_str()
    }
}
