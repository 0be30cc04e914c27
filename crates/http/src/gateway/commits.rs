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
    waiting: RefCell<Waiting>,
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
            self.waiting.borrow_mut().push(seq, context.waker().clone());
            // A commit between the look and the push has its notice still pending: `run` looks again.
            Poll::Pending
        })
        .await;
    }

    /// Wakes whoever's row became durable, for ever.
    pub async fn run(&self) {
        loop {
            self.turned.notified().await;
            self.waiting.borrow_mut().wake_through(self.ledger.committed());
        }
    }
}

/// Wakers in the order of what they wait for.
#[derive(Default)]
struct Waiting(VecDeque<(u64, Waker)>);

impl Waiting {
    /// Nearly always at the end: a core appends in order, and only who repeats an earlier answer, or had judged many
    /// lines before, waits for less than the last one.
    fn push(&mut self, seq: u64, waker: Waker) {
        let at = self.0.iter().rposition(|(before, _)| *before <= seq).map_or(0, |at| at + 1);
        self.0.insert(at, (seq, waker));
    }

    fn wake_through(&mut self, committed: u64) {
        while self.0.front().is_some_and(|(seq, _)| *seq <= committed) {
            if let Some((_, waker)) = self.0.pop_front() {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_for_less_is_woken_first() {
        let mut waiting = Waiting::default();
        let woken: Vec<Arc<Woken>> = [9, 3, 7, 3]
            .into_iter()
            .map(|seq| {
                let woken = Arc::new(Woken::default());
                waiting.push(seq, Waker::from(woken.clone()));
                woken
            })
            .collect();
        waiting.wake_through(7);
        let woken: Vec<bool> = woken.iter().map(|woken| woken.0.load(Ordering::Relaxed)).collect();
        assert_eq!(woken, [false, true, true, true]);
    }
}
