//! Revisions and entries of the audit log as this dialect writes them. Documents are told as they are stored: prices in
//! micro-dollars, times in milliseconds; no document ever holds a secret.

use serde::Serialize;
use serde_json::Value;
use tollgate_catalog::{Action, AuditEntry, Meta, Revision};
use utoipa::ToSchema;

/// One state of an object.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ObjectState {
    /// The object's kind.
    #[schema(schema_with = super::kind_schema)]
    kind: &'static str,
    /// Its id; an ad location's has the app's before it: `APP/UUID`.
    id: String,
    /// 1 at creation, one more with every change.
    #[schema(minimum = 1)]
    version: u64,
    /// Its place in the log, over all objects.
    #[schema(minimum = 1)]
    seq: u64,
    /// When it became so.
    #[schema(format = DateTime)]
    at: String,
    /// Whose credential made it so: `api_key:ID`, `oauth_client:ID`, `user:ID`, `cli`, `system:PART`.
    actor: String,
    /// Whether this version is the object's deletion.
    deleted: bool,
    /// The object as it is stored; of a deletion, as it was before.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    document: Value,
}

impl ObjectState {
    /// A revision of the log.
    pub(super) fn of(revision: Revision) -> Self {
        Self {
            kind: revision.kind,
            id: revision.id.to_string(),
            version: revision.version,
            seq: revision.seq,
            at: revision.at.to_string(),
            actor: revision.actor.to_string(),
            deleted: revision.deleted,
            document: revision.document,
        }
    }

    /// An object that exists.
    pub(super) fn present(kind: &'static str, meta: &Meta, document: Value) -> Self {
        Self {
            kind,
            id: meta.id.to_string(),
            version: meta.version,
            seq: meta.seq,
            at: meta.updated_at.to_string(),
            actor: meta.updated_by.to_string(),
            deleted: false,
            document,
        }
    }
}

/// What one write did to one object.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Entry {
    /// Its place in the log.
    #[schema(minimum = 1)]
    seq: u64,
    /// The object's kind.
    #[schema(schema_with = super::kind_schema)]
    kind: &'static str,
    /// The object's id.
    id: String,
    /// The version that came of it.
    #[schema(minimum = 1)]
    version: u64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Whose credential did it: `api_key:ID`, `oauth_client:ID`, `user:ID`, `cli`, `system:PART`.
    actor: String,
    /// What was done.
    #[schema(schema_with = action_schema)]
    action: &'static str,
    /// Every field that changed.
    changes: Vec<Change>,
}

/// A field that changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Change {
    /// Its name, with a point between objects and fields: `ad_targeting_settings.target_os_version`.
    field: String,
    /// What it was; null when it was not there.
    old: Value,
    /// What it became; null when it is not there any more.
    new: Value,
}

impl Entry {
    pub(crate) fn of(entry: AuditEntry) -> Self {
        let revision = entry.revision;
        let change =
            |one: tollgate_catalog::FieldChange| Change { field: one.field, old: one.old, new: one.new };
        Self {
            seq: revision.seq,
            kind: revision.kind,
            id: revision.id.to_string(),
            version: revision.version,
            at: revision.at.to_string(),
            actor: revision.actor.to_string(),
            action: entry.action.name(),
            changes: entry.changes.into_iter().map(change).collect(),
        }
    }

    /// Where it stands in the log.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }
}

fn action_schema() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::{ObjectBuilder, schema::Type};
    let names = Action::ALL.map(Action::name);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}
