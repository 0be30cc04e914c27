//! One thread's way through admission, signals, judgement and ledger, with the buffers and caches it reuses.

use crate::amend::{Amended, Said, amend};
use crate::attribution;
use crate::draft::{Draft, Wishes};
use crate::intake::Intake;
use crate::keys::{self, Known};
use crate::live::LiveIntegration;
use crate::lookup::Lookup;
use crate::prior::{Asked, Prior, THIRD_PARTY};
use crate::recent::Recent;
use crate::redirect::Redirect;
use crate::rejection::Rejection;
use crate::shard::Shard;
use std::net::IpAddr;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, IpPrivacy, Number, Text, Timestamp, TxId};
use tollgate_ledger::Promise;
use tollgate_ledger::scan::ScanError;
use tollgate_screening::{Counters, DataSource, DataSources, Foreseen, Topic, Verdict, is_base_conversion};
use tollgate_signals::{AgentCache, SignalSet};

/// User agents a worker remembers.
const AGENTS: usize = 8192;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was judged; the draft's event is the row.
    Judged(Judged),
    /// It repeats a stored conversion and brings a third party's word on that; the draft's event is the stored one now.
    Amended(Judged),
    /// Its key was seen before with the same request: the answer is that event's.
    Repeated(Judged),
    /// Its key was used for another request; nothing was stored and nothing counted.
    Conflict,
    /// Nothing yet: history has to be asked again ([`Worker::ask_again`]), for it may know more by now. Whoever can wait
    /// does so until everything is durable that was appended.
    LookAgain,
    /// It happened after a conversion that its click does not have; nothing was stored and nothing counted.
    NoConversion,
    /// There is no conversion that this could be about; nothing was stored.
    Unknown,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// It is durable once the ledger has committed this.
    pub seq: u64,
    /// Its id.
    pub id: TxId,
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

    /// What history must be asked before the finished draft can be completed; most events need nothing.
    pub fn ask(&self, draft: &mut Draft) -> Option<Lookup> {
        let Draft { event, wishes, .. } = draft;
        let mut key = None;
        if let Some(given) = &wishes.event_key {
            event.key = keys::hash(self.intake.key_secret(), event.integration, event.kind, given);
            let known = self.intake.shards().of(event.integration).keys.get(event.key, arrival(event));
            key = known.is_none().then(|| (event.key, arrival(event)));
        }
        let click = attribution::wanted(event, wishes);
        if key.is_none() && click.is_none() {
            return None;
        }
        // Without a click or an id nothing leads to what came before.
        let prior = click.as_ref().and_then(|_| Asked::before(event));
        Some(Lookup { intake: self.intake.clone(), integration: event.integration, key, click, prior })
    }

    /// What history must be asked after [`Outcome::LookAgain`].
    pub fn ask_again(&self, draft: &Draft) -> Lookup {
        let event = &draft.event;
        let key = (event.key != 0).then(|| (event.key, arrival(event)));
        let prior = Asked::before(event);
        Lookup { intake: self.intake.clone(), integration: event.integration, key, click: None, prior }
    }

    /// What history must be asked before a finished rejection is stored, or after [`Outcome::LookAgain`].
    pub fn ask_of_rejection(&self, rejection: &mut Rejection) -> Lookup {
        let (integration, arrival) = (rejection.integration, rejection.arrival);
        let mut key = None;
        if let Some(given) = &rejection.event_key {
            rejection.key = keys::hash_of_rejection(self.intake.key_secret(), integration, given);
            key = Some((rejection.key, arrival));
        }
        let prior = Some(rejection.asked());
        Lookup { intake: self.intake.clone(), integration, key, click: None, prior }
    }

    /// Stores what a rejection says, in the order of judgement; `promise` covers it. Where it is judged, or says nothing
    /// new, its conversion is as it is now.
    pub fn reject(
        &mut self,
        live: &LiveIntegration,
        promise: &Promise,
        rejection: &mut Rejection,
    ) -> Outcome {
        let intake = self.intake.clone();
        let mut shard = intake.shards().of(rejection.integration);
        let (key, arrived) = (rejection.key, rejection.arrival);
        if key != 0 {
            if let Some(known) = shard.keys.get(key, arrived).or(rejection.seen.known) {
                return repeated(known, rejection.body_hash);
            }
            if shard.keys.pruned_through() > rejection.seen.covered {
                return Outcome::LookAgain;
            }
        }
        let mut prior = std::mem::take(&mut rejection.prior);
        let amended = amend(&intake, &mut shard, (live, promise), &mut prior, &rejection.said());
        rejection.prior = prior;
        let Some(conversion) = rejection.conversion() else { return Outcome::Unknown };
        let id = conversion.id;
        match amended {
            Amended::LookAgain => Outcome::LookAgain,
            Amended::NothingNew => Outcome::Judged(Judged { seq: rejection.prior.covered, id }),
            Amended::Done(seq) => {
                if key != 0 {
                    let known = Known { seq, id, body: rejection.body_hash, arrived };
                    shard.keys.insert(key, known, intake.ledger().sealed());
                }
                Outcome::Judged(Judged { seq, id })
            }
        }
    }

    /// Adds what is known beside the parameters: the conversion's click, signals, versions. Once for each event, since
    /// signals come from the whole address and some integrations keep only a part of it.
    pub fn complete(&mut self, live: &LiveIntegration, draft: &mut Draft) {
        if draft.event.kind == EventKind::Conversion {
            let click = draft.click.take();
            attribution::join(&mut draft.event, click.as_deref());
        }
        self.describe(live, &mut draft.event);
    }

    /// Asks history and completes: for threads of their own.
    pub(crate) fn prepare(&mut self, live: &LiveIntegration, draft: &mut Draft) -> Result<(), ScanError> {
        if let Some(lookup) = self.ask(draft) {
            // Files of history come in any order: what came before in it is not asked.
            Lookup { prior: None, ..lookup }.run()?.tell(draft);
        }
        self.complete(live, draft);
        Ok(())
    }

    /// Adds signals, price and versions to an event whose click, if it has one, is joined.
    pub(crate) fn describe(&mut self, live: &LiveIntegration, event: &mut Event) {
        if self.signals.generation() != self.intake.signals().generation() {
            self.signals = self.intake.signals().current();
        }
        self.signals.enrich(event, &mut self.agents);
        if event.kind == EventKind::Impression {
            self.intake.price(live, event);
        }
        self.intake.charge(live, event);
        if live.entry.integration.ip_privacy == IpPrivacy::Truncated {
            truncate_ip(event);
        }
        event.set_number(Number::ConfigVersion, live.config_version as i64);
    }

    /// The one place where an event is judged: under its shard's lock, in the order of `seq`. The draft is completed and
    /// `promise` covers it, and what may follow from it when its user is to be redirected. The draft's event is the row
    /// then.
    pub fn judge(
        &mut self,
        live: &LiveIntegration,
        promise: &Promise,
        draft: &mut Draft,
        redirect: Option<Redirect<'_>>,
    ) -> Outcome {
        let intake = self.intake.clone();
        let mut shard = intake.shards().of(draft.event.integration);
        self.judge_in(&mut shard, live, promise, draft, redirect)
    }

    /// Judges drafts of one integration like [`Worker::judge`], in their order, and lets nobody else of its shard come
    /// between: threads that meet there wait once for many events. It should be few enough that others need not wait
    /// long.
    pub fn judge_together<'d>(
        &mut self,
        live: &LiveIntegration,
        promise: &Promise,
        drafts: impl Iterator<Item = &'d mut Draft>,
    ) -> Vec<Outcome> {
        let intake = self.intake.clone();
        let mut shard = intake.shards().of(live.entry.integration.id);
        let mut drafts: Vec<&mut Draft> = drafts.collect();
        let events = drafts.iter_mut().map(|draft| (&draft.event, &mut draft.foreseen));
        live.plan.foresee(events, &shard.counters);
        let judge = |draft: &mut Draft| {
            let outcome = self.judge_in(&mut shard, live, promise, draft, None);
            draft.foreseen.forget();
            outcome
        };
        drafts.into_iter().map(judge).collect()
    }

    fn judge_in(
        &mut self,
        shard: &mut Shard,
        live: &LiveIntegration,
        promise: &Promise,
        draft: &mut Draft,
        redirect: Option<Redirect<'_>>,
    ) -> Outcome {
        let Draft { event, wishes, body_hash, seen, prior, foreseen, .. } = draft;
        if event.key != 0 {
            if let Some(known) = shard.keys.get(event.key, arrival(event)).or(seen.known) {
                return repeated(known, *body_hash);
            }
            if shard.keys.pruned_through() > seen.covered {
                return Outcome::LookAgain;
            }
            event.set_number(Number::BodyHash, *body_hash);
        }
        if let Some(outcome) = held_up(event, prior, &shard.recent) {
            return outcome;
        }
        let intake = self.intake.clone();
        let repeats = prior.same.is_some();
        let seq = if repeats {
            match repeat(&intake, shard, (live, promise), prior, event, *body_hash) {
                Amended::LookAgain => return Outcome::LookAgain,
                Amended::NothingNew => prior.covered,
                Amended::Done(seq) => seq,
            }
        } else {
            self.append_judged(live, promise, (event, wishes, foreseen), redirect, shard)
        };
        if event.key != 0 {
            let known = Known { seq, id: event.id, body: *body_hash, arrived: arrival(event) };
            shard.keys.insert(event.key, known, intake.ledger().sealed());
        }
        let judged = Judged { seq, id: event.id };
        if repeats { Outcome::Amended(judged) } else { Outcome::Judged(judged) }
    }

    /// Judges, appends and counts a new event.
    fn append_judged(
        &mut self,
        live: &LiveIntegration,
        promise: &Promise,
        (event, wishes, foreseen): (&mut Event, &Wishes, &mut Foreseen),
        redirect: Option<Redirect<'_>>,
        shard: &mut Shard,
    ) -> u64 {
        self.evaluate(live, (event, wishes, foreseen), &shard.counters);
        let intake = self.intake.clone();
        let seq = match redirect {
            Some(redirect) => {
                self.append_redirected(live, promise, (event, wishes), redirect, &mut shard.counters)
            }
            None => {
                let seq = intake.ledger().append(promise, event, |_| {});
                live.plan.count_judged(event, &self.verdict, &mut shard.counters);
                seq
            }
        };
        if event.kind == EventKind::Conversion {
            let converts = click_of(event).filter(|_| is_base_conversion(event));
            shard.recent.note_conversion(event, converts, intake.ledger().committed());
        }
        seq
    }

    fn evaluate(
        &mut self,
        live: &LiveIntegration,
        (event, wishes, foreseen): (&mut Event, &Wishes, &mut Foreseen),
        counters: &Counters,
    ) {
        let (sources, group) = (Sources(&self.signals), wishes.filter_group);
        live.plan.evaluate_foreseen((event, foreseen), group, &sources, counters, &mut self.verdict);
        self.verdict.write_to(event);
        self.count_verdict(event);
    }

    /// Counts the verdict on `event`, which is the newest, for metrics.
    pub(crate) fn count_verdict(&self, event: &Event) {
        self.intake.count_verdict(event, &self.verdict);
    }

    /// What events are judged with beside their integration's plan.
    pub(crate) fn judging(&mut self) -> (&SignalSet, &mut Verdict) {
        (&self.signals, &mut self.verdict)
    }

    /// Judges a prepared event of history with an import's own counters; `promise` must cover it.
    pub(crate) fn judge_apart(
        &mut self,
        live: &LiveIntegration,
        counters: &mut Counters,
        promise: &Promise,
        draft: &mut Draft,
    ) -> Judged {
        let Draft { event, wishes, foreseen, .. } = draft;
        self.evaluate(live, (event, wishes, foreseen), counters);
        let seq = self.intake.ledger().append(promise, event, |_| {});
        live.plan.count_judged(event, &self.verdict, counters);
        Judged { seq, id: event.id }
    }
}

