//! Sending what is due: so many at a time altogether, for one integration and to one host, and one at a time where it
//! fails or takes long, so that nobody's receiver holds up anybody else's.

use super::backoff::next_attempt;
use super::delivery::{Attempt, DeliveryState, Due, Lane, Message};
use super::store::{Outcome, StoreError, WaitingLane};
use super::{ANSWER_BYTES, Postbacks, REST};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use tollgate_domain::{PostbackMethod, Timestamp};
use tollgate_outbound::{Limits, Post};

/// How often it is asked what is due.
const TICK: Duration = Duration::from_millis(100);
/// Attempts at a time.
const AT_ONCE: usize = 128;
/// Attempts at a time for one integration: the others always have places.
const PER_INTEGRATION: usize = 64;
/// Attempts at a time to one host.
const PER_HOST: usize = 8;
/// Attempts at a time on all lanes in trouble: those that are not always have places.
const TROUBLED: usize = 32;
/// How often what is old is deleted and figures are brought up to date.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// The sender's own state.
struct Sender {
    under_way: JoinSet<Attempt>,
    /// The deliveries under way, by the task of the attempt.
    deliveries: HashMap<task::Id, Due>,
    /// What ended and is not written down yet.
    ended: Vec<(Due, Attempt)>,
    /// Deliveries under way or not written down.
    numbers: HashSet<i64>,
    /// Lanes whose last attempt says that the host is in trouble.
    troubled: HashSet<Lane>,
    /// When the last attempt on a lane began, in turns: whose is longest ago comes first.
    turns: HashMap<Lane, u64>,
    turn: u64,
    /// When it has to be asked again what is due; `None`: not before something happens.
    look_at: Option<Timestamp>,
    /// The catalog's revision for which the inactive was canceled.
    catalog_seq: u64,
    housekeeping_at: Instant,
}

/// Earlier than everything: it has to be asked at once what is due.
const NOW: Option<Timestamp> = Some(Timestamp::from_millis(i64::MIN));

impl Sender {
    fn new() -> Self {
        Self {
            under_way: JoinSet::new(),
            deliveries: HashMap::new(),
            ended: Vec::new(),
            numbers: HashSet::new(),
            troubled: HashSet::new(),
            turns: HashMap::new(),
            turn: 0,
            look_at: NOW,
            catalog_seq: 0,
            housekeeping_at: Instant::now(),
        }
    }

    /// How many attempts are under way on lanes like these.
    fn under_way_on(&self, which: impl Fn(&Lane) -> bool) -> usize {
        self.deliveries.values().filter(|due| which(&due.lane)).count()
    }

    /// How many more attempts a lane takes.
    fn room(&self, lane: &Lane) -> usize {
        let left = |most: usize, which: &dyn Fn(&Lane) -> bool| most.saturating_sub(self.under_way_on(which));
        let room = left(AT_ONCE, &|_| true)
            .min(left(PER_INTEGRATION, &|other| other.integration == lane.integration))
            .min(left(PER_HOST, &|other| other.host == lane.host));
        if !self.troubled.contains(lane) {
            return room;
        }
        room.min(left(1, &|other| other == lane)).min(left(TROUBLED, &|other| self.troubled.contains(other)))
    }

    /// Puts the lanes into the order in which they are served, and forgets those that nothing waits on.
    fn order(&mut self, lanes: &mut [WaitingLane]) {
        let turns: HashMap<_, _> =
            lanes.iter().filter_map(|one| self.turns.remove_entry(&one.lane)).collect();
        lanes.sort_by_key(|one| (turns.get(&one.lane).copied(), one.first));
        self.turns = turns;
    }

    /// Takes notice of an attempt that began.
    fn began(&mut self, task: task::Id, due: Due) {
        self.turn += 1;
        self.turns.insert(due.lane.clone(), self.turn);
        self.numbers.insert(due.n);
        self.deliveries.insert(task, due);
    }

    /// Takes notice of an attempt that ended, well or badly.
    fn take(&mut self, ended: Result<(task::Id, Attempt), JoinError>, now: Timestamp) {
        let (task, attempt) = ended.unwrap_or_else(|error| {
            tracing::error!(%error, "an attempt to send a postback ended badly");
            (error.id(), Attempt::broken(now))
        });
        let Some(due) = self.deliveries.remove(&task) else { return };
        match attempt.is_trouble() {
            true => self.troubled.insert(due.lane.clone()),
            false => self.troubled.remove(&due.lane),
        };
        self.ended.push((due, attempt));
        self.look_at = NOW;
    }
}

