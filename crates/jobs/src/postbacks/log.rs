//! The log of deliveries: reading it, and sending one again.

use super::Postbacks;
use super::delivery::{Delivery, DeliveryState};
use super::store::{Store, StoreError};
use std::path::Path;
use std::sync::atomic::Ordering;
use tollgate_domain::{IntegrationId, OrganizationId, Postback, Timestamp};

/// How long deliveries are kept that do not wait any more: 30 days.
const KEPT_MILLIS: i64 = 30 * 86_400_000;
/// Deliveries that are deleted in one go.
const PRUNED_AT_ONCE: u32 = 5000;

/// Which deliveries are asked for.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Those of this postback.
    pub postback: Option<String>,
    /// Those of this conversion.
    pub conversion: Option<String>,
    /// Those in this state.
    pub state: Option<DeliveryState>,
    /// Those made at this time or later.
    pub from: Option<Timestamp>,
    /// Those made before this time.
    pub to: Option<Timestamp>,
    /// Those before this place in the log.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Why a delivery is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The integration has no such delivery.
    #[error("there is no such delivery")]
    NoDelivery,
    /// Its postback was deleted or is not active.
    #[error("the delivery's postback is not active")]
    Inactive,
    /// It could not be sent in the first place.
    #[error("the delivery was too long to be sent once its macros were filled in")]
    Unsendable,
    /// The file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the log of the file at `path`, whether a server runs or not: deliveries of an integration, newest first. Makes the
/// file when there is none.
pub async fn read_log(
    path: &Path,
    organization: OrganizationId,
    integration: IntegrationId,
    filter: &LogFilter,
) -> Result<Vec<Delivery>, StoreError> {
    let store = Store::open(path).await?;
    let page = store.page(organization, integration, filter).await;
    store.close().await;
    page
}

impl Postbacks {
    /// Deliveries of an integration, newest first.
    pub async fn log(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        filter: &LogFilter,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.store.page(organization, integration, filter).await
    }

    /// Sends a delivery again, whatever became of it, under its id and with a new day of patience. Answers it as it is
    /// then.
    pub async fn retry(
        &self,
        organization: OrganizationId,
        integration: IntegrationId,
        id: &str,
    ) -> Result<Delivery, RetryError> {
        let find = || self.store.find(organization, integration, id);
        let delivery = find().await?.ok_or(RetryError::NoDelivery)?;
        let snapshot = self.catalog.snapshot();
        let postback =
            snapshot.organization(organization).and_then(|one| one.get::<Postback>(&delivery.postback));
        if !postback.is_some_and(|postback| postback.active) {
            return Err(RetryError::Inactive);
        }
        if delivery.attempts.iter().any(|attempt| attempt.error.as_deref() == Some("too_long")) {
            return Err(RetryError::Unsendable);
        }
        self.store.requeue(delivery.n, self.clock.now()).await?;
        self.news.notify_one();
        find().await?.ok_or(RetryError::NoDelivery)
    }

    /// Deletes some of what is older than the log is kept.
    pub(super) async fn prune(&self) -> Result<(), StoreError> {
        let before = self.clock.now().plus_millis(-KEPT_MILLIS);
        self.store.prune(before, PRUNED_AT_ONCE).await
    }

    /// Cancels what waits for postbacks that are gone or not active any more.
    pub(super) async fn cancel_the_inactive(&self) -> Result<(), StoreError> {
        let mut last = (String::new(), String::new());
        while let Some(next) = self.store.next_waiting(&last).await? {
            if !self.is_active(&next.0, &next.1) {
                self.cancel(&next.0, &next.1).await?;
            }
            last = next;
        }
        Ok(())
    }

    /// Cancels what waits for a postback.
    pub(super) async fn cancel(&self, organization: &str, postback: &str) -> Result<(), StoreError> {
        let canceled = self.store.cancel(organization, postback, self.clock.now()).await?;
        self.tallies.canceled.fetch_add(canceled, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a postback is there to be sent.
    pub(super) fn is_active(&self, organization: &str, postback: &str) -> bool {
        let snapshot = self.catalog.snapshot();
        let organization = organization.parse().ok().and_then(|id| snapshot.organization(id));
        let postback = organization.and_then(|one| one.get::<Postback>(postback));
        postback.is_some_and(|postback| postback.active)
    }
}
