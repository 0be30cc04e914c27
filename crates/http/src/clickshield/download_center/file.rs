//! `GET /download-center/files/{artifact_name}`: the file itself, for whoever has a link that was signed for it. It is
//! streamed, and a part of it can be asked for.

use super::range::{Wanted, wanted};
use super::schema::FileParams;
use super::unavailable;
use crate::ApiState;
use crate::clickshield::query::Query;
use crate::clickshield::schema::TrafficProblem;
use crate::clickshield::{Answer, Params};
use crate::error::{ApiError, Code};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tollgate_jobs::exports::{Artifact, Export, Link, Pieces};

/// Download a file
///
/// The link itself is the permission: it is signed for one file and ends after a quarter of an hour. A download that
/// began goes on after that; a part that is asked for later needs a new link.
#[utoipa::path(
    get,
    path = "/download-center/files/{artifact_name}",
    operation_id = "download_file",
    tag = "Download center",
    params(("artifact_name" = String, Path, description = "The file's name."), FileParams),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "application/octet-stream",
         headers(("ETag" = String, description = "The file's tag."))),
        (status = 206, description = "A part of it.", body = String, content_type = "application/octet-stream",
         headers(("Content-Range" = String, description = "Which part it is."))),
        (status = 403, description = "The link is wrong, for another file, or has expired.", body = TrafficProblem),
        (status = 404, description = "The file is not there any more.", body = TrafficProblem),
        (status = 416, description = "The file has no such part.", body = TrafficProblem,
         headers(("Content-Range" = String, description = "How long the file is."))),
        (status = 500, description = "Something went wrong on the server's end.", body = TrafficProblem),
        (status = 503, description = "The server cannot do this at the moment.", body = TrafficProblem,
         headers(("Retry-After" = u32, description = "Seconds"))),
    ),
    security(()),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Params(artifact): Params<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let link = link(raw.as_deref(), artifact)?;
    let checked = state.exports.check_link(&link).await.map_err(|error| unavailable(&error))?;
    checked.map_err(|wrong| forbidden(wrong.to_string()))?;
    let found = state.exports.find_file(link.organization, &link.artifact).await;
    let export = found.map_err(|error| unavailable(&error))?.ok_or_else(gone)?;
    let opening = tokio::task::spawn_blocking(move || {
        let file = state.exports.open_file(&export);
        file.map(|file| file.map(|file| (export, file)))
    });
    let opened = opening.await.map_err(|error| ApiError::internal("opening a file", &error))?;
    let opened = opened.map_err(|error| unreadable(&error))?;
    let (export, file) = opened.ok_or_else(gone)?;
    Ok(answer(&headers, &export, file)?)
}

/// What the query says of the link. Without all of it there is none.
fn link(raw: Option<&str>, artifact: String) -> Result<Link, ApiError> {
    let mut query = Query::parse(raw)?;
    let texts = ["organization", "expires", "signature"].map(|name| query.text(name));
    let [Some(organization), Some(expires), Some(signature)] = texts else {
        return Err(forbidden("This is no whole link: it lacks organization, expires or signature."));
    };
    let wrong = || forbidden("The link is not one that was signed here.");
    let organization = organization.parse().map_err(|_| wrong())?;
    // Another way to write the same number is another link.
    let number = expires.parse::<i64>().ok().filter(|number| number.to_string() == expires);
    let expires = number.ok_or_else(wrong)?;
    Ok(Link { organization, artifact, expires, signature })
}

fn forbidden(message: impl Into<String>) -> ApiError {
    ApiError::because(Code::LinkRefused, message)
}

fn gone() -> ApiError {
    ApiError::because(Code::NotFound, "The file is not there any more.")
}

/// A file that is there and cannot be opened now.
fn unreadable(error: &io::Error) -> ApiError {
    tracing::error!(%error, "an export's file could not be opened");
    ApiError { retry_after: Some(5), ..ApiError::new(Code::Unavailable) }
}

fn answer(headers: &HeaderMap, export: &Export, file: Arc<dyn Artifact>) -> Result<Response, ApiError> {
    let (size, tag) = (file.size(), export.tag());
    let (status, range) = match wanted(headers, size, &tag) {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Outside => return Ok(outside(size)),
    };
    let text = |text: String| {
        HeaderValue::from_str(&text).map_err(|error| ApiError::internal("naming a file", &error))
    };
    let kind =
        if export.request.gzip { "application/gzip" } else { "text/csv; charset=utf-8; header=present" };
    let mut response = Response::new(Body::new(Part { file, left: range.clone(), pieces: None }));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    headers.insert(CONTENT_DISPOSITION, text(format!("attachment; filename=\"{}\"", export.artifact))?);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, text(tag)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(CONTENT_RANGE, text(format!("bytes {}-{}/{size}", range.start, range.end - 1))?);
    }
    Ok(response)
}

fn outside(size: u64) -> Response {
    let error = ApiError::because(Code::RangeOutside, format!("The file has {size} bytes."));
    let mut response = crate::clickshield::Failure(error).into_response();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    response
}

/// A part of a file as a body. Nothing is read before it is asked for.
struct Part {
    file: Arc<dyn Artifact>,
    left: Range<u64>,
    pieces: Option<Pieces>,
}

impl hyper::body::Body for Part {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let Self { file, left, pieces } = &mut *self;
        let pieces = pieces.get_or_insert_with(|| file.clone().read(left.clone()));
        let Poll::Ready(piece) = pieces.poll_recv(context) else { return Poll::Pending };
        let piece = piece.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
        match &piece {
            Ok(bytes) => left.start += bytes.len() as u64,
            Err(error) => {
                // The connection is cut: what was promised does not come.
                tracing::error!(%error, "a file could not be read to its end");
                left.end = left.start;
            }
        }
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end - self.left.start)
    }
}
