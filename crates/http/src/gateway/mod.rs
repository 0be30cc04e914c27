//! The gateway: where traffic comes in. It runs on hyper directly, one runtime a core, and is matched before the
//! management router.
//!
//! A request is judged in one go and answered once its row is durable. Only what history must be asked about, an
//! idempotency key or a conversion's click, waits for anything else before.

mod answer;
mod browser;
mod collector;
mod commits;
mod events;
mod history;
mod own_clicks;
mod rejection;
mod request;
mod route;
mod signature;
mod single;
mod target;
mod trust;

pub use commits::Commits;
pub use route::{Endpoint, Route};
pub use signature::sign_link;

use crate::error::{ApiError, Code, Dialect};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use ipnet::IpNet;
use std::cell::RefCell;
use std::fmt::Display;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tollgate_domain::{EventKind, IntegrationId};
use tollgate_intake::{Draft, Intake, LiveIntegration, Worker};
use tollgate_ledger::Refused;
use tollgate_rtb::Auctions;

/// A gateway's answer, or the router's.
pub type GatewayBody = Either<Full<Bytes>, Body>;

/// Seconds after which a refused caller may try again.
const RETRY_AFTER: u32 = 1;

/// How the gateway is reached.
#[derive(Debug, Clone, Default)]
pub struct GatewayOptions {
    /// The domain under which integrations have hosts of their own: `{id}.clicks.<domain>`.
    pub domain: Option<String>,
    /// Proxies whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Who offers rejected clicks to bidders; without it nobody is asked.
    pub auctions: Option<Arc<Auctions>>,
}

/// One core's gateway, with the buffers it reuses.
pub struct Core {
    intake: Arc<Intake>,
    options: Arc<GatewayOptions>,
    worker: RefCell<Worker>,
    #[expect(
        clippy::vec_box,
        reason = "drafts are large and go in and out all the time: they move by their box"
    )]
    drafts: RefCell<Vec<Box<Draft>>>,
    commits: Rc<Commits>,
    readers: history::Readers,
    bodies: events::Bodies,
}

impl Core {
    /// A gateway for the calling thread, whose `commits` someone keeps awake.
    pub fn new(intake: Arc<Intake>, options: Arc<GatewayOptions>, commits: Rc<Commits>) -> Self {
        let worker = RefCell::new(Worker::new(intake.clone()));
        Self {
            intake,
            options,
            worker,
            drafts: RefCell::default(),
            commits,
            readers: history::Readers::default(),
            bodies: events::Bodies::default(),
        }
    }

    /// The route of a request, when it is the gateway's.
    pub fn route(&self, path: &str, headers: &HeaderMap) -> Option<Route> {
        Route::of(path, headers, self.options.domain.as_deref())
    }

    /// Answers a request.
    pub async fn answer(
        &self,
        route: Route,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Response<GatewayBody> {
        let Route { integration, endpoint } = route;
        let result = match (endpoint, request.method()) {
            (Endpoint::Events, &Method::POST) => self.events(integration, request).await,
            (Endpoint::Events, _) => return not_allowed("POST"),
            (Endpoint::Pixel, &Method::GET) => Ok(self.pixel(integration, request, peer).await),
            (Endpoint::Pixel, _) => return not_allowed("GET"),
            (Endpoint::Collector, &Method::GET | &Method::HEAD) => {
                self.live(integration).map(|_| collector::answer(request.headers()))
            }
            (Endpoint::Collector, _) => return not_allowed("GET, HEAD"),
            (Endpoint::Single(EventKind::Impression), &Method::OPTIONS) => Ok(browser::preflight()),
            (Endpoint::Single(kind), &Method::GET | &Method::POST) => {
                self.single(kind, integration, request, peer).await
            }
            (Endpoint::Rejection, &Method::GET | &Method::POST) => {
                self.rejection(integration, request, peer).await
            }
            (Endpoint::Single(EventKind::Impression), _) => return not_allowed("GET, POST, OPTIONS"),
            (Endpoint::Single(_) | Endpoint::Rejection, _) => return not_allowed("GET, POST"),
        };
        let response = result.unwrap_or_else(|cause| error(&cause));
        if endpoint.is_for_pages() { browser::shared(response) } else { response }
    }

    /// The integration of a route.
    fn live(&self, integration: Option<IntegrationId>) -> Result<Arc<LiveIntegration>, ApiError> {
        let found = integration.and_then(|id| self.intake.live().get(id).cloned());
        found.ok_or_else(|| ApiError::because(Code::NotFound, "There is no integration of this id."))
    }

    /// An empty draft, from the pool when it has one. Drafts are large, so they move by their box.
    fn draft(&self, kind: EventKind, integration: IntegrationId) -> Box<Draft> {
        match self.drafts.borrow_mut().pop() {
            Some(mut draft) => {
                draft.reset(kind, integration);
                draft
            }
            None => Box::new(Draft::new(kind, integration)),
        }
    }

    /// Gives drafts back. One that held a monster is not kept at its size.
    fn give_back(&self, drafts: impl IntoIterator<Item = Box<Draft>>) {
        const KEPT: usize = 1024;
        const KEPT_BYTES: usize = 64 << 10;
        let mut pool = self.drafts.borrow_mut();
        let room = KEPT.saturating_sub(pool.len());
        pool.extend(drafts.into_iter().filter(|draft| draft.capacity() <= KEPT_BYTES).take(room));
    }
}

fn not_allowed(methods: &'static str) -> Response<GatewayBody> {
    let mut response = error(&ApiError::new(Code::MethodNotAllowed));
    response.headers_mut().insert(header::ALLOW, http::HeaderValue::from_static(methods));
    response
}

/// An error as the traffic-quality dialect writes it.
fn error(error: &ApiError) -> Response<GatewayBody> {
    error.respond(Dialect::Clickshield).map(Either::Right)
}

/// What the caller is told when the ledger refuses: later it may not, unless too much was asked of it at once.
fn refused(refused: Refused) -> ApiError {
    match refused {
        Refused::TooLarge => ApiError::because(Code::BodyTooLarge, format!("Nothing was stored: {refused}.")),
        Refused::DiskFull | Refused::Busy | Refused::Closing => unavailable(&refused),
    }
}

/// What the caller is told when nothing was taken in because there is no room for it now.
fn unavailable(cause: &dyn Display) -> ApiError {
    ApiError {
        retry_after: Some(RETRY_AFTER),
        ..ApiError::because(Code::Unavailable, format!("Nothing was stored: {cause}."))
    }
}
