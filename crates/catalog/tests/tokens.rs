//! Tokens: they work, expire, are revoked, survive restarts, and other handles follow.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use sqlx::{ConnectOptions, Connection};
use support::Home;
use tollgate_catalog::{
    Catalog, MAX_USERS, Organization, Refused, Role, SESSION_LIFETIME_SECONDS, Secret,
    TOKEN_LIFETIME_SECONDS, User, Verified, WriteError, new_user,
};
use tollgate_domain::OrganizationId;

/// The user whose address and password this is.
fn proved(catalog: &Catalog, email: &str, password: &str) -> Option<Verified> {
    catalog.verify_password(catalog.candidates(email, None), password).pop()
}

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
    let admin = &home.made.admin;
    let verified = proved(&catalog, &admin.id, admin.secret.expose()).unwrap();
    assert!(proved(&catalog, &admin.id, "wrong").is_none());
    let session = catalog.sign_in(&verified).await.unwrap().unwrap();
    let user = verified.user.object.id.clone();
    let former = catalog.invite(organization, &user).await.unwrap();
    let invitation = catalog.invite(organization, &user).await.unwrap();
    let access = issue(&home, &catalog).await;
    let is_session = |text: &Secret| catalog.session(text.expose()).is_some();
    assert_eq!([&session, &invitation, &access].map(is_session), [true, false, false]);
    assert!(catalog.token(session.expose()).is_none() && catalog.token(invitation.expose()).is_none());
    assert_eq!(catalog.tokens_of(organization).len(), 1);
    for none in [&session, &former] {
        assert!(catalog.sign_in_with_invitation(none.expose(), None).await.unwrap().is_none());
    }
    assert!(!catalog.end_session(access.expose()).await.unwrap());

    let (one, two) = tokio::join!(
        catalog.sign_in_with_invitation(invitation.expose(), None),
        other.sign_in_with_invitation(invitation.expose(), None)
    );
    let accepted: Vec<Secret> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(accepted.len(), 1, "two processes at once: one of them");
    catalog.catch_up().await.unwrap();
    assert!(is_session(&accepted[0]));
    other.catch_up().await.unwrap();
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

#[tokio::test]
async fn a_sign_in_that_proved_the_former_password_does_not_outlive_it() {
    let home = Home::new().await;
    let (catalog, organization) = (home.open(2).await, home.made.organization_id);
    let admin = &home.made.admin;
    let late = proved(&catalog, &admin.id, admin.secret.expose()).unwrap();
    let user = late.user.object.id.clone();
    let before = catalog.sign_in(&late).await.unwrap().unwrap();
    let invitation = catalog.invite(organization, &user).await.unwrap();
    let (password, hash) = catalog.fresh_password().unwrap();
    let actor = tollgate_catalog::Actor::command_line();
    let renewing = catalog.write_ending_sessions(organization, &actor, &user, |draft| {
        draft.set_secret::<User>(&user, Some(hash.clone()))
    });
    renewing.await.unwrap();
    assert!(catalog.session(before.expose()).is_none(), "in the same step");
    assert!(catalog.sign_in(&late).await.unwrap().is_none());
    assert!(catalog.sign_in_with_invitation(invitation.expose(), None).await.unwrap().is_none());
    assert!(!catalog.change_password(&late, &hash, before.expose()).await.unwrap());

    let verified = proved(&catalog, &admin.id, password.expose()).unwrap();
    let kept = catalog.sign_in(&verified).await.unwrap().unwrap();
    let ended = catalog.sign_in(&verified).await.unwrap().unwrap();
    let chosen = catalog.hash_password("a password of mine").unwrap();
    assert!(catalog.change_password(&verified, &chosen, kept.expose()).await.unwrap());
    assert!(catalog.session(kept.expose()).is_some() && catalog.session(ended.expose()).is_none());
    let link = catalog.link_to_password(organization, &actor, &user).await.unwrap();
    let again = catalog.sign_in_with_invitation(link.expose(), Some(hash.clone())).await.unwrap().unwrap();
    assert!(catalog.session(kept.expose()).is_none() && catalog.session(again.expose()).is_some());
    assert!(proved(&catalog, &admin.id, password.expose()).is_some());
    assert!(home.open(3).await.session(again.expose()).is_some(), "all of it is on disk");
}

