//! Many events at once: NDJSON in, NDJSON out, line by line in order. One bad line does not spoil the others.
//!
//! Lines are read, looked up, completed and judged in turns, so that a large body does not keep a core to itself. What
//! the ledger refuses for good, it refuses for the rest of the body too.

use super::own_clicks::OwnClicks;
use super::request::{body_hash, idempotency_key};
use super::{Core, GatewayBody, answer, refused, unavailable};
use crate::auth::Caller;
use crate::body::{BODY_TIME, read};
use crate::error::{ApiError, Code};
use http::Response;
use hyper::body::{Body, Incoming};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tollgate_catalog::Scope;
use tollgate_domain::row;
use tollgate_domain::{EventKind, IntegrationId, Invalid};
use tollgate_intake::signature::note_json;
use tollgate_intake::{
    Draft, GivenBy, Intake, Judged, LiveIntegration, Lookup, Outcome, Rejection, Worker, set_from_json,
};
use tollgate_ledger::{Promise, Refused};

/// Most bytes of a body.
const BODY_LIMIT: usize = 32 << 20;
/// Most bytes of all bodies of one core.
const BODIES_LIMIT: usize = 128 << 20;
/// How long a body waits for room beside the others.
const BODY_WAIT: Duration = Duration::from_secs(5);
/// Most lines of one body.
const MAX_LINES: usize = 10_000;
/// Lines, and bytes of lines, that are judged before other requests of the core get their turn.
const TURN: usize = 256;
const TURN_BYTES: usize = 1 << 20;
/// Lines that are judged before another core's may come between.
const TOGETHER: usize = 16;
/// How often and how long a busy ledger is waited for before lines are refused.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
const BUSY_TRIES: usize = 200;

/// Room for bodies, in KiB.
pub(super) struct Bodies(Semaphore);

impl Default for Bodies {
    fn default() -> Self {
        Self(Semaphore::new(BODIES_LIMIT >> 10))
    }
}

impl Bodies {
    /// Waits a while for room for a body; one that does not say its size may have any.
    async fn room(&self, size: Option<u64>) -> Result<SemaphorePermit<'_>, ApiError> {
        let bytes = size.unwrap_or(u64::MAX).min(BODY_LIMIT as u64);
        let room = self.0.acquire_many(bytes.div_ceil(1024).max(1) as u32);
        match tokio::time::timeout(BODY_WAIT, room).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(unavailable(&"too many large bodies are being read")),
        }
    }
}

/// How often a busy ledger is asked again. A batch is worth more patience than a click, but its rejections share one: where
/// the first has waited for nothing, the others need not.
pub(super) struct Patience(usize);

impl Default for Patience {
    fn default() -> Self {
        Self(BUSY_TRIES)
    }
}

impl Patience {
    /// For who waits for nothing.
    pub(super) fn none() -> Self {
        Self(0)
    }
}

/// What a line is answered.
enum Line {
    /// Nothing that the caller could mend went wrong.
    Failed,
    /// This.
    Done(Vec<u8>),
    /// What an earlier event was answered.
    Earlier(EventKind, Judged),
}

/// A legal line.
enum Read {
    Event(Box<Draft>),
    Rejection(Box<Rejection>),
}

/// A line that is a legal event.
pub(super) struct Entry {
    pub(super) draft: Box<Draft>,
    /// Its place among the answers.
    at: usize,
    /// Whether its answer is known.
    settled: bool,
}

/// A body on its way through.
struct Batch {
    live: Arc<LiveIntegration>,
    /// Idempotency key of the whole body.
    key: Option<String>,
    answers: Vec<Line>,
    /// The highest `seq` that an answer waits for; 0 while nothing was taken in.
    last_seq: u64,
    /// Why the rest is not taken in.
    refused: Option<Refused>,
    /// Late rejections, each with its place among the answers.
    rejections: Vec<(usize, Rejection)>,
    clicks: OwnClicks,
}

impl Core {
    pub(super) async fn events(
        &self,
        integration: Option<IntegrationId>,
        request: http::Request<Incoming>,
    ) -> Result<Response<GatewayBody>, ApiError> {
        let snapshot = self.intake.catalog().snapshot();
        let caller = Caller::of_headers(request.headers(), &snapshot, Scope::Write)?;
        let live = self.live(integration)?;
        if caller.organization_id() != live.entry.organization {
            return Err(ApiError::because(Code::NotFound, "There is no integration of this id."));
        }
        self.batch(live, request).await.map(|out| answer::typed(out, "application/x-ndjson"))
    }

