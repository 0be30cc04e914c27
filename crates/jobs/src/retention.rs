//! Events that are older than their integration keeps those of their kind are deleted: at every start, and once a day.

use std::sync::Arc;
use std::time::Duration;
use tollgate_catalog::{Catalog, Snapshot, Stored};
use tollgate_domain::{EventKind, Integration, IntegrationId, KINDS_ALL, Timestamp};
use tollgate_ledger::view::View;
use tollgate_ledger::{Deleted, Deletion, Ledger, LedgerError};

const DAY_MS: i64 = 86_400_000;
/// Between two rounds.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// After a round that did not come to its end.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Deletes what is too old.
pub struct Retention {
    catalog: Arc<Catalog>,
    ledger: Ledger,
}

impl Retention {
    /// That of the integrations of `catalog`, in `ledger`.
    pub fn new(catalog: Arc<Catalog>, ledger: Ledger) -> Self {
        Self { catalog, ledger }
    }

    /// Makes a round now and then once a day, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        loop {
            let jobs = self.clone();
            let round = tokio::task::spawn_blocking(move || jobs.round(jobs.catalog.now())).await;
            let pause = match round {
                Ok(Ok(Some(deleted))) => {
                    told(&deleted);
                    EVERY
                }
                Ok(Ok(None)) => AGAIN,
                Ok(Err(error)) => {
                    tracing::error!(%error, "old events could not be deleted; it will be tried again");
                    AGAIN
                }
                // A panic has reported itself.
                Err(_) => AGAIN,
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Deletes what is too old at `now`; `None` when the ledger had no room for it just then. Blocks.
    pub fn round(&self, now: Timestamp) -> Result<Option<Deleted>, LedgerError> {
        match too_old(&self.catalog.snapshot(), now) {
            Some(which) => self.ledger.delete(&which),
            None => Ok(Some(Deleted::default())),
        }
    }
}

fn told(deleted: &Deleted) {
    let rows: u64 = deleted.rows.iter().map(|rows| rows.rows).sum();
    if rows > 0 {
        tracing::info!(rows, segments = deleted.dropped, "events past their retention were deleted");
    }
}

/// From when on an integration keeps all events of a kind; `None`: it always has.
pub fn kept_from(integration: &Integration, kind: EventKind, now: Timestamp) -> Option<Timestamp> {
    let days = integration.keeps(kind)?;
    Some(now.plus_millis(-i64::from(days) * DAY_MS).day().start())
}

/// Why what is told of the time from `from` on would lack events of an integration; `None` when none are missing. One that
/// was deleted lost no more from then on by its own setting.
pub fn not_whole(
    view: &View,
    integration: &Stored<Integration>,
    from: Timestamp,
    now: Timestamp,
) -> Option<String> {
    let deleted_at = integration.meta.is_deleted.then_some(integration.meta.updated_at);
    let as_of = deleted_at.map_or(now, |deleted_at| deleted_at.min(now));
    let since = |kind: &EventKind| {
        let expired = view.expired(integration.id, *kind).map(|expired| expired.happened.plus_millis(1));
        kept_from(integration, *kind, as_of).max(expired)
    };
    let kept = KINDS_ALL.iter().filter_map(|kind| Some((kind, since(kind)?)));
    let (kind, since) = kept.max_by_key(|(_, since)| *since)?;
    let id = integration.id;
    (from < since).then(|| format!("{}s of integration {id} are kept from {since} on", kind.name()))
}

/// Why what came or was taken back from `from` on might lack events of an integration that happened before; `None` when none
/// are missing.
pub fn not_known(view: &View, integration: IntegrationId, from: Timestamp) -> Option<String> {
    let known = |kind: &EventKind| Some((*kind, view.expired(integration, *kind)?.known));
    let (kind, known) = KINDS_ALL.iter().filter_map(known).max_by_key(|(_, known)| *known)?;
    let kind = kind.name();
    (from <= known).then(|| {
        format!("{kind}s of integration {integration} that came or were rejected up to {known} are deleted")
    })
}

/// What integrations do not keep any more: whole UTC days, so that files go as a whole. `None` when all keep everything.
fn too_old(snapshot: &Snapshot, now: Timestamp) -> Option<Deletion> {
    let mut expired = Vec::new();
    for entry in snapshot.integrations() {
        let before = |kind: &EventKind| Some((*kind, kept_from(&entry.integration, *kind, now)?));
        let limited = KINDS_ALL.iter().filter_map(before);
        expired.extend(limited.map(|(kind, before)| (entry.integration.id, kind, before)));
    }
    (!expired.is_empty()).then_some(Deletion::Older(expired))
}
