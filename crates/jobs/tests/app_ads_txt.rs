//! app-ads.txt files of local servers, checked on request and in rounds.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Actor, Catalog, FILE_NAME, Organization, new_app};
use tollgate_domain::{
    App, AppAdsTxtStatus, AppChange, AppId, Clock, Entropy, OrganizationId, Orientation, Platform, Timestamp,
};
use tollgate_jobs::app_ads_txt::{AppAdsTxt, Check, CheckError};
use tollgate_outbound::testing::{Stream, ok, options, redirect, tls_server};
use tollgate_outbound::{Limits, Options, Outbound};

const OURS: &str = "tollgate.example, pub-7, DIRECT";
const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

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
    organization: OrganizationId,
    _dir: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(Counting(AtomicU64::new(1)));
        let made =
            initialise(dir.path(), &InitOptions::default(), Arc::new(TestClock), entropy.clone()).await;
        let catalog = Catalog::open(&dir.path().join(FILE_NAME), Arc::new(TestClock), entropy).await;
        let organization = made.unwrap().organization_id;
        let home = Self { catalog: Arc::new(catalog.unwrap()), organization, _dir: dir };
        home.set_lines(&[OURS]).await;
        home
    }

    async fn set_lines(&self, lines: &[&str]) {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let organization = draft.require::<Organization>(self.organization.as_str(), None)?;
            let seller_lines = lines.iter().map(|line| (*line).to_owned()).collect();
            draft.update(Organization { seller_lines, ..Organization::clone(&organization) }, None)
        });
        write.await.unwrap();
    }

    async fn app(&self, domain: Option<&str>) -> AppId {
        let change = AppChange {
            nickname: Some("Game".to_owned()),
            platform: Some(Platform::Android),
            orientations: Some(vec![Orientation::Portrait]),
            is_live: Some(false),
            is_test_mode_on: Some(false),
            is_directed_at_kids_under_13: Some(false),
            ..AppChange::default()
        };
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let id = new_app(draft, &change)?;
            let app = draft.require::<App>(id.as_str(), None)?;
            draft.update(App { developer_domain: domain.map(str::to_owned), ..App::clone(&app) }, None)?;
            Ok(id)
        });
        write.await.unwrap()
    }

    async fn move_app(&self, app: AppId, domain: &str) {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let app = draft.require::<App>(app.as_str(), None)?;
            draft.update(App { developer_domain: Some(domain.to_owned()), ..App::clone(&app) }, None)
        });
        write.await.unwrap();
    }

    fn status(&self, app: AppId) -> Option<AppAdsTxtStatus> {
        let snapshot = self.catalog.snapshot();
        let organization = snapshot.organization(self.organization).unwrap();
        organization.get::<App>(app.as_str()).unwrap().app_ads_txt_status
    }

    fn jobs(&self, outbound: Options) -> Arc<AppAdsTxt> {
        Arc::new(AppAdsTxt::new(self.catalog.clone(), Outbound::new(outbound).unwrap()))
    }

    async fn check(&self, outbound: Options, app: AppId) -> Result<Check, CheckError> {
        self.jobs(outbound).check(self.organization, app, &Actor::command_line()).await
    }
}