/// The click of a conversion.
fn click_of(event: &Event) -> Option<TxId> {
    event.text(Text::ClickRealTxId)?.parse().ok()
}

/// Why an event cannot be judged yet, or not at all, for the conversions before it.
fn held_up(event: &Event, prior: &Prior, recent: &Recent) -> Option<Outcome> {
    if !prior.asked {
        return None;
    }
    if recent.outdates(prior.covered) {
        return Some(Outcome::LookAgain);
    }
    let brings_word = THIRD_PARTY.iter().any(|column| event.text(*column).is_some());
    if brings_word && prior.same.is_none() && recent.told(event, prior.covered) {
        return Some(Outcome::LookAgain);
    }
    let click = click_of(event).filter(|_| !is_base_conversion(event))?;
    (!prior.converted && !recent.converted(click)).then_some(Outcome::NoConversion)
}

/// Lets a conversion that repeats a stored one amend that, and be it from now on.
fn repeat(
    intake: &Intake,
    shard: &mut Shard,
    to: (&LiveIntegration, &Promise),
    prior: &mut Prior,
    event: &mut Event,
    body_hash: i64,
) -> Amended {
    let said = Said {
        reject: None,
        third_party: THIRD_PARTY.map(|column| (column, event.text(column))),
        key: event.key,
        body_hash,
    };
    let amended = amend(intake, shard, to, prior, &said);
    if let (Amended::Done(_) | Amended::NothingNew, Some(stored)) = (&amended, prior.same.take()) {
        let (key, arrived) = (event.key, event.number(Number::ArrivalTime));
        *event = *stored;
        event.key = key;
        if let Some(arrived) = arrived {
            event.set_number(Number::ArrivalTime, arrived);
        }
    }
    amended
}

/// When an event arrived: keys live in that time.
pub(crate) fn arrival(event: &Event) -> Timestamp {
    event.time(Number::ArrivalTime).unwrap_or_else(|| event.at())
}

fn repeated(known: Known, body_hash: i64) -> Outcome {
    if known.body == body_hash {
        Outcome::Repeated(Judged { seq: known.seq, id: known.id })
    } else {
        Outcome::Conflict
    }
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
pub(crate) struct Sources<'a>(pub(crate) &'a SignalSet);

impl DataSources for Sources<'_> {
    fn source(&self, topic: Topic) -> Option<DataSource<'_>> {
        use tollgate_signals::Topic as Known;
        let known = match topic {
            Topic::Country => Known::Geo,
            Topic::Network => Known::Asn,
            Topic::Proxy(kind) => Known::Proxy(kind),
            Topic::Agents => Known::Bots,
            Topic::SearchEngines => Known::SearchEngine,
        };
        let source = self.0.source_for(known)?;
        Some(DataSource { file: &source.name, version: &source.version })
    }
}
