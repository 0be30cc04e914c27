//! A write in the making: an organization's newest state, changed in memory and checked there. What it refuses was
//! never stored.

use crate::kinds::Organization;
use crate::object::{Kind, MAX_EVER, Meta, Stored, Table};
use crate::revision::encode;
use crate::secret::StoredSecret;
use crate::snapshot::{OrganizationSnapshot, Snapshot};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tollgate_domain::{Entropy, Invalid, OrganizationId, Timestamp};

/// Who writes: `api_key:k3jd…`, `user:…`, `cli`. Stands in every revision, so it never holds a secret or a person's
/// name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub(crate) Arc<str>);

impl Actor {
    /// Whoever runs commands on the data directory.
    pub fn command_line() -> Self {
        Self("cli".into())
    }

    /// The holder of an API key, by the key's public id.
    pub fn api_key(id: &str) -> Self {
        Self(format!("api_key:{id}").into())
    }

    /// A user, by id.
    pub fn user(id: &str) -> Self {
        Self(format!("user:{id}").into())
    }

    /// The holder of an OAuth client's token, by client id.
    pub fn oauth_client(id: &str) -> Self {
        Self(format!("oauth_client:{id}").into())
    }

    /// The holder of a v3 credential, by its user id.
    pub fn legacy_credential(id: &str) -> Self {
        Self(format!("legacy_credential:{id}").into())
    }

    /// Tollgate itself, by the part that acts: `system:traffic`.
    pub fn system(part: &str) -> Self {
        Self(format!("system:{part}").into())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a write was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The object does not exist in this organization.
    #[error("{kind} {id} does not exist")]
    NotFound {
        /// Its kind.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// An object of that id exists already.
    #[error("{kind} {id} exists already")]
    Exists {
        /// Its kind.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// Someone else changed the object since it was read.
    #[error("the object is at version {actual}, not {expected}")]
    VersionConflict {
        /// The version that the caller saw.
        expected: u64,
        /// The version that there is.
        actual: u64,
    },
    /// Values that break rules, every one of them.
    #[error("{}", list(.0))]
    Invalid(Vec<Invalid>),
    /// A rule about the whole, not about a field.
    #[error("{message}")]
    Rule {
        /// Stable snake_case code.
        code: &'static str,
        /// What is wrong, in one sentence without a final stop.
        message: String,
    },
}

fn list(invalid: &[Invalid]) -> String {
    invalid.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(vec![invalid])
    }
}

/// What a draft does to one object.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// The version it had; 0 for one that is new here (it may have had a life before).
    pub(crate) from_version: u64,
    /// When its present life began.
    pub(crate) created_at: Timestamp,
    /// The document to store; of a deletion, the last one.
    pub(crate) doc: Vec<u8>,
    pub(crate) deleted: bool,
    /// The secret to store; `Some(None)` removes it.
    pub(crate) secret: Option<Option<StoredSecret>>,
}

pub(crate) type Changes = BTreeMap<(&'static str, Arc<str>), Change>;

/// The state of an organization that a write sees and changes. Every change shows at once in the reads that follow.
pub struct Draft<'a> {
    snapshot: &'a Snapshot,
    organization: OrganizationSnapshot,
    now: Timestamp,
    entropy: &'a dyn Entropy,
    actor: Actor,
    changes: Changes,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        id: OrganizationId,
        actor: Actor,
        now: Timestamp,
        entropy: &'a dyn Entropy,
    ) -> Self {
        let organization = snapshot
            .organization(id)
            .map_or_else(|| OrganizationSnapshot::empty(id), |organization| (**organization).clone());
        Self { snapshot, organization, now, entropy, actor, changes: Changes::new() }
    }

    /// The whole catalog as it was before this write, for rules that span organizations.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The organization that is written to.
    pub fn organization(&self) -> &OrganizationSnapshot {
        &self.organization
    }

    /// Its id.
    pub fn organization_id(&self) -> OrganizationId {
        self.organization.id()
    }

