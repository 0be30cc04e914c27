//! What every catalog must do: history, versions, uniqueness under concurrency, as-of reads, restarts, following other
//! handles on the same file.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use support::{Home, START};
use tollgate_catalog::{
    Actor, ApiKey, Catalog, ClientVersion, Draft, KeyOwner, Organization, Refused, Scope, StoredSecret, User,
    WriteError, integration_defaults, new_api_key, new_integration, refresh_oauth_client,
};
use tollgate_domain::{FilterGroup, FilterGroupId, Integration, Invalid, OrganizationId};

fn actor() -> Actor {
    Actor::user("u1")
}

async fn rename(
    catalog: &Catalog,
    id: OrganizationId,
    name: &str,
    expected: Option<u64>,
) -> Result<(), WriteError> {
    catalog
        .write(id, &actor(), |draft| {
            let mut organization = draft.require::<Organization>(id.as_str(), None)?.value.clone();
            organization.name = name.to_owned();
            draft.update(organization, expected)
        })
        .await
}

fn name_of(catalog: &Catalog, id: OrganizationId) -> String {
    catalog.snapshot().organization(id).unwrap().organization().unwrap().name.clone()
}

fn group(draft: &Draft<'_>, integration: &Integration, priority: u32) -> FilterGroup {
    FilterGroup {
        id: FilterGroupId::random(draft.entropy()),
        integration: integration.id,
        name: format!("group {priority}"),
        description: String::new(),
        active: true,
        priority: Some(priority),
        advertiser_ids: vec![],
        offer_ids: vec![],
        publisher_ids: vec![],
        monitoring_mode: None,
        rtb_enabled: None,
        click_filter_preset_id: None,
        conversion_filter_preset_id: None,
        tags: vec![],
        filters: vec![],
    }
}

/// Adds a filter group unless its priority is taken: the plain in-memory check that every uniqueness rule is.
async fn add_group(catalog: &Catalog, home: &Home, priority: u32) -> Result<FilterGroupId, WriteError> {
    catalog
        .write(home.made.organization_id, &actor(), |draft| {
            let integration = draft.require::<Integration>(home.made.integration_id.as_str(), None)?;
            if draft.table::<FilterGroup>().iter().any(|group| group.priority == Some(priority)) {
                return Err(Invalid::new("priority", "is taken").into());
            }
            let group = group(draft, &integration, priority);
            let id = group.id;
            draft.create(group)?;
            Ok(id)
        })
        .await
}

#[tokio::test]
async fn history_tells_who_changed_what_and_when() {
    let home = Home::new().await;
    let (catalog, id) = (home.open(2).await, home.made.organization_id);
    home.clock.advance_seconds(10);
    rename(&catalog, id, "Second", None).await.unwrap();
    let history = catalog.history::<Organization>(id, id.as_str()).await.unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.version, one.at.millis(), &*one.actor)).collect();
    assert_eq!(told, [(1, START, "cli"), (2, START + 10_000, "user:u1")]);
    assert_eq!(history[0].document["name"], "My organization");
    assert_eq!(history[1].document["name"], "Second");
    let snapshot = catalog.snapshot();
    let meta = &snapshot.organization(id).unwrap().organization().unwrap().meta;
    assert_eq!((meta.version, meta.seq, &*meta.updated_by), (2, snapshot.seq(), "user:u1"));
    assert_eq!((meta.created_at.millis(), meta.updated_at.millis()), (START, START + 10_000));
}

#[tokio::test]
async fn an_equal_value_is_no_change_and_an_old_version_is_refused() {
    let home = Home::new().await;
    let (catalog, id) = (home.open(2).await, home.made.organization_id);
    let before = catalog.snapshot().seq();
    rename(&catalog, id, "My organization", Some(1)).await.unwrap();
    assert_eq!(catalog.snapshot().seq(), before);
    rename(&catalog, id, "Second", Some(1)).await.unwrap();
    let conflict = rename(&catalog, id, "Third", Some(1)).await.unwrap_err();
    assert!(matches!(conflict, WriteError::Refused(Refused::VersionConflict { expected: 1, actual: 2 })));
    assert_eq!(name_of(&catalog, id), "Second");
}