#[tokio::test]
async fn a_link_to_choose_a_password_does_nothing_else_and_names_who_made_it() {
    let home = Home::new().await;
    let (catalog, other) = (home.open(2).await, home.open(3).await);
    let organization = home.made.organization_id;
    let user = proved(&catalog, &home.made.admin.id, home.made.admin.secret.expose()).unwrap();
    let user = &user.user.object.meta.id;
    let actor = tollgate_catalog::Actor::api_key("0123");
    let links = tokio::join!(
        catalog.link_to_password(organization, &actor, user),
        other.link_to_password(organization, &actor, user)
    );
    let links = [links.0.unwrap(), links.1.unwrap()];
    catalog.catch_up().await.unwrap();
    let snapshot = catalog.snapshot();
    let stored = snapshot.organization(organization).unwrap().get::<User>(user).unwrap().clone();
    assert_eq!((stored.meta.version, &*stored.meta.updated_by), (2, "api_key:0123"));

    let hash = catalog.hash_password("a password of mine").unwrap();
    let mut signed_in = 0;
    for link in &links {
        let without = catalog.sign_in_with_invitation(link.expose(), None).await.unwrap();
        assert!(without.is_none(), "nobody becomes the user unseen");
        let with = catalog.sign_in_with_invitation(link.expose(), Some(hash.clone())).await.unwrap();
        signed_in += usize::from(with.is_some());
    }
    assert_eq!(signed_in, 1, "of two that were made at once, one is good");
    let invitation = catalog.invite(organization, user).await.unwrap();
    assert!(catalog.sign_in_with_invitation(invitation.expose(), Some(hash)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_invitation_waits_for_nobody_who_writes() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let mut raw = sqlx::sqlite::SqliteConnectOptions::new().filename(home.file()).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut raw).await.unwrap();
    for _ in 0..3 {
        assert!(catalog.sign_in_with_invitation("nonsense", None).await.unwrap().is_none());
        assert!(!catalog.end_session("nonsense").await.unwrap());
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut raw).await.unwrap();
}

#[tokio::test]
async fn an_address_is_one_users_in_each_organization_and_there_are_so_many_users() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let actor = tollgate_catalog::Actor::command_line();
    let admin = &home.made.admin;
    let elsewhere: OrganizationId = "ffffffffffffffffffffffff".parse().unwrap();
    let (password, hash) = catalog.fresh_password().unwrap();
    let add = async |organization, email: &str| {
        let added = catalog
            .write(organization, &actor, |draft| new_user(draft, email, Role::Owner, hash.clone()))
            .await;
        added.map_err(|error| match error {
            WriteError::Refused(Refused::Rule { code, .. }) => code,
            other => panic!("{other}"),
        })
    };
    let made =
        catalog.write(elsewhere, &actor, |draft| draft.create(Organization::new(elsewhere, "Elsewhere")));
    made.await.unwrap();
    add(elsewhere, &admin.id).await.expect("what others have is not told");
    assert_eq!(add(elsewhere, &admin.id.to_uppercase()).await, Err("email_taken"));
    let organization = |password: &str| Some(proved(&catalog, &admin.id, password)?.user.organization.id());
    assert_eq!(organization(admin.secret.expose()), Some(home.made.organization_id));
    assert_eq!(organization(password.expose()), Some(elsewhere), "the password says which of them signs in");

    let many = catalog.write(elsewhere, &actor, |draft| {
        let more = 1..MAX_USERS;
        more.into_iter().try_for_each(|n| {
            new_user(draft, &format!("user{n}@example.com"), Role::Analyst, hash.clone()).map(drop)
        })
    });
    many.await.unwrap();
    assert_eq!(add(elsewhere, "one.more@example.com").await, Err("too_many_users"));
}
