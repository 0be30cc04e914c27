//! The log read backwards, and past states put back: by the same rules as any write, and as new revisions.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::json;
use std::sync::Arc;
use support::Home;
use tollgate_catalog::{
    Action, Actor, ApiKey, AuditEntry, AuditFilter, Catalog, CatalogError, Draft, Object, Refused,
    WriteError, integration_defaults, new_integration,
};
use tollgate_domain::{FilterGroup, Integration, OrganizationId};

struct Book {
    home: Home,
    catalog: Arc<Catalog>,
    organization: OrganizationId,
}

impl Book {
    async fn new() -> Self {
        let home = Home::new().await;
        let catalog = home.open(2).await;
        let organization = home.made.organization_id;
        Self { home, catalog, organization }
    }

    async fn write<T>(
        &self,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
    ) -> Result<T, WriteError> {
        self.home.clock.advance_seconds(1);
        self.catalog.write(self.organization, &Actor::user("u"), change).await
    }

    /// An integration with its Default group and one of priority 1.
    async fn integration(&self, name: &str) -> (Integration, FilterGroup) {
        self.write(|draft| {
            let integration = integration_defaults(draft, name);
            let default = new_integration(draft, integration.clone(), Vec::new())?;
            let mut group = draft.require::<FilterGroup>(default.as_str(), None)?.value.clone();
            group.id = tollgate_domain::FilterGroupId::random(draft.entropy());
            group.priority = Some(1);
            draft.create(group.clone())?;
            Ok((integration, group))
        })
        .await
        .unwrap()
    }

    async fn delete_integration(&self, id: &str) {
        self.write(|draft| {
            draft.delete::<Integration>(id, None)?;
            let groups: Vec<_> =
                draft.table::<FilterGroup>().iter().map(|group| group.value.clone()).collect();
            groups
                .iter()
                .filter(|group| group.integration.as_str() == id)
                .try_for_each(|group| draft.delete::<FilterGroup>(group.id(), None))
        })
        .await
        .unwrap();
    }

    async fn restore(&self, kind: &'static str, id: &str, version: u64) -> Result<(), WriteError> {
        let restoration =
            self.catalog.restoration(self.organization, kind, id, version).await.unwrap().unwrap();
        self.write(|draft| restoration.apply(draft)).await
    }

    async fn audit(&self, filter: AuditFilter<'_>) -> Vec<AuditEntry> {
        self.catalog.audit(self.organization, &AuditFilter { limit: 100, ..filter }).await.unwrap()
    }

    async fn history(&self, kind: &'static str, id: &str) -> Vec<AuditEntry> {
        self.audit(AuditFilter { kind: Some(kind), id: Some(id), ..AuditFilter::default() }).await
    }
}

#[tokio::test]
async fn history_names_every_change_and_who_made_it() {
    let book = Book::new().await;
    let (integration, _) = book.integration("one").await;
    let id = integration.id();
    book.write(|draft| {
        draft.update(
            Integration { name: "two".to_owned(), time_zone: "Asia/Tokyo".to_owned(), ..integration.clone() },
            None,
        )
    })
    .await
    .unwrap();
    book.delete_integration(id).await;
    book.restore(Integration::KIND, id, 1).await.unwrap();
    let history = book.history(Integration::KIND, id).await;
    let told: Vec<_> = history.iter().map(|entry| (entry.revision.version, entry.action)).collect();
    let expected = [(4, Action::Restored), (3, Action::Deleted), (2, Action::Updated), (1, Action::Created)];
    assert_eq!(told, expected);
    assert!(history.iter().all(|entry| &*entry.revision.actor == "user:u"));
    let changes: Vec<_> =
        history[2].changes.iter().map(|one| (one.field.as_str(), one.old.clone(), one.new.clone())).collect();
    assert_eq!(
        changes,
        [("name", json!("one"), json!("two")), ("time_zone", json!("UTC"), json!("Asia/Tokyo"))]
    );
    assert_eq!(history[1].changes, []);
    assert_eq!(history[0].changes.len(), 2, "back from the state that was deleted");
    assert!(history[3].changes.iter().any(|one| one.field == "name" && one.old.is_null()));
}

