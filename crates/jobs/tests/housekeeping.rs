//! Retention and privacy requests over a real catalog and a real ledger.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Actor, Catalog, FILE_NAME, integration_defaults, new_integration};
use tollgate_domain::{
    Clock, Entropy, Event, EventKind, Integration, IntegrationId, Number, OrganizationId, Text, Timestamp,
    TxIdKey,
};
use tollgate_jobs::exports::{self, Exports, Folder};
use tollgate_jobs::privacy::{Identifier, IdentifierKind, Privacy, Request};
use tollgate_jobs::retention::Retention;
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{Ledger, Options, Record};

const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);
const DAY_MS: i64 = 86_400_000;

struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Counts, so that every id is another.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8;
        }
    }
}

struct Home {
    catalog: Arc<Catalog>,
    ledger: Ledger,
    entropy: Arc<dyn Entropy>,
    organization: OrganizationId,
    dir: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(Counting(AtomicU64::new(1)));
        let made =
            initialise(dir.path(), &InitOptions::default(), Arc::new(TestClock), entropy.clone()).await;
        let organization = made.unwrap().organization_id;
        let catalog = Catalog::open(&dir.path().join(FILE_NAME), Arc::new(TestClock), entropy.clone()).await;
        let disk = Arc::new(RealDisk::new(dir.path().join("ledger")).unwrap());
        let options = Options { log_file_bytes: 1 << 20, ..Options::default() };
        let (ledger, _) =
            Ledger::open(disk, entropy.clone(), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {}).unwrap();
        ledger.keep().unwrap();
        Self { catalog: Arc::new(catalog.unwrap()), ledger, entropy, organization, dir }
    }

    async fn integration(&self, name: &str, retention_days: Option<u32>) -> IntegrationId {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let mut integration = integration_defaults(draft, name);
            integration.retention_days = retention_days;
            let id = integration.id;
            new_integration(draft, integration, Vec::new())?;
            Ok(id)
        });
        write.await.unwrap()
    }

    /// Stores an event of `kind`, so many days old, of a device and an address.
    fn store(&self, kind: EventKind, integration: IntegrationId, days: i64, device: &str, ip: &str) {
        let mut event = Event::new(kind, integration);
        event.set_number(Number::RequestTime, NOW.millis() - days * DAY_MS);
        event.set_text(Text::DeviceId, device);
        event.set_text(Text::Ip, ip);
        let promise = self.ledger.promise(1, event.text_bytes() as u64).unwrap();
        self.ledger.append(&promise, &mut event, |_| {});
        self.ledger.commit().unwrap();
    }

    /// Integration, days of age and device of every event that is seen.
    fn seen(&self) -> Vec<(IntegrationId, i64, String)> {
        let events = self.ledger.view().scan_seq_from(0);
        let events = events.filter_map(|record| Record::into_event(record.unwrap()));
        let told = |event: Event| {
            let days = (NOW.millis() - event.at().millis()) / DAY_MS;
            (event.integration, days, event.text_or_empty(Text::DeviceId).to_owned())
        };
        events.map(told).collect()
    }

    async fn privacy(&self) -> Arc<Privacy> {
        let root = self.dir.path();
        let parts = exports::Parts {
            ledger: self.ledger.clone(),
            artifacts: Arc::new(Folder::open(&root.join(exports::FOLDER_NAME)).unwrap()),
            clock: Arc::new(TestClock),
            entropy: self.entropy.clone(),
            options: exports::Options::default(),
        };
        let exports = Exports::open(&root.join(exports::FILE_NAME), parts).await.unwrap();
        let (catalog, what) = (self.catalog.clone(), (self.ledger.clone(), exports));
        Arc::new(Privacy::open(&root.join("privacy"), catalog, what, self.entropy.clone()).unwrap())
    }

    fn request(&self, kind: IdentifierKind, text: &str, integrations: Vec<IntegrationId>) -> Request {
        let identifier = Identifier::new(kind, text).unwrap();
        Request { organization: self.organization, integrations, identifier, actor: Actor::command_line() }
    }
}

#[tokio::test]
async fn events_are_kept_as_long_as_their_integration_says() {
    let home = Home::new().await;
    let month = home.integration("A month", Some(30)).await;
    let ever = home.integration("For ever", None).await;
    for kind in [EventKind::Click, EventKind::Conversion, EventKind::Impression] {
        for days in [0, 29, 30, 31, 400] {
            home.store(kind, month, days, "d", "192.0.2.1");
            home.store(kind, ever, days, "d", "192.0.2.1");
        }
    }
    let retention = Retention::new(home.catalog.clone(), home.ledger.clone());
    let deleted = retention.round(NOW).unwrap().unwrap();
    assert_eq!(deleted.rows.iter().map(|rows| rows.rows).sum::<u64>(), 6);
    let seen = home.seen();
    let days_of = |one| seen.iter().filter(|(i, ..)| *i == one).map(|(_, days, _)| *days).collect::<Vec<_>>();
    assert_eq!(days_of(month), [0, 29, 30].repeat(3));
    assert_eq!(days_of(ever), [0, 29, 30, 31, 400].repeat(3));
    assert_eq!(retention.round(NOW).unwrap().unwrap().rows, [], "nothing is left to do");
    retention.round(NOW.plus_millis(DAY_MS)).unwrap().unwrap();
    assert_eq!(home.seen().len(), 6 + 15);
}

