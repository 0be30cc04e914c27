//! Reports that are told at once, handed on while they are counted: of a large one only some parts are in memory.

use super::{Answer, Asked};
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::places::Waiting;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tollgate_catalog::{OrganizationSnapshot, Snapshot};
use tollgate_jobs::analytics::{FigureError, JsonRows, ReportRequest, figures};
use tollgate_ledger::group::{Bounds, GroupError};
use tollgate_ledger::view::View;

/// Threads that one report is counted on at most.
const THREADS: usize = 4;
/// Bytes of a part, and parts that wait for their reader.
const PART: usize = 1 << 20;
const PARTS: usize = 2;
/// How long a reader may take for a part.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts where blocking is allowed, when there is a place for it, and ends when nobody waits any more.
pub(super) async fn at_once(state: &ApiState, asked: &Asked, request: ReportRequest) -> Answer {
    let place = state.limits.groups.take(request.organization).await.ok_or_else(|| {
        let busy = ApiError::because(Code::Unavailable, "Other reports are being made; try again soon.");
        asked.refuse(ApiError { retry_after: Some(1), ..busy })
    })?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let bounds = Bounds { rows: state.limits.group_rows, ..Bounds::threads(threads) };
    let waiting = Waiting(bounds.stop.clone());
    let (view, snapshot) = (state.ledger.view(), state.catalog.snapshot());
    let organization = asked.organization.clone();
    let (parts, mut told) = mpsc::channel(PARTS);
    let teller = Teller { parts, runtime: Handle::current() };
    tokio::task::spawn_blocking(move || {
        let _place = place;
        teller.tell((&view, &snapshot), &organization, &request, &bounds);
    });
    let first = match told.recv().await {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(asked.refuse(refusal(error))),
        None => return Err(asked.refuse(ApiError::internal("making a report", &"it ended without a word"))),
    };
    match told.recv().await {
        Some(Ok(second)) if second.is_empty() => Ok(answer(Body::from(first))),
        second => {
            let ahead = std::iter::once(Ok(first)).chain(second).collect();
            Ok(answer(Body::new(Streamed { ahead, told, is_over: false, waiting })))
        }
    }
}

fn answer(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn refusal(error: FigureError) -> ApiError {
    match error {
        FigureError::Invalid(invalid) => invalid.into(),
        FigureError::Group(error @ (GroupError::TooMany | GroupError::TooWide { .. })) => {
            ApiError::because(Code::RuleBroken, error.to_string())
        }
        error => ApiError::internal("making a report", &error),
    }
}

/// Bytes of a report, or why there are no more. Nothing at all is its end: without it, it is cut off.
type Part = Result<Bytes, FigureError>;

/// Why a report is not gone on with.
enum Ended {
    Figures(FigureError),
    /// Whoever asked is gone, or takes too long.
    Gone,
}

impl From<FigureError> for Ended {
    fn from(error: FigureError) -> Self {
        Self::Figures(error)
    }
}

struct Teller {
    parts: mpsc::Sender<Part>,
    runtime: Handle,
}

impl Teller {
    /// Counts and tells, part by part. The calling thread waits for the reader.
    fn tell(
        &self,
        (view, snapshot): (&View, &Snapshot),
        organization: &Arc<OrganizationSnapshot>,
        request: &ReportRequest,
        bounds: &Bounds,
    ) {
        let mut json = JsonRows::new(request, organization);
        let made = figures(view, snapshot, request, bounds, &mut |rows| {
            json.add(&rows);
            json.take(PART).map_or(Ok(()), |part| self.give(Ok(part.into())))
        });
        // Whoever is gone needs no end.
        let _ = match made {
            Ok(()) => self.give(Ok(json.finish().into())).and_then(|()| self.give(Ok(Bytes::new()))),
            Err(Ended::Figures(error)) => self.give(Err(error)),
            Err(Ended::Gone) => Err(Ended::Gone),
        };
    }

    fn give(&self, part: Part) -> Result<(), Ended> {
        let given = self.runtime.block_on(tokio::time::timeout(PATIENCE, self.parts.send(part)));
        given.ok().and_then(Result::ok).ok_or(Ended::Gone)
    }
}

/// The parts as they come. Where they end too early the connection breaks off.
struct Streamed {
    ahead: VecDeque<Part>,
    told: mpsc::Receiver<Part>,
    is_over: bool,
    /// Ends the counting with the answer.
    #[expect(dead_code, reason = "does its work when it is dropped")]
    waiting: Waiting,
}

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let part = match self.ahead.pop_front() {
            Some(part) => Some(part),
            None => ready!(self.told.poll_recv(context)),
        };
        let error = match part {
            Some(Ok(bytes)) if !bytes.is_empty() => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(io::Error::other(error)),
            None => Some(io::Error::other(
                "it was told no further: its reader took too long, or the server failed",
            )),
        };
        self.is_over = true;
        Poll::Ready(error.map(|error| {
            tracing::error!(%error, "a report broke off");
            Err(error)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tollgate_ledger::group::Stop;

    async fn read(parts: &[&'static str]) -> Result<Bytes, io::Error> {
        let (give, told) = mpsc::channel(8);
        for part in parts {
            give.try_send(Ok(Bytes::from_static(part.as_bytes()))).unwrap();
        }
        drop(give);
        let body =
            Streamed { ahead: VecDeque::new(), told, is_over: false, waiting: Waiting(Stop::default()) };
        body.collect().await.map(|whole| whole.to_bytes())
    }

    #[tokio::test]
    async fn a_report_that_is_cut_off_does_not_look_whole() {
        assert_eq!(read(&["[1,", "2]", ""]).await.unwrap(), "[1,2]");
        for cut in [&["[1,", "2]"][..], &["[1,"], &[]] {
            assert!(read(cut).await.is_err(), "{cut:?}");
        }
    }
}
