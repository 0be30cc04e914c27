//! `GET /prices.csv` and `GET /apps/{app_id}/prices.csv`: RFC 4180, a line for each price of each `fixed_cpm` location.

use super::{COLUMNS, find_app, priced, version};
use crate::error::ApiError;
use crate::etag::etag;
use crate::native::auth::Principal;
use crate::native::schema::MissingProblem;
use crate::native::{Answer, Params};
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use bytes::Bytes;
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tollgate_catalog::{OrganizationSnapshot, Stored};
use tollgate_domain::{AdLocation, App, AppId};

/// A piece of the file has about so many bytes.
const PIECE: usize = 64 << 10;
/// What the file is.
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// Read all prices
///
/// A line for each price of each `fixed_cpm` ad location of the organization, in dollars per thousand.
#[utoipa::path(
    get,
    path = "/prices.csv",
    operation_id = "read_prices",
    responses(
        (status = 200, description = "The file.", body = String, content_type = "text/csv",
         headers(("ETag" = String, description = "The version of all prices."))),
    ),
)]
pub(super) async fn of_all(principal: Principal) -> Answer {
    export(&principal, None).await
}

/// Read an app's prices
///
/// A line for each price of each `fixed_cpm` ad location of the app, in dollars per thousand.
#[utoipa::path(
    get,
    path = "/apps/{app_id}/prices.csv",
    operation_id = "read_app_prices",
    params(("app_id" = String, Path, description = "The app's id.")),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "text/csv",
         headers(("ETag" = String, description = "The version of the app's prices."))),
        MissingProblem,
    ),
)]
pub(super) async fn of_app(principal: Principal, Params(id): Params<String>) -> Answer {
    export(&principal, Some(find_app(&principal, &id)?)).await
}

async fn export(principal: &Principal, app: Option<AppId>) -> Answer {
    let organization = principal.organization().clone();
    // All locations are looked at: not on a thread that serves the gateway.
    let counting = tokio::task::spawn_blocking(move || {
        let tag = version(priced(organization.table(), organization.table(), app));
        (tag, Lines::new(organization, app))
    });
    let (tag, lines) = counting.await.map_err(|error| ApiError::internal("reading prices", &error))?;
    Ok(([(CONTENT_TYPE, CSV)], etag(tag), Body::new(lines)).into_response())
}

/// The file, a piece at a time, as it was when it was asked for.
struct Lines {
    organization: Arc<OrganizationSnapshot>,
    apps: std::vec::IntoIter<AppId>,
    /// What is written and not yet sent.
    writer: csv::Writer<Vec<u8>>,
}

impl Lines {
    fn new(organization: Arc<OrganizationSnapshot>, app: Option<AppId>) -> Self {
        let apps: Vec<AppId> = match app {
            Some(app) => vec![app],
            None => organization.table::<App>().iter().map(|app| app.id).collect(),
        };
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::with_capacity(PIECE));
        // Nothing fails when writing into memory.
        let _ = writer.write_record(COLUMNS);
        Self { organization, apps: apps.into_iter(), writer }
    }

    fn write(&mut self, app: AppId) {
        let (apps, locations) = (self.organization.table(), self.organization.table());
        for location in priced(apps, locations, Some(app)) {
            write_location(&mut self.writer, location);
        }
    }
}

fn write_location(writer: &mut csv::Writer<Vec<u8>>, location: &Stored<AdLocation>) {
    let app = location.id.app();
    for (market, price) in location.prices.iter() {
        let cells = [
            app.as_str(),
            location.id.uuid().as_str(),
            location.name.as_str(),
            location.ad_type.name(),
            market.as_str(),
            &price.to_string(),
        ];
        // Every line has as many cells as the first, and nothing fails when writing into memory.
        let _ = writer.write_record(cells);
    }
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let _ = self.writer.flush();
        while self.writer.get_ref().len() < PIECE {
            let Some(app) = self.apps.next() else { break };
            self.write(app);
            let _ = self.writer.flush();
        }
        let next = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let piece = std::mem::replace(&mut self.writer, next).into_inner().unwrap_or_default();
        if piece.is_empty() { Poll::Ready(None) } else { Poll::Ready(Some(Ok(Frame::data(piece.into())))) }
    }
}