#[tokio::test]
async fn a_refused_write_stores_nothing() {
    let home = Home::new().await;
    let (catalog, id) = (home.open(2).await, home.made.organization_id);
    let before = catalog.snapshot().seq();
    let refused = catalog
        .write(id, &actor(), |draft| {
            draft.delete::<Integration>(home.made.integration_id.as_str(), None)?;
            draft.create(Organization::new(id, "x"))
        })
        .await;
    assert!(matches!(refused, Err(WriteError::Refused(Refused::Exists { kind: "organization", .. }))));
    let stranger: OrganizationId = "000000000000000000000000".parse().unwrap();
    let refused = catalog
        .write(stranger, &actor(), |draft| new_api_key(draft, "k", &[Scope::Read], KeyOwner::Organization))
        .await;
    assert!(matches!(refused, Err(WriteError::Refused(Refused::NotFound { kind: "organization", .. }))));
    for handle in [&catalog, &home.open(3).await] {
        assert_eq!(handle.snapshot().seq(), before);
        assert!(handle.snapshot().integration(home.made.integration_id).is_some());
        assert!(handle.snapshot().organization(stranger).is_none());
    }
}

#[tokio::test]
async fn a_deleted_object_keeps_its_history_and_resumes_it() {
    let home = Home::new().await;
    let (catalog, id) = (home.open(2).await, home.made.organization_id);
    let key = home.made.api_key.id.as_str();
    let stored = catalog.snapshot().organization(id).unwrap().get::<ApiKey>(key).unwrap().value.clone();
    catalog.write(id, &actor(), |draft| draft.delete::<ApiKey>(key, None)).await.unwrap();
    assert!(catalog.snapshot().api_key(home.made.api_key.secret.expose()).is_none());
    home.clock.advance_seconds(5);
    catalog.write(id, &actor(), |draft| draft.create(stored.clone())).await.unwrap();
    let history = catalog.history::<ApiKey>(id, key).await.unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.version, one.deleted)).collect();
    assert_eq!(told, [(1, false), (2, true), (3, false)]);
    let snapshot = catalog.snapshot();
    let meta = &snapshot.organization(id).unwrap().get::<ApiKey>(key).unwrap().meta;
    assert_eq!((meta.version, meta.created_at.millis()), (3, START));
    assert!(snapshot.api_key(home.made.api_key.secret.expose()).is_none(), "its secret is gone for good");
}

