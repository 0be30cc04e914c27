//! Working on jobs in the background, oldest first, one of an organization at a time, at idle priority.

use super::produce::{Made, produce};
use super::store::{Ended, Record};
use super::{ATTEMPTS, Analytics, Job};
use std::sync::Arc;
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
        let (mut working, ending) = (JoinSet::new(), Stop::default());
        // Of its own, so that it comes however often there is other news.
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            while working.len() < self.options.workers.max(1) {
                let Some(record) = self.claim() else { break };
                working.spawn(self.clone().work(record, ending.clone()));
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
        ending.set();
        while working.join_next().await.is_some() {}
    }

    /// Takes the oldest job that waits, of an organization that nothing is worked on for.
    fn claim(&self) -> Option<Record> {
        let mut jobs = self.jobs();
        let of = |job: &Job| job.record.request.organization;
        let busy: Vec<_> = jobs.values().filter(|job| job.is_running).map(of).collect();
        let waits = |job: &&mut Job| {
            job.record.ended.is_none() && !job.is_running && !busy.contains(&job.record.request.organization)
        };
        let next = jobs.values_mut().filter(waits).min_by_key(|job| job.record.asked_at)?;
        next.is_running = true;
        Some(next.record.clone())
    }

    /// Makes one result and writes down that it is there. That it was begun is written down before: what the process did
    /// not survive so often is given up.
    async fn work(self: Arc<Self>, mut record: Record, ending: Stop) {
        record.attempts += 1;
        if record.attempts > ATTEMPTS {
            let why = format!("Tollgate ended in the middle of it {ATTEMPTS} times.");
            return self.end(record, Some(why)).await;
        }
        if !self.keep(&record).await {
            return self.put_back(record).await;
        }
        let (told, made) = oneshot::channel();
        let (this, asked) = (self.clone(), record.clone());
        let thread = std::thread::Builder::new().name("analytics".to_owned()).spawn(move || {
            set_idle_priority(true);
            let (view, snapshot) = (this.ledger.view(), this.catalog.snapshot());
            let what = (asked.id.as_str(), &asked.request);
            // Whoever asked waits as long as the runtime does.
            let _ = told.send(produce((&view, &snapshot), what, (&*this.store, &this.options), &ending));
        });
        if let Err(error) = thread {
            tracing::error!(%error, "a job's thread could not start; that is tried again");
            record.attempts -= 1;
            return self.put_back(record).await;
        }
        let why = match made.await {
            Ok(Made::Stopped) => {
                // It was not the job that ended the process.
                record.attempts -= 1;
                self.keep(&record).await;
                return self.forget_begun(record);
            }
            Ok(Made::Whole) => None,
            Ok(Made::Refused(why)) => Some(why),
            // A thread that ended without a word has panicked, and said so in the log.
            Err(_) => Some("The server made a mistake.".to_owned()),
        };
        self.end(record, why).await;
    }

    /// Writes down what came of a job.
    async fn end(&self, mut record: Record, why: Option<String>) {
        record.ended = Some(Ended { at: self.clock.now(), why });
        match self.keep(&record).await {
            true => self.forget_begun(record),
            false => {
                record.ended = None;
                self.put_back(record).await;
            }
        }
    }

    /// Writes a record; whether that went well.
    async fn keep(&self, record: &Record) -> bool {
        let (store, kept) = (self.store.clone(), record.clone());
        let kept = tokio::task::spawn_blocking(move || store.keep(&kept)).await;
        match kept.map_err(std::io::Error::other).flatten() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a job's record could not be written; that is tried again");
                false
            }
        }
    }

    /// Lets a job wait again, after a rest.
    async fn put_back(&self, record: Record) {
        tokio::time::sleep(REST).await;
        self.forget_begun(record);
    }

    /// Nobody works on the job any more.
    fn forget_begun(&self, record: Record) {
        self.jobs().insert(record.id.clone(), Job { record, is_running: false });
    }
}
