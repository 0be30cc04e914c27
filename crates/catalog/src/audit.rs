//! Who changed what: the log read backwards, each revision with the fields that it changed. It is the same reading for
//! one object's history and for everything an organization did.

use crate::catalog::Catalog;
use crate::error::CatalogError;
use crate::revision::{RawRevision, Revision};
use crate::store::{self, number};
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use std::sync::Arc;
use tollgate_domain::{OrganizationId, Timestamp};

/// Which revisions are asked for; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter<'a> {
    /// Of objects of this kind.
    pub kind: Option<&'a str>,
    /// Of objects of this id.
    pub id: Option<&'a str>,
    /// By one actor, as [`crate::Actor`] writes it.
    pub actor: Option<&'a str>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// With a smaller seq: where the last page ended.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// What a revision did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The object came into being.
    Created,
    /// Its fields changed.
    Updated,
    /// The secret beside it changed; documents never hold one.
    SecretChanged,
    /// It was deleted.
    Deleted,
    /// It came back after it was deleted.
    Restored,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] =
        [Self::Created, Self::Updated, Self::SecretChanged, Self::Deleted, Self::Restored];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::SecretChanged => "secret_changed",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }
}

/// A field that a revision changed. A field that was or is not there is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name; that of a field in an object has the object's before it, with a point between. Lists change as a whole.
    pub field: String,
    /// What it was.
    pub old: Value,
    /// What it became.
    pub new: Value,
}

/// An entry of the audit log.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// The revision.
    pub revision: Revision,
    /// What it did.
    pub action: Action,
    /// What it changed, ordered by field. A deletion changes no field.
    pub changes: Vec<FieldChange>,
}

impl Catalog {
    /// Revisions of an organization, newest first.
    pub async fn audit(
        &self,
        organization: OrganizationId,
        filter: &AuditFilter<'_>,
    ) -> Result<Vec<AuditEntry>, CatalogError> {
        let mut query = query(organization, filter);
        let mut reader = self.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await?;
        rows.iter().map(entry).collect()
    }

    /// One state of an object; `None` when there never was such a version.
    pub async fn revision(
        &self,
        organization: OrganizationId,
        kind: &'static str,
        id: &str,
        version: u64,
    ) -> Result<Option<Revision>, CatalogError> {
        let mut reader = self.reader().await?;
        let raw = store::revision(&mut reader, organization, kind, id, Some(version)).await?;
        Ok(raw.map(RawRevision::publish).transpose()?)
    }
}

/// The revisions that are asked for, each beside the one of its object before it.
fn query(organization: OrganizationId, filter: &AuditFilter<'_>) -> QueryBuilder<Sqlite> {
    // One object's revisions are few; all others are read along the organization's log.
    let index = match (filter.kind, filter.id) {
        (Some(_), Some(_)) => "",
        _ => "INDEXED BY revisions_by_organization ",
    };
    let mut query = QueryBuilder::new(
        "SELECT r.seq, r.organization, r.kind, r.id, r.version, r.at, r.created_at, r.actor, r.doc, r.deleted, \
         p.doc, p.deleted FROM revisions AS r ",
    );
    query.push(index).push(
        "LEFT JOIN revisions AS p ON p.organization = r.organization AND p.kind = r.kind AND p.id = r.id \
         AND p.version = r.version - 1 WHERE r.organization = ",
    );
    query.push_bind(organization.as_str().to_owned());
    if let Some(kind) = filter.kind {
        query.push(" AND r.kind = ").push_bind(kind.to_owned());
    }
    if let Some(id) = filter.id {
        query.push(" AND r.id = ").push_bind(id.to_owned());
    }
    if let Some(actor) = filter.actor {
        query.push(" AND r.actor = ").push_bind(actor.to_owned());
    }
    if let Some(from) = filter.from {
        query.push(" AND r.at >= ").push_bind(from.millis());
    }
    if let Some(to) = filter.to {
        query.push(" AND r.at < ").push_bind(to.millis());
    }
    if let Some(before) = filter.before {
        query.push(" AND r.seq < ").push_bind(number(before));
    }
    query.push(" ORDER BY r.seq DESC LIMIT ").push_bind(i64::from(filter.limit));
    query
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, CatalogError> {
    let actor: Arc<str> = row.try_get::<&str, _>(7)?.into();
    let raw = store::read_revision(row, actor)?;
    let before: Option<Vec<u8>> = row.try_get(10)?;
    let was_deleted = row.try_get::<Option<i64>, _>(11)?.is_some_and(|deleted| deleted != 0);
    let before = match before {
        Some(doc) => Some(RawRevision { doc, ..raw.clone() }.publish()?.document),
        None => None,
    };
    let revision = raw.publish()?;
    let mut changes = Vec::new();
    compare("", before.as_ref().unwrap_or(&Value::Null), &revision.document, &mut changes);
    let action = match before {
        _ if revision.deleted => Action::Deleted,
        None => Action::Created,
        Some(_) if was_deleted => Action::Restored,
        // A write that leaves a document as it is makes a revision only for the secret beside it.
        Some(_) if changes.is_empty() => Action::SecretChanged,
        Some(_) => Action::Updated,
    };
    Ok(AuditEntry { revision, action, changes })
}

/// Adds every field below `field` that is not the same in both.
fn compare(field: &str, old: &Value, new: &Value, changes: &mut Vec<FieldChange>) {
    let nothing = Map::new();
    let (old_fields, new_fields) = match (old, new) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        // The document of a new object is told field by field.
        (Value::Null, Value::Object(new)) if field.is_empty() => (&nothing, new),
        _ if old == new => return,
        _ => {
            changes.push(FieldChange { field: field.to_owned(), old: old.clone(), new: new.clone() });
            return;
        }
    };
    let mut names: Vec<&String> = old_fields.keys().chain(new_fields.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        let (old, new) = (old_fields.get(name), new_fields.get(name));
        compare(&path, old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes(old: Value, new: Value) -> Vec<(String, Value, Value)> {
        let mut changes = Vec::new();
        compare("", &old, &new, &mut changes);
        changes.into_iter().map(|one| (one.field, one.old, one.new)).collect()
    }

    #[test]
    fn fields_are_compared_by_path_and_lists_as_a_whole() {
        let old = json!({"a": 1, "b": {"c": 1, "d": [1, 2]}, "e": null, "gone": true, "same": {"x": 1}});
        let new = json!({"a": 2, "b": {"c": 1, "d": [2, 1]}, "new": {"y": 1}, "same": {"x": 1}});
        let expected = [
            ("a", json!(1), json!(2)),
            ("b.d", json!([1, 2]), json!([2, 1])),
            ("gone", json!(true), Value::Null),
            ("new", Value::Null, json!({"y": 1})),
        ];
        assert_eq!(changes(old, new), expected.map(|(field, old, new)| (field.to_owned(), old, new)));
    }

    #[test]
    fn a_new_object_is_told_field_by_field() {
        let expected = [("a".to_owned(), Value::Null, json!(1)), ("b".to_owned(), Value::Null, json!([]))];
        assert_eq!(changes(Value::Null, json!({"b": [], "a": 1, "c": null})), expected);
        assert_eq!(changes(json!({"a": 1}), json!({"a": 1})), []);
    }
}
