//! Writes with a key: once and the first answer ever after, for a day, whichever process is asked and whoever waits.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::sync::Arc;
use support::Home;
use tollgate_catalog::{
    Actor, ApiKey, Catalog, Digest, KeptAnswer, KeyOwner, Once, Refused, WriteError, Written,
};
use tollgate_domain::OrganizationId;

fn once(key: &str, body: &str) -> Once {
    Once { route: "POST /v5/apps".to_owned(), key: key.to_owned(), request: Digest::of(body) }
}

/// Adds an object named `name`, whose answer tells its version.
async fn add(catalog: &Catalog, by: &str, once: &Once, name: &str) -> Result<Written, WriteError> {
    let organization = catalog.snapshot().organizations().next().unwrap().id();
    let key = |id: &str| ApiKey {
        id: id.to_owned(),
        name: name.to_owned(),
        scopes: Vec::new(),
        owner: KeyOwner::Organization,
    };
    let actor = Actor::api_key(by);
    let written = catalog.write_once(
        organization,
        &actor,
        Some(once),
        |draft| {
            if name.is_empty() {
                return Err(Refused::Rule { code: "no_name", message: "It has no name".to_owned() });
            }
            draft.create(key(name))
        },
        |(), organization| {
            let stored = organization.get::<ApiKey>(name).unwrap();
            KeptAnswer {
                status: 201,
                headers: vec![("etag".to_owned(), format!("\"{}\"", stored.meta.version))],
                body: format!("{name} by {}", stored.meta.updated_by).into_bytes(),
            }
        },
    );
    written.await
}

fn keys(catalog: &Catalog, organization: OrganizationId) -> usize {
    catalog.snapshot().organization(organization).unwrap().table::<ApiKey>().len()
}

#[tokio::test]
async fn the_first_answer_is_given_again_also_by_another_process() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let before = keys(&catalog, home.made.organization_id);
    let first = add(&catalog, "a", &once("k", "body"), "one").await.unwrap();
    let Written::Now(answer) = first else { panic!("{first:?}") };
    assert_eq!((answer.status, answer.body.as_slice()), (201, &b"one by api_key:a"[..]));
    assert_eq!(answer.headers, [("etag".to_owned(), "\"1\"".to_owned())]);
    let again = Written::Before(answer);
    assert_eq!(add(&catalog, "a", &once("k", "body"), "two").await.unwrap(), again);
    assert_eq!(add(&catalog, "a", &once("k", "other"), "two").await.unwrap(), Written::KeyReused);
    assert_eq!(keys(&catalog, home.made.organization_id), before + 1);
    catalog.close().await;
    let restarted = home.open(3).await;
    assert_eq!(add(&restarted, "a", &once("k", "body"), "two").await.unwrap(), again);
}

#[tokio::test]
async fn another_credential_or_route_has_keys_of_its_own() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let elsewhere = Once { route: "POST /v5/lists".to_owned(), ..once("k", "body") };
    for (by, once, name) in
        [("a", once("k", "body"), "1"), ("b", once("k", "body"), "2"), ("a", elsewhere, "3")]
    {
        assert!(matches!(add(&catalog, by, &once, name).await.unwrap(), Written::Now(_)), "{name}");
    }
}

#[tokio::test]
async fn what_failed_may_be_tried_again() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let key = once("k", "body");
    assert!(matches!(add(&catalog, "a", &key, "").await, Err(WriteError::Refused(Refused::Rule { .. }))));
    assert!(matches!(add(&catalog, "a", &key, "one").await.unwrap(), Written::Now(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_keys_at_the_same_time_are_one_write() {
    let home = Home::new().await;
    let processes = [home.open(2).await, home.open(3).await];
    let before = keys(&processes[0], home.made.organization_id);
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let catalog: Arc<Catalog> = processes[n % 2].clone();
            tokio::spawn(
                async move { add(&catalog, "a", &once("k", "body"), &format!("n{n}")).await.unwrap() },
            )
        })
        .collect();
    let mut bodies = Vec::new();
    let mut now = 0;
    for task in tasks {
        match task.await.unwrap() {
            Written::Now(answer) => {
                now += 1;
                bodies.push(answer.body);
            }
            Written::Before(answer) => bodies.push(answer.body),
            Written::KeyReused => panic!("the bodies were equal"),
        }
    }
    bodies.dedup();
    assert_eq!((now, bodies.len()), (1, 1));
    processes[0].catch_up().await.unwrap();
    assert_eq!(keys(&processes[0], home.made.organization_id), before + 1);
}

#[tokio::test]
async fn answers_end_after_a_day_and_are_cleared_away() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    for (key, name) in [("k", "one"), ("l", "two")] {
        add(&catalog, "a", &once(key, "body"), name).await.unwrap();
    }
    home.clock.advance_seconds(86_399);
    assert!(matches!(add(&catalog, "a", &once("k", "body"), "x").await.unwrap(), Written::Before(_)));
    assert_eq!(catalog.forget_answers().await.unwrap(), 0);
    home.clock.advance_seconds(1);
    assert!(matches!(add(&catalog, "a", &once("k", "other"), "three").await.unwrap(), Written::Now(_)));
    assert_eq!(stored_answers(&home).await, 1, "a write clears the expired ones away");
    home.clock.advance_seconds(86_400);
    assert_eq!(catalog.forget_answers().await.unwrap(), 1);
}

#[tokio::test]
async fn a_catalog_of_the_first_format_is_taken_on() {
    let home = Home::new().await;
    let mut raw = SqliteConnectOptions::new().filename(home.file()).connect().await.unwrap();
    let back = "DROP TABLE answers; DROP INDEX revisions_by_organization; ALTER TABLE tokens DROP COLUMN sort; \
                PRAGMA user_version = 1";
    sqlx::raw_sql(back).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let catalog = home.open(2).await;
    assert!(matches!(add(&catalog, "a", &once("k", "body"), "one").await.unwrap(), Written::Now(_)));
    assert!(keys(&catalog, home.made.organization_id) > 1, "what was there is there still");
}

async fn stored_answers(home: &Home) -> i64 {
    let mut raw = SqliteConnectOptions::new().filename(home.file()).connect().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM answers").fetch_one(&mut raw).await.unwrap()
}