#[tokio::test]
async fn changes_of_one_write_add_up() {
    let home = Home::new().await;
    let (catalog, id) = (home.open(2).await, home.made.organization_id);
    let key = home.made.api_key.id.as_str();
    let before = catalog.snapshot().seq();
    catalog
        .write(id, &actor(), |draft| {
            let passing = new_api_key(draft, "passing", &[Scope::Read], KeyOwner::Organization)?;
            draft.delete::<ApiKey>(&passing.id, None)?;
            let mut stored = draft.require::<ApiKey>(key, Some(1))?.value.clone();
            stored.name = "first".into();
            draft.update(stored.clone(), None)?;
            stored.name = "second".into();
            draft.update(stored.clone(), None)?;
            assert_eq!(draft.get::<ApiKey>(key).map(|key| key.name.clone()).as_deref(), Some("second"));
            draft.delete::<ApiKey>(key, None)?;
            draft.create(stored)
        })
        .await
        .unwrap();
    assert_eq!(catalog.snapshot().seq(), before + 1, "one object changed, once");
    let history = catalog.history::<ApiKey>(id, key).await.unwrap();
    assert_eq!((history.len(), history[1].version, &history[1].document["name"]), (2, 2, &"second".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_writers_with_one_priority_one_wins() {
    let home = Arc::new(Home::new().await);
    // Half of them write through another handle, as another process would.
    let handles = [home.open(2).await, home.open(3).await];
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let (catalog, home) = (handles[number % 2].clone(), home.clone());
            tokio::spawn(async move { add_group(&catalog, &home, 5).await })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(id) => won.push(id),
            Err(WriteError::Refused(Refused::Invalid(errors))) => assert_eq!(errors[0].field, "priority"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won.len(), 1);
    for handle in &handles {
        handle.catch_up().await.unwrap();
        let entry = handle.snapshot().integration(home.made.integration_id).unwrap().clone();
        let ids: Vec<_> = entry.groups.iter().map(|group| (group.priority, group.id)).collect();
        assert_eq!((ids.len(), ids[0]), (2, (Some(5), won[0])));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_writers_none_is_lost_and_seq_has_no_gap() {
    let home = Arc::new(Home::new().await);
    let handles = [home.open(2).await, home.open(3).await];
    let before = handles[0].snapshot().seq();
    let tasks: Vec<_> = (0..64u32)
        .map(|number| {
            let (catalog, home) = (handles[number as usize % 2].clone(), home.clone());
            tokio::spawn(async move {
                add_group(&catalog, &home, number + 1).await.unwrap();
                // What was answered is in the snapshot at once.
                let entry = catalog.snapshot().integration(home.made.integration_id).unwrap().clone();
                assert!(entry.groups.iter().any(|group| group.priority == Some(number + 1)));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let fresh = home.open(4).await;
    assert_eq!(fresh.snapshot().seq(), before + 64);
    let entry = fresh.snapshot().integration(home.made.integration_id).unwrap().clone();
    let order: Vec<_> = entry.groups.iter().map(|group| group.priority).collect();
    let expected: Vec<_> = (1..=64).map(Some).chain([None]).collect();
    assert_eq!(order, expected, "by priority, the Default group last");
    let seqs: HashSet<_> = entry.groups.iter().map(|group| group.meta.seq).collect();
    assert_eq!(seqs.len(), 65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_that_are_dropped_half_way_do_no_harm() {
    let home = Arc::new(Home::new().await);
    let catalog = home.open(2).await;
    for number in 0..40u32 {
        let task = tokio::spawn({
            let (catalog, home) = (catalog.clone(), home.clone());
            async move { add_group(&catalog, &home, number + 1).await }
        });
        tokio::time::sleep(std::time::Duration::from_micros(u64::from(number) * 50)).await;
        task.abort();
        let _ = task.await;
    }
    add_group(&catalog, &home, 1000).await.unwrap();
    let fresh = home.open(3).await;
    assert_eq!(fresh.snapshot().seq(), catalog.snapshot().seq());
    let groups = |catalog: &Catalog| {
        let entry = catalog.snapshot().integration(home.made.integration_id).unwrap().clone();
        entry.groups.iter().map(|group| group.id).collect::<Vec<_>>()
    };
    assert_eq!(groups(&fresh), groups(&catalog));
}

#[tokio::test]
async fn a_restart_finds_everything() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    add_group(&catalog, &home, 3).await.unwrap();
    let before = catalog.snapshot();
    catalog.close().await;
    drop(catalog);
    let after = home.open(3).await.snapshot();
    assert_eq!(after.seq(), before.seq());
    let (a, b) = (before.integration(home.made.integration_id), after.integration(home.made.integration_id));
    assert_eq!(a.unwrap().groups, b.unwrap().groups);
    assert_eq!(a.unwrap().integration, b.unwrap().integration);
    assert!(after.api_key(home.made.api_key.secret.expose()).is_some());
}

#[tokio::test]
async fn as_of_answers_what_was() {
    let home = Home::new().await;
    let (catalog, id) = (home.open(2).await, home.made.organization_id);
    let first = catalog.snapshot().seq();
    rename(&catalog, id, "Second", None).await.unwrap();
    catalog
        .write(id, &actor(), |draft| draft.delete::<Integration>(home.made.integration_id.as_str(), None))
        .await
        .unwrap();
    let then = catalog.as_of(first).await.unwrap();
    assert_eq!(then.organization(id).unwrap().organization().unwrap().name, "My organization");
    assert_eq!(then.integration(home.made.integration_id).unwrap().groups.len(), 1);
    assert!(then.api_key(home.made.api_key.secret.expose()).is_none());
    let now = catalog.as_of(catalog.snapshot().seq()).await.unwrap();
    assert_eq!(now.organization(id).unwrap().organization().unwrap().name, "Second");
    assert!(now.integration(home.made.integration_id).is_none());
    assert!(catalog.as_of(0).await.unwrap().organizations().next().is_none());
}

#[tokio::test]
async fn another_handle_follows_within_a_second() {
    let home = Home::new().await;
    let (server, command) = (home.open(2).await, home.open(3).await);
    let mut seq = server.subscribe();
    let entry = server.snapshot().integration(home.made.integration_id).unwrap().clone();
    let follower = tokio::spawn({
        let server = server.clone();
        async move { server.follow().await }
    });
    let id = home.made.organization_id;
    let old = &home.made.v5;
    let made = command
        .write(id, &Actor::command_line(), |draft| {
            new_integration(draft, integration_defaults(draft, "Another"), vec![])?;
            refresh_oauth_client(draft, ClientVersion::V5)
        })
        .await
        .unwrap();
    let wait = tokio::time::timeout(std::time::Duration::from_secs(5), seq.changed());
    wait.await.unwrap().unwrap();
    let snapshot = server.snapshot();
    assert_eq!((*seq.borrow(), snapshot.seq()), (command.snapshot().seq(), command.snapshot().seq()));
    assert!(snapshot.oauth_client(&made.id, made.secret.expose()).is_some());
    assert!(snapshot.oauth_client(&old.id, old.secret.expose()).is_none());
    assert_eq!(snapshot.integrations().count(), 2);
    let same = snapshot.integration(home.made.integration_id).unwrap();
    assert!(Arc::ptr_eq(same, &entry), "an entry that did not change keeps its Arc");
    follower.abort();
}

#[tokio::test]
async fn secrets_follow_their_objects() {
    let home = Home::new().await;
    let (catalog, other) = (home.open(2).await, home.open(3).await);
    let (id, integration) = (home.made.organization_id, home.made.integration_id);
    let set = async |secret: Option<StoredSecret>| {
        catalog
            .write(id, &actor(), |draft| {
                draft.set_secret::<Integration>(integration.as_str(), secret.clone())
            })
            .await
            .unwrap();
        other.catch_up().await.unwrap();
        let signing_key = |catalog: &Catalog| {
            catalog.snapshot().integration(integration).unwrap().signing_key.as_deref().cloned()
        };
        assert_eq!(signing_key(&catalog), signing_key(&other));
        signing_key(&other)
    };
    let key = StoredSecret::Key(b"0123456789abcdef".to_vec());
    assert_eq!(set(Some(key.clone())).await, Some(key));
    assert_eq!(set(None).await, None);
    let history = catalog.history::<Integration>(id, integration.as_str()).await.unwrap();
    assert_eq!(history.len(), 3, "each change of a secret is in the log, without the secret");
    assert!(!format!("{history:?}").contains("0123456789abcdef"));
}

#[tokio::test]
async fn the_log_cannot_be_rewritten() {
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
    let home = Home::new().await;
    let mut raw = SqliteConnectOptions::new().filename(home.file()).connect().await.unwrap();
    for statement in ["UPDATE revisions SET actor = 'nobody'", "DELETE FROM revisions"] {
        let error = sqlx::raw_sql(statement).execute(&mut raw).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_kind_or_a_broken_document_is_named() {
    use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
    let home = Home::new().await;
    let options = SqliteConnectOptions::new().filename(home.file());
    for (statement, text) in [
        ("UPDATE documents SET doc = x'00' WHERE kind = 'integration'", "integration"),
        ("UPDATE documents SET doc = x'07' WHERE kind = 'integration'", "format 7 is unknown"),
        ("UPDATE documents SET kind = 'novelty' WHERE kind = 'integration'", "kind \"novelty\""),
    ] {
        let mut raw = options.connect().await.unwrap();
        sqlx::raw_sql(statement).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        let opened = Catalog::open(&home.file(), home.clock.clone(), support::TestEntropy::new(9)).await;
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn users_show_no_address() {
    let home = Home::new().await;
    let snapshot = home.open(2).await.snapshot();
    let organization = snapshot.organization(home.made.organization_id).unwrap();
    let user = organization.table::<User>().iter().next().unwrap();
    assert!(!format!("{user:?}").contains('@'));
}
