//! One thread's way through admission, signals, judgement and ledger, with the buffers and caches it reuses.

use crate::attribution;
use crate::draft::{Draft, Wishes};
use crate::intake::Intake;
use crate::keys::{self, Known};
use crate::live::LiveIntegration;
use crate::shard::Shard;
use std::net::IpAddr;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, Invalid, IpPrivacy, Number, Text, TxId};
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::{Promise, Refused};
use tollgate_screening::{Counters, DataSource, DataSources, Topic, Verdict};
use tollgate_signals::{AgentCache, SignalSet};

/// User agents a worker remembers.
const AGENTS: usize = 8192;

/// An event on its way in.
pub struct Submission<'a> {
    /// The event, finished ([`Draft::finish`]).
    pub draft: &'a mut Draft,
    /// Hash of the request, to tell an equal retry from another event under the same key.
    pub body_hash: i64,
}

/// What became of an event that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was judged; the draft's event is the row.
    Judged(Judged),
    /// Its key was seen before with the same request: the answer is that event's.
    Repeated(Judged),
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// It is durable once the ledger has committed this.
    pub seq: u64,
    /// Its id.
    pub id: TxId,
}

/// Why an event was not taken in: nothing was stored and nothing counted.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// Parameters are not legal.
    #[error("parameters are not legal")]
    Invalid(Vec<Invalid>),
    /// No room just now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyConflict,
    /// History could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// A thread's worker.
pub struct Worker {
    intake: Arc<Intake>,
    signals: Arc<SignalSet>,
    agents: AgentCache,
    verdict: Verdict,
}

impl Worker {
    /// A worker of `intake`.
    pub fn new(intake: Arc<Intake>) -> Self {
        let signals = intake.signals().current();
        Self { intake, signals, agents: AgentCache::new(AGENTS), verdict: Verdict::new() }
    }

    /// The intake it works for.
    pub fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// Takes in one event. `finish` completes the judged row once its id is known, e.g. with the redirect.
    pub fn submit(
        &mut self,
        live: &LiveIntegration,
        submission: Submission<'_>,
        finish: impl FnOnce(&mut Event, &Wishes),
    ) -> Result<Outcome, Rejected> {
        self.prepare(live, submission.draft)?;
        if let Some(known) = self.sealed_key(&submission)? {
            return known;
        }
        let promise = self.intake.ledger().promise(1, submission.draft.event.text_bytes() as u64)?;
        let intake = self.intake.clone();
        let mut shard = intake.shards().of(live.entry.integration.id);
        self.judge(live, &mut shard, &promise, submission, finish)
    }

