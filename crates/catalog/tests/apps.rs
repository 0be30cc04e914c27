//! Apps and ad locations in the catalog: order, look-ups, uniqueness and limits under concurrent writers.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use support::Home;
use tollgate_catalog::{
    Actor, Catalog, Draft, MAX_AD_LOCATION_NAMES, Organization, Refused, WriteError, new_ad_location,
    new_app, update_ad_location, update_app,
};
use tollgate_domain::{
    AdLocation, AdLocationId, AdLocationType, AdType, App, AppChange, AppId, Country, Market, Money,
    OrganizationId, Orientation, Platform, PriceTable,
};

const WRITERS: usize = 64;

fn creation(nickname: &str) -> AppChange {
    AppChange {
        nickname: Some(nickname.to_owned()),
        platform: Some(Platform::Android),
        orientations: Some(vec![Orientation::Portrait]),
        is_live: Some(false),
        is_test_mode_on: Some(false),
        is_directed_at_kids_under_13: Some(false),
        ..AppChange::default()
    }
}

fn prices(micros: i64) -> PriceTable {
    PriceTable::new(&[(Market::Default, Money::from_micros(micros))]).unwrap()
}

fn location(name: &str, location_type: AdLocationType) -> impl FnOnce(AdLocationId) -> AdLocation {
    let name = name.parse().unwrap();
    move |id| AdLocation { id, name, ad_type: AdType::Banner, location_type, prices: prices(1_000_000) }
}

async fn write<T>(
    home: &Home,
    catalog: &Catalog,
    change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
) -> Result<T, WriteError> {
    catalog.write(home.made.organization_id, &Actor::command_line(), change).await
}

async fn make_app(home: &Home, catalog: &Catalog, nickname: &str) -> AppId {
    write(home, catalog, |draft| new_app(draft, &creation(nickname))).await.unwrap()
}

async fn make_location(
    home: &Home,
    catalog: &Catalog,
    app: AppId,
    name: &str,
    location_type: AdLocationType,
) -> Result<AdLocationId, WriteError> {
    write(home, catalog, |draft| new_ad_location(draft, app, location(name, location_type))).await
}

fn code(result: Result<AdLocationId, WriteError>) -> &'static str {
    match result {
        Err(WriteError::Refused(Refused::Rule { code, .. })) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn apps_are_sorted_by_nickname_and_found_by_id() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let mut ids = Vec::new();
    for nickname in ["b", "C", "a", "B"] {
        ids.push(make_app(&home, &catalog, nickname).await);
    }
    let renamed = ids[2];
    write(&home, &catalog, |draft| {
        let app = draft.require::<App>(renamed.as_str(), None)?;
        update_app(draft, &app, &AppChange { nickname: Some("D".into()), ..AppChange::default() })
    })
    .await
    .unwrap();
    for catalog in [catalog, home.open(3).await] {
        let snapshot = catalog.snapshot();
        let organization = snapshot.organization(home.made.organization_id).unwrap();
        let sorted: Vec<_> =
            organization.table::<App>().in_order().map(|(order, app)| (order, app.id)).collect();
        let (first, second) = if ids[0] < ids[3] { (ids[0], ids[3]) } else { (ids[3], ids[0]) };
        assert_eq!(sorted, [("b", first), ("b", second), ("c", ids[1]), ("d", renamed)]);
        let (owner, app) = snapshot.app(renamed).unwrap();
        assert_eq!((owner.id(), app.nickname.as_str()), (home.made.organization_id, "D"));
    }
}