#[tokio::test]
async fn filters_and_cursors_cut_the_log() {
    let book = Book::new().await;
    let (integration, group) = book.integration("one").await;
    let now = book
        .catalog
        .snapshot()
        .organization(book.organization)
        .unwrap()
        .get::<Integration>(integration.id())
        .unwrap()
        .meta
        .updated_at;
    let all = book.audit(AuditFilter::default()).await;
    assert!(all.windows(2).all(|pair| pair[0].revision.seq > pair[1].revision.seq));
    let of_kind = |kind| AuditFilter { kind: Some(kind), ..AuditFilter::default() };
    assert_eq!(book.audit(of_kind(ApiKey::KIND)).await.len(), 1);
    let by_id = AuditFilter { id: Some(group.id()), ..AuditFilter::default() };
    assert_eq!(book.audit(by_id).await.len(), 1);
    let ours = AuditFilter { actor: Some("user:u"), ..AuditFilter::default() };
    assert_eq!(book.audit(ours.clone()).await.len(), 3);
    assert_eq!(book.audit(AuditFilter { from: Some(now), ..AuditFilter::default() }).await.len(), 3);
    assert_eq!(
        book.audit(AuditFilter { to: Some(now), ..AuditFilter::default() }).await.len(),
        all.len() - 3
    );
    let newest = all[0].revision.seq;
    let older = book.audit(AuditFilter { before: Some(newest), ..ours }).await;
    assert_eq!(older.len(), 2);
    let other: OrganizationId = "ffffffffffffffffffffffff".parse().unwrap();
    let theirs =
        book.catalog.audit(other, &AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap();
    assert!(theirs.is_empty());
    assert!(book.catalog.restoration(other, Integration::KIND, integration.id(), 1).await.unwrap().is_none());
    assert!(book.catalog.revision(other, Integration::KIND, integration.id(), 1).await.unwrap().is_none());
}

#[tokio::test]
async fn an_integration_comes_back_with_the_groups_that_went_with_it() -> Result<(), CatalogError> {
    let book = Book::new().await;
    let (integration, _) = book.integration("one").await;
    let (other, _) = book.integration("other").await;
    book.delete_integration(integration.id()).await;
    book.delete_integration(other.id()).await;
    assert!(book.catalog.snapshot().integration(integration.id).is_none());
    book.restore(Integration::KIND, integration.id(), 1).await.unwrap();
    let entry = book.catalog.snapshot().integration(integration.id).unwrap().clone();
    assert_eq!(entry.groups.len(), 2);
    assert_eq!(entry.integration.meta.version, 3);
    assert!(book.catalog.snapshot().integration(other.id).is_none());
    Ok(())
}

#[tokio::test]
async fn what_a_write_may_not_do_a_restoration_may_not_either() {
    let book = Book::new().await;
    let (integration, group) = book.integration("one").await;
    book.write(|draft| {
        draft.update(FilterGroup { priority: Some(2), ..group.clone() }, None)?;
        let id = tollgate_domain::FilterGroupId::random(draft.entropy());
        draft.create(FilterGroup { id, ..group.clone() })
    })
    .await
    .unwrap();
    let taken = book.restore(FilterGroup::KIND, group.id(), 1).await.unwrap_err();
    assert!(matches!(&taken, WriteError::Refused(Refused::Invalid(errors)) if errors[0].field == "priority"));
    book.delete_integration(integration.id()).await;
    let orphan = book.restore(FilterGroup::KIND, group.id(), 2).await.unwrap_err();
    assert!(matches!(orphan, WriteError::Refused(Refused::Rule { code: "parent_missing", .. })));
    let key = &book.home.made.api_key.id;
    let proof = book.restore(ApiKey::KIND, key, 1).await.unwrap_err();
    assert!(matches!(proof, WriteError::Refused(Refused::Rule { code: "not_restorable", .. })));
}

#[tokio::test]
async fn an_equal_state_is_no_new_revision() {
    let book = Book::new().await;
    let (integration, _) = book.integration("one").await;
    book.restore(Integration::KIND, integration.id(), 1).await.unwrap();
    assert_eq!(book.history(Integration::KIND, integration.id()).await.len(), 1);
    let restoration =
        book.catalog.restoration(book.organization, Integration::KIND, integration.id(), 2).await;
    assert!(restoration.unwrap().is_none(), "there is no version 2");
}