    /// When the write happens.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Randomness for new ids and secrets.
    pub fn entropy(&self) -> &'a dyn Entropy {
        self.entropy
    }

    /// Every object of a kind, with this draft's changes. Metadata of changed objects is provisional.
    pub fn table<T: Kind>(&self) -> &Table<T> {
        self.organization.table()
    }

    /// One object, with this draft's changes.
    pub fn get<T: Kind>(&self, id: &str) -> Option<&Arc<Stored<T>>> {
        self.organization.get(id)
    }

    /// The version of an object, with this draft's changes.
    pub(crate) fn version(&self, kind: &str, id: &str) -> Option<u64> {
        self.organization.tables.meta(kind, id).map(|meta| meta.version)
    }

    /// One object that must exist, at the version the caller saw, if the caller says which.
    pub fn require<T: Kind>(&self, id: &str, expected: Option<u64>) -> Result<Arc<Stored<T>>, Refused> {
        let stored =
            self.get::<T>(id).ok_or_else(|| Refused::NotFound { kind: T::KIND, id: id.to_owned() })?;
        match expected {
            Some(expected) if expected != stored.meta.version => {
                Err(Refused::VersionConflict { expected, actual: stored.meta.version })
            }
            _ => Ok(stored.clone()),
        }
    }

    /// Adds an object. Of a remembered kind one that comes back may, whatever the number of others.
    pub fn create<T: Kind>(&mut self, value: T) -> Result<(), Refused> {
        let id: Arc<str> = value.id().into();
        if self.get::<T>(&id).is_some() {
            return Err(Refused::Exists { kind: T::KIND, id: id.to_string() });
        }
        let table = self.table::<T>();
        if T::IS_REMEMBERED && table.len_ever() >= MAX_EVER && table.former(&id).is_none() {
            return Err(Refused::Rule {
                code: "too_many_ever",
                message: format!(
                    "An organization can have had at most {MAX_EVER} objects of kind {}, deleted ones included: \
                     figures of the past tell of them",
                    T::KIND
                ),
            });
        }
        self.put(id, value, None)
    }

    /// Replaces an object that exists; `expected` is the version the caller saw. An equal value changes nothing.
    pub fn update<T: Kind>(&mut self, value: T, expected: Option<u64>) -> Result<(), Refused> {
        let stored = self.require::<T>(value.id(), expected)?;
        if stored.value == value {
            return Ok(());
        }
        self.put(stored.meta.id.clone(), value, Some(&stored.meta))
    }

    /// Removes an object that exists, and its secret. Its history stays.
    pub fn delete<T: Kind>(&mut self, id: &str, expected: Option<u64>) -> Result<(), Refused> {
        let stored = self.require::<T>(id, expected)?;
        T::table_mut(&mut self.organization.tables).remove(id);
        let key = (T::KIND, stored.meta.id.clone());
        let (from_version, created_at) = self.origin(&key, Some(&stored.meta));
        if from_version == 0 && self.changes.contains_key(&key) {
            self.changes.remove(&key);
            return Ok(());
        }
        let doc = document(&stored.value)?;
        self.changes.insert(key, Change { from_version, created_at, doc, deleted: true, secret: Some(None) });
        Ok(())
    }

    /// Stores a secret beside an object that exists, or removes it. Always a new revision of the object, so that the
    /// log tells who did it.
    pub fn set_secret<T: Kind>(&mut self, id: &str, secret: Option<StoredSecret>) -> Result<(), Refused> {
        let stored = self.require::<T>(id, None)?;
        let key = (T::KIND, stored.meta.id.clone());
        if !self.changes.contains_key(&key) {
            self.put(stored.meta.id.clone(), stored.value.clone(), Some(&stored.meta))?;
        }
        self.changes.entry(key).or_default().secret = Some(secret);
        Ok(())
    }

    fn put<T: Kind>(&mut self, id: Arc<str>, value: T, old: Option<&Meta>) -> Result<(), Refused> {
        let key = (T::KIND, id.clone());
        let (from_version, created_at) = self.origin(&key, old);
        let doc = document(&value)?;
        let change = self.changes.entry(key).or_default();
        *change = Change { from_version, created_at, doc, deleted: false, secret: change.secret.take() };
        let meta = Meta {
            id,
            version: from_version + 1,
            seq: 0,
            created_at,
            updated_at: self.now,
            updated_by: self.actor.0.clone(),
            is_deleted: false,
        };
        T::table_mut(&mut self.organization.tables).insert(Stored { value, meta });
        Ok(())
    }

    /// The stored version and the creation time that a change starts from: those of the first change in this draft.
    fn origin(&self, key: &(&'static str, Arc<str>), old: Option<&Meta>) -> (u64, Timestamp) {
        match (self.changes.get(key), old) {
            (Some(change), _) => (change.from_version, change.created_at),
            (None, Some(old)) => (old.version, old.created_at),
            (None, None) => (0, self.now),
        }
    }

    /// The changes, unless they would stand in an organization that does not exist.
    pub(crate) fn finish(self) -> Result<Changes, Refused> {
        let id = self.organization.id();
        if !self.changes.is_empty() && self.organization.organization().is_none() {
            return Err(Refused::NotFound {
                kind: <Organization as crate::Object>::KIND,
                id: id.to_string(),
            });
        }
        Ok(self.changes)
    }
}

/// Documents are plain data: one that cannot be written is a mistake in a kind's definition.
fn document<T: Kind>(value: &T) -> Result<Vec<u8>, Refused> {
    encode(value).map_err(|error| Refused::Rule { code: "unwritable", message: error.to_string() })
}

impl fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("organization", &self.organization)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}
