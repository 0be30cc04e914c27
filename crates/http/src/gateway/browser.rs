//! What pages of other sites need: the pixel, which is an image whatever happens, and leave to speak to another origin.

use super::{Core, GatewayBody, answer};
use crate::error::ApiError;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use std::net::IpAddr;
use tollgate_domain::{EventKind, IntegrationId};

/// Why an image was answered and nothing stored.
const NOT_STORED: HeaderName = HeaderName::from_static("tollgate-not-stored");
/// Most bytes of that.
const MAX_CAUSE: usize = 512;
/// Seconds for which a browser need not ask again: Chromium's limit.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("7200");
/// The headers that a page may send with an impression.
const PAGE_HEADERS: HeaderValue = HeaderValue::from_static("content-type, idempotency-key");

impl Core {
    /// An impression by image. A page shows a broken image for any other answer, so an error is an image too, with a
    /// header that says why nothing was stored.
    pub(super) async fn pixel(
        &self,
        integration: Option<IntegrationId>,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Response<GatewayBody> {
        let taken_in = self.single(EventKind::Impression, integration, request, peer).await;
        let mut response = answer::pixel();
        if let Err(cause) = taken_in {
            response.headers_mut().insert(NOT_STORED, header_text(&cause));
        }
        response
    }
}

/// The answer to a browser that asks whether a page may post an impression as JSON.
pub(super) fn preflight() -> Response<GatewayBody> {
    let mut response = answer::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, PAGE_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
    response
}

/// Leave for any page to embed and read the answer. No cookie counts here, so no page reads what its user may not.
pub(super) fn shared(mut response: Response<GatewayBody>) -> Response<GatewayBody> {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

/// An error in one line of visible ASCII: names in it are the caller's.
fn header_text(cause: &ApiError) -> HeaderValue {
    let mut text = format!("{}: {}", cause.code.text(), cause.message);
    for error in &cause.errors {
        text.push_str("; ");
        text.push_str(&error.to_string());
    }
    let visible = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let line: String = text.chars().map(visible).take(MAX_CAUSE).collect();
    HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static("?"))
}