#[tokio::test]
async fn a_deleted_app_is_found_nowhere_and_its_locations_wait() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let app = make_app(&home, &catalog, "n").await;
    make_location(&home, &catalog, app, "l", AdLocationType::FixedCpm).await.unwrap();
    let value = catalog.snapshot().app(app).unwrap().1.value.clone();
    write(&home, &catalog, |draft| draft.delete::<App>(app.as_str(), None)).await.unwrap();
    let snapshot = catalog.snapshot();
    assert!(snapshot.app(app).is_none());
    assert_eq!(
        snapshot.organization(home.made.organization_id).unwrap().table::<App>().in_order().count(),
        0
    );
    assert!(make_location(&home, &catalog, app, "m", AdLocationType::FixedCpm).await.is_err());
    write(&home, &catalog, |draft| draft.create(value.clone())).await.unwrap();
    let snapshot = catalog.snapshot();
    assert!(snapshot.app(app).unwrap().0.ad_location(app, "l", AdType::Banner).is_some());
}

#[tokio::test]
async fn another_organization_never_takes_an_id_that_is_used() {
    let home = Home::new().await;
    let (first, second) = (home.open(7).await, home.open(7).await);
    let neighbour: OrganizationId = "ffffffffffffffffffffffff".parse().unwrap();
    let app = make_app(&home, &first, "n").await;
    // The second handle draws the same numbers, so its first idea of an id is the one that is taken.
    let other = second
        .write(neighbour, &Actor::command_line(), |draft| {
            draft.create(Organization::new(neighbour, "Neighbour"))?;
            new_app(draft, &creation("n"))
        })
        .await
        .unwrap();
    assert_ne!(app, other);
    assert_eq!(second.snapshot().app(app).unwrap().0.id(), home.made.organization_id);
    assert_eq!(second.snapshot().app(other).unwrap().0.id(), neighbour);
}

#[tokio::test]
async fn locations_are_found_by_name_and_ad_type() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let (app, other) = (make_app(&home, &catalog, "a").await, make_app(&home, &catalog, "b").await);
    let longest = "x".repeat(80);
    for name in ["GameOver", "GameOver 2", longest.as_str()] {
        make_location(&home, &catalog, app, name, AdLocationType::FixedCpm).await.unwrap();
    }
    let snapshot = catalog.snapshot();
    let organization = snapshot.app(app).unwrap().0;
    let found = |app, name: &str, ad_type| {
        organization.ad_location(app, name, ad_type).map(|one| one.name.to_string())
    };
    for name in ["GameOver", "GameOver 2", longest.as_str()] {
        assert_eq!(found(app, name, AdType::Banner).as_deref(), Some(name));
    }
    let too_long = "x".repeat(81);
    let beside = format!("GameOver\0{app}");
    for name in ["GameOve", "gameover", "", "GameOver ", too_long.as_str(), beside.as_str(), "ä"] {
        assert_eq!(found(app, name, AdType::Banner), None, "{name:?}");
    }
    assert_eq!(
        (found(app, "GameOver", AdType::Rewarded), found(other, "GameOver", AdType::Banner)),
        (None, None)
    );
    let table = organization.table::<AdLocation>();
    assert_eq!((table.of_app(&app).count(), table.of_app(&other).count()), (3, 0));
    assert_eq!((table.count(app, AdType::Banner), table.count(app, AdType::Interstitial)), (3, 0));
    let price = organization
        .ad_location(app, "GameOver", AdType::Banner)
        .unwrap()
        .prices
        .price("DE".parse::<Country>().ok());
    assert_eq!(price, Some(Money::from_micros(1_000_000)));
}

