//! `POST /tollgate/v1/imports`: history through the running server.
//!
//! The body is the file; the query is the request: `integration`, `kind`, `format`, `map` (the map as JSON), and `set`
//! (`FIELD=VALUE`, any number of times). The answer is NDJSON: `{"progress":…}` and `{"refused":…}` while it runs, at
//! the end `{"summary":…}`, with an `error` beside it when the file was not read to its end. The file is kept only
//! while it is imported, on a thread of its own; a caller who goes away ends the import, and what was stored stays.

use super::Answer;
use super::auth::Principal;
use super::schema::{MissingProblem, NativeProblem};
use crate::ApiState;
use crate::body::pairs;
use crate::error::{ApiError, Code};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};
use tollgate_domain::{EventKind, Integration, Invalid, KINDS_ALL};
use tollgate_intake::{Format, ImportRequest, Intake, Observer, Progress, RefusedLine, import};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// Pieces of the body and lines of the answer under way.
const IN_FLIGHT: usize = 16;

/// What imports work with.
#[derive(Clone)]
pub struct Imports {
    /// The way in.
    pub intake: Arc<Intake>,
    /// Where files are kept while they are imported.
    pub folder: PathBuf,
}

impl fmt::Debug for Imports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imports").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What is imported, and where to.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct ImportParams {
    /// The integration whose history it is: one of the organization's.
    #[param(pattern = "^[a-z0-9]{10}$")]
    integration: String,
    /// What a line is.
    #[param(inline, value_type = KindName)]
    kind: String,
    /// How the file is written.
    #[param(inline, value_type = FormatName)]
    format: String,
    /// Which of the file's columns is which field, as JSON.
    #[param(nullable = false)]
    map: Option<String>,
    /// `FIELD=VALUE`: a field that has the same value in every line. May be repeated.
    #[param(nullable = false)]
    set: Option<Vec<String>>,
}

/// `click`, `conversion` or `impression`.
struct KindName;

impl PartialSchema for KindName {
    fn schema() -> RefOr<Schema> {
        let names = KINDS_ALL.iter().copied().map(EventKind::name);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for KindName {}

/// A format's name.
struct FormatName;

impl PartialSchema for FormatName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Format::ALL.map(Format::name))).into()
    }
}

impl ToSchema for FormatName {}

/// Import history
///
/// The body is the file, whatever its type is said to be. The answer is a JSON object to a line: `progress` and `refused`
/// while it runs; at the end `summary`, with `error` beside it when the file was not read to its end.
#[utoipa::path(
    post,
    path = "/imports",
    operation_id = "import_history",
    params(ImportParams),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "What became of the file.", body = String, content_type = "application/x-ndjson"),
        (status = 400, description = "A parameter is not legal, or the body was cut off.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn create(
    State(state): State<ApiState>,
    principal: Principal,
    RawQuery(raw): RawQuery,
    body: Body,
) -> Answer {
    let parameters = pairs(raw.unwrap_or_default().as_bytes());
    let parameters = parameters.map_err(|why| ApiError::because(Code::MalformedQuery, why))?;
    let request = parse(&parameters).map_err(ApiError::invalid)?;
    if principal.organization().get::<Integration>(request.integration.as_str()).is_none() {
        return Err(ApiError::because(Code::NotFound, "There is no such integration.").into());
    }
    let (pieces, spool) = mpsc::channel(IN_FLIGHT);
    let (spooled, is_spooled) = oneshot::channel();
    let (lines, answer) = mpsc::channel(IN_FLIGHT);
    let imports = state.imports;
    let work = move || work(&imports, &request, spool, spooled, lines);
    std::thread::Builder::new()
        .name("import".to_owned())
        .spawn(work)
        .map_err(|error| ApiError::internal("starting an import", &error))?;
    send(body, pieces).await;
    match is_spooled.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.kind() == io::ErrorKind::StorageFull => {
            return Err(ApiError::because(Code::Unavailable, "There is no space for the file.").into());
        }
        Ok(Err(error)) => return Err(ApiError::internal("keeping an import's file", &error).into()),
        Err(_) => return Err(ApiError::because(Code::MalformedBody, "The body was cut off.").into()),
    }
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::new(Lines(answer))).into_response())
}

