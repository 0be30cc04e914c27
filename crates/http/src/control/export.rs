//! `POST /exports`: the events of a query as a file, in the answer itself. The parameters are those of the Download Center, as
//! pairs of names and values, and a few more.

use super::frames::{Teller, answer};
use super::{Answer, Control};
use crate::clickshield::download_center::read_request;
use crate::clickshield::query::Query;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use std::io::{BufWriter, Write};
use tollgate_domain::{EventKind, Invalid};
use tollgate_jobs::exports::{ExportRequest, FileFormat, write_file};
use tollgate_ledger::export::{ExportError, Exported, Progress};
use tollgate_ledger::set_idle_priority;

/// The parameters that the Download Center has in its path, or not at all.
const OWN: [&str; 4] = ["integration_id", "kind", "format", "as_of"];
/// Bytes that are handed on at a time.
const BUFFER: usize = 256 << 10;

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedRows {
    /// How many rows.
    pub rows: u64,
    /// The cut: nothing with a greater `seq` is in it.
    pub cut: u64,
}

struct Asked {
    request: ExportRequest,
    format: FileFormat,
    as_of: Option<u64>,
}

/// Exports on a thread of its own, at idle priority; whoever goes away ends it.
pub(super) async fn export(
    State(control): State<Control>,
    Json(parameters): Json<Vec<(String, String)>>,
) -> Answer {
    let asked = read(&control, parameters)?;
    let (teller, frames) = answer();
    let work = move || work(&control, &asked, teller);
    let thread = std::thread::Builder::new().name("export".to_owned()).spawn(work);
    thread.map_err(|error| ApiError::internal("starting an export", &error))?;
    Ok(Body::new(frames).into_response())
}

fn read(control: &Control, parameters: Vec<(String, String)>) -> Result<Asked, ApiError> {
    let (own, rest): (Vec<_>, Vec<_>) =
        parameters.into_iter().partition(|(name, _)| OWN.contains(&name.as_str()));
    let is_given = |name: &str| rest.iter().any(|(given, _)| given == name);
    let mut query = Query::of(own);
    let integration = query.required("integration_id");
    let kind = query.required("kind").and_then(|name| {
        let refuse = || Invalid::new("kind", "must be click, conversion or impression");
        query.check(EventKind::from_name(&name).ok_or_else(refuse))
    });
    let format = query.required("format").and_then(|name| {
        let refuse = || Invalid::new("format", "must be csv, ndjson or parquet");
        query.check(FileFormat::from_name(&name).ok_or_else(refuse))
    });
    let as_of = query.text("as_of").and_then(|text| {
        query.check(text.parse().map_err(|_| Invalid::new("as_of", "must be the seq of an earlier cut")))
    });
    for name in ["delimiter", "safe_cells"] {
        if format != Some(FileFormat::Csv) && is_given(name) {
            query.refuse(Invalid::new(name, "is for csv alone"));
        }
    }
    if format == Some(FileFormat::Parquet) && is_given("gzip") {
        query.refuse(Invalid::new("gzip", "is not for parquet, which is compressed as it is"));
    }
    query.finish()?;
    let (Some(integration), Some(kind), Some(format)) = (integration, kind, format) else {
        return Err(ApiError::internal("reading an export's parameters", &"a missing one went unnoticed"));
    };
    let snapshot = control.catalog.snapshot();
    let entry = integration.parse().ok().and_then(|id| snapshot.integration(id));
    let missing = || ApiError::because(Code::NotFound, "There is no integration of this id.");
    let request = read_request(rest, kind, entry.ok_or_else(missing)?, control.catalog.now())?;
    Ok(Asked { request, format, as_of })
}

fn work(control: &Control, asked: &Asked, mut teller: Teller) {
    set_idle_priority(true);
    let done = write(control, asked, &mut teller).map_err(|error| error.to_string());
    teller.end(done.map(|Exported { rows, cut, .. }| ExportedRows { rows, cut }));
}

fn write(control: &Control, asked: &Asked, teller: &mut Teller) -> Result<Exported, ExportError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut bytes = BufWriter::with_capacity(BUFFER, teller.bytes());
    let what = (asked.format, asked.as_of);
    let mut told = |progress: Progress| teller.share(progress.share);
    let exported = write_file(&control.ledger.view(), &asked.request, what, threads, &mut bytes, &mut told)?;
    bytes.flush().map_err(ExportError::Write)?;
    Ok(exported)
}
