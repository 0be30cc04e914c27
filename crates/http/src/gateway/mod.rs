//! The gateway: where traffic comes in. It runs on hyper directly, one runtime a core, and is matched before the
//! management router.
//!
//! A request is judged in one go and answered once its row is durable; nothing here waits for anything else.

mod answer;
mod commits;
mod events;
mod request;
mod route;
mod single;
mod target;

pub use commits::Commits;
pub use route::{Endpoint, Route};

use crate::error::{ApiError, Code, Dialect};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use ipnet::IpNet;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tollgate_domain::{EventKind, IntegrationId, Trust};
use tollgate_intake::{Draft, Intake, LiveIntegration, Rejected, Worker};
use tollgate_ledger::Refused;

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
}

/// One core's gateway, with the buffers it reuses.
pub struct Core {
    intake: Arc<Intake>,
    options: Arc<GatewayOptions>,
    worker: RefCell<Worker>,
    drafts: RefCell<Vec<Box<Draft>>>,
    commits: Rc<Commits>,
}

impl Core {
    /// A gateway for the calling thread, whose `commits` someone keeps awake.
    pub fn new(intake: Arc<Intake>, options: Arc<GatewayOptions>, commits: Rc<Commits>) -> Self {
        let worker = RefCell::new(Worker::new(intake.clone()));
        Self { intake, options, worker, drafts: RefCell::default(), commits }
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
        let result = match (route.endpoint, request.method()) {
            (Endpoint::Events, &Method::POST) => self.events(route, request).await,
            (Endpoint::Events, _) => Err(not_allowed("POST")),
            (_, &Method::GET | &Method::POST) => self.single(route, request, peer).await,
            _ => Err(not_allowed("GET, POST")),
        };
        result.unwrap_or_else(|response| *response)
    }

    /// The integration of a route.
    fn live(&self, route: Route) -> Result<Arc<LiveIntegration>, Box<Response<GatewayBody>>> {
        let found = route.integration.and_then(|id| self.intake.live().get(id).cloned());
        found.ok_or_else(|| error(&ApiError::because(Code::NotFound, "There is no integration of this id.")))
    }

    /// Whether the integration's trust lets this caller speak.
    fn check_trust(&self, live: &LiveIntegration, headers: &HeaderMap, peer: IpAddr) -> Result<(), ApiError> {
        let integration = &live.entry.integration;
        let listed = || integration.trusted_sources.iter().filter_map(|net| net.parse::<IpNet>().ok());
        let trusted = match integration.trust {
            Trust::Open => true,
            Trust::Listed => listed().any(|net| net.contains(&peer)) || self.holds_key(live, headers),
            Trust::Strict => self.holds_key(live, headers),
        };
        if trusted {
            return Ok(());
        }
        Err(ApiError::because(
            Code::Unauthorized,
            "This integration takes events from trusted callers only: send an API key.",
        ))
    }

    /// Whether the request shows an API key of the integration's organization that may write.
    fn holds_key(&self, live: &LiveIntegration, headers: &HeaderMap) -> bool {
        let snapshot = self.intake.catalog().snapshot();
        let caller = crate::auth::Caller::of_headers(headers, &snapshot, tollgate_catalog::Scope::Write);
        caller.is_ok_and(|caller| caller.organization_id() == live.entry.organization)
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

    /// Gives drafts back.
    fn give_back(&self, drafts: impl IntoIterator<Item = Box<Draft>>) {
        const KEPT: usize = 1024;
        let mut pool = self.drafts.borrow_mut();
        let room = KEPT.saturating_sub(pool.len());
        pool.extend(drafts.into_iter().take(room));
    }

    /// The user's address: the caller's own, or what a trusted proxy says of it.
    fn client_ip(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let is_trusted = |ip: &IpAddr| self.options.trusted_proxies.iter().any(|net| net.contains(ip));
        let peer = peer.to_canonical();
        if !is_trusted(&peer) {
            return peer;
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> =
            forwarded.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
        // The nearest address that is not a proxy of ours; everything further left is hearsay.
        hops.iter().rev().map(IpAddr::to_canonical).find(|hop| !is_trusted(hop)).unwrap_or(peer)
    }
}

fn not_allowed(methods: &'static str) -> Box<Response<GatewayBody>> {
    let mut response = error(&ApiError::new(Code::MethodNotAllowed));
    response.headers_mut().insert(header::ALLOW, http::HeaderValue::from_static(methods));
    response
}

/// An error as the traffic-quality dialect writes it.
fn error(error: &ApiError) -> Box<Response<GatewayBody>> {
    Box::new(error.respond(Dialect::Clickshield).map(Either::Right))
}

/// What the caller is told when nothing was taken in.
fn rejected(cause: Rejected) -> ApiError {
    match cause {
        Rejected::Invalid(errors) => ApiError::invalid(errors),
        Rejected::KeyConflict => ApiError::new(Code::KeyReused),
        Rejected::Refused(refused) => unavailable(refused),
        Rejected::Scan(error) => ApiError::internal("reading history", &error),
    }
}

fn unavailable(refused: Refused) -> ApiError {
    ApiError {
        retry_after: Some(RETRY_AFTER),
        ..ApiError::because(Code::Unavailable, format!("Nothing was stored: {refused}."))
    }
}