/// Reads the query, naming everything that is wrong with it.
fn parse(parameters: &[(String, String)]) -> Result<ImportRequest, Vec<Invalid>> {
    let mut errors = Vec::new();
    let values = |name: &'static str| {
        parameters.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    for (name, _) in parameters {
        if !matches!(name.as_str(), "integration" | "kind" | "format" | "map" | "set") {
            errors.push(Invalid::new(
                name,
                "is not a parameter; known are integration, kind, format, map and set",
            ));
        }
    }
    let mut required = |name: &'static str| match values(name).collect::<Vec<_>>()[..] {
        [value] => Some(value),
        [] => (errors.push(Invalid::new(name, "is required")), None).1,
        _ => (errors.push(Invalid::new(name, "is given more than once")), None).1,
    };
    let (integration, kind, format) = (required("integration"), required("kind"), required("format"));
    // An id's own error names the field of a row.
    let renamed = |error: Invalid| Invalid::new("integration", error.message);
    let integration = integration.and_then(|text| keep(text.parse().map_err(renamed), &mut errors));
    let unknown = || Invalid::new("kind", "must be click, conversion or impression");
    let kind = kind.and_then(|text| keep(EventKind::from_name(text).ok_or_else(unknown), &mut errors));
    let format = format.and_then(|text| keep(text.parse(), &mut errors));
    let map = values("map").next().and_then(|text| {
        keep(serde_json::from_str(text).map_err(|error| Invalid::new("map", error.to_string())), &mut errors)
    });
    let mut set = Vec::new();
    for text in values("set") {
        match text.split_once('=') {
            Some((name, value)) => set.push((name.to_owned(), value.to_owned())),
            None => errors.push(Invalid::new("set", "must be FIELD=VALUE")),
        }
    }
    match (integration, kind, format) {
        (Some(integration), Some(kind), Some(format)) if errors.is_empty() => {
            let request = ImportRequest { integration, kind, format, map, set };
            request.check().map_err(|error| vec![error])?;
            Ok(request)
        }
        _ => Err(errors),
    }
}

fn keep<T>(result: Result<T, Invalid>, errors: &mut Vec<Invalid>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

/// Hands the body over piece by piece; an empty piece says that it is whole.
async fn send(mut body: Body, pieces: mpsc::Sender<Bytes>) {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        let Ok(data) = frame.into_data() else { continue };
        if !data.is_empty() && pieces.send(data).await.is_err() {
            return;
        }
    }
    // A thread that is gone has said why.
    let _ = pieces.send(Bytes::new()).await;
}

/// The import's thread.
fn work(
    imports: &Imports,
    request: &ImportRequest,
    pieces: mpsc::Receiver<Bytes>,
    spooled: oneshot::Sender<io::Result<()>>,
    lines: mpsc::Sender<Bytes>,
) {
    let file = match keep_file(&imports.folder, pieces) {
        Ok(Some(file)) => file,
        // The sender is dropped: the caller is told that the body was cut off.
        Ok(None) => return,
        Err(error) => return drop(spooled.send(Err(error))),
    };
    if spooled.send(Ok(())).is_err() {
        return;
    }
    let mut teller = Teller { lines };
    let result = import(&imports.intake, request, &file, &mut teller);
    let end = match &result {
        Ok(summary) => json!({"summary": summary}),
        Err(failed) => json!({"error": failed.error.to_string(), "summary": failed.summary}),
    };
    let (stored, refused) = match &result {
        Ok(summary) => (summary.stored(), summary.refused),
        Err(failed) => (failed.summary.stored(), failed.summary.refused),
    };
    tracing::info!(integration = %request.integration, stored, refused, whole = result.is_ok(), "import ended");
    // Nobody is told when the caller is gone.
    let _ = teller.tell(&end);
}

/// The body as a file without a name; `None` when it was cut off.
fn keep_file(folder: &Path, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<Option<File>> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    std::fs::create_dir_all(folder)?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("upload-{}-{number}.part", std::process::id()));
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    // Without a name nothing is left behind, however this ends.
    std::fs::remove_file(&path)?;
    while let Some(piece) = pieces.blocking_recv() {
        if piece.is_empty() {
            return Ok(Some(file));
        }
        file.write_all(&piece)?;
    }
    Ok(None)
}

/// Tells the caller how the import gets on.
struct Teller {
    lines: mpsc::Sender<Bytes>,
}

impl Teller {
    fn tell(&self, line: &Value) -> io::Result<()> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.lines.blocking_send(Bytes::from(format!("{line}\n"))).map_err(gone)
    }
}

impl Observer for Teller {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        match self.tell(&json!({"progress": progress})) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn refused(&mut self, refused: &RefusedLine) -> io::Result<()> {
        let text = String::from_utf8_lossy(&refused.text);
        self.tell(&json!({"refused": {"line": refused.line, "cause": refused.cause, "text": text}}))
    }
}

/// The lines of an answer as a body.
struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<ImportRequest, Vec<String>> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        parse(&pairs).map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_request_is_read_from_its_query() {
        let request = query(&[
            ("integration", "abcdefghij"),
            ("kind", "click"),
            ("format", "csv"),
            ("map", r#"{"time":"t","fields":{"offer":"app"}}"#),
            ("set", "sub_id=a=b"),
            ("set", "publisher=p"),
        ]);
        let request = request.unwrap();
        assert_eq!(request.set, [("sub_id".into(), "a=b".into()), ("publisher".into(), "p".into())]);
        assert_eq!(request.map.unwrap().time.as_deref(), Some("t"));
    }

    #[test]
    fn every_problem_of_a_query_is_named() {
        let errors = query(&[
            ("integration", "X"),
            ("kind", "clack"),
            ("format", "xml"),
            ("map", "{"),
            ("set", "x"),
            ("y", ""),
        ]);
        assert_eq!(errors.unwrap_err(), ["y", "integration", "kind", "format", "map", "set"]);
        assert_eq!(
            query(&[("kind", "click"), ("kind", "click")]).unwrap_err(),
            ["integration", "kind", "format"]
        );
    }
}
