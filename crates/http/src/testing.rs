//! A whole management API in a temporary directory, for tests through the real router.

use crate::console::Console;
use crate::native::imports::Imports;
use crate::{ApiState, Limits, router};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tollgate_catalog::init::{InitOptions, Initialised, initialise};
use tollgate_catalog::{
    Actor, Catalog, FILE_NAME, KeyOwner, Organization, Scope, integration_defaults, new_api_key,
    new_integration,
};
use tollgate_domain::{Clock, Entropy, Event, IntegrationId, OrganizationId, Timestamp};
use tollgate_intake::{Intake, IntakeOptions, Parts};
use tollgate_jobs::analytics::{self, Analytics};
use tollgate_jobs::app_ads_txt::AppAdsTxt;
use tollgate_jobs::exports::{self, Artifacts, Exports, Folder};
use tollgate_jobs::postbacks::{self, Postbacks};
use tollgate_jobs::privacy::{self, Privacy};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{Ledger, Options};
use tollgate_outbound::{self as outbound, Outbound};
use tollgate_rtb::Bidders;
use tollgate_signals::Signals;
use tower::ServiceExt;

pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes at every call, the same ones in every run (SplitMix64).
struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    /// The fields that `errors` names.
    pub(crate) fn error_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map_or(&[][..], Vec::as_slice);
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }

    pub(crate) fn created_id(&self) -> String {
        assert_eq!(self.status, StatusCode::CREATED, "{self:?}");
        self.body["created_item_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Another organization beside the one that `init` made.
pub(crate) struct Neighbour {
    pub(crate) organization: OrganizationId,
    pub(crate) api_key: String,
    pub(crate) integration: IntegrationId,
}

/// What requests answer that are made at the same time, in their order.
pub(crate) async fn all_at_once<T: Send + 'static>(
    requests: impl Iterator<Item: Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = requests.map(tokio::spawn).collect();
    let mut answered = Vec::with_capacity(tasks.len());
    for task in tasks {
        answered.push(task.await.unwrap());
    }
    answered
}

/// How exports are made.
#[derive(Default)]
pub(crate) struct ExportSetup {
    pub(crate) options: exports::Options,
    /// Where files go; the data directory unless given.
    pub(crate) artifacts: Option<Arc<dyn Artifacts>>,
}

async fn open_exports(
    root: &Path,
    ledger: &Ledger,
    clock: &Arc<TestClock>,
    setup: ExportSetup,
) -> Arc<Exports> {
    let folder = || Arc::new(Folder::open(&root.join(exports::FOLDER_NAME)).unwrap());
    let parts = exports::Parts {
        ledger: ledger.clone(),
        artifacts: setup.artifacts.unwrap_or_else(|| folder()),
        clock: clock.clone(),
        entropy: Arc::new(TestEntropy(AtomicU64::new(4))),
        options: exports::Options { reserve_bytes: 0, ..setup.options },
    };
    Exports::open(&root.join(exports::FILE_NAME), parts).await.unwrap()
}

/// Jobs of reports that an organization may have here.
pub(crate) const KEPT_JOBS: usize = 100;

fn open_analytics(
    root: &Path,
    catalog: &Arc<Catalog>,
    ledger: &Ledger,
    clock: &Arc<TestClock>,
) -> Arc<Analytics> {
    let parts = analytics::Parts {
        catalog: catalog.clone(),
        ledger: ledger.clone(),
        clock: clock.clone(),
        entropy: Arc::new(TestEntropy(AtomicU64::new(5))),
        options: analytics::Options { reserve_bytes: 0, kept: KEPT_JOBS, ..analytics::Options::default() },
    };
    Analytics::open(&root.join(analytics::FOLDER), parts).unwrap()
}

pub(crate) struct TestApp {
    pub(crate) state: ApiState,
    pub(crate) made: Initialised,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) ledger: Ledger,
    pub(crate) limits: Arc<Limits>,
    pub(crate) postbacks: Arc<Postbacks>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) analytics: Arc<Analytics>,
    router: Router,
    dir: tempfile::TempDir,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::with(limits, outbound::Options::default(), ExportSetup::default()).await
    }

    /// One that reaches out as `outbound` says.
    pub(crate) async fn with_outbound(outbound: outbound::Options) -> Self {
        Self::with(Limits::default(), outbound, ExportSetup::default()).await
    }

    /// One whose exports are not as usual.
    pub(crate) async fn with_exports(setup: ExportSetup) -> Self {
        Self::with(Limits::default(), outbound::Options::default(), setup).await
    }

    /// Where the data lies.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Opens the exports anew, as the next process does.
    pub(crate) async fn open_exports_again(&self) -> Arc<Exports> {
        open_exports(self.dir.path(), &self.ledger, &self.clock, ExportSetup::default()).await
    }

    /// Opens the jobs of reports anew, as the next process does.
    pub(crate) fn open_analytics_again(&self) -> Arc<Analytics> {
        open_analytics(self.dir.path(), &self.catalog, &self.ledger, &self.clock)
    }

    async fn with(limits: Limits, outbound: outbound::Options, setup: ExportSetup) -> Self {
        let limits = Arc::new(limits);
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_700_000_000_000)));
        let entropy = Arc::new(TestEntropy(AtomicU64::new(1)));
        let made =
            initialise(dir.path(), &InitOptions::default(), clock.clone(), entropy.clone()).await.unwrap();
        let catalog = Catalog::open(&dir.path().join(FILE_NAME), clock.clone(), entropy).await.unwrap();
        let catalog = Arc::new(catalog);
        let parts = Parts {
            disk: Arc::new(RealDisk::new(dir.path().join("ledger")).unwrap()),
            catalog: catalog.clone(),
            signals: Signals::builtin(clock.clone()),
            clock: clock.clone(),
            entropy: Arc::new(TestEntropy(AtomicU64::new(1))),
        };
        let options = Options { log_file_bytes: 4 << 20, ..Options::default() };
        let (intake, _) =
            Intake::open(parts, IntakeOptions { ledger: options, counter_bytes: 64 << 20 }).unwrap();
        let ledger = intake.ledger().clone();
        let imports = Imports { intake, folder: dir.path().join("imports") };
        let parts = postbacks::Parts {
            catalog: catalog.clone(),
            ledger: ledger.clone(),
            outbound: outbound.clone(),
            clock: clock.clone(),
            entropy: Arc::new(TestEntropy(AtomicU64::new(3))),
        };
        let postbacks = Postbacks::open(&dir.path().join(postbacks::FILE_NAME), parts).await.unwrap();
        let exports = open_exports(dir.path(), &ledger, &clock, setup).await;
        let analytics = open_analytics(dir.path(), &catalog, &ledger, &clock);
        let bidders = Bidders::from(&outbound);
        let outbound = Outbound::new(outbound).unwrap();
        let app_ads_txt = Arc::new(AppAdsTxt::new(catalog.clone(), outbound));
        let privacy = Privacy::open(
            &dir.path().join(privacy::FOLDER),
            catalog.clone(),
            (ledger.clone(), exports.clone()),
            Arc::new(TestEntropy(AtomicU64::new(4))),
        );
        let state = ApiState {
            catalog: catalog.clone(),
            ledger: ledger.clone(),
            limits: limits.clone(),
            app_ads_txt,
            postbacks: postbacks.clone(),
            exports: exports.clone(),
            analytics: analytics.clone(),
            privacy: Arc::new(privacy.unwrap()),
            public_url: None,
            bidders,
            imports,
            process: Arc::default(),
            live: Arc::default(),
            console: Console::default(),
        };
        let router = router(state.clone());
        Self { state, made, clock, catalog, ledger, limits, postbacks, exports, analytics, router, dir }
    }

    /// Another handle on the same catalog, opened from its file.
    pub(crate) async fn open_again(&self) -> Catalog {
        let entropy = Arc::new(TestEntropy(AtomicU64::new(2)));
        Catalog::open(&self.dir.path().join(FILE_NAME), self.clock.clone(), entropy).await.unwrap()
    }

    /// Stores judged events; they have their ids afterwards.
    pub(crate) fn store(&self, events: &mut [Event]) {
        let promise = self.ledger.promise(events.len() as u64, 1 << 16).unwrap();
        for event in events {
            self.ledger.append(&promise, event, |_| {});
        }
        assert!(self.ledger.commit().unwrap());
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let kind = headers.get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
        if kind == "text/event-stream" {
            // It has no end that could be waited for.
            return Answered { status, headers, body: Value::Null };
        }
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false if kind.starts_with("text/") => String::from_utf8(bytes.to_vec()).unwrap().into(),
            false => serde_json::from_slice(&bytes).unwrap(),
        };
        Answered { status, headers, body }
    }

    /// An answer that is not JSON.
    pub(crate) async fn text(&self, request: Request<Body>) -> (HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers().clone();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// An answer's status, headers and bytes.
    pub(crate) async fn bytes(&self, request: Request<Body>) -> (u16, HeaderMap, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, headers, bytes.to_vec())
    }

    /// The router itself.
    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    /// A request with `init`'s API key and, unless it is null, a JSON body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answered {
        self.call_as(self.made.api_key.secret.expose(), method, path, body).await
    }

    /// A request to the native API with `init`'s API key and, unless it is null, a JSON body.
    pub(crate) async fn native(&self, method: &str, path: &str, body: Value) -> Answered {
        let request = Request::builder()
            .method(method.parse::<Method>().unwrap())
            .uri(format!("/tollgate/v1{path}"))
            .header("API-KEY", self.made.api_key.secret.expose())
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn call_as(&self, key: &str, method: &str, path: &str, body: Value) -> Answered {
        let request = Request::builder()
            .method(method.parse::<Method>().unwrap())
            .uri(format!("/api/v2{path}"))
            .header("API-KEY", key);
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
        };
        self.send(request.unwrap()).await
    }

    pub(crate) async fn form(&self, method: &str, path: &str, body: &str) -> Answered {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v2{path}"))
            .header("Authorization", format!("Bearer {}", self.made.api_key.secret.expose()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Body::from(body.to_owned()));
        self.send(request.unwrap()).await
    }

    /// A key of the organization with these scopes only.
    pub(crate) async fn key_with(&self, scopes: &[Scope]) -> String {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.made.organization_id, &actor, |draft| {
            new_api_key(draft, "limited", scopes, KeyOwner::Organization)
        });
        write.await.unwrap().secret.expose().to_owned()
    }

    pub(crate) async fn neighbour(&self) -> Neighbour {
        let id: OrganizationId = "ffffffffffffffffffffffff".parse().unwrap();
        let actor = Actor::command_line();
        let write = self.catalog.write(id, &actor, |draft| {
            draft.create(Organization::new(id, "Neighbour"))?;
            let key = new_api_key(draft, "theirs", &[Scope::Read, Scope::Write], KeyOwner::Organization)?;
            let integration = integration_defaults(draft, "Theirs");
            let integration_id = integration.id;
            new_integration(draft, integration, Vec::new())?;
            Ok((key, integration_id))
        });
        let (key, integration) = write.await.unwrap();
        Neighbour { organization: id, api_key: key.secret.expose().to_owned(), integration }
    }
}