    /// Takes in a body, and writes its answers once they are true.
    async fn batch(
        &self,
        live: Arc<LiveIntegration>,
        request: http::Request<Incoming>,
    ) -> Result<Vec<u8>, ApiError> {
        let key = idempotency_key(request.headers()).map_err(|refused| ApiError::invalid(vec![refused]))?;
        let key = key.map(str::to_owned);
        let body = request.into_body();
        let _room = self.bodies.room(body.size_hint().upper()).await?;
        let body = read(body, BODY_LIMIT, BODY_TIME).await?;
        let filled = body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let lines: Vec<&[u8]> = filled.take(MAX_LINES + 1).collect();
        if lines.len() > MAX_LINES {
            let message = format!("The body has more than {MAX_LINES} lines.");
            return Err(ApiError::because(Code::BodyTooLarge, message));
        }
        let answers = Vec::with_capacity(lines.len());
        let clicks = OwnClicks::of(&body);
        let mut batch =
            Batch { live, key, answers, last_seq: 0, refused: None, rejections: Vec::new(), clicks };
        let mut rest = &lines[..];
        while !rest.is_empty() && batch.refused.is_none() {
            let (turn, after) = rest.split_at(turn(rest.iter().map(|line| line.len())));
            self.turn(&mut batch, turn).await;
            rest = after;
            if !rest.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        if let Some(cause) = batch.refused {
            let refused = refused(cause);
            if batch.last_seq == 0 {
                return Err(refused);
            }
            batch.answers.extend(rest.iter().map(|_| Line::Done(refusal(&refused))));
        }
        self.commits.wait(batch.last_seq).await;
        self.reject_late(&mut batch).await;
        self.write(batch).await
    }

    /// Rejections come last, when the conversions of the body are durable: they may be about these.
    async fn reject_late(&self, batch: &mut Batch) {
        let (mut last_seq, mut patience) = (0, Patience::default());
        while !batch.rejections.is_empty() {
            let rest = batch.rejections.split_off(batch.rejections.len().min(TURN));
            let (places, rejections): (Vec<usize>, Vec<Rejection>) =
                std::mem::replace(&mut batch.rejections, rest).into_iter().unzip();
            // What could not be read is told in the log; its lines stay failed.
            let done = self.reject_all(&batch.live, rejections, &mut patience).await;
            let Ok((seq, answers)) = done else { continue };
            last_seq = seq.max(last_seq);
            for (at, answer) in places.into_iter().zip(answers) {
                batch.answers[at] = Line::Done(answer.unwrap_or_else(|cause| refusal(&cause)));
            }
        }
        self.commits.wait(last_seq).await;
    }

    /// Takes in some lines.
    async fn turn(&self, batch: &mut Batch, lines: &[&[u8]]) {
        let mut entries = Vec::with_capacity(lines.len());
        for line in lines {
            let at = batch.answers.len();
            match self.read_line(batch, line) {
                Ok(Read::Rejection(rejection)) => {
                    batch.rejections.push((at, *rejection));
                    batch.answers.push(Line::Failed);
                }
                Ok(Read::Event(draft)) => {
                    entries.push(Entry { draft, at, settled: false });
                    batch.answers.push(Line::Failed);
                }
                Err(errors) => batch.answers.push(Line::Done(refusal(&ApiError::invalid(errors)))),
            }
        }
        entries = self.look_up_all(entries, |worker, draft| worker.ask(draft)).await;
        while !entries.is_empty() {
            let rest = entries.split_off(batch.clicks.independent(&entries));
            self.settle_all(batch, entries).await;
            entries = rest;
        }
    }

    /// Completes and judges entries about which history was asked.
    async fn settle_all(&self, batch: &mut Batch, mut entries: Vec<Entry>) {
        for entry in &mut entries {
            batch.clicks.join(&mut entry.draft);
            self.worker.borrow_mut().complete(&batch.live, &mut entry.draft);
        }
        while !entries.is_empty() {
            entries = self.judge_all(batch, entries).await;
            if !entries.is_empty() {
                self.before_looking_again().await;
            }
            entries = self.look_up_all(entries, |worker, draft| Some(worker.ask_again(draft))).await;
        }
    }

    fn read_line(&self, batch: &Batch, line: &[u8]) -> Result<Read, Vec<Invalid>> {
        let Some(kind) = kind_of(line).map_err(|error| vec![error])? else {
            return self.read_rejection(batch, line).map(|rejection| Read::Rejection(Box::new(rejection)));
        };
        let mut draft = self.draft(kind, batch.live.entry.integration.id);
        match self.fill_line(batch, &mut draft, line) {
            Ok(()) => Ok(Read::Event(draft)),
            Err(errors) => {
                self.give_back([draft]);
                Err(errors)
            }
        }
    }

    fn read_rejection(&self, batch: &Batch, line: &[u8]) -> Result<Rejection, Vec<Invalid>> {
        let mut rejection = Rejection::new(batch.live.entry.integration.id, GivenBy::ApiKey);
        set_from_json(&mut rejection, line, &["kind"]).map_err(|error| vec![error])?;
        rejection.finish(self.intake.now())?;
        rejection.event_key = rejection.event_key.take().or_else(|| batch.line_key());
        if rejection.event_key.is_some() {
            rejection.body_hash = body_hash(&[line.trim_ascii()]);
        }
        Ok(rejection)
    }

    fn fill_line(&self, batch: &Batch, draft: &mut Draft, line: &[u8]) -> Result<(), Vec<Invalid>> {
        set_from_json(draft, line, &["kind"]).map_err(|error| vec![error])?;
        self.intake.check_app(&batch.live, draft);
        self.intake.check_active(&batch.live, draft);
        draft.finish(self.intake.now())?;
        note_json(&batch.live, draft, line);
        draft.wishes.event_key = draft.wishes.event_key.take().or_else(|| batch.line_key());
        if draft.wishes.event_key.is_some() {
            draft.body_hash = body_hash(&[line.trim_ascii()]);
        }
        Ok(())
    }

    /// Asks history about all entries at once. Those about which it could not be read are left out.
    async fn look_up_all(
        &self,
        mut entries: Vec<Entry>,
        ask: impl Fn(&Worker, &mut Draft) -> Option<Lookup>,
    ) -> Vec<Entry> {
        let lookups: Vec<Option<Lookup>> =
            entries.iter_mut().map(|entry| ask(&self.worker.borrow(), &mut entry.draft)).collect();
        if lookups.iter().all(Option::is_none) {
            return entries;
        }
        let answer = |(mut entry, lookup): (Entry, Option<Lookup>)| match lookup.map(Lookup::run) {
            Some(Ok(history)) => {
                history.tell(&mut entry.draft);
                Some(entry)
            }
            Some(Err(cause)) => {
                ApiError::internal("reading history", &cause);
                None
            }
            None => Some(entry),
        };
        let read = self.read(move || entries.into_iter().zip(lookups).filter_map(answer).collect()).await;
        read.unwrap_or_default()
    }

    /// Judges completed entries in order; returns those whose keys must be looked up again.
    async fn judge_all(&self, batch: &mut Batch, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut rest = &mut entries[..];
        while !rest.is_empty() && batch.refused.is_none() {
            let count = turn(rest.iter().map(|entry| entry.draft.text_bytes()));
            let (now, after) = rest.split_at_mut(count);
            let bytes: usize = now.iter().map(|entry| entry.draft.text_bytes()).sum();
            let promise = self.promise(now.len() as u64, bytes as u64, &mut Patience::default()).await;
            let promise = match promise {
                Ok(promise) => promise,
                Err(refused) => {
                    batch.refused = Some(refused);
                    break;
                }
            };
            for some in now.chunks_mut(TOGETHER) {
                let drafts = some.iter_mut().map(|entry| &mut *entry.draft);
                let outcomes = self.worker.borrow_mut().judge_together(&batch.live, &promise, drafts);
                for (entry, outcome) in some.iter_mut().zip(outcomes) {
                    batch.note(entry, outcome);
                }
            }
            rest = after;
        }
        let (done, again): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.settled);
        if let Some(cause) = batch.refused {
            for entry in again {
                batch.answers[entry.at] = Line::Done(refusal(&refused(cause)));
            }
            return Vec::new();
        }
        self.give_back(done.into_iter().map(|entry| entry.draft));
        again
    }

