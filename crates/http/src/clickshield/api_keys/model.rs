//! An API key as this dialect shows it: everything but the key.

use super::super::entity::with_common;
use super::super::list::{Field, FieldType};
use serde_json::{Map, Value, json};
use tollgate_catalog::{ApiKey, KeyOwner, Stored};
use tollgate_domain::OrganizationId;

/// The fields beside the common ones.
pub(super) const FIELDS: &[Field] =
    &[("name", FieldType::Text), ("scopes", FieldType::Exact), ("user", FieldType::Exact)];

/// The answered object. `user` is null for a key of the organization.
pub(super) fn object(stored: &Stored<ApiKey>, organization: OrganizationId) -> Map<String, Value> {
    let user = match &stored.owner {
        KeyOwner::Organization => None,
        KeyOwner::User { id } => Some(id.as_str()),
    };
    let mut own = Map::new();
    own.insert("name".into(), stored.name.as_str().into());
    own.insert("scopes".into(), json!(stored.scopes));
    own.insert("user".into(), user.into());
    with_common(own, &stored.meta, None, organization)
}
