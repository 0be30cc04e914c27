//! Working on jobs in the background, oldest first, one of an organization at a time, at idle priority.

use super::produce::{Made, produce};
use super::store::{Ended, Record};
use super::{Analytics, Job};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tollgate_ledger::group::Stop;
use tollgate_ledger::set_idle_priority;

/// How often results are looked at that are kept no longer, and how long a failure rests.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Waits until `stop` says so; a sender that is gone says so, too.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Analytics {
    /// Works on jobs until `stop` says so; what is under way ends soon then, and is begun again by the next process.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let (mut working, ending) = (JoinSet::new(), Stop::default());
        loop {
            while working.len() < self.options.workers.max(1) {
                let Some(record) = self.claim() else { break };
                working.spawn(self.clone().work(record, ending.clone()));
            }
            let this = self.clone();
            tokio::select! {
                biased;
                () = told(&mut stop) => break,
                () = self.news.notified() => {}
                Some(_) = working.join_next() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {
                    // A panic is in the log.
                    let _ = tokio::task::spawn_blocking(move || this.expire()).await;
                }
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

    /// Makes one result and writes down that it is there.
    async fn work(self: Arc<Self>, mut record: Record, ending: Stop) {
        let (told, made) = oneshot::channel();
        let (this, asked) = (self.clone(), record.clone());
        let thread = std::thread::Builder::new().name("analytics".to_owned()).spawn(move || {
            set_idle_priority(true);
            let (view, snapshot) = (this.ledger.view(), this.catalog.snapshot());
            let what = (asked.id.as_str(), &asked.request);
            // Whoever asked waits as long as the runtime does.
            let _ = told.send(produce((&view, &snapshot), what, (&this.store, &this.options), &ending));
        });
        if let Err(error) = thread {
            tracing::error!(%error, "a job's thread could not start; that is tried again");
            tokio::time::sleep(LOOK_EVERY).await;
            return self.put_back(&record.id);
        }
        let why = match made.await {
            Ok(Made::Stopped) => return self.put_back(&record.id),
            Ok(Made::Whole) => None,
            Ok(Made::Refused(why)) => Some(why),
            // A thread that ended without a word has panicked, and said so in the log.
            Err(_) => Some("The server made a mistake.".to_owned()),
        };
        record.ended = Some(Ended { at: self.clock.now(), why });
        let (this, kept) = (self.clone(), record.clone());
        let kept = tokio::task::spawn_blocking(move || this.store.keep(&kept)).await;
        match kept.map_err(std::io::Error::other).flatten() {
            Ok(()) => {
                let job = Job { record, is_running: false };
                self.jobs().insert(job.record.id.clone(), job);
            }
            Err(error) => {
                tracing::error!(%error, "a job's end could not be written down; it is made again");
                tokio::time::sleep(LOOK_EVERY).await;
                self.put_back(&record.id);
            }
        }
    }

    fn put_back(&self, id: &str) {
        if let Some(job) = self.jobs().get_mut(id) {
            job.is_running = false;
        }
    }
}