impl Postbacks {
    /// Sends what is due until `stop` says so, and then waits for what is under way.
    pub(super) async fn keep_sending(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut sender = Sender::new();
        let (mut failing, mut stopping) = (false, false);
        loop {
            tokio::select! {
                Some(ended) = sender.under_way.join_next_with_id() => sender.take(ended, self.clock.now()),
                () = self.news.notified() => sender.look_at = NOW,
                _ = stop.wait_for(|stop| *stop), if !stopping => stopping = true,
                () = tokio::time::sleep(TICK) => {}
            }
            while let Some(ended) = sender.under_way.try_join_next_with_id() {
                sender.take(ended, self.clock.now());
            }
            match self.step(&mut sender, stopping).await {
                Ok(()) if failing => tracing::info!("postbacks are sent again"),
                Ok(()) => {}
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "postbacks cannot be sent; they wait until they can");
                    }
                    failing = true;
                    tokio::time::sleep(REST).await;
                    continue;
                }
            }
            failing = false;
            if stopping && sender.under_way.is_empty() {
                return;
            }
        }
    }

    /// Writes down what ended, and begins what is due.
    async fn step(self: &Arc<Self>, sender: &mut Sender, stopping: bool) -> Result<(), StoreError> {
        self.record(sender).await?;
        let catalog_seq = self.catalog.snapshot().seq();
        if catalog_seq != sender.catalog_seq {
            self.cancel_the_inactive().await?;
            sender.catalog_seq = catalog_seq;
        }
        if sender.housekeeping_at.elapsed() >= HOUSEKEEPING {
            self.look_at_what_waits().await?;
            // What is left is deleted the next time: nothing else waits for it.
            self.prune().await?;
            sender.housekeeping_at = Instant::now();
        }
        if !stopping && sender.look_at.is_some_and(|at| at <= self.clock.now()) {
            self.begin(sender).await?;
        }
        Ok(())
    }

    /// Begins what is due, as far as there is room.
    async fn begin(self: &Arc<Self>, sender: &mut Sender) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut lanes = self.store.lanes(now).await?;
        sender.look_at = lanes.iter().filter_map(|one| one.later).min();
        sender.order(&mut lanes);
        for WaitingLane { lane, .. } in lanes.iter().filter(|one| one.first <= now) {
            let room = sender.room(lane);
            if room == 0 {
                // It is asked again when an attempt ends.
                continue;
            }
            let known = sender.under_way_on(|other| other == lane);
            let due = self.store.due(lane, now, room + known).await?;
            let mut new: Vec<Due> = due.into_iter().filter(|due| !sender.numbers.contains(&due.n)).collect();
            new.truncate(room);
            for due in new {
                if self.is_active(&due.organization, &due.postback) {
                    self.spawn(sender, due);
                } else {
                    self.cancel(&due.organization, &due.postback).await?;
                    sender.look_at = NOW;
                }
            }
        }
        Ok(())
    }

    /// Begins an attempt.
    fn spawn(self: &Arc<Self>, sender: &mut Sender, due: Due) {
        let (this, message) = (self.clone(), due.message.clone());
        let task = sender.under_way.spawn(async move { this.attempt(&message).await });
        sender.began(task.id(), due);
    }

    /// Tries once.
    pub(super) async fn attempt(&self, message: &Message) -> Attempt {
        let (at, began) = (self.clock.now().millis(), Instant::now());
        let answer = match message.method {
            PostbackMethod::Get => self.outbound.get(&message.url).await,
            PostbackMethod::Post => self.outbound.post(form(message)).await,
        };
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, error) = match answer {
            Ok(answer) => (Some(answer.status), None),
            Err(error) => (None, Some(error.code().to_owned())),
        };
        Attempt { at, status: status.map(|status| status.as_u16()), millis, error }
    }

    /// Writes down what ended.
    async fn record(&self, sender: &mut Sender) -> Result<(), StoreError> {
        if sender.ended.is_empty() {
            return Ok(());
        }
        let outcomes: Vec<Outcome> =
            sender.ended.iter().map(|(due, attempt)| self.outcome(due, attempt)).collect();
        let states = self.store.record(&outcomes).await?;
        self.tallies.attempts.fetch_add(outcomes.len() as u64, Ordering::Relaxed);
        let count = |state| states.iter().filter(|one| **one == Some(state)).count() as u64;
        self.tallies.delivered.fetch_add(count(DeliveryState::Delivered), Ordering::Relaxed);
        self.tallies.failed.fetch_add(count(DeliveryState::Failed), Ordering::Relaxed);
        for (due, _) in sender.ended.drain(..) {
            sender.numbers.remove(&due.n);
        }
        Ok(())
    }

    /// What an attempt makes of a delivery.
    fn outcome(&self, due: &Due, attempt: &Attempt) -> Outcome {
        let now = self.clock.now();
        let attempts: Vec<Attempt> = due.attempts.iter().chain([attempt]).cloned().collect();
        // Attempts before someone asked for another day of them do not count.
        let failures = attempts.iter().filter(|attempt| attempt.at >= due.began_at.millis()).count();
        let next = match attempt.is_final() {
            true => None,
            false => next_attempt(due.began_at, now, failures.max(1), &*self.entropy),
        };
        let state = match (attempt.is_success(), next) {
            (true, _) => DeliveryState::Delivered,
            (false, Some(_)) => DeliveryState::Pending,
            (false, None) => DeliveryState::Failed,
        };
        let finished_at = (state != DeliveryState::Pending).then_some(now);
        Outcome {
            n: due.n,
            began_at: due.began_at,
            state,
            due_at: next.unwrap_or(now),
            finished_at,
            attempts,
        }
    }
}

/// A message that is posted.
fn form(message: &Message) -> Post<'_> {
    Post {
        url: &message.url,
        content_type: "application/x-www-form-urlencoded",
        headers: &[],
        body: message.body.clone().unwrap_or_default().into_bytes().into(),
        time: Limits::default().time,
        answer_bytes: ANSWER_BYTES,
    }
}
