//! What the catalog keeps: objects of a kind, each with its metadata, in persistent maps.

use crate::draft::{Draft, Refused};
use crate::kinds::Tables;
use crate::pool::Pool;
use imbl::{HashMap as SharedMap, OrdMap};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::{Bound, Deref};
use std::sync::Arc;
use tollgate_domain::Timestamp;

/// Objects of a remembered kind ([`Object::IS_REMEMBERED`]) that an organization can have had, deleted ones included: their
/// last states stay in memory, a kilobyte or so each.
pub const MAX_EVER: usize = if cfg!(test) { 20 } else { 100_000 };

/// A kind of configured object. One file in `kinds/` and one line in its table make a new one.
pub trait Object: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// The kind's name in the revision log. Never changes.
    const KIND: &'static str;

    /// The object's id, unique within its organization and kind.
    fn id(&self) -> &str;

    /// What objects of this kind are sorted and found by beside their ids, without NUL; `None` for a kind that is not.
    fn order(&self) -> Option<String> {
        None
    }

    /// What objects of this kind are counted by; `None` for a kind that is not.
    fn group(&self) -> Option<String> {
        None
    }

    /// This past state of an object, as it may be put back now: what the rules of a write forbid is refused, and facts that
    /// no caller writes stay as `last`, the newest state there was, has them. Kinds that prove who somebody is are not
    /// restored but made anew.
    fn restored(self, _last: &Self, _draft: &mut Draft<'_>) -> Result<Self, Refused> {
        Err(Refused::Rule {
            code: "not_restorable",
            message: format!("An object of kind {} cannot be restored", Self::KIND),
        })
    }

    /// Whether its last state is told of in figures of the past once it is deleted ([`Table::former`]). An organization can
    /// have had [`MAX_EVER`] objects of such a kind.
    const IS_REMEMBERED: bool = false;

    /// Gives parts that other objects have alike up for the pool's copies.
    fn share(&mut self, _pool: &mut Pool) {}
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
    /// Whether that deleted it: this is its last state then ([`Table::former`]).
    pub is_deleted: bool,
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

/// All objects of one kind in one organization, ordered by id and, where the kind has one, by [`Object::order`]. Cloning
/// shares everything.
#[derive(Debug, Clone)]
pub struct Table<T> {
    by_id: OrdMap<Arc<str>, Arc<Stored<T>>>,
    /// By order, NUL and id. Empty for kinds without an order.
    ordered: OrdMap<Arc<str>, Arc<Stored<T>>>,
    /// How many objects there are of each group. Empty for kinds without groups.
    groups: SharedMap<Arc<str>, u32>,
    /// The last states of deleted objects. Empty for kinds that are not remembered.
    former: OrdMap<Arc<str>, Arc<Stored<T>>>,
}

/// Between an object's order and its id: it sorts before every other character.
pub(crate) const NUL: char = '\0';

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { by_id: OrdMap::new(), ordered: OrdMap::new(), groups: SharedMap::new(), former: OrdMap::new() }
    }
}

impl<T> Table<T> {
    /// The object of an id.
    pub fn get(&self, id: &str) -> Option<&Arc<Stored<T>>> {
        self.by_id.get(id)
    }

    /// The last state of a deleted object of a remembered kind; its metadata is that of the deletion.
    pub fn former(&self, id: &str) -> Option<&Arc<Stored<T>>> {
        self.former.get(id)
    }

    /// The object of an id, or its last state.
    pub fn ever(&self, id: &str) -> Option<&Arc<Stored<T>>> {
        self.get(id).or_else(|| self.former(id))
    }

    /// How many there are and were; an object that came back counts once.
    pub(crate) fn len_ever(&self) -> usize {
        self.by_id.len() + self.former.len()
    }

    /// Every last state of a deleted object, ordered by id.
    pub fn iter_former(&self) -> impl Iterator<Item = &Arc<Stored<T>>> {
        self.former.values()
    }

