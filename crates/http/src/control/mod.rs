//! What commands ask of a running server through the socket in its data directory: who may open that may read the
//! directory itself, so nobody is asked for a key, and organizations are not kept apart.
//!
//! A command whose directory no server uses speaks to the same router, over a pair of sockets of its own.

mod account;
mod export;
mod frames;
mod publish;
mod report;
mod statement;
#[cfg(test)]
mod tests;

pub use export::ExportedRows;
pub use frames::{Frame, read_frame};
pub use publish::PublishRequest;

use crate::Limits;
use crate::error::{ApiError, Code, Dialect};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::future::{Future, pending};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net;
use tollgate_catalog::{Catalog, WriteError};
use tollgate_domain::{Invalid, OrganizationId};
use tollgate_ledger::Ledger;

/// What commands are answered from.
#[derive(Debug, Clone)]
pub struct Control {
    catalog: Arc<Catalog>,
    ledger: Ledger,
    /// Where the ledger lies.
    folder: PathBuf,
    /// Where certificates of privacy requests lie.
    certificates: PathBuf,
    /// Apart from those of the API: commands take no places from callers.
    limits: Arc<Limits>,
}

impl Control {
    /// Configuration, the history, the folders that the history and certificates of privacy requests lie in, and how many
    /// events a grouped report may read.
    pub fn new(
        catalog: Arc<Catalog>,
        ledger: Ledger,
        (folder, certificates): (PathBuf, PathBuf),
        group_rows: u64,
    ) -> Self {
        let limits = Arc::new(Limits::default().with_group_rows(group_rows));
        Self { catalog, ledger, folder, certificates, limits }
    }

    fn organizations(&self) -> impl Iterator<Item = OrganizationId> {
        let snapshot = self.catalog.snapshot();
        let all: Vec<OrganizationId> =
            snapshot.organizations().map(|organization| organization.id()).collect();
        all.into_iter()
    }

    /// The only organization.
    fn only(&self) -> Result<OrganizationId, ApiError> {
        let mut all = self.organizations();
        match (all.next(), all.next()) {
            (Some(organization), None) => Ok(organization),
            _ => {
                let several =
                    Invalid::new("organization", "must be given: there are several in this directory");
                Err(ApiError::invalid(vec![several]))
            }
        }
    }

    /// The organization of an id.
    fn named(&self, id: &str) -> Result<OrganizationId, ApiError> {
        let known = id.parse().ok().filter(|id| self.organizations().any(|known| known == *id));
        known.ok_or_else(|| ApiError::because(Code::NotFound, "There is no organization of this id."))
    }
}

/// Why a command is refused.
struct Failure(ApiError);

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.respond(Dialect::Native)
    }
}

type Answer = Result<Response, Failure>;

fn router(control: Control) -> Router {
    Router::new()
        .route(PUBLICATIONS, post(publish::publish))
        .route(EXPORTS, post(export::export))
        .route("/reports/{table}", get(report::report))
        .route("/organizations/{organization}/reports/{table}", get(report::report_of))
        .route("/account", get(account::only))
        .route("/organizations/{organization}/account", get(account::of))
        .route("/account/entries", post(account::enter_only))
        .route("/organizations/{organization}/account/entries", post(account::enter_of))
        .route("/statements", get(statement::only))
        .route("/organizations/{organization}/statements", get(statement::of))
        .with_state(control)
}

/// Where publications are asked for.
pub const PUBLICATIONS: &str = "/publications";
/// Where the events of a query are asked for.
pub const EXPORTS: &str = "/exports";

/// Answers whoever connects to `listener`. Call it, and run what it returns, within a tokio runtime.
pub fn serve(listener: UnixListener, control: Control) -> io::Result<impl Future<Output = ()> + Send> {
    listener.set_nonblocking(true)?;
    let listener = net::UnixListener::from_std(listener)?;
    Ok(async move {
        if let Err(error) = axum::serve(listener, router(control)).await {
            tracing::error!(%error, "the socket for commands ended");
        }
    })
}

/// Answers whoever holds the other end of `stream`. Call it, and run what it returns, within a tokio runtime.
pub fn serve_one(stream: UnixStream, control: Control) -> io::Result<impl Future<Output = ()> + Send> {
    stream.set_nonblocking(true)?;
    let listener = Once(Some(net::UnixStream::from_std(stream)?));
    Ok(async move {
        if let Err(error) = axum::serve(listener, router(control)).await {
            tracing::error!(%error, "the connection for a command ended");
        }
    })
}

/// A listener that somebody has connected to, and nobody else will.
struct Once(Option<net::UnixStream>);

impl axum::serve::Listener for Once {
    type Io = net::UnixStream;
    type Addr = ();

    async fn accept(&mut self) -> (net::UnixStream, ()) {
        match self.0.take() {
            Some(stream) => (stream, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
