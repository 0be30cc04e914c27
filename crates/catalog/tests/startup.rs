//! How long a start takes with a large catalog: `cargo test --release -p tollgate-catalog --test startup -- --ignored
//! --nocapture`.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::time::{Duration, Instant};
use support::Home;
use tollgate_catalog::ApiKey;

const OBJECTS: usize = 210_000;

/// 210,000 objects are 10,000 apps with 20 locations each.
#[tokio::test]
#[ignore = "a measurement; meaningful in release builds only"]
async fn a_start_with_210_000_objects_takes_less_than_two_seconds() {
    let home = Home::new().await;
    let mut raw = SqliteConnectOptions::new().filename(home.file()).connect().await.unwrap();
    // The size of an ad location with a handful of prices.
    let sql = format!(
        "INSERT INTO revisions (organization, kind, id, version, at, created_at, actor, doc, deleted) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OBJECTS}) \
         SELECT '{0}', 'api_key', printf('%010d', i), 1, 0, 0, 'cli', CAST(x'00' || printf( \
           '{{\"id\":\"%010d\",\"name\":\"%.200c\",\"scopes\":[\"read\",\"write\"],\"owner\":{{\"type\":\"organization\"}}}}', \
           i, 'x') AS BLOB), 0 FROM n; \
         INSERT INTO documents SELECT seq, organization, kind, id, version, at, created_at, actor, doc FROM revisions \
           WHERE id GLOB '0*' AND kind = 'api_key'",
        home.made.organization_id,
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let start = Instant::now();
    let catalog = home.open(2).await;
    let taken = start.elapsed();
    let snapshot = catalog.snapshot();
    let organization = snapshot.organization(home.made.organization_id).unwrap();
    assert!(organization.table::<ApiKey>().len() >= OBJECTS);
    println!("{OBJECTS} objects: {} ms", taken.as_millis());
    assert!(taken < Duration::from_secs(2) || cfg!(debug_assertions), "{taken:?}");
}