    /// Takes in events of one integration in order. All of them are admitted, or none; each has its own outcome.
    pub fn submit_all(
        &mut self,
        live: &LiveIntegration,
        submissions: Vec<Submission<'_>>,
    ) -> Result<Vec<Result<Outcome, Rejected>>, Refused> {
        let mut ready = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let prepared = self.prepare(live, submission.draft).and_then(|()| self.sealed_key(&submission));
            let known = match prepared {
                Ok(None) => None,
                Ok(Some(known)) => Some(known),
                Err(error) => Some(Err(error.into())),
            };
            ready.push((submission, known));
        }
        let text: usize = ready.iter().map(|(submission, _)| submission.draft.event.text_bytes()).sum();
        let promise = self.intake.ledger().promise(ready.len() as u64, text as u64)?;
        let intake = self.intake.clone();
        let mut shard = intake.shards().of(live.entry.integration.id);
        let judge = |(submission, known): (Submission<'_>, Option<_>)| {
            known.unwrap_or_else(|| self.judge(live, &mut shard, &promise, submission, |_, _| {}))
        };
        Ok(ready.into_iter().map(judge).collect())
    }

    /// Adds what is known beside the parameters: the conversion's click, signals, versions.
    pub(crate) fn prepare(&mut self, live: &LiveIntegration, draft: &mut Draft) -> Result<(), ScanError> {
        let event = &mut draft.event;
        if event.kind == EventKind::Conversion {
            attribution::join(&self.intake, event, &draft.wishes)?;
        }
        self.describe(live, event);
        if let Some(key) = &draft.wishes.event_key {
            event.key = keys::hash(self.intake.key_secret(), event.integration, event.kind, key);
        }
        Ok(())
    }

    /// Adds signals and versions to an event whose click, if it has one, is joined.
    pub(crate) fn describe(&mut self, live: &LiveIntegration, event: &mut Event) {
        if self.signals.generation() != self.intake.signals().generation() {
            self.signals = self.intake.signals().current();
        }
        self.signals.enrich(event, &mut self.agents);
        if live.entry.integration.ip_privacy == IpPrivacy::Truncated {
            truncate_ip(event);
        }
        event.set_number(Number::ConfigVersion, live.config_version as i64);
    }

    /// What segments know of the submission's key.
    fn sealed_key(
        &self,
        submission: &Submission<'_>,
    ) -> Result<Option<Result<Outcome, Rejected>>, ScanError> {
        let event = &submission.draft.event;
        if event.key == 0 || self.intake.shards().of(event.integration).keys.get(event.key).is_some() {
            return Ok(None);
        }
        let since = self.intake.now().plus_millis(-keys::LIFETIME_MS);
        let found = self.intake.ledger().view().find_key(event.integration, event.key, since)?;
        Ok(found.map(|before| {
            let body = before.number(Number::BodyHash).unwrap_or_default();
            repeated(Known { seq: before.seq, id: before.id, body }, submission.body_hash)
        }))
    }

    /// The one place where an event is judged: under its shard's lock, in the order of `seq`.
    fn judge(
        &mut self,
        live: &LiveIntegration,
        shard: &mut Shard,
        promise: &Promise,
        submission: Submission<'_>,
        finish: impl FnOnce(&mut Event, &Wishes),
    ) -> Result<Outcome, Rejected> {
        let Submission { draft, body_hash } = submission;
        let Draft { event, wishes, .. } = draft;
        if event.key != 0 {
            if let Some(known) = shard.keys.get(event.key) {
                return repeated(known, body_hash);
            }
            event.set_number(Number::BodyHash, body_hash);
        }
        self.evaluate(live, event, wishes, &shard.counters);
        let ledger = self.intake.ledger();
        let seq = ledger.append(promise, event, |event| finish(event, wishes));
        live.plan.count_judged(event, &self.verdict, &mut shard.counters);
        if event.key != 0 {
            let known = Known { seq, id: event.id, body: body_hash };
            shard.keys.insert(event.key, known, || ledger.stats().sealed_seq);
        }
        Ok(Outcome::Judged(Judged { seq, id: event.id }))
    }

    fn evaluate(&mut self, live: &LiveIntegration, event: &mut Event, wishes: &Wishes, counters: &Counters) {
        let sources = Sources(&self.signals);
        live.plan.evaluate(event, wishes.filter_group, &sources, counters, &mut self.verdict);
        self.verdict.write_to(event);
        self.intake.count_verdict(event, &self.verdict);
    }

    /// Judges a prepared event of history with an import's own counters; `promise` must cover it.
    pub(crate) fn judge_apart(
        &mut self,
        live: &LiveIntegration,
        counters: &mut Counters,
        promise: &Promise,
        draft: &mut Draft,
    ) -> Judged {
        let Draft { event, wishes, .. } = draft;
        self.evaluate(live, event, wishes, counters);
        let seq = self.intake.ledger().append(promise, event, |_| {});
        live.plan.count_judged(event, &self.verdict, counters);
        Judged { seq, id: event.id }
    }
}

fn repeated(known: Known, body_hash: i64) -> Result<Outcome, Rejected> {
    if known.body != body_hash {
        return Err(Rejected::KeyConflict);
    }
    Ok(Outcome::Repeated(Judged { seq: known.seq, id: known.id }))
}

/// Keeps the network of an address: IPv4 without its last 8 bits, IPv6 without its last 80.
fn truncate_ip(event: &mut Event) {
    let truncated = match event.text(Text::Ip).and_then(|ip| ip.parse().ok()) {
        Some(IpAddr::V4(ip)) => IpAddr::V4((u32::from(ip) & !0xff).into()),
        Some(IpAddr::V6(ip)) => IpAddr::V6((u128::from(ip) >> 80 << 80).into()),
        None => return,
    };
    event.set_text(Text::Ip, &truncated.to_string());
}

/// The data files that evidence cites.
struct Sources<'a>(&'a SignalSet);

impl DataSources for Sources<'_> {
    fn source(&self, topic: Topic) -> Option<DataSource<'_>> {
        use tollgate_signals::Topic as Known;
        let known = match topic {
            Topic::Country => Known::Geo,
            Topic::Proxy(kind) => Known::Proxy(kind),
            Topic::Agents => Known::Bots,
            Topic::SearchEngines => Known::SearchEngine,
        };
        let source = self.0.source_for(known)?;
        Some(DataSource { file: &source.name, version: &source.version })
    }
}
