//! Places for requests that cost much: so many at the same time, and fewer of one organization, so that nobody's requests
//! keep everybody else's out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tollgate_domain::OrganizationId;
use tollgate_ledger::group::Stop;

/// How long a request waits for a place.
const WAIT: Duration = Duration::from_secs(2);

/// The places of one sort of request.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    each: usize,
    /// Of organizations that have a place or wait for one.
    own: Mutex<HashMap<OrganizationId, Arc<Semaphore>>>,
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

/// Ends what is counted when it is dropped: nobody waits for the answer any more.
pub(crate) struct Waiting(pub(crate) Stop);

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// The organization has as many as it may have.
    Own,
    /// All are taken.
    Shared,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Places {
    /// So many places in all, and for each organization.
    pub(crate) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, own: Mutex::default() }
    }

    /// A place for a request of this organization, which waits a while for one.
    pub(crate) async fn take(&self, organization: OrganizationId) -> Option<Place> {
        let own = self.own(organization);
        let place = async {
            // Its own first: who waits for that keeps no place from others.
            let own = own.acquire_owned().await.ok()?;
            let shared = self.all.clone().acquire_owned().await.ok()?;
            Some(Place { _own: own, _shared: shared })
        };
        tokio::time::timeout(WAIT, place).await.ok().flatten()
    }

    /// A place for a request of this organization, if there is one now.
    pub(crate) fn try_take(&self, organization: OrganizationId) -> Result<Place, NoPlace> {
        let own = self.own(organization).try_acquire_owned().map_err(|_| NoPlace::Own)?;
        let shared = self.all.clone().try_acquire_owned().map_err(|_| NoPlace::Shared)?;
        Ok(Place { _own: own, _shared: shared })
    }

    /// The places of an organization. Those that nobody uses any more are forgotten.
    fn own(&self, organization: OrganizationId) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, places| Arc::strong_count(places) > 1);
        own.entry(organization).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;
    use tollgate_domain::IntegrationId;

    #[tokio::test]
    async fn an_organization_has_its_share_and_leaves_the_rest() {
        let places = Places::new(3, 2);
        let [one, two, three] = ["1", "2", "3"].map(|id| id.repeat(24).parse().unwrap());
        let held = (places.take(one).await.unwrap(), places.take(one).await.unwrap());
        assert!(places.take(one).await.is_none(), "it has its share");
        let other = places.take(two).await.unwrap();
        assert!(places.take(three).await.is_none(), "all are taken");
        let waiting = async { places.take(one).await };
        let leaving = async { drop(held.0) };
        assert!(
            tokio::join!(waiting, leaving).0.is_some(),
            "a place that becomes free is given to who waits"
        );
        drop((held.1, other));
        assert!(places.take(three).await.is_some());
        assert_eq!(places.own.lock().unwrap().len(), 1, "who has none is forgotten");
    }

    #[tokio::test]
    async fn one_organization_does_not_keep_others_from_explanations_and_tests() {
        let app = TestApp::with_outbound(tollgate_outbound::testing::options(&[])).await;
        let neighbour = app.neighbour().await;
        let postbacks = |integration| format!("/tollgate/v1/integrations/{integration}/postbacks");
        let body = json!({"name": "n", "on": "approved", "url": "https://nowhere.example/"}).to_string();
        let send = |method: &str, path: &str, key: &str, body: &str| {
            let request = Request::builder().method(method).uri(path).header("API-KEY", key);
            let request = request.header("Content-Type", "application/json");
            app.send(request.body(Body::from(body.to_owned())).unwrap())
        };
        let (mine, theirs) = (app.made.api_key.secret.expose().to_owned(), neighbour.api_key);
        let mut tests = Vec::new();
        for (key, integration) in [(&mine, app.made.integration_id), (&theirs, neighbour.integration)] {
            let made = send("POST", &postbacks(integration), key, &body).await;
            tests.push(format!("{}/{}/test", postbacks(integration), made.body["id"].as_str().unwrap()));
        }
        let mut held = vec![app.limits.explanations.take(app.made.organization_id).await.unwrap()];
        for _ in 0..4 {
            held.push(app.limits.samples.take(app.made.organization_id).await.unwrap());
        }
        let event = "/tollgate/v1/events/01ARZ3NDEKTSV4RRFFQ69G5FAV/explanation";
        for (method, path, key, status) in [
            ("GET", event, &mine, 503),
            ("GET", event, &theirs, 404),
            ("POST", &tests[0], &mine, 503),
            ("POST", &tests[1], &theirs, 200),
        ] {
            let answered = send(method, path, key, "").await;
            assert_eq!(answered.status, status, "{path}: {answered:?}");
            assert_eq!(answered.header("retry-after").is_some(), status == 503, "{answered:?}");
        }
        drop(held);
        assert_eq!(send("GET", event, &mine, "").await.status, 404);
    }

    #[tokio::test]
    async fn one_organization_does_not_keep_others_from_reports() {
        let app = TestApp::new().await;
        let neighbour = app.neighbour().await;
        let own = (app.made.api_key.secret.expose().to_owned(), app.made.integration_id);
        let (limits, organization) = (&app.limits, app.made.organization_id);
        for (path, extra, places) in [
            ("click-table", "page%5Bsize%5D=5", &limits.reads),
            ("grouped", "group_by=country", &limits.groups),
        ] {
            let mut held = Vec::new();
            for _ in 0..places.each {
                held.push(places.take(organization).await.unwrap());
            }
            let get = |(key, integration): &(String, IntegrationId)| {
                let query =
                    format!("integration_id={integration}&start_date=2026-01-01&end_date=2026-01-02&{extra}");
                let request = Request::builder().uri(format!("/api/v2/reports/v2/{path}?{query}"));
                app.send(request.header("API-KEY", key).body(Body::empty()).unwrap())
            };
            let refused = get(&own).await;
            assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, Some("1")), "{path}");
            let theirs = (neighbour.api_key.clone(), neighbour.integration);
            assert_eq!(get(&theirs).await.status, 200, "{path}");
            drop(held);
            assert_eq!(get(&own).await.status, 200, "{path}");
        }
    }
}
