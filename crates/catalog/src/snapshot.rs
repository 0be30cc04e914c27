//! The whole catalog in memory: immutable, shared, replaced as a whole by the next one. Reads need no lock and no I/O.

use crate::error::Damaged;
use crate::kinds::{ApiKey, KeyOwner, LegacyCredential, OauthClient, Organization, Role, Tables, User};
use crate::object::{Kind, Meta, Object, Stored, Table};
use crate::revision::{RawRevision, RawSecret};
use crate::secret::{Digest, StoredSecret};
use imbl::{HashMap as SharedMap, OrdMap};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use tollgate_domain::{
    AdLocation, AdType, App, AppId, FilterGroup, Integration, IntegrationId, OrganizationId,
};

/// What is folded into a snapshot at once: whole transactions, in the order of their revisions.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) revisions: Vec<RawRevision>,
    pub(crate) secrets: Vec<RawSecret>,
}

/// The key of a secret within its organization.
type SecretKey = (&'static str, Arc<str>);

/// One organization's objects.
#[derive(Clone)]
pub struct OrganizationSnapshot {
    id: OrganizationId,
    head: u64,
    pub(crate) tables: Tables,
    pub(crate) secrets: OrdMap<SecretKey, Arc<StoredSecret>>,
}

impl OrganizationSnapshot {
    pub(crate) fn empty(id: OrganizationId) -> Self {
        Self { id, head: 0, tables: Tables::default(), secrets: OrdMap::new() }
    }

    /// Its id.
    pub fn id(&self) -> OrganizationId {
        self.id
    }

    /// The seq of its newest revision.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The organization itself.
    pub fn organization(&self) -> Option<&Arc<Stored<Organization>>> {
        self.get::<Organization>(self.id.as_str())
    }

    /// Every object of a kind, ordered by id.
    pub fn table<T: Kind>(&self) -> &Table<T> {
        T::table(&self.tables)
    }

    /// One object.
    pub fn get<T: Kind>(&self, id: &str) -> Option<&Arc<Stored<T>>> {
        self.table::<T>().get(id)
    }

    /// The ad location that events of `app` name. No allocation; as many comparisons as the table is deep.
    pub fn ad_location(&self, app: AppId, name: &str, ad_type: AdType) -> Option<&Arc<Stored<AdLocation>>> {
        self.table::<AdLocation>().named(app, name, ad_type)
    }

    /// The metadata and the document of an object of any kind.
    pub fn object(&self, kind: &str, id: &str) -> Option<(Meta, Value)> {
        self.tables.object(kind, id)
    }

    /// The secret stored beside an object.
    pub fn secret<T: Kind>(&self, id: &str) -> Option<&Arc<StoredSecret>> {
        self.secrets.get(&(T::KIND, Arc::from(id)))
    }
}

impl fmt::Debug for OrganizationSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrganizationSnapshot")
            .field("id", &self.id)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// An integration with everything that decides about its events. An entry that did not change keeps its `Arc` from
/// snapshot to snapshot, so followers can compare pointers.
#[derive(Debug, Clone)]
pub struct IntegrationEntry {
    /// Its settings.
    pub integration: Arc<Stored<Integration>>,
    /// Its filter groups by priority; the Default group is last.
    pub groups: Vec<Arc<Stored<FilterGroup>>>,
    /// Its owner.
    pub organization: OrganizationId,
    /// The key that signs its links, when it has one.
    pub signing_key: Option<Arc<StoredSecret>>,
}

/// Whom a random secret identifies.
#[derive(Debug, Clone)]
struct Identity {
    digest: Digest,
    organization: OrganizationId,
    kind: &'static str,
    id: Arc<str>,
}

/// An object that a secret proved, and its organization.
#[derive(Debug, Clone)]
pub struct Proven<T> {
    /// The organization.
    pub organization: Arc<OrganizationSnapshot>,
    /// The object.
    pub object: Arc<Stored<T>>,
}

/// The catalog at one moment.
#[derive(Clone, Default)]
pub struct Snapshot {
    seq: u64,
    organizations: OrdMap<OrganizationId, Arc<OrganizationSnapshot>>,
    integrations: SharedMap<IntegrationId, Arc<IntegrationEntry>>,
    identities: SharedMap<u128, Identity>,
    /// Whose app it is.
    apps: SharedMap<AppId, OrganizationId>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("seq", &self.seq)
            .field("organizations", &self.organizations.len())
            .field("integrations", &self.integrations.len())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The newest revision it holds: an event's `config_version`.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Every organization, ordered by id.
    pub fn organizations(&self) -> impl Iterator<Item = &Arc<OrganizationSnapshot>> {
        self.organizations.values()
    }

    /// One organization.
    pub fn organization(&self, id: OrganizationId) -> Option<&Arc<OrganizationSnapshot>> {
        self.organizations.get(&id)
    }

    /// Every integration of every organization, in no order.
    pub fn integrations(&self) -> impl Iterator<Item = &Arc<IntegrationEntry>> {
        self.integrations.values()
    }

    /// The integration of an id, whoever owns it.
    pub fn integration(&self, id: IntegrationId) -> Option<&Arc<IntegrationEntry>> {
        self.integrations.get(&id)
    }

    /// The app of an id and its organization, whoever that is. No allocation.
    pub fn app(&self, id: AppId) -> Option<(&Arc<OrganizationSnapshot>, &Arc<Stored<App>>)> {
        let organization = self.organizations.get(self.apps.get(&id)?)?;
        Some((organization, organization.get::<App>(id.as_str())?))
    }

    /// The API key that `key` is, unless it was revoked or its user is gone.
    pub fn api_key(&self, key: &str) -> Option<Proven<ApiKey>> {
        let proven = self.prove::<ApiKey>(key)?;
        match &proven.object.owner {
            KeyOwner::User { id } if proven.organization.get::<User>(id).is_none() => None,
            KeyOwner::User { .. } | KeyOwner::Organization => Some(proven),
        }
    }

    /// The present role of the user whose key this is; `None` of the organization's own keys.
    pub fn role_behind(&self, key: &Proven<ApiKey>) -> Option<Role> {
        match &key.object.owner {
            KeyOwner::User { id } => key.organization.get::<User>(id).map(|user| user.role),
            KeyOwner::Organization => None,
        }
    }

    /// The OAuth client, when the secret is its own.
    pub fn oauth_client(&self, client_id: &str, secret: &str) -> Option<Proven<OauthClient>> {
        self.prove::<OauthClient>(secret).filter(|proven| proven.object.id == client_id)
    }

    /// The v3 credential, when the signature is its own.
    pub fn legacy_credential(&self, user_id: &str, signature: &str) -> Option<Proven<LegacyCredential>> {
        self.prove::<LegacyCredential>(signature).filter(|proven| proven.object.id == user_id)
    }

    /// The object of kind `T` whose random secret this is. The secret is hashed first, so the time this takes tells
    /// nothing about how much of it was right.
    fn prove<T: Kind>(&self, secret: &str) -> Option<Proven<T>> {
        let digest = Digest::of(secret);
        let identity = self.identities.get(&digest.key())?;
        if identity.digest != digest || identity.kind != T::KIND {
            return None;
        }
        let organization = self.organizations.get(&identity.organization)?;
        let object = organization.get::<T>(&identity.id)?.clone();
        Some(Proven { organization: organization.clone(), object })
    }

    /// Applies a batch and stands at `seq` afterwards. After an error the snapshot is to be thrown away.
    pub(crate) fn fold(&mut self, batch: &Batch, seq: u64) -> Result<(), Damaged> {
        let touched = self.fold_objects(batch, seq)?;
        for (id, touched) in touched {
            self.gather(id, &touched);
        }
        Ok(())
    }

    /// The same without the entries of integrations, for many batches in a row; [`Snapshot::gather_all`] ends them.
    pub(crate) fn fold_objects(&mut self, batch: &Batch, seq: u64) -> Result<Touched, Damaged> {
        let mut work = Work { snapshot: self, organizations: HashMap::new(), touched: HashMap::new() };
        for revision in &batch.revisions {
            work.fold_revision(revision)?;
        }
        for secret in &batch.secrets {
            work.fold_secret(secret);
        }
        let touched = work.finish();
        self.seq = seq;
        Ok(touched)
    }

    /// Takes in the last states of deleted objects, the newest last; those that came back since are passed over.
    pub(crate) fn remember(&mut self, revisions: &[RawRevision]) -> Result<(), Damaged> {
        let mut work = Work { snapshot: self, organizations: HashMap::new(), touched: HashMap::new() };
        for revision in revisions {
            work.organization(revision.organization).tables.remember(revision)?;
        }
        work.finish();
        Ok(())
    }

    /// Says where each organization's part of the log ends, for a snapshot made of objects that exist.
    pub(crate) fn set_heads(&mut self, heads: Vec<(OrganizationId, u64)>) {
        for (id, head) in heads {
            let known = self.organizations.get(&id).map(|known| (**known).clone());
            let organization = known.unwrap_or_else(|| OrganizationSnapshot::empty(id));
            self.organizations.insert(id, Arc::new(OrganizationSnapshot { head, ..organization }));
        }
    }

    /// Makes the entries of all integrations.
    pub(crate) fn gather_all(&mut self) {
        let organizations: Vec<_> = self.organizations.values().cloned().collect();
        for organization in organizations {
            let all = organization.table::<Integration>().iter().map(|one| one.id).collect();
            self.gather(organization.id, &all);
        }
    }

    fn gather(&mut self, organization: OrganizationId, touched: &HashSet<IntegrationId>) {
        if let Some(organization) = self.organizations.get(&organization) {
            gather(&mut self.integrations, organization, touched);
        }
    }
}

/// Integrations whose entries must be made again.
pub(crate) type Touched = HashMap<OrganizationId, HashSet<IntegrationId>>;

/// A fold under way: organizations that change, and integrations whose entries must be gathered again.
struct Work<'a> {
    snapshot: &'a mut Snapshot,
    organizations: HashMap<OrganizationId, OrganizationSnapshot>,
    touched: Touched,
}

