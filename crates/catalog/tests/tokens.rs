//! Tokens: they work, expire, are revoked, survive restarts, and other handles follow.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::Home;
use tollgate_catalog::{Catalog, Secret, TOKEN_LIFETIME_SECONDS};

async fn issue(home: &Home, catalog: &Catalog) -> Secret {
    let client = catalog.snapshot().oauth_client(&home.made.v5.id, home.made.v5.secret.expose()).unwrap();
    catalog.issue_token(home.made.organization_id, &client.object).await.unwrap()
}

#[tokio::test]
async fn a_token_lives_a_day() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let secret = issue(&home, &catalog).await;
    let token = catalog.token(secret.expose()).unwrap();
    assert_eq!((token.organization, &*token.client_id), (home.made.organization_id, &*home.made.v5.id));
    assert!(catalog.token("").is_none() && catalog.token(&secret.expose()[1..]).is_none());
    home.clock.advance_seconds(TOKEN_LIFETIME_SECONDS - 1);
    assert!(catalog.token(secret.expose()).is_some());
    home.clock.advance_seconds(1);
    assert!(catalog.token(secret.expose()).is_none());
    issue(&home, &catalog).await;
    assert!(home.open(3).await.token(secret.expose()).is_none());
}

#[tokio::test]
async fn revocation_is_at_once_here_and_followed_there() {
    let home = Home::new().await;
    let (catalog, other) = (home.open(2).await, home.open(3).await);
    let theirs = issue(&home, &other).await;
    let tokens = [issue(&home, &catalog).await, issue(&home, &catalog).await, theirs];
    assert!(other.catch_up().await.unwrap());
    assert!(!other.catch_up().await.unwrap());
    assert!(tokens.iter().all(|token| other.token(token.expose()).is_some()));
    assert!(catalog.revoke_token(tokens[0].expose()).await.unwrap());
    assert!(!catalog.revoke_token(tokens[0].expose()).await.unwrap());
    assert!(catalog.token(tokens[0].expose()).is_none());
    assert!(other.token(tokens[0].expose()).is_some(), "not yet followed");
    other.catch_up().await.unwrap();
    assert!(other.token(tokens[0].expose()).is_none());
    assert_eq!(catalog.revoke_tokens_of(home.made.organization_id, &home.made.v5.id).await.unwrap(), 2);
    other.catch_up().await.unwrap();
    let fresh = home.open(4).await;
    for handle in [&catalog, &other, &fresh] {
        assert!(tokens.iter().all(|token| handle.token(token.expose()).is_none()));
    }
}

#[tokio::test]
async fn a_refreshed_client_keeps_its_tokens_and_gets_no_more() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let secret = issue(&home, &catalog).await;
    let actor = tollgate_catalog::Actor::command_line();
    let version = tollgate_catalog::ClientVersion::V5;
    let made = catalog
        .write(home.made.organization_id, &actor, |draft| {
            tollgate_catalog::refresh_oauth_client(draft, version)
        })
        .await
        .unwrap();
    assert_ne!(made.id, home.made.v5.id);
    let snapshot = catalog.snapshot();
    assert!(snapshot.oauth_client(&home.made.v5.id, home.made.v5.secret.expose()).is_none());
    assert!(snapshot.oauth_client(&made.id, made.secret.expose()).is_some());
    assert!(snapshot.oauth_client(&home.made.v4.id, home.made.v4.secret.expose()).is_some());
    assert!(catalog.token(secret.expose()).is_some());
    assert!(home.open(3).await.token(secret.expose()).is_some());
}
