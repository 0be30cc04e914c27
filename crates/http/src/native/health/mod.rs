//! `GET /health`: how the server is, for users who do not see its metrics: the disk, the ledger, data files, what waits, and
//! what went wrong last. It is about the server as a whole and tells nothing of any organization.

mod problems;
#[cfg(test)]
mod tests;

pub use problems::{Problem, Problems};

use super::Answer;
use super::auth::Principal;
use crate::ApiState;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use std::sync::Arc;
use tollgate_domain::Timestamp;
use tollgate_jobs::postbacks::PostbackStats;
use tollgate_ledger::LedgerStats;
use tollgate_signals::Source;
use utoipa::ToSchema;

/// Free bytes of the disk below which somebody should look.
const LITTLE_ROOM: u64 = 2 << 30;
/// Durable events that are in no segment yet, beyond which sealing has fallen behind.
const MANY_UNSEALED: u64 = 1_000_000;
/// Milliseconds that a delivery may wait after it was due.
const LATE_MS: u64 = 15 * 60_000;
/// Milliseconds for which an error is worth a look.
const RECENT_MS: i64 = 3_600_000;

/// What the process knows of itself.
#[derive(Debug, Default)]
pub struct Process {
    /// When it was ready.
    pub started_at: Timestamp,
    /// What went wrong.
    pub problems: Arc<Problems>,
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`, or `attention`: somebody should look at what `attention` names.
    #[schema(pattern = "^(ok|attention)$")]
    status: &'static str,
    /// What somebody should look at.
    attention: Vec<Attention>,
    version: &'static str,
    #[schema(format = DateTime)]
    started_at: String,
    disk: Disk,
    ledger: LedgerHealth,
    /// Data files and their age; `GET /data-files` tells more of them.
    data_files: Vec<FileHealth>,
    jobs: Jobs,
    /// What went wrong last, the newest first, 50 at most.
    errors: Vec<LoggedProblem>,
}

/// Something that somebody should look at.
#[derive(Debug, Serialize, ToSchema)]
struct Attention {
    #[schema(pattern = "^(disk|ledger|data_files|jobs|errors)$")]
    what: &'static str,
    /// A sentence for people.
    message: String,
}

/// The disk that the ledger is on.
#[derive(Debug, Serialize, ToSchema)]
struct Disk {
    /// Null where it does not say.
    #[schema(required)]
    free_bytes: Option<u64>,
}

/// The history.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerHealth {
    segments: u64,
    segment_bytes: u64,
    /// Durable events that are in no segment yet.
    unsealed_events: u64,
    /// Events that are deleted and still in files, until these are merged.
    deleted_events: u64,
    /// Merges of segments since the start.
    merges: u64,
    /// Sums of segments that were not those of their events.
    wrong_sums: u64,
}

/// A data file.
#[derive(Debug, Serialize, ToSchema)]
struct FileHealth {
    name: String,
    kind: &'static str,
    version: String,
    /// Since it was last changed; null for the rules that are compiled in.
    #[schema(required)]
    age_seconds: Option<i64>,
    /// Why a newer file of this name is not in use.
    #[schema(required)]
    error: Option<String>,
}

/// What waits to be done, of all organizations.
#[derive(Debug, Serialize, ToSchema)]
struct Jobs {
    exports: Queue,
    reports: Queue,
    postbacks: Deliveries,
}

/// A queue of jobs.
#[derive(Debug, Serialize, ToSchema)]
struct Queue {
    waiting: u64,
    running: u64,
}

/// Deliveries of postbacks.
#[derive(Debug, Serialize, ToSchema)]
struct Deliveries {
    waiting: u64,
    /// Seconds since the longest-waiting one was due first; 0 when none is overdue.
    oldest_seconds: u64,
    /// Given up since the start.
    failed: u64,
    /// Events that were not looked at yet for what has to be sent.
    behind: u64,
}

/// A warning or an error of the server's log, in the program's own words.
#[derive(Debug, Serialize, ToSchema)]
struct LoggedProblem {
    /// When it came last.
    #[schema(format = DateTime)]
    at: String,
    #[schema(pattern = "^(error|warn)$")]
    level: &'static str,
    /// The part of the program.
    r#where: &'static str,
    message: String,
    /// How often it came.
    #[schema(minimum = 1)]
    times: u64,
}

/// Read the server's health
///
/// The server's, and the same for every organization; every role may.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "read_health",
    responses((status = 200, description = "How the server is.", body = Health)),
)]
pub(super) async fn handle(_: Principal, State(state): State<ApiState>) -> Answer {
    let (now, intake) = (state.catalog.now(), &state.imports.intake);
    // It waits for a commit that is being written, which no thread that takes events may.
    let ledger = state.ledger.clone();
    let stats = tokio::task::spawn_blocking(move || ledger.stats()).await;
    let stats = stats.map_err(|error| ApiError::internal("reading the ledger's figures", &error))?;
    let signals = intake.signals().current();
    let (exports, postbacks) = (state.exports.stats(), state.postbacks.stats());
    let reports = state.analytics.stats();
    let problems = state.process.problems.newest();
    let mut attention = of_ledger(&stats);
    attention.extend(signals.sources().iter().filter_map(of_file));
    attention.extend(of_postbacks(&postbacks));
    attention.extend(of_problems(&problems, now));
    let body = Health {
        status: if attention.is_empty() { "ok" } else { "attention" },
        attention,
        version: env!("CARGO_PKG_VERSION"),
        started_at: state.process.started_at.to_string(),
        disk: Disk { free_bytes: Some(stats.free_bytes).filter(|bytes| *bytes > 0) },
        ledger: LedgerHealth {
            segments: stats.segments,
            segment_bytes: stats.segment_bytes,
            unsealed_events: stats.unsealed_rows,
            deleted_events: stats.deleted_rows,
            merges: stats.merges,
            wrong_sums: stats.wrong_sums,
        },
        data_files: signals.sources().iter().map(|source| FileHealth::of(source, now)).collect(),
        jobs: Jobs {
            exports: Queue { waiting: exports.waiting, running: exports.running },
            reports: Queue { waiting: reports.waiting, running: reports.running },
            postbacks: Deliveries {
                waiting: postbacks.pending,
                oldest_seconds: postbacks.oldest_millis / 1000,
                failed: postbacks.failed,
                behind: postbacks.behind,
            },
        },
        errors: problems.into_iter().map(LoggedProblem::of).collect(),
    };
    Ok(Json(body).into_response())
}

impl FileHealth {
    fn of(source: &Source, now: Timestamp) -> Self {
        let is_file = !source.sha256.is_empty();
        Self {
            name: source.name.clone(),
            kind: source.kind.name(),
            version: source.version.clone(),
            age_seconds: is_file.then(|| source.age_millis(now) / 1000),
            error: source.error.clone(),
        }
    }
}

impl LoggedProblem {
    fn of(problem: Problem) -> Self {
        Self {
            at: problem.at.to_string(),
            level: if problem.is_error { "error" } else { "warn" },
            r#where: problem.place,
            message: problem.message,
            times: problem.times,
        }
    }
}

fn of_ledger(stats: &LedgerStats) -> Vec<Attention> {
    let about = |what, message: String| Attention { what, message };
    let mut found = Vec::new();
    if (1..LITTLE_ROOM).contains(&stats.free_bytes) {
        let left = stats.free_bytes >> 20;
        found.push(about(
            "disk",
            format!("The disk has {left} MiB left: events are refused when it is full."),
        ));
    }
    if stats.unsealed_rows > MANY_UNSEALED {
        let rows = stats.unsealed_rows;
        found.push(about("ledger", format!("{rows} events wait to be written into segments.")));
    }
    if stats.wrong_sums > 0 {
        let sums = stats.wrong_sums;
        found.push(about("ledger", format!("Sums of {sums} segments were not those of their events.")));
    }
    found
}

fn of_file(source: &Source) -> Option<Attention> {
    source.error.as_ref()?;
    let message = format!("The newest {} is not in use, because it does not parse.", source.name);
    Some(Attention { what: "data_files", message })
}

fn of_postbacks(stats: &PostbackStats) -> Option<Attention> {
    let minutes = stats.oldest_millis / 60_000;
    let message = format!("A postback has waited for {minutes} minutes since it was due.");
    (stats.oldest_millis > LATE_MS).then_some(Attention { what: "jobs", message })
}

fn of_problems(problems: &[Problem], now: Timestamp) -> Option<Attention> {
    let is_recent = |one: &&Problem| one.is_error && now.millis() - one.at.millis() < RECENT_MS;
    let count = problems.iter().filter(is_recent).count();
    let message = format!("{count} sorts of errors were logged within the last hour.");
    (count > 0).then_some(Attention { what: "errors", message })
}
