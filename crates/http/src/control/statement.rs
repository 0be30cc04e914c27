//! `GET /statements`: a month's statement of any organization, as CSV or as a page.

use super::{Answer, Control, Failure};
use crate::chartboost::query::Query;
use crate::error::{ApiError, Code, Place};
use crate::places::Waiting;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tollgate_domain::{Day, Invalid, OrganizationId};
use tollgate_jobs::analytics::FigureError;
use tollgate_jobs::privacy::certificates_since;
use tollgate_jobs::statement::{StatementError, StatementRequest, csv, html, statement};
use tollgate_ledger::group::{Bounds, GroupError};

/// Threads that one statement is made on at most.
const THREADS: usize = 4;

/// Of the only organization.
pub(super) async fn only(State(control): State<Control>, RawQuery(raw): RawQuery) -> Answer {
    let organization = control.only()?;
    answer(&control, organization, raw.as_deref()).await
}

/// Of an organization that is named.
pub(super) async fn of(
    State(control): State<Control>,
    Path(organization): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let organization = control.named(&organization)?;
    answer(&control, organization, raw.as_deref()).await
}

async fn answer(control: &Control, organization: OrganizationId, raw: Option<&str>) -> Answer {
    let mut query = Query::parse(raw)?;
    let text = query.required("month");
    let month = text.and_then(|text| query.check(month(&text)));
    let zone = query.text("timezone").unwrap_or_default();
    let as_page = query.choice("form", &[("csv", false), ("html", true)]).unwrap_or(false);
    query.finish_strict()?;
    let (first, last) = month.ok_or_else(|| ApiError::new(Code::InvalidParameters))?;
    let request = StatementRequest { organization, first, last, zone };
    let (view, snapshot) = (control.ledger.view(), control.catalog.snapshot());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let bounds = Bounds { rows: control.limits.group_rows, ..Bounds::threads(threads) };
    let _waiting = Waiting(bounds.stop.clone());
    let now = control.catalog.now();
    let certificates = control.certificates.clone();
    let making = tokio::task::spawn_blocking(move || {
        let made = statement(&view, &snapshot, &request, (now, &bounds))?;
        // A zone's day may begin before that of UTC.
        let since = Day::from_number(first.number() - 1).start();
        let deletions = certificates_since(&certificates, organization, since)?;
        Ok::<_, StatementError>(made.with_deletions(&deletions))
    });
    match making.await {
        Ok(Ok(made)) if as_page => Ok(body("text/html; charset=utf-8", html(&made).into_bytes())),
        Ok(Ok(made)) => Ok(body("text/csv; charset=utf-8", csv(&made))),
        Ok(Err(StatementError::Figures(FigureError::Invalid(invalid)))) => {
            Err(Failure(ApiError { place: Place::Query, ..ApiError::invalid(vec![invalid]) }))
        }
        Ok(Err(StatementError::Figures(FigureError::Group(
            error @ (GroupError::TooMany | GroupError::TooWide { .. }),
        )))) => Err(Failure(ApiError::because(Code::RequestFailed, error.to_string()))),
        Ok(Err(error)) => Err(Failure(ApiError::internal("making a statement", &error))),
        Err(error) => Err(Failure(ApiError::internal("making a statement", &error))),
    }
}

/// The first and the last day of a month.
fn month(text: &str) -> Result<(Day, Day), Invalid> {
    let refuse = || Invalid::new("month", "must be a month as YYYY-MM, from 1970-01");
    let first = Day::parse("month", &format!("{text}-01")).map_err(|_| refuse())?;
    let (year, month, _) = first.civil();
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let next = Day::from_civil(year, month, 1).ok_or_else(refuse)?;
    Ok((first, Day::from_number(next.number() - 1)))
}

fn body(kind: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}