/// A client for which `dev.example` is a server that answers with `handle`.
fn developer(handle: impl Fn(&str, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static) -> Options {
    let (address, certificate) = tls_server("dev.example", handle);
    let limits = Limits { time: Duration::from_secs(2), body_bytes: 100_000, ..Limits::default() };
    let options = options(&[("dev.example", address), ("www.dev.example", address)]);
    Options { authorities: vec![certificate], plain_http: false, limits, ..options }
}

fn answering(status: &'static str, kind: &'static str, body: &'static str) -> Options {
    developer(move |head, stream| {
        assert!(head.starts_with("GET /app-ads.txt HTTP/1.1\r\n"), "{head}");
        let length = body.len();
        write!(stream, "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
    })
}

#[tokio::test]
async fn every_answer_becomes_a_status_that_is_kept() {
    use AppAdsTxtStatus::{Mismatch, Missing, Unreachable, Verified};
    let home = Home::new().await;
    let app = home.app(Some("dev.example")).await;
    let good = "# ours\r\nTollgate.Example, pub-7, direct # yes\r\n";
    for (status, kind, body, expected) in [
        ("200 OK", "text/plain", good, Verified),
        ("200 OK", "text/html", good, Verified),
        ("200 OK", "text/plain; charset=utf-8", "tollgate.example, pub-8, DIRECT\n", Mismatch),
        ("200 OK", "text/plain", "", Mismatch),
        ("404 Not Found", "text/plain", good, Missing),
        ("410 Gone", "text/plain", "", Missing),
        ("200 OK", "text/html; charset=utf-8", "<!doctype html><p>Not here</p>", Missing),
        ("200 OK", "text/plain", " <html>Not here</html>", Missing),
        ("500 Oops", "text/plain", good, Unreachable),
        ("503 Busy", "text/plain", good, Unreachable),
        ("429 Slower", "text/plain", good, Unreachable),
        ("302 Found", "text/plain", "", Unreachable),
    ] {
        let check = home.check(answering(status, kind, body), app).await.unwrap();
        assert_eq!((check.status, home.status(app)), (expected, Some(expected)), "{status} {kind} {body}");
        assert_eq!(check.url, "https://dev.example/app-ads.txt");
        assert_eq!(check.explanation.is_none(), expected == Verified, "{check:?}");
        assert_eq!(check.absent.is_empty(), expected != Mismatch, "{check:?}");
    }
    let endless = developer(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        loop {
            write!(stream, "1000\r\n{}\r\n", "#".repeat(4096))?;
        }
    });
    let slow = developer(|_, _| {
        std::thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let untrusted = Options { authorities: Vec::new(), ..answering("200 OK", "text/plain", good) };
    let private = Options { allow: Vec::new(), ..answering("200 OK", "text/plain", good) };
    for (outbound, why) in
        [(endless, "longer than"), (slow, "no whole answer"), (untrusted, "TLS"), (private, "loopback")]
    {
        let check = home.check(outbound, app).await.unwrap();
        assert!(
            check.status == Unreachable && check.explanation.as_ref().unwrap().contains(why),
            "{check:?}"
        );
    }
}

#[tokio::test]
async fn redirects_may_leave_the_domain_once() {
    let home = Home::new().await;
    let app = home.app(Some("dev.example")).await;
    let (partner, partner_certificate) = tls_server("files.example", |head, stream| {
        if head.starts_with("GET /again") {
            redirect(stream, "https://third.example/app-ads.txt")
        } else {
            ok(stream, OURS)
        }
    });
    let (third, third_certificate) = tls_server("third.example", |_, stream| ok(stream, OURS));
    for (target, expected) in [
        ("https://www.dev.example/here", AppAdsTxtStatus::Missing),
        ("https://files.example/dev/app-ads.txt", AppAdsTxtStatus::Verified),
        ("https://files.example/again", AppAdsTxtStatus::Unreachable),
        ("http://files.example/app-ads.txt", AppAdsTxtStatus::Unreachable),
        ("https://127.0.0.1/app-ads.txt", AppAdsTxtStatus::Unreachable),
    ] {
        let (developer, certificate) = tls_server("dev.example", move |_, stream| redirect(stream, target));
        let (www, www_certificate) = tls_server("www.dev.example", |_, stream| {
            stream.write_all(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n")
        });
        let names = [
            ("dev.example", developer),
            ("www.dev.example", www),
            ("files.example", partner),
            ("third.example", third),
        ];
        let authorities =
            vec![certificate, www_certificate, partner_certificate.clone(), third_certificate.clone()];
        let outbound = Options { authorities, plain_http: false, ..options(&names) };
        let check = home.check(outbound, app).await.unwrap();
        assert_eq!(check.status, expected, "{target}: {check:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_checked_is_said_and_changes_nothing() {
    let home = Home::new().await;
    let (app, homeless) = (home.app(Some("dev.example")).await, home.app(None).await);
    let good = || answering("200 OK", "text/plain", OURS);
    assert!(matches!(home.check(good(), homeless).await, Err(CheckError::NoDeveloperDomain)));
    let unknown = "0123456789abcdef01234567".parse().unwrap();
    assert!(matches!(home.check(good(), unknown).await, Err(CheckError::NoApp)));
    let stranger: OrganizationId = "ffffffffffffffffffffffff".parse().unwrap();
    let foreign = home.jobs(good()).check(stranger, app, &Actor::command_line()).await;
    assert!(matches!(foreign, Err(CheckError::NoApp)));
    home.set_lines(&[]).await;
    assert!(matches!(home.check(good(), app).await, Err(CheckError::NoSellerLines)));
    assert_eq!((home.status(app), home.status(homeless)), (None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_changes_meanwhile_is_not_judged_by_the_old_file() {
    let home = Home::new().await;
    let app = home.app(Some("dev.example")).await;
    let (asked, is_asked) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let (asked, may_go) = (Mutex::new(asked), Mutex::new(may_go));
    let outbound = developer(move |_, stream| {
        asked.lock().unwrap().send(()).unwrap();
        may_go.lock().unwrap().recv().unwrap();
        ok(stream, OURS)
    });
    let jobs = home.jobs(outbound);
    let organization = home.organization;
    let checking = tokio::spawn(async move { jobs.check(organization, app, &Actor::command_line()).await });
    tokio::task::spawn_blocking(move || is_asked.recv().unwrap()).await.unwrap();
    home.move_app(app, "other.example").await;
    go.send(()).unwrap();
    assert!(matches!(checking.await.unwrap(), Err(CheckError::Changed)));
    assert_eq!(home.status(app), None);
}

#[tokio::test]
async fn a_round_fetches_each_domain_once_for_all_its_apps() {
    let home = Home::new().await;
    let (first, second) = (home.app(Some("dev.example")).await, home.app(Some("dev.example")).await);
    let elsewhere = home.app(Some("nobody.example")).await;
    let homeless = home.app(None).await;
    let asked = Arc::new(AtomicU64::new(0));
    let counter = asked.clone();
    let jobs = home.jobs(developer(move |_, stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        ok(stream, OURS)
    }));
    let day = Duration::from_secs(86_400);
    let later = |hours: i64| Timestamp::from_millis(NOW.millis() + hours * 3_600_000);
    jobs.clone().round(day, NOW, NOW).await;
    assert_eq!((asked.load(Ordering::SeqCst), home.status(first)), (0, None), "nobody is due");
    jobs.clone().round(day, NOW, later(24)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    use AppAdsTxtStatus::{Unreachable, Verified};
    for (app, expected) in
        [(first, Some(Verified)), (second, Some(Verified)), (elsewhere, Some(Unreachable)), (homeless, None)]
    {
        assert_eq!(home.status(app), expected);
    }
    let seq = home.catalog.snapshot().seq();
    jobs.clone().round(day, later(24), later(48)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(home.catalog.snapshot().seq(), seq, "an outcome that stays the same is not written again");
    assert_eq!((jobs.stats().files, jobs.stats().failures), (4, 0));
    home.set_lines(&[]).await;
    jobs.clone().round(day, later(48), later(72)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2, "without seller lines there is nothing to look for");
}
