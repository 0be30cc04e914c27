//! A result as a body: made piece by piece on a thread that may block, as fast as the caller takes it.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tollgate_jobs::analytics::ResultFile;

/// Pieces that wait for the caller.
const AHEAD: usize = 4;

/// The answer with a result.
pub(super) fn answer(mut result: ResultFile) -> Response {
    let kind = result.form.content_type();
    let (pieces, taken) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        loop {
            let piece = result.piece().transpose();
            let is_last = !matches!(piece, Some(Ok(_)));
            // A caller who is gone takes no more.
            let is_gone = piece.is_some_and(|piece| pieces.blocking_send(piece).is_err());
            if is_last || is_gone {
                return;
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Body::new(Pieces(taken))).into_response()
}

struct Pieces(mpsc::Receiver<io::Result<Vec<u8>>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let polled = self.0.poll_recv(context);
        polled.map(|piece| piece.map(|piece| piece.map(|bytes| Frame::data(Bytes::from(bytes)))))
    }
}
