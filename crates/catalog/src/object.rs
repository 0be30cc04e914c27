//! What the catalog keeps: objects of a kind, each with its metadata, in persistent maps.

use crate::kinds::Tables;
use imbl::OrdMap;
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Deref;
use std::sync::Arc;
use tollgate_domain::Timestamp;

/// A kind of configured object. One file in `kinds/` and one line in its table make a new one.
pub trait Object: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// The kind's name in the revision log. Never changes.
    const KIND: &'static str;

    /// The object's id, unique within its organization and kind.
    fn id(&self) -> &str;
}

/// An [`Object`] that has its line in the table of kinds, which implements this.
pub trait Kind: Object {
    /// The objects of this kind.
    fn table(tables: &Tables) -> &Table<Self>;

    /// The same, to be changed.
    fn table_mut(tables: &mut Tables) -> &mut Table<Self>;
}

/// What the log knows about an object's newest revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The object's id.
    pub id: Arc<str>,
    /// 1 at creation, one more with every change.
    pub version: u64,
    /// The revision that made it so.
    pub seq: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who last changed it.
    pub updated_by: Arc<str>,
}

/// An object as stored: its value and its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// The object.
    pub value: T,
    /// What the log knows about it.
    pub meta: Meta,
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// All objects of one kind in one organization, ordered by id. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct Table<T>(OrdMap<Arc<str>, Arc<Stored<T>>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<T> Table<T> {
    /// The object of an id.
    pub fn get(&self, id: &str) -> Option<&Arc<Stored<T>>> {
        self.0.get(id)
    }

    /// Every object, ordered by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Stored<T>>> {
        self.0.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, stored: Stored<T>) {
        self.0.insert(stored.meta.id.clone(), Arc::new(stored));
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<Stored<T>>> {
        self.0.remove(id)
    }
}