#[tokio::test]
async fn a_kind_is_kept_as_long_as_its_own_number_says() {
    let home = Home::new().await;
    let (both, one) = (home.integration("Both", Some(30)).await, home.integration("One", None).await);
    let actor = Actor::command_line();
    let change = home.catalog.write(home.organization, &actor, |draft| {
        let mut changed = draft.require::<Integration>(both.as_str(), None)?.value.clone();
        changed.click_retention_days = Some(7);
        changed.conversion_retention_days = Some(400);
        draft.update(changed, None)?;
        let mut changed = draft.require::<Integration>(one.as_str(), None)?.value.clone();
        changed.impression_retention_days = Some(7);
        draft.update(changed, None)
    });
    change.await.unwrap();
    for kind in [EventKind::Click, EventKind::Conversion, EventKind::Impression] {
        for days in [7, 8, 30, 31, 400, 401] {
            home.store(kind, both, days, kind.name(), "192.0.2.1");
            home.store(kind, one, days, kind.name(), "192.0.2.1");
        }
    }
    Retention::new(home.catalog.clone(), home.ledger.clone()).round(NOW).unwrap().unwrap();
    let seen = home.seen();
    let days_of = |integration, kind: EventKind| {
        let its = seen.iter().filter(|(i, _, device)| *i == integration && *device == kind.name());
        its.map(|(_, days, _)| *days).collect::<Vec<_>>()
    };
    assert_eq!(days_of(both, EventKind::Click), [7]);
    assert_eq!(days_of(both, EventKind::Conversion), [7, 8, 30, 31, 400]);
    assert_eq!(days_of(both, EventKind::Impression), [7, 8, 30], "as the one number says");
    assert_eq!(days_of(one, EventKind::Impression), [7]);
    for kind in [EventKind::Click, EventKind::Conversion] {
        assert_eq!(days_of(one, kind), [7, 8, 30, 31, 400, 401], "for ever");
    }
}

#[tokio::test]
async fn a_person_is_forgotten_and_the_certificate_says_so_without_a_name() {
    let home = Home::new().await;
    let (one, two) = (home.integration("One", None).await, home.integration("Two", None).await);
    for days in 0..5 {
        home.store(EventKind::Click, one, days, "person", "192.0.2.7");
        home.store(EventKind::Click, two, days, "person", "192.0.2.7");
        home.store(EventKind::Conversion, one, days, "somebody else", "2001:db8::7");
    }
    let privacy = home.privacy().await;
    let certificate =
        privacy.clone().forget(home.request(IdentifierKind::DeviceId, "person", vec![one])).await.unwrap();
    assert_eq!((certificate.deleted_events, certificate.deleted.len()), (5, 1));
    let days = &certificate.deleted[0];
    assert_eq!((days.kind.as_str(), days.events), ("click", 5));
    assert_eq!((days.first_day.as_str(), days.last_day.as_str()), ("2026-02-25", "2026-03-01"));
    assert_eq!((certificate.requested_by.as_str(), certificate.through_seq), ("cli", 15));
    assert!(!serde_json::to_string(&certificate).unwrap().contains("person"));
    assert!(!home.seen().iter().any(|(i, _, device)| *i == one && device == "person"));
    assert_eq!(home.seen().len(), 10);

    let all = privacy.integrations(home.organization);
    let by_address = home.request(IdentifierKind::Ip, " 2001:DB8:0::7", all);
    let second = privacy.clone().forget(by_address.clone()).await.unwrap();
    assert_eq!((second.deleted_events, home.seen().len()), (5, 5));
    assert_ne!(second.identifier_sha256, certificate.identifier_sha256);
    assert_eq!(privacy.clone().forget(by_address).await.unwrap().deleted_events, 0);

    let kept = home.privacy().await;
    assert_eq!(kept.get(home.organization, &certificate.id).unwrap(), Some(certificate.clone()));
    assert_eq!(kept.get(home.organization, "../secrets").unwrap(), None);
    let ids: Vec<String> = kept.list(home.organization).unwrap().into_iter().map(|one| one.id).collect();
    assert!(ids.len() == 3 && ids.contains(&certificate.id) && ids.contains(&second.id));
}

#[tokio::test]
async fn what_is_still_to_be_done_is_told_until_it_is_done() {
    let home = Home::new().await;
    let one = home.integration("One", None).await;
    home.store(EventKind::Click, one, 0, "person", "192.0.2.7");
    home.store(EventKind::Click, one, 0, "somebody else", "192.0.2.8");
    let privacy = home.privacy().await;
    let request = home.request(IdentifierKind::UserId, "nobody", vec![one]);
    assert_eq!(privacy.clone().forget(request).await.unwrap().deleted_events, 0);
    let request = home.request(IdentifierKind::DeviceId, "person", vec![one]);
    let certificate = privacy.clone().forget(request).await.unwrap();
    assert_eq!((certificate.files.rewritten, certificate.files.pending.len()), (1, 1));
    assert!(certificate.files.log_pending);
    home.ledger.merge(&mut || true).unwrap().unwrap();
    for _ in 0..3 {
        home.ledger.keep().unwrap();
    }
    let later = privacy.get(home.organization, &certificate.id).unwrap().unwrap();
    assert_eq!((later.files.rewritten, later.files.pending.len(), later.files.log_pending), (1, 0, false));
}

#[test]
fn identifiers_that_name_nobody_are_refused_by_name() {
    for (kind, text, field) in [
        (IdentifierKind::Ip, "300.1.1.1", "ip"),
        (IdentifierKind::DeviceId, "", "device_id"),
        (IdentifierKind::UserId, &"x".repeat(3000), "user_id"),
    ] {
        assert_eq!(Identifier::new(kind, text).unwrap_err().field, field);
    }
}
