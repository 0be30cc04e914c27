//! Waiting for the disk without a thread each: the committer wakes a core once per commit, the core wakes its requests.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use tokio::sync::Notify;
use tollgate_ledger::Ledger;

/// The requests of one core that wait for their rows to be durable.
pub struct Commits {
    ledger: Ledger,
    turned: Arc<Notify>,
    waiting: RefCell<VecDeque<(u64, Waker)>>,
}

impl Commits {
    /// For the calling thread; [`Commits::run`] must run on it.
    pub fn new(ledger: Ledger) -> Self {
        let turned = Arc::new(Notify::new());
        let notify = turned.clone();
        ledger.on_commit(move || notify.notify_one());
        Self { ledger, turned, waiting: RefCell::default() }
    }

    /// Completes when `seq` is durable.
    pub async fn wait(&self, seq: u64) {
        poll_fn(|context| {
            if self.ledger.committed() >= seq {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push_back((seq, context.waker().clone()));
            // A commit between the look and the push has its notice still pending: `run` looks again.
            Poll::Pending
        })
        .await;
    }

    /// Wakes whoever's row became durable, for ever.
    pub async fn run(&self) {
        loop {
            self.turned.notified().await;
            let committed = self.ledger.committed();
            let mut waiting = self.waiting.borrow_mut();
            // One core appends in order, so its waiters stand in order too.
            while waiting.front().is_some_and(|(seq, _)| *seq <= committed) {
                if let Some((_, waker)) = waiting.pop_front() {
                    waker.wake();
                }
            }
        }
    }
}
