//! `POST /publications`: a cut of the ledger as Parquet, written by the server itself.

use super::frames::{Teller, answer};
use super::{Answer, Control};
use crate::error::ApiError;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use tollgate_catalog::IntegrationEntry;
use tollgate_ledger::publish::{PublishOptions, PublishedIntegration};
use tollgate_ledger::set_idle_priority;

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishRequest {
    /// The folder, from the root on.
    pub dir: PathBuf,
    /// Whether segments are copied even where they could be linked.
    pub copy: bool,
}

/// Publishes on a thread of its own, at idle priority; whoever goes away ends it.
pub(super) async fn publish(State(control): State<Control>, Json(request): Json<PublishRequest>) -> Answer {
    let (teller, frames) = answer();
    let work = move || work(&control, &request, teller);
    let thread = std::thread::Builder::new().name("publish".to_owned()).spawn(work);
    thread.map_err(|error| ApiError::internal("starting a publication", &error))?;
    Ok(Body::new(frames).into_response())
}

fn work(control: &Control, request: &PublishRequest, mut teller: Teller) {
    set_idle_priority(true);
    let snapshot = control.catalog.snapshot();
    let told = |entry: &Arc<IntegrationEntry>| PublishedIntegration {
        id: entry.integration.id,
        organization: entry.organization,
        name: entry.integration.name.clone(),
        time_zone: entry.integration.time_zone.clone(),
    };
    let integrations: Vec<_> = snapshot.integrations().map(told).collect();
    let options = PublishOptions {
        ledger: &control.folder,
        dir: &request.dir,
        copy: request.copy,
        integrations: &integrations,
        at: control.catalog.now(),
    };
    let published = control.ledger.view().publish(&options, &mut |share| teller.share(share));
    teller.end(published.map_err(|error| error.to_string()));
}
