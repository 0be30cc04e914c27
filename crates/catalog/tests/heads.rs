//! A start after a deletion: the log goes on where it ended, though nothing that exists tells where.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::Home;
use tollgate_catalog::{Actor, ApiKey, KeyOwner, Kind, OauthClient, Scope, new_api_key};

#[tokio::test]
async fn writing_goes_on_after_a_start_whatever_came_last() {
    let home = Home::new().await;
    let (id, actor) = (home.made.organization_id, Actor::command_line());
    let catalog = home.open(2).await;
    let client = home.made.v5.id.clone();
    catalog.write(id, &actor, |draft| draft.delete::<OauthClient>(&client, None)).await.unwrap();
    let head = catalog.snapshot().organization(id).unwrap().head();
    catalog.close().await;

    let catalog = home.open(3).await;
    assert_eq!(catalog.snapshot().organization(id).unwrap().head(), head);
    let scopes = &[Scope::Read];
    let made =
        catalog.write(id, &actor, |draft| new_api_key(draft, "later", scopes, KeyOwner::Organization)).await;
    assert!(catalog.snapshot().organization(id).unwrap().get::<ApiKey>(&made.unwrap().id).is_some());
    catalog.close().await;
}

/// Deletes everything of a kind, in one write.
async fn delete_all<T: Kind>(home: &Home, seed: u64) {
    let (id, actor) = (home.made.organization_id, Actor::command_line());
    let catalog = home.open(seed).await;
    let write = catalog.write(id, &actor, |draft| {
        let ids: Vec<String> = draft.table::<T>().iter().map(|one| one.meta.id.to_string()).collect();
        ids.iter().try_for_each(|id| draft.delete::<T>(id, None))
    });
    write.await.unwrap();
    catalog.close().await;
}

#[tokio::test]
async fn starts_with_deletions_between_them() {
    let home = Home::new().await;
    delete_all::<ApiKey>(&home, 2).await;
    delete_all::<OauthClient>(&home, 3).await;
    let catalog = home.open(4).await;
    let organization = catalog.snapshot().organization(home.made.organization_id).unwrap().clone();
    assert!(organization.table::<ApiKey>().is_empty() && organization.table::<OauthClient>().is_empty());
    catalog.close().await;
}
