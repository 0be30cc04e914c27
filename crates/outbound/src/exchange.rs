//! Requests to a host that the configuration names, such as a store of files: with any method and headers, and with an answer
//! that is handed on as it comes, however long it is.

use crate::client::{Outbound, broken};
use crate::error::OutboundError;
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use url::{Position, Url};

impl Outbound {
    /// Sends a request to its absolute URI over a connection of its own. Redirects are answers. `time` is what everything
    /// up to the head of the answer may take; after that each part of the body may take as long as the limits' time.
    pub async fn exchange(
        &self,
        request: Request<Bytes>,
        time: Duration,
    ) -> Result<Response<Answered>, OutboundError> {
        let exchanged = tokio::time::timeout(time, self.head(request)).await;
        exchanged.unwrap_or(Err(OutboundError::TooSlow(time)))
    }

    async fn head(&self, request: Request<Bytes>) -> Result<Response<Answered>, OutboundError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| OutboundError::BadUrl)?;
        self.inner.admit(&url, None)?;
        let mut request = request.map(Full::new);
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        if !request.headers().contains_key(HOST) {
            let host = &url[Position::BeforeHost..Position::AfterPort];
            request
                .headers_mut()
                .insert(HOST, HeaderValue::from_str(host).map_err(|_| OutboundError::BadUrl)?);
        }
        let mut sender = self.inner.open(&url).await?.sender;
        let answer = sender.send_request(request).await.map_err(|error| broken(&url, error))?;
        let patience = self.inner.limits.time;
        Ok(answer.map(|body| Answered { url, body, patience, late: Box::pin(tokio::time::sleep(patience)) }))
    }
}

/// The body of an answer. Dropped, its connection ends.
#[derive(Debug)]
pub struct Answered {
    url: Url,
    body: Incoming,
    patience: Duration,
    /// Over when the next part is late.
    late: Pin<Box<Sleep>>,
}

impl Body for Answered {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                this.late.as_mut().reset(Instant::now() + this.patience);
                Poll::Ready(frame.map(|frame| frame.map_err(|error| broken(&this.url, error))))
            }
            Poll::Pending if this.late.as_mut().poll(context).is_ready() => {
                Poll::Ready(Some(Err(OutboundError::TooSlow(this.patience))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