    /// Waits until history has what it did not have yet, and a little longer while rows are being deleted: nothing is amended
    /// until that is done.
    pub(super) async fn before_looking_again(&self) {
        self.commits.wait(self.intake.ledger().assigned()).await;
        if self.intake.ledger().is_deleting() {
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    /// Room in the ledger, which is waited for as long as there is patience.
    pub(super) async fn promise(
        &self,
        rows: u64,
        bytes: u64,
        patience: &mut Patience,
    ) -> Result<Promise, Refused> {
        loop {
            match self.intake.ledger().promise(rows, bytes) {
                Err(Refused::Busy) if patience.0 > 0 => {
                    patience.0 -= 1;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Writes the answers. Those of earlier events are read from history.
    async fn write(&self, batch: Batch) -> Result<Vec<u8>, ApiError> {
        let write = |intake: &Intake, integration, answers: Vec<Line>| {
            let mut out = Vec::with_capacity(answers.len() * 80);
            for answer in answers {
                match answer {
                    Line::Done(text) => out.extend_from_slice(&text),
                    Line::Failed => out.extend(refusal(&ApiError::new(Code::Internal))),
                    Line::Earlier(kind, judged) => repeat(intake, integration, kind, judged, &mut out),
                }
                out.push(b'\n');
            }
            out
        };
        let (intake, id, answers) = (self.intake.clone(), batch.live.entry.integration.id, batch.answers);
        if answers.iter().any(|answer| matches!(answer, Line::Earlier(..))) {
            self.read(move || write(&intake, id, answers)).await
        } else {
            Ok(write(&intake, id, answers))
        }
    }
}

impl Batch {
    /// The key of the next line, where the whole body has one.
    fn line_key(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("{key}#{}", self.answers.len() + 1))
    }

    /// Notes what became of an entry.
    fn note(&mut self, entry: &mut Entry, outcome: Outcome) {
        entry.settled = outcome != Outcome::LookAgain;
        self.answers[entry.at] = match outcome {
            Outcome::Judged(judged) | Outcome::Amended(judged) => {
                self.last_seq = self.last_seq.max(judged.seq);
                self.clicks.note(&entry.draft.event);
                let mut text = Vec::with_capacity(80);
                answer::verdict(&entry.draft.event, &mut text);
                Line::Done(text)
            }
            Outcome::Repeated(judged) => {
                self.last_seq = self.last_seq.max(judged.seq);
                Line::Earlier(entry.draft.event.kind, judged)
            }
            Outcome::Conflict => Line::Done(refusal(&ApiError::new(Code::KeyReused))),
            Outcome::NoConversion | Outcome::Unknown => {
                let refused = vec![answer::no_conversion(&entry.draft.event)];
                Line::Done(refusal(&ApiError::invalid(refused)))
            }
            Outcome::LookAgain => Line::Failed,
        };
    }
}

/// How many things of these sizes are one turn: at least one.
fn turn(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = sizes.take(TURN).take_while(|size| {
        bytes += size;
        bytes <= TURN_BYTES
    });
    fits.count().max(1)
}

fn repeat(intake: &Intake, integration: IntegrationId, kind: EventKind, judged: Judged, out: &mut Vec<u8>) {
    match intake.stored(integration, kind, judged) {
        Ok(Some(event)) => answer::verdict(&event, out),
        Ok(None) => out.extend(refusal(&ApiError::internal("repeating an answer", &"its event is gone"))),
        Err(cause) => out.extend(refusal(&ApiError::internal("repeating an answer", &cause))),
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

/// The event's kind, `None` for a rejection; most clients write it first.
fn kind_of(line: &[u8]) -> Result<Option<EventKind>, Invalid> {
    let named = |name: &str| match name {
        "rejection" => Some(None),
        name => EventKind::from_name(name).map(Some),
    };
    let first = line.strip_prefix(b"{\"kind\":\"").and_then(|rest| rest.split(|b| *b == b'"').next());
    if let Some(kind) = first.and_then(|name| named(std::str::from_utf8(name).ok()?)) {
        return Ok(kind);
    }
    let found: Kind<'_> = serde_json::from_slice(line)
        .map_err(|error| Invalid::new("body", format!("is not a JSON object: {error}")))?;
    let known = "click, conversion, impression or rejection";
    let name = found.kind.ok_or_else(|| Invalid::new("kind", format!("is required: {known}")))?;
    named(&name).ok_or_else(|| Invalid::new("kind", format!("must be {known}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_cut_by_lines_and_by_bytes() {
        assert_eq!(turn([10; 300].into_iter()), TURN);
        assert_eq!(turn([TURN_BYTES / 4; 9].into_iter()), 4);
        assert_eq!(turn([TURN_BYTES + 1, 1].into_iter()), 1);
        assert_eq!(turn([1, TURN_BYTES].into_iter()), 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn bodies_share_their_room() {
        let bodies = Bodies::default();
        let unknown: Vec<_> = [bodies.room(None).await, bodies.room(Some(u64::MAX)).await].into();
        assert!(unknown.iter().all(Result::is_ok));
        let (_third, _small) = (bodies.room(None).await.unwrap(), bodies.room(Some(100)).await.unwrap());
        assert!(tokio::time::timeout(Duration::from_millis(20), bodies.room(None)).await.is_err());
        drop(unknown);
        assert!(bodies.room(None).await.is_ok());
    }
}
