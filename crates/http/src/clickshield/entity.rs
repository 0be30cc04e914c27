//! What every object of this dialect has beside its own fields: `id`, `integration`, `organization`, `created_at`,
//! `updated_at`, `last_updated_by`.

use crate::fields::Fields;
use serde_json::{Map, Value};
use tollgate_catalog::Meta;
use tollgate_domain::OrganizationId;

/// Adds the common fields to an object's own.
pub(super) fn with_common(
    mut own: Map<String, Value>,
    meta: &Meta,
    integration: Option<&str>,
    organization: OrganizationId,
) -> Map<String, Value> {
    own.insert("id".into(), (*meta.id).into());
    own.insert("integration".into(), integration.into());
    own.insert("organization".into(), organization.as_str().into());
    own.insert("created_at".into(), meta.created_at.to_string().into());
    own.insert("updated_at".into(), meta.updated_at.to_string().into());
    own.insert("last_updated_by".into(), (*meta.updated_by).into());
    own
}

/// Takes the common fields out of a body, so that what was read can be sent back. Those that say whose the object is
/// must agree with the path; the others are ours and are ignored.
pub(super) fn take_common(
    fields: &mut Fields,
    id: Option<&str>,
    integration: Option<&str>,
    organization: OrganizationId,
) {
    for ours in ["created_at", "updated_at", "last_updated_by"] {
        fields.ignore(ours);
    }
    match id {
        Some(id) => fields.agree("id", id),
        None => fields.ignore("id"),
    }
    match integration {
        Some(integration) => fields.agree("integration", integration),
        None => fields.ignore("integration"),
    }
    fields.agree("organization", organization.as_str());
}
