//! Many events at once: NDJSON in, NDJSON out, line by line in order. One bad line does not spoil the others.

use super::request::{body_hash, read_events};
use super::{Core, GatewayBody, Route, answer, error, rejected};
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::row;
use http::Response;
use hyper::body::Incoming;
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;
use tollgate_catalog::Scope;
use tollgate_domain::{EventKind, IntegrationId, Invalid};
use tollgate_intake::{Draft, Judged, LiveIntegration, Outcome, Rejected, Submission, set_from_json};
use tollgate_ledger::Refused;

/// Most lines of one request.
const MAX_LINES: usize = 10_000;
/// Lines that are judged before other requests of the core get their turn.
const TURN: usize = 256;
/// How often and how long a busy ledger is waited for before lines are refused.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
const BUSY_TRIES: usize = 200;

/// What a line's answer still waits for.
enum Line {
    /// The answer is written.
    Done(Vec<u8>),
    /// The answer is that of an earlier event.
    Earlier(EventKind, Judged),
}

impl Core {
    pub(super) async fn events(
        &self,
        route: Route,
        request: http::Request<Incoming>,
    ) -> Result<Response<GatewayBody>, Box<Response<GatewayBody>>> {
        let snapshot = self.intake.catalog().snapshot();
        let caller =
            Caller::of_headers(request.headers(), &snapshot, Scope::Write).map_err(|cause| error(&cause))?;
        let live = self.live(route)?;
        if caller.organization_id() != live.entry.organization {
            return Err(error(&ApiError::because(Code::NotFound, "There is no integration of this id.")));
        }
        let body = read_events(request.into_body()).await?;
        let lines: Vec<&[u8]> =
            body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
        if lines.len() > MAX_LINES {
            let message = format!("The body has {} lines; at most {MAX_LINES} are taken.", lines.len());
            return Err(error(&ApiError::because(Code::BodyTooLarge, message)));
        }
        let mut answers = Vec::with_capacity(lines.len());
        let mut last_seq = 0;
        for chunk in lines.chunks(TURN) {
            last_seq = last_seq.max(self.chunk(&live, chunk, &mut answers).await);
            if lines.len() > TURN {
                tokio::task::yield_now().await;
            }
        }
        self.commits.wait(last_seq).await;
        let mut out = Vec::with_capacity(answers.len() * 80);
        for answer in answers {
            match answer {
                Line::Done(text) => out.extend_from_slice(&text),
                Line::Earlier(kind, judged) => self.repeat(&live, kind, judged, &mut out),
            }
            out.push(b'\n');
        }
        Ok(answer::typed(out, "application/x-ndjson"))
    }

    /// Takes in some lines; returns the highest `seq` that their answers wait for.
    async fn chunk(&self, live: &LiveIntegration, lines: &[&[u8]], answers: &mut Vec<Line>) -> u64 {
        let id = live.entry.integration.id;
        let read: Vec<Result<(Box<Draft>, i64), Vec<Invalid>>> =
            lines.iter().map(|line| self.read_line(id, line)).collect();
        let mut drafts: Vec<Option<(Box<Draft>, i64)>> = Vec::with_capacity(read.len());
        let first = answers.len();
        for line in read {
            match line {
                Ok(draft) => {
                    drafts.push(Some(draft));
                    answers.push(Line::Done(Vec::new()));
                }
                Err(errors) => {
                    drafts.push(None);
                    answers.push(Line::Done(refusal(&ApiError::invalid(errors))));
                }
            }
        }
        let outcomes = self.submit_patiently(live, &mut drafts).await;
        let mut last_seq = 0;
        let ready = drafts.iter().enumerate().filter_map(|(n, draft)| Some((n, &draft.as_ref()?.0)));
        for ((n, draft), outcome) in ready.zip(outcomes) {
            answers[first + n] = match outcome {
                Ok(Outcome::Judged(judged)) => {
                    last_seq = last_seq.max(judged.seq);
                    let mut text = Vec::with_capacity(80);
                    answer::verdict(&draft.event, &mut text);
                    Line::Done(text)
                }
                Ok(Outcome::Repeated(judged)) => {
                    last_seq = last_seq.max(judged.seq);
                    Line::Earlier(draft.event.kind, judged)
                }
                Err(cause) => Line::Done(refusal(&rejected(cause))),
            };
        }
        self.give_back(drafts.into_iter().flatten().map(|(draft, _)| draft));
        last_seq
    }

    /// Submits the drafts, waiting a while for a ledger that is busy: a batch is worth more patience than a click.
    async fn submit_patiently(
        &self,
        live: &LiveIntegration,
        drafts: &mut [Option<(Box<Draft>, i64)>],
    ) -> Vec<Result<Outcome, Rejected>> {
        for attempt in 0.. {
            let submissions: Vec<Submission<'_>> = drafts
                .iter_mut()
                .flatten()
                .map(|(draft, body_hash)| Submission { draft, body_hash: *body_hash })
                .collect();
            let count = submissions.len();
            let submitted = self.worker.borrow_mut().submit_all(live, submissions);
            match submitted {
                Ok(outcomes) => return outcomes,
                Err(Refused::Busy) if attempt < BUSY_TRIES => tokio::time::sleep(BUSY_PAUSE).await,
                Err(refused) => return (0..count).map(|_| Err(Rejected::Refused(refused))).collect(),
            }
        }
        Vec::new()
    }

    fn read_line(&self, integration: IntegrationId, line: &[u8]) -> Result<(Box<Draft>, i64), Vec<Invalid>> {
        let kind = kind_of(line).map_err(|error| vec![error])?;
        let mut draft = self.draft(kind, integration);
        set_from_json(&mut draft, line, &["kind"]).map_err(|error| vec![error])?;
        draft.finish(self.intake.now())?;
        let hash = if draft.wishes.event_key.is_some() { body_hash(&[line.trim_ascii()]) } else { 0 };
        Ok((draft, hash))
    }

    fn repeat(&self, live: &LiveIntegration, kind: EventKind, judged: Judged, out: &mut Vec<u8>) {
        match self.intake.stored(live.entry.integration.id, kind, judged.id) {
            Ok(Some(event)) => answer::verdict(&event, out),
            Ok(None) => out.extend(refusal(&ApiError::internal("repeating an answer", &"its event is gone"))),
            Err(cause) => out.extend(refusal(&ApiError::internal("repeating an answer", &cause))),
        }
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

/// The event's kind; most clients write it first.
fn kind_of(line: &[u8]) -> Result<EventKind, Invalid> {
    let first = line.strip_prefix(b"{\"kind\":\"").and_then(|rest| rest.split(|b| *b == b'"').next());
    if let Some(kind) = first.and_then(|name| EventKind::from_name(std::str::from_utf8(name).ok()?)) {
        return Ok(kind);
    }
    let found: Kind<'_> = serde_json::from_slice(line)
        .map_err(|error| Invalid::new("body", format!("is not a JSON object: {error}")))?;
    let name =
        found.kind.ok_or_else(|| Invalid::new("kind", "is required: click, conversion or impression"))?;
    EventKind::from_name(&name).ok_or_else(|| Invalid::new("kind", "must be click, conversion or impression"))
}

/// A line that was not taken in.
fn refusal(cause: &ApiError) -> Vec<u8> {
    let mut out = b"{\"error\":".to_vec();
    let mut text = cause.message.clone();
    for error in &cause.errors {
        text.push(' ');
        text.push_str(&error.to_string());
        text.push('.');
    }
    row::string(&text, &mut out);
    out.push(b'}');
    out
}
