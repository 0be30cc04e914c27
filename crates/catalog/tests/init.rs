//! `init`: what it makes, and that it never makes it twice.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use support::{Home, TestClock, TestEntropy};
use tollgate_catalog::init::{InitError, InitOptions, initialise};
use tollgate_catalog::{Catalog, CatalogError, FILE_NAME, Organization, Scope, StoredSecret, User};

#[tokio::test]
async fn everything_it_shows_works() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let (made, snapshot) = (&home.made, catalog.snapshot());
    let id = made.organization_id;

    let key = snapshot.api_key(made.api_key.secret.expose()).unwrap();
    assert_eq!(key.organization.id(), id);
    assert!(key.object.allows(Scope::Read) && key.object.allows(Scope::Write));
    for client in [&made.v4, &made.v5] {
        assert!(snapshot.oauth_client(&client.id, client.secret.expose()).is_some());
        assert!(snapshot.oauth_client(&client.id, made.api_key.secret.expose()).is_none());
    }
    assert!(snapshot.oauth_client(&made.v4.id, made.v5.secret.expose()).is_none());
    assert!(snapshot.legacy_credential(&made.legacy.id, made.legacy.secret.expose()).is_some());

    let organization = snapshot.organization(id).unwrap();
    let user = organization.table::<User>().iter().next().unwrap().clone();
    assert_eq!(user.email, made.admin.id);
    assert!(organization.secret::<User>(&user.id).unwrap().verify_password(made.admin.secret.expose()));

    let entry = snapshot.integration(made.integration_id).unwrap();
    assert_eq!((entry.organization, entry.groups.len()), (id, 1));
    let default = &entry.groups[0];
    assert!(default.is_default() && default.active && default.monitoring_mode == Some(true));
    let types: Vec<_> = default.filters.iter().map(|filter| filter.filter_type.as_str()).collect();
    assert_eq!(types, ["bot", "proxy", "duplicate_user", "click_flooding"]);
}

#[tokio::test]
async fn its_json_has_the_documented_shape() {
    let json = Home::new().await.made.to_json();
    for pointer in [
        "/organization_id",
        "/admin/email",
        "/admin/password",
        "/oauth/v4/client_id",
        "/oauth/v4/client_secret",
        "/oauth/v5/client_id",
        "/oauth/v5/client_secret",
        "/legacy/user_id",
        "/legacy/user_signature",
        "/api_key",
        "/integration_id",
    ] {
        assert!(json.pointer(pointer).is_some_and(|value| value.is_string()), "{pointer}");
    }
    assert_eq!(json.as_object().unwrap().len(), 6);
}

#[tokio::test]
async fn a_second_init_is_refused_and_changes_nothing() {
    let home = Home::new().await;
    let before = home.open(2).await.snapshot().seq();
    let again =
        initialise(home.dir.path(), &InitOptions::default(), home.clock.clone(), TestEntropy::new(3)).await;
    assert!(matches!(again, Err(InitError::AlreadyInitialised(_))), "{again:?}");
    let catalog = home.open(4).await;
    assert_eq!(catalog.snapshot().seq(), before);
    assert!(catalog.snapshot().api_key(home.made.api_key.secret.expose()).is_some());
}

#[tokio::test]
async fn of_two_inits_at_once_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let options = InitOptions::default();
    let run = |seed| initialise(dir.path(), &options, clock.clone(), TestEntropy::new(seed));
    let (a, b) = tokio::join!(run(1), run(2));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let catalog = support::open(&dir.path().join(FILE_NAME), clock.clone(), 3).await;
    assert_eq!(catalog.snapshot().organizations().count(), 1);
}

#[tokio::test]
async fn bad_options_and_bad_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    for (organization, email, field) in
        [("", "a@b", "organization"), ("a", "ab", "email"), ("a", "a b@c", "email"), ("a", "@c", "email")]
    {
        let options = InitOptions { organization: organization.into(), email: email.into() };
        match initialise(dir.path(), &options, clock.clone(), TestEntropy::new(1)).await {
            Err(InitError::Invalid(invalid)) => assert_eq!(invalid.field, field),
            other => panic!("{other:?}"),
        }
    }
    let file = dir.path().join(FILE_NAME);
    let missing = Catalog::open(&file, clock.clone(), TestEntropy::new(1)).await;
    assert!(missing.unwrap_err().to_string().contains("run `tollgate init` first"));
    std::fs::write(
        &file,
        "this is no database, and it is longer than a header of one hundred bytes ".repeat(3),
    )
    .unwrap();
    assert!(Catalog::open(&file, clock.clone(), TestEntropy::new(1)).await.is_err());
}

#[tokio::test]
async fn a_file_of_a_later_format_or_of_another_program_is_refused() {
    use sqlx::{ConnectOptions, Connection};
    let home = Home::new().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.file());
    for (pragma, text) in
        [("PRAGMA user_version = 99", "format 99"), ("PRAGMA application_id = 7", "not a Tollgate")]
    {
        let mut raw = options.connect().await.unwrap();
        sqlx::raw_sql(pragma).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        let error: CatalogError =
            Catalog::open(&home.file(), home.clock.clone(), TestEntropy::new(1)).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn nothing_in_the_file_or_in_debug_output_is_a_secret() {
    let home = Home::new().await;
    let catalog: Arc<Catalog> = home.open(2).await;
    let made = &home.made;
    let mut bytes = std::fs::read(home.file()).unwrap();
    bytes.extend(format!("{made:?} {catalog:?} {:?}", catalog.snapshot()).into_bytes());
    let secrets = [&made.admin, &made.v4, &made.v5, &made.legacy, &made.api_key];
    for secret in secrets.map(|credential| credential.secret.expose()) {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    let organization = catalog.snapshot().organization(made.organization_id).unwrap().clone();
    assert_eq!(organization.table::<Organization>().len(), 1);
    assert!(matches!(
        organization.secret::<User>(&organization.table::<User>().iter().next().unwrap().id).map(|s| &**s),
        Some(StoredSecret::Password(_))
    ));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(home.file()).unwrap().permissions().mode() & 0o077, 0);
}
