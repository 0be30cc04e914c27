//! The threads of a sweep. Each takes the next strip, reads it and works on it; results are handed on in the order of the
//! strips. A thread that is ahead waits, so that what is in memory is bounded.

use super::part::{self, Strip};
use super::plan::{Plan, Task};
use crate::scan::{ScanError, Walk};
use crate::segment::Wanted;
use crate::view::View;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a thread makes of strips.
pub(crate) trait Worker: Send {
    /// What comes of one strip.
    type Made: Send;

    /// Works on a strip.
    fn work(&mut self, strip: &Strip) -> Result<Self::Made, ScanError>;
}

/// Strips that may be ready and not taken yet, beyond those that threads are at.
pub(super) const AHEAD: u64 = 2;

struct Shared<'v, M> {
    state: Mutex<State<'v, M>>,
    /// Something was made, or went wrong.
    made: Condvar,
    /// Something was taken, or all is over.
    taken: Condvar,
}

struct State<'v, M> {
    plan: Plan<'v>,
    /// What was made and not taken, by the strip's number, with the share that is behind then.
    ready: BTreeMap<u64, Result<(M, f64), ScanError>>,
    /// The strip that is taken next.
    next: u64,
    /// How many strips there are, once that is known.
    strips: Option<u64>,
    over: bool,
}

/// Runs the walk on a thread for each of `workers` and hands what they make to `take`, strip by strip, with the share of
/// the work that is done. `take` runs on the calling thread and may break the sweep off; the answer says whether it did.
pub(crate) fn run<W: Worker>(
    view: &View,
    walk: &Walk<'_>,
    wanted: &Wanted,
    workers: &mut [W],
    take: &mut dyn FnMut(W::Made, f64) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ScanError> {
    let layers = view.open().layers()?;
    let state = State {
        plan: Plan::new(view, walk, wanted)?,
        ready: BTreeMap::new(),
        next: 0,
        strips: None,
        over: false,
    };
    let shared = Shared { state: Mutex::new(state), made: Condvar::new(), taken: Condvar::new() };
    let window = workers.len() as u64 + AHEAD;
    std::thread::scope(|scope| {
        // However this thread leaves, the others are told: the scope waits for them.
        let _over = Over(&shared);
        for worker in workers {
            let (shared, layers) = (&shared, &layers);
            scope.spawn(move || {
                shared.serve(window, |task| worker.work(&part::load(walk, layers, wanted, task)?))
            });
        }
        shared.take_all(take)
    })
}

impl<'v, M> Shared<'v, M> {
    fn lock(&self) -> MutexGuard<'_, State<'v, M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life.
    fn serve(&self, window: u64, mut make: impl FnMut(&Task<'v>) -> Result<M, ScanError>) {
        // Whoever waits is told when this thread ends, even by a panic.
        let _ends = Ends(self);
        while let Some(task) = self.next_task(window) {
            let made = make(&task).map(|made| (made, task.share));
            self.lock().ready.insert(task.number, made);
            self.made.notify_one();
        }
    }

    /// The next strip, when it is time for it.
    fn next_task(&self, window: u64) -> Option<Task<'v>> {
        let mut state = self.lock();
        loop {
            if state.over || state.strips.is_some() {
                return None;
            }
            if state.plan.number() < state.next + window {
                break;
            }
            state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let number = state.plan.number();
        match state.plan.next() {
            Ok(Some(task)) => return Some(task),
            Ok(None) => state.strips = Some(number),
            Err(error) => {
                state.strips = Some(number + 1);
                state.ready.insert(number, Err(error));
            }
        }
        self.made.notify_one();
        self.taken.notify_all();
        None
    }

    fn take_all(
        &self,
        take: &mut dyn FnMut(M, f64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ScanError> {
        let mut state = self.lock();
        loop {
            let next = state.next;
            if let Some(made) = state.ready.remove(&next) {
                state.next += 1;
                drop(state);
                self.taken.notify_all();
                let (made, share) = made?;
                if take(made, share).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                state = self.lock();
                continue;
            }
            if state.over || state.strips == Some(next) {
                return Ok(ControlFlow::Continue(()));
            }
            state = self.made.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self) {
        self.lock().over = true;
        self.taken.notify_all();
        self.made.notify_one();
    }
}

/// Ends everything when it is dropped.
struct Over<'s, 'v, M>(&'s Shared<'v, M>);

impl<M> Drop for Over<'_, '_, M> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Ends everything when it is dropped by a panic.
struct Ends<'s, 'v, M>(&'s Shared<'v, M>);

impl<M> Drop for Ends<'_, '_, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end();
        }
    }
}