#[tokio::test]
async fn a_fixed_price_replaces_an_automatic_one_and_nothing_else() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let app = make_app(&home, &catalog, "n").await;
    let auto = make_location(&home, &catalog, app, "l", AdLocationType::AutoCpm).await.unwrap();
    let clash = make_location(&home, &catalog, app, "l", AdLocationType::Bidding).await;
    assert_eq!(code(clash), "existing_auto_cpm");
    let fixed = make_location(&home, &catalog, app, "l", AdLocationType::FixedCpm).await.unwrap();
    assert_ne!(auto, fixed);
    let snapshot = catalog.snapshot();
    let locations = snapshot.app(app).unwrap().0.table::<AdLocation>();
    assert_eq!((locations.of_app(&app).count(), locations.count(app, AdType::Banner)), (1, 1));
    for again in [AdLocationType::FixedCpm, AdLocationType::AutoCpm] {
        assert_eq!(code(make_location(&home, &catalog, app, "l", again).await), "existing_fixed_cpm");
    }
    let other = make_location(&home, &catalog, app, "m", AdLocationType::FixedCpm).await.unwrap();
    let renamed = write(&home, &catalog, |draft| {
        let old = draft.require::<AdLocation>(other.as_str(), None)?;
        update_ad_location(draft, AdLocation { name: "l".parse()?, ..old.value.clone() })?;
        Ok(other)
    });
    assert_eq!(code(renamed.await), "existing_fixed_cpm");
}

/// Runs `make` in 64 tasks over two handles on the same file, as two processes would have.
async fn race<F>(home: &Arc<Home>, make: impl Fn(Arc<Home>, Arc<Catalog>, usize) -> F) -> usize
where
    F: Future<Output = Result<AdLocationId, WriteError>> + Send + 'static,
{
    let catalogs = [home.open(2).await, home.open(3).await];
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| tokio::spawn(make(home.clone(), catalogs[number % 2].clone(), number)))
        .collect();
    let mut made = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Ok(_) => made += 1,
            Err(WriteError::Refused(Refused::Rule { .. })) => {}
            Err(other) => panic!("{other}"),
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_writers_gets_the_name() {
    let home = Arc::new(Home::new().await);
    let app = make_app(&home, &*home.open(9).await, "n").await;
    let made = race(&home, move |home, catalog, _| async move {
        make_location(&home, &catalog, app, "l", AdLocationType::FixedCpm).await
    });
    assert_eq!(made.await, 1);
    assert_eq!(
        home.open(4).await.snapshot().app(app).unwrap().0.table::<AdLocation>().of_app(&app).count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_number_of_writers_exceeds_the_limit() {
    let home = Arc::new(Home::new().await);
    let catalog = home.open(9).await;
    let app = make_app(&home, &catalog, "n").await;
    let room = 10;
    write(&home, &catalog, |draft| {
        (room..MAX_AD_LOCATION_NAMES).try_for_each(|number| {
            new_ad_location(draft, app, location(&format!("l{number}"), AdLocationType::FixedCpm)).map(drop)
        })
    })
    .await
    .unwrap();
    let made = race(&home, move |home, catalog, number| async move {
        make_location(&home, &catalog, app, &format!("m{number}"), AdLocationType::AutoCpm).await
    });
    assert_eq!(made.await, room);
    let catalog = home.open(4).await;
    let snapshot = catalog.snapshot();
    let table = snapshot.app(app).unwrap().0.table::<AdLocation>().clone();
    assert_eq!(table.count(app, AdType::Banner), MAX_AD_LOCATION_NAMES);
    let full = make_location(&home, &catalog, app, "one more", AdLocationType::FixedCpm).await;
    assert_eq!(code(full), "too_many_ad_locations");
    let auto = table.of_app(&app).find(|one| one.location_type == AdLocationType::AutoCpm).unwrap();
    let name = auto.name.to_string();
    assert!(
        make_location(&home, &catalog, app, &name, AdLocationType::FixedCpm).await.is_ok(),
        "replacing needs no room"
    );
}

#[tokio::test]
async fn equal_price_tables_are_kept_once() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let app = make_app(&home, &catalog, "n").await;
    for name in ["a", "b"] {
        make_location(&home, &catalog, app, name, AdLocationType::FixedCpm).await.unwrap();
    }
    for catalog in [catalog, home.open(3).await] {
        let snapshot = catalog.snapshot();
        let organization = snapshot.app(app).unwrap().0;
        let of = |name| &organization.ad_location(app, name, AdType::Banner).unwrap().prices;
        assert!(of("a").is_shared_with(of("b")));
    }
}