    /// Every object, ordered by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Stored<T>>> {
        self.by_id.values()
    }

    /// Every object with its [`Object::order`], sorted by it and then by id.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = (&str, &Arc<Stored<T>>)> {
        self.ordered
            .iter()
            .map(|(key, stored)| (key.split_once(NUL).map_or(&**key, |(order, _)| order), stored))
    }

    /// The first object whose order, NUL and id begin with `prefix`.
    pub(crate) fn first_under(&self, prefix: &str) -> Option<&Arc<Stored<T>>> {
        let (key, stored) = self.ordered.get_next(prefix)?;
        key.starts_with(prefix).then_some(stored)
    }

    /// The objects whose order, NUL and id begin with `prefix`, in that order.
    pub(crate) fn ordered_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Stored<T>>> {
        range(&self.ordered, prefix).map(|(_, stored)| stored)
    }

    /// How many objects there are of a group.
    pub(crate) fn count_of(&self, group: &str) -> u32 {
        self.groups.get(group).copied().unwrap_or(0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

impl<T: Object> Table<T> {
    pub(crate) fn insert(&mut self, stored: Stored<T>) {
        let order = ordered_key(&stored);
        let stored = Arc::new(stored);
        self.former.remove(&stored.meta.id);
        let old = self.by_id.insert(stored.meta.id.clone(), stored.clone());
        self.recount(old.as_deref(), Some(&stored));
        if let Some(old) = old.and_then(|old| ordered_key(&old)).filter(|old| Some(old) != order.as_ref()) {
            self.ordered.remove(&*old);
        }
        if let Some(order) = order {
            self.ordered.insert(order, stored);
        }
    }

    /// Keeps the last state of a deleted object, unless there is an object of its id.
    pub(crate) fn remember(&mut self, stored: Stored<T>) {
        if self.get(&stored.meta.id).is_none() {
            self.former.insert(stored.meta.id.clone(), Arc::new(stored));
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<Stored<T>>> {
        let old = self.by_id.remove(id)?;
        self.recount(Some(&old), None);
        if let Some(key) = ordered_key(&old) {
            self.ordered.remove(&*key);
        }
        Some(old)
    }

    /// Takes `old` out of its group's count and adds `new` to its own.
    fn recount(&mut self, old: Option<&Stored<T>>, new: Option<&Stored<T>>) {
        let group = |stored: &Stored<T>| stored.value.group();
        let (old, new) = (old.and_then(group), new.and_then(group));
        if old == new {
            return;
        }
        if let Some(old) = old {
            let left = self.count_of(&old).saturating_sub(1);
            match left {
                0 => self.groups.remove(&*old),
                left => self.groups.insert(old.into(), left),
            };
        }
        if let Some(new) = new {
            let count = self.count_of(&new) + 1;
            self.groups.insert(new.into(), count);
        }
    }
}

fn ordered_key<T: Object>(stored: &Stored<T>) -> Option<Arc<str>> {
    let mut key = stored.value.order()?;
    key.push(NUL);
    key.push_str(&stored.meta.id);
    Some(key.into())
}

fn range<'a, V>(
    map: &'a OrdMap<Arc<str>, V>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a Arc<str>, &'a V)> {
    let from: (Bound<&str>, Bound<&str>) = (Bound::Included(prefix), Bound::Unbounded);
    map.range::<_, str>(from).take_while(move |(key, _)| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::{InitOptions, initialise};
    use crate::{Actor, Catalog, FILE_NAME, integration_defaults, new_integration};
    use std::sync::atomic::{AtomicU64, Ordering};
    use tollgate_domain::{Clock, Entropy, Integration, OrganizationId};

    #[derive(Default)]
    struct Hands(AtomicU64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_700_000_000_000)
        }
    }

    impl Entropy for Hands {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| ((self.0.fetch_add(1, Ordering::Relaxed) * 0x9e37_79b9) >> 7) as u8);
        }
    }

    /// Makes an integration; its id, or the code of what is wrong.
    async fn make(catalog: &Catalog, organization: OrganizationId) -> Result<String, String> {
        let actor = Actor::command_line();
        let made = catalog.write(organization, &actor, |draft| {
            let integration = integration_defaults(draft, "one more");
            let id = integration.id.to_string();
            new_integration(draft, integration, Vec::new()).map(|_| id)
        });
        made.await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_organization_can_have_had_so_many_and_what_was_deleted_can_come_back() {
        let (dir, hands) = (tempfile::tempdir().unwrap(), Arc::new(Hands::default()));
        let options = InitOptions::default();
        let made = initialise(dir.path(), &options, hands.clone(), hands.clone()).await.unwrap();
        let (organization, actor) = (made.organization_id, Actor::command_line());
        let open =
            async || Catalog::open(&dir.path().join(FILE_NAME), hands.clone(), hands.clone()).await.unwrap();
        let catalog = open().await;
        let mut last = String::new();
        // One was made with the organization.
        for _ in 1..MAX_EVER {
            last = make(&catalog, organization).await.unwrap();
            let gone = catalog.write(organization, &actor, |draft| draft.delete::<Integration>(&last, None));
            gone.await.unwrap();
        }
        // Another process remembers as many.
        for catalog in [catalog, open().await] {
            let refused = make(&catalog, organization).await.unwrap_err();
            assert!(refused.contains("at most 20 objects of kind integration"), "{refused}");
        }
        let catalog = open().await;
        let past = catalog.restoration(organization, Integration::KIND, &last, 1).await.unwrap().unwrap();
        catalog.write(organization, &actor, |draft| past.apply(draft)).await.unwrap();
        let snapshot = catalog.snapshot();
        assert!(snapshot.organization(organization).unwrap().get::<Integration>(&last).is_some());
    }
}