impl Work<'_> {
    fn organization(&mut self, id: OrganizationId) -> &mut OrganizationSnapshot {
        let known = &self.snapshot.organizations;
        self.organizations.entry(id).or_insert_with(|| {
            known.get(&id).map_or_else(|| OrganizationSnapshot::empty(id), |known| (**known).clone())
        })
    }

    fn fold_revision(&mut self, revision: &RawRevision) -> Result<(), Damaged> {
        let organization = self.organization(revision.organization);
        let before = integration_of(organization, revision.kind, &revision.id);
        organization.tables.fold(revision)?;
        organization.head = revision.seq;
        let after = integration_of(organization, revision.kind, &revision.id);
        for integration in before.into_iter().chain(after) {
            self.touched.entry(revision.organization).or_default().insert(integration);
        }
        if revision.deleted {
            self.set_secret(revision.organization, revision.kind, &revision.id, None);
        }
        if let (App::KIND, Ok(id)) = (revision.kind, revision.id.parse()) {
            match revision.deleted {
                false => self.snapshot.apps.insert(id, revision.organization),
                true => self.snapshot.apps.remove(&id),
            };
        }
        Ok(())
    }

    fn fold_secret(&mut self, secret: &RawSecret) {
        self.set_secret(secret.organization, secret.kind, &secret.id, secret.secret.as_ref());
        let organization = self.organization(secret.organization);
        if let Some(integration) = integration_of(organization, secret.kind, &secret.id) {
            self.touched.entry(secret.organization).or_default().insert(integration);
        }
    }

    fn set_secret(
        &mut self,
        id: OrganizationId,
        kind: &'static str,
        object: &Arc<str>,
        secret: Option<&StoredSecret>,
    ) {
        let organization = self.organization(id);
        let key = (kind, object.clone());
        let old = match secret {
            Some(secret) => organization.secrets.insert(key, Arc::new(secret.clone())),
            None => organization.secrets.remove(&key),
        };
        if let Some(StoredSecret::Digest(digest)) = old.as_deref() {
            self.snapshot.identities.remove(&digest.key());
        }
        if let Some(StoredSecret::Digest(digest)) = secret {
            let identity = Identity { digest: *digest, organization: id, kind, id: object.clone() };
            self.snapshot.identities.insert(digest.key(), identity);
        }
    }

    fn finish(self) -> Touched {
        for (id, organization) in self.organizations {
            self.snapshot.organizations.insert(id, Arc::new(organization));
        }
        self.touched
    }
}

