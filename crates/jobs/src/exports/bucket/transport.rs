//! The house's own client as the one that `object_store` speaks through: no second one, no proxies, no redirects.

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use std::fmt;
use std::time::Duration;
use tollgate_outbound::{Outbound, OutboundError};

/// From sending to the head of the answer, beside what the body takes.
const ANSWER: Duration = Duration::from_secs(20);
/// The slowest that a body may be sent, in bytes a second.
const SLOWEST: u64 = 128 << 10;

/// Sends requests to the one host that the configuration names.
#[derive(Clone)]
pub(super) struct Transport(pub(super) Outbound);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        // What is sent is one piece of memory, which is not copied here.
        let body = body.collect().await?.to_bytes();
        let time = ANSWER + Duration::from_secs(body.len() as u64 / SLOWEST);
        let answer = self.0.exchange(http::Request::from_parts(head, body), time).await.map_err(told)?;
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(told))))
    }
}

/// The error, with what it says about trying again.
fn told(error: OutboundError) -> HttpError {
    let kind = match &error {
        OutboundError::Unresolved { .. } | OutboundError::Connect { .. } => HttpErrorKind::Connect,
        OutboundError::TooSlow(_) => HttpErrorKind::Timeout,
        OutboundError::Broken { .. } => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
