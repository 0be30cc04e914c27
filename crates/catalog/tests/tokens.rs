//! Tokens: they work, expire, are revoked, survive restarts, and other handles follow.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use sqlx::{ConnectOptions, Connection};
use support::Home;
use tollgate_catalog::{Catalog, SESSION_LIFETIME_SECONDS, Secret, TOKEN_LIFETIME_SECONDS};

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

#[tokio::test]
async fn tokens_of_one_sort_do_not_pass_for_another_and_invitations_are_accepted_once() {
    let home = Home::new().await;
    let (catalog, other) = (home.open(2).await, home.open(3).await);
    let organization = home.made.organization_id;
    let user = catalog.user_with_password(&home.made.admin.id, home.made.admin.secret.expose()).unwrap();
    assert!(catalog.user_with_password(&home.made.admin.id, "wrong").is_none());
    let session = catalog.start_session(&user).await.unwrap();
    let invitation = catalog.invite(organization, &user.object.id).await.unwrap();
    let access = issue(&home, &catalog).await;
    let is_session = |text: &Secret| catalog.session(text.expose()).is_some();
    assert_eq!([&session, &invitation, &access].map(is_session), [true, false, false]);
    assert!(catalog.token(session.expose()).is_none() && catalog.token(invitation.expose()).is_none());
    assert_eq!(catalog.tokens_of(organization).len(), 1);
    assert!(catalog.accept_invitation(session.expose()).await.unwrap().is_none());
    assert!(!catalog.end_session(access.expose()).await.unwrap());

    let (one, two) = tokio::join!(
        catalog.accept_invitation(invitation.expose()),
        other.accept_invitation(invitation.expose())
    );
    let accepted = [one.unwrap(), two.unwrap()].into_iter().flatten().count();
    assert_eq!(accepted, 1, "two processes at once: one of them");
    assert!(other.session(session.expose()).is_some(), "the other process took the session in");

    home.clock.advance_seconds(SESSION_LIFETIME_SECONDS);
    assert!(!is_session(&session));
}

#[tokio::test]
async fn a_file_of_the_format_before_keeps_its_tokens() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let secret = issue(&home, &catalog).await;
    catalog.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.file());
    let mut raw = options.connect().await.unwrap();
    let before = "ALTER TABLE tokens DROP COLUMN sort; PRAGMA user_version = 2";
    sqlx::raw_sql(before).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    assert!(home.open(3).await.token(secret.expose()).is_some());
}