/// The integration that an object belongs to, when what it says matters to events.
fn integration_of(organization: &OrganizationSnapshot, kind: &str, id: &str) -> Option<IntegrationId> {
    match kind {
        Integration::KIND => id.parse().ok(),
        FilterGroup::KIND => organization.get::<FilterGroup>(id).map(|group| group.integration),
        _ => None,
    }
}

/// Makes the entries of the touched integrations anew, in one pass over the organization's filter groups.
fn gather(
    entries: &mut SharedMap<IntegrationId, Arc<IntegrationEntry>>,
    organization: &OrganizationSnapshot,
    touched: &HashSet<IntegrationId>,
) {
    let mut groups: HashMap<IntegrationId, Vec<Arc<Stored<FilterGroup>>>> = HashMap::new();
    for group in organization.table::<FilterGroup>().iter() {
        if touched.contains(&group.integration) {
            groups.entry(group.integration).or_default().push(group.clone());
        }
    }
    for id in touched {
        match organization.get::<Integration>(id.as_str()) {
            Some(integration) => {
                let mut groups = groups.remove(id).unwrap_or_default();
                groups
                    .sort_by_key(|group| (group.priority.unwrap_or(u32::MAX), group.is_default(), group.id));
                let entry = IntegrationEntry {
                    integration: integration.clone(),
                    groups,
                    organization: organization.id,
                    signing_key: organization.secret::<Integration>(id.as_str()).cloned(),
                };
                entries.insert(*id, Arc::new(entry));
            }
            None => {
                entries.remove(id);
            }
        }
    }
}
