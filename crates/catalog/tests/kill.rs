//! A process that is killed in the middle of its writes: what it acknowledged is there, and nothing is half-stored.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use support::{Home, TestClock};
use tollgate_catalog::{Actor, ApiKey, KeyOwner, OauthClient, Scope, new_api_key};

/// Tells the child which file to write to. Read by this test binary alone.
const FILE: &str = "TOLLGATE_TEST_CATALOG";

/// The child: writes pairs of keys for ever and prints each pair's number once it is acknowledged.
#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
async fn child() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let catalog = support::open(file.as_ref(), TestClock::new(), u64::from(std::process::id())).await;
    let id = catalog.snapshot().organizations().next().unwrap().id();
    for number in 0.. {
        let write = |draft: &mut tollgate_catalog::Draft<'_>| {
            for half in ["a", "b"] {
                let name = format!("{}-{number}-{half}", std::process::id());
                new_api_key(draft, &name, &[Scope::Read], KeyOwner::Organization)?;
            }
            Ok(())
        };
        catalog.write(id, &Actor::command_line(), write).await.unwrap();
        println!("\nacknowledged {}-{number}", std::process::id());
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let home = Home::new().await;
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child", "--nocapture"])
            .env(FILE, home.file())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned));
        acknowledged.extend(lines.by_ref().take(1 + round * 3));
        std::thread::sleep(std::time::Duration::from_micros(round as u64 * 777));
        child.kill().unwrap();
        acknowledged.extend(lines);
        child.wait().unwrap();
    }
    let catalog = home.open(2).await;
    let snapshot = catalog.snapshot();
    let organization = snapshot.organization(home.made.organization_id).unwrap();
    let names: Vec<_> = organization.table::<ApiKey>().iter().map(|key| key.name.clone()).collect();
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    for pair in &acknowledged {
        for half in ["a", "b"] {
            assert!(names.contains(&format!("{pair}-{half}")), "{pair} was acknowledged and is lost");
        }
    }
    let (a, b) =
        (names.iter().filter(|name| name.ends_with("-a")), names.iter().filter(|name| name.ends_with("-b")));
    assert_eq!(a.count(), b.count(), "a write is stored whole or not at all");
    let keys = organization.table::<ApiKey>();
    assert!(keys.iter().all(|key| organization.secret::<ApiKey>(&key.id).is_some()));
    assert_eq!(organization.table::<OauthClient>().len(), 2);
    assert_eq!(
        snapshot.seq(),
        catalog.as_of(u64::MAX >> 1).await.unwrap().organization(home.made.organization_id).unwrap().head()
    );
}
