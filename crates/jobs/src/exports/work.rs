//! The background work: begins what waits while there are places, removes what is older than it is kept, and stops at
//! once when the process is to end.

use super::Exports;
use super::produce::{Running, produce};
use super::store::{Claimed, Ended, StoreError};
use crate::room::Room;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tollgate_ledger::set_idle_priority;

/// How long to rest after a failure.
const REST: Duration = Duration::from_secs(5);
/// How often what is too old is removed.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);
/// How often files and records are made to agree, when that is due.
const RECONCILE_EVERY: Duration = Duration::from_secs(10);
/// Exports that are removed in one step.
const EXPIRE_AT_ONCE: u32 = 100;

/// Waits until the signal says so. A sender that is gone says the same.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Exports {
    /// Writes what waits until `stop` says so. What is under way then is begun again after the next start.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut working = JoinSet::new();
        let mut hourly = tokio::time::interval(EXPIRE_EVERY);
        let mut reconciling = tokio::time::interval(RECONCILE_EVERY);
        self.look_at_files(&mut stop).await;
        loop {
            let rest = self.begin(&mut working).await;
            if let Err(error) = self.look_at_figures().await {
                tracing::warn!(%error, "the figures about exports are old");
            }
            tokio::select! {
                biased;
                () = told(&mut stop) => break,
                Some(ended) = working.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "the record of an export's end was not written");
                    }
                }
                _ = self.news.notified() => {}
                _ = hourly.tick() => {
                    // A store that does not answer must not keep the process from ending.
                    tokio::select! {
                        biased;
                        () = told(&mut stop) => break,
                        () = self.expire() => {}
                    }
                }
                _ = reconciling.tick() => self.look_at_files(&mut stop).await,
                () = tokio::time::sleep(REST), if rest => {}
            }
        }
        self.running().values().for_each(|(_, running)| running.stop());
        while working.join_next().await.is_some() {}
    }

    /// Removes files that no record has, if that is due, unless `stop` says so meanwhile.
    async fn look_at_files(&self, stop: &mut watch::Receiver<bool>) {
        let looked = tokio::select! {
            biased;
            () = told(stop) => return,
            looked = self.reconcile() => looked,
        };
        match looked {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the files of exports cannot be looked at; that is tried again")
            }
            Err(error) => {
                tracing::error!(%error, "files of exports could not be compared with records; that is tried again")
            }
        }
    }

    /// Begins what waits while there are places. Answers whether that failed and is to be tried again later.
    async fn begin(self: &Arc<Self>, working: &mut JoinSet<()>) -> bool {
        while working.len() < self.options.workers.max(1) {
            match self.claim().await {
                Ok(Some((claimed, running))) => {
                    working.spawn(self.clone().work(claimed, running));
                }
                Ok(None) => return false,
                Err(error) => {
                    tracing::error!(%error, "exports could not be begun; that is tried again");
                    return true;
                }
            }
        }
        false
    }

    /// Takes the next export that may be begun.
    async fn claim(&self) -> Result<Option<(Claimed, Arc<Running>)>, StoreError> {
        // Nobody removes files that he does not know until this one is known.
        let _untidy = self.untidy.lock().await;
        let (under_way, full) = {
            let running = self.running();
            let count = |one| running.values().filter(|(organization, _)| *organization == one).count();
            let full = running.values().map(|(organization, _)| *organization);
            let full: Vec<_> = full.filter(|one| count(*one) >= self.options.each.max(1)).collect();
            (running.keys().cloned().collect::<Vec<_>>(), full)
        };
        let full: Vec<_> = full.iter().map(|organization| organization.as_str().to_owned()).collect();
        let Some(claimed) = self.store.claim(&full, &under_way, self.clock.now()).await? else {
            return Ok(None);
        };
        let running = Arc::new(Running::new(claimed.artifact.clone()));
        self.running().insert(claimed.id.clone(), (claimed.request.organization, running.clone()));
        Ok(Some((claimed, running)))
    }

    /// Writes one file and its record.
    async fn work(self: Arc<Self>, claimed: Claimed, running: Arc<Running>) {
        let ended = self.produce(&claimed, running.clone()).await;
        if !matches!(ended, Ended::Completed { .. }) {
            // What could not be taken back where files are out of reach is found again.
            *self.untidy.lock().await |= self.artifacts.is_remote();
        }
        match &ended {
            Ended::Completed { total, size, .. } => {
                self.completed.fetch_add(1, Ordering::Relaxed);
                tracing::info!(export = claimed.id, rows = total, bytes = size, "export completed");
            }
            Ended::Failed(why) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(export = claimed.id, why, "export failed");
            }
            Ended::Interrupted => tracing::info!(export = claimed.id, "export stopped"),
        }
        loop {
            match self.store.end(&claimed.id, claimed.attempt, &ended, self.clock.now()).await {
                Ok(true) => break,
                // It was deleted or canceled meanwhile: nobody may have the file.
                Ok(false) => break self.remove(vec![claimed.artifact.clone()]).await,
                Err(error) if running.is_stopped() => {
                    break tracing::error!(%error, "an export is begun again at the next start");
                }
                Err(error) => {
                    tracing::error!(%error, "an export's end could not be recorded; that is tried again")
                }
            }
            tokio::time::sleep(REST).await;
        }
        self.running().remove(&claimed.id);
        self.news.notify_one();
    }

    /// Writes one file on a thread of its own, at idle priority.
    async fn produce(self: &Arc<Self>, claimed: &Claimed, running: Arc<Running>) -> Ended {
        let (told, ended) = oneshot::channel();
        let (this, request) = (self.clone(), claimed.request.clone());
        let thread = std::thread::Builder::new().name("export".to_owned()).spawn(move || {
            set_idle_priority(true);
            let Self { options, artifacts, .. } = &*this;
            let most = options.file_bytes.min(artifacts.largest());
            let room = Room { most, reserve: options.reserve_bytes };
            let ended = produce(&this.ledger.view(), &request, &**artifacts, room, options.threads, &running);
            // Whoever asked waits as long as the runtime does.
            let _ = told.send(ended);
        });
        if let Err(error) = thread {
            tracing::error!(%error, "an export's thread could not start");
            return Ended::Failed("The server could not begin it; retry it later.".to_owned());
        }
        // A thread that ended without a word has panicked, and said so in the log.
        ended.await.unwrap_or_else(|_| Ended::Failed("The server made a mistake.".to_owned()))
    }

    /// Removes exports that are older than they are kept.
    pub async fn expire(&self) {
        // What was lost on the way to files out of reach is found again in time.
        *self.untidy.lock().await |= self.artifacts.is_remote();
        let kept = i64::try_from(self.options.retention.as_millis()).unwrap_or(i64::MAX);
        let before = self.clock.now().plus_millis(kept.saturating_neg());
        loop {
            match self.store.expire(before, EXPIRE_AT_ONCE).await {
                Ok(files) if files.is_empty() => return,
                Ok(files) => {
                    tracing::info!(
                        exports = files.len(),
                        "exports were removed that are older than they are kept"
                    );
                    self.remove(files).await;
                }
                Err(error) => {
                    return tracing::error!(%error, "old exports could not be removed; that is tried again");
                }
            }
        }
    }

    /// Removes files. What cannot be removed now is removed later, since no record has it.
    pub(super) async fn remove(&self, names: Vec<String>) {
        let artifacts = self.artifacts.clone();
        let removed = tokio::task::spawn_blocking(move || {
            let mut all = true;
            for name in names {
                if let Err(error) = artifacts.remove(&name) {
                    tracing::error!(%error, name, "an export's file could not be removed; that is tried again");
                    all = false;
                }
            }
            all
        });
        // A panic is in the log.
        if !removed.await.unwrap_or(false) {
            *self.untidy.lock().await = true;
        }
    }
}
