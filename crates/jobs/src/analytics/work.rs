//! Working on jobs in the background, oldest first, one of an organization at a time, at idle priority.

use super::attempt::{Attempt, Noted};
use super::produce::{Made, produce};
use super::store::{Ended, Record};
use super::{ATTEMPTS, Analytics, Job};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tollgate_ledger::group::Stop;
use tollgate_ledger::set_idle_priority;

/// How often results are looked at that are kept no longer.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long a failure rests.
const REST: Duration = Duration::from_secs(5);

/// Waits until `stop` says so; a sender that is gone says so, too.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Analytics {
    /// Works on jobs until `stop` says so; what is under way ends soon then, and is begun again by the next process.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut working = JoinSet::new();
        // Of its own, so that it comes however often there is other news.
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            while working.len() < self.options.workers.max(1) {
                let Some((record, stop)) = self.claim() else { break };
                working.spawn(self.clone().work(record, stop));
            }
            let this = self.clone();
            tokio::select! {
                biased;
                () = told(&mut stop) => break,
                _ = looks.tick() => {
                    // A panic is in the log.
                    let _ = tokio::task::spawn_blocking(move || this.expire()).await;
                }
                () = self.news.notified() => {}
                Some(_) = working.join_next() => {}
            }
        }
        self.jobs().values().filter_map(|job| job.attempt.as_ref()).for_each(|attempt| attempt.stop.set());
        while working.join_next().await.is_some() {}
    }

    /// Takes the oldest job that waits, of an organization that nothing is worked on for.
    fn claim(&self) -> Option<(Record, Stop)> {
        let mut jobs = self.jobs();
        let of = |job: &Job| job.record.request.organization;
        let busy: Vec<_> = jobs.values().filter(|job| job.attempt.is_some()).map(of).collect();
        let waits = |job: &&mut Job| job.record.ended.is_none() && !busy.contains(&of(job));
        let next = jobs.values_mut().filter(waits).min_by_key(|job| job.record.asked_at)?;
        let attempt = next.attempt.insert(Attempt::new());
        Some((next.record.clone(), attempt.stop.clone()))
    }

    /// Makes one result and writes down that it is there. That it was begun is written down before: what the process did
    /// not survive so often is given up.
    async fn work(self: Arc<Self>, record: Record, stop: Stop) {
        let id = record.id.clone();
        if record.attempts >= ATTEMPTS {
            let why = format!("Tollgate ended in the middle of it {ATTEMPTS} times.");
            return self.end(&id, Some(why)).await;
        }
        match self.noted(&id, |record| record.attempts += 1).await {
            Noted::Written => {}
            Noted::Unwanted => return self.leave(&id),
            Noted::Failed => return self.rest(&id).await,
        }
        match self.make(record, stop).await {
            Some(Made::Whole) => self.end(&id, None).await,
            Some(Made::Refused(why)) => self.end(&id, Some(why)).await,
            // It was not the job that ended the process.
            Some(Made::Stopped) => {
                self.noted(&id, |record| record.attempts -= 1).await;
                self.leave(&id);
            }
            None => {
                self.noted(&id, |record| record.attempts -= 1).await;
                self.rest(&id).await;
            }
        }
    }

    /// Makes one result on a thread of its own; `None` when that could not start.
    async fn make(self: &Arc<Self>, record: Record, stop: Stop) -> Option<Made> {
        let (told, made) = oneshot::channel();
        let this = self.clone();
        let thread = std::thread::Builder::new().name("analytics".to_owned()).spawn(move || {
            set_idle_priority(true);
            let (view, snapshot) = (this.ledger.view(), this.catalog.snapshot());
            let what = (record.id.as_str(), &record.request);
            // Whoever asked waits as long as the runtime does.
            let _ = told.send(produce((&view, &snapshot), what, (&*this.store, &this.options), &stop));
        });
        if let Err(error) = thread {
            tracing::error!(%error, "a job's thread could not start; that is tried again");
            return None;
        }
        // A thread that ended without a word has panicked, and said so in the log.
        Some(made.await.unwrap_or_else(|_| Made::Refused("The server made a mistake.".to_owned())))
    }

    /// Writes down what came of a job. A result that nobody wants any more is removed.
    async fn end(self: &Arc<Self>, id: &str, why: Option<String>) {
        let ends = if why.is_none() { &self.ends.completed } else { &self.ends.failed };
        let ended = Ended { at: self.clock.now(), why, is_canceled: false };
        match self.noted(id, |record| record.ended = Some(ended)).await {
            Noted::Written => {
                ends.fetch_add(1, Ordering::Relaxed);
            }
            Noted::Unwanted => self.discard(id).await,
            Noted::Failed => return self.rest(id).await,
        }
        self.leave(id);
    }

    /// Removes the result of a job that was canceled when it was all but whole.
    async fn discard(&self, id: &str) {
        let (store, id) = (self.store.clone(), id.to_owned());
        let removing = tokio::task::spawn_blocking(move || store.discard(&id));
        if let Err(error) = removing.await.map_err(std::io::Error::other).flatten() {
            tracing::error!(%error, "a canceled job's result could not be removed; the next start does");
        }
    }

    /// The same as [`Analytics::note`], from a task.
    async fn noted(self: &Arc<Self>, id: &str, change: impl FnOnce(&mut Record) + Send + 'static) -> Noted {
        let (this, id) = (self.clone(), id.to_owned());
        // A panic is in the log.
        tokio::task::spawn_blocking(move || this.note(&id, change)).await.unwrap_or(Noted::Failed)
    }

    /// Lets a job wait again, after a rest.
    async fn rest(&self, id: &str) {
        tokio::time::sleep(REST).await;
        self.leave(id);
    }

    /// Nobody works on the job any more.
    fn leave(&self, id: &str) {
        if let Some(job) = self.jobs().get_mut(id) {
            job.attempt = None;
        }
    }
}
