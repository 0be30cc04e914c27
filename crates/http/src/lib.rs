//! Everything that speaks HTTP, a folder a dialect. This crate turns requests into calls of the rooms below and their
//! answers into bodies; it stores nothing and decides nothing about traffic.
//!
//! The gateway does not go through this router: it runs on hyper directly and is matched before.

pub mod admin;
mod attempts;
pub mod auth;
pub mod body;
mod chartboost;
pub mod clickshield;
pub mod console;
pub mod control;
pub mod error;
mod etag;
mod fields;
pub mod gateway;
mod limits;
pub mod native;
mod oauth;
mod once;
pub mod openapi;
mod origin;
mod places;
pub mod server;
mod session;
mod sign_ins;

#[cfg(test)]
mod testing;

pub use limits::Limits;

use axum::Router;
use axum::extract::OriginalUri;
use axum::response::Response;
use console::Console;
use error::{ApiError, Code, Dialect};
use native::health::Process;
use native::imports::Imports;
use native::live::Streams;
use std::sync::Arc;
use tollgate_catalog::Catalog;
use tollgate_jobs::analytics::Analytics;
use tollgate_jobs::app_ads_txt::AppAdsTxt;
use tollgate_jobs::exports::Exports;
use tollgate_jobs::postbacks::Postbacks;
use tollgate_jobs::privacy::Privacy;
use tollgate_ledger::Ledger;
use tollgate_rtb::Bidders;

/// What the management API stands on.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// Configuration and credentials.
    pub catalog: Arc<Catalog>,
    /// The history.
    pub ledger: Ledger,
    /// How much a credential, and an organization, may ask for.
    pub limits: Arc<Limits>,
    /// Checks of app-ads.txt files.
    pub app_ads_txt: Arc<AppAdsTxt>,
    /// Outgoing postbacks.
    pub postbacks: Arc<Postbacks>,
    /// Reports with amounts of money.
    pub analytics: Arc<Analytics>,
    /// Files of events.
    pub exports: Arc<Exports>,
    /// Persons' events that are to be deleted.
    pub privacy: Arc<Privacy>,
    /// Where callers reach the server, for links that are answered; `None`: as each request was sent.
    pub public_url: Option<Arc<str>>,
    /// Which addresses bidders may have.
    pub bidders: Bidders,
    /// History that comes through the running server.
    pub imports: Imports,
    /// What the process knows of itself.
    pub process: Arc<Process>,
    /// Streams of events as they come.
    pub live: Arc<Streams>,
    /// The files of the console, where there are any.
    pub console: Console,
}

/// The management API: every dialect under its paths. What is unknown is answered in the dialect of its path.
pub fn router(state: ApiState) -> Router {
    Router::new()
        .merge(openapi::routes())
        .merge(console::routes())
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .with_state(state)
}

async fn unknown_route(OriginalUri(uri): OriginalUri) -> Response {
    ApiError::because(Code::NotFound, "There is nothing under this path.").respond(Dialect::of(uri.path()))
}

/// The router adds `Allow`.
async fn unknown_method(OriginalUri(uri): OriginalUri) -> Response {
    ApiError::new(Code::MethodNotAllowed).respond(Dialect::of(uri.path()))
}
