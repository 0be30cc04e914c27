//! How far threads of a sweep get ahead, and how it ends early.

use super::run::AHEAD;
use super::*;
use crate::scan::ScanError;
use crate::segment::{Layout, Wanted};
use crate::view_tests::{DAY_MS, integration, spread_amended};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_domain::{Event, EventKind, Number, Timestamp, TxId};

const THREADS: u64 = 3;

struct Counted<'c>(&'c AtomicU64);

impl Worker for Counted<'_> {
    type Made = usize;

    fn work(&mut self, strip: &Strip) -> Result<usize, ScanError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(strip.parts.iter().map(Part::rows).sum())
    }
}

/// Sweeps 900 rows; `take` is told how many strips were made by then.
fn sweep(take: &mut dyn FnMut(usize, u64) -> ControlFlow<()>) -> ControlFlow<()> {
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, integration(0));
        let time = Timestamp::from_millis(20_000 * DAY_MS + n);
        event.id = TxId::new(time, n as u128);
        event.set_number(Number::RequestTime, time.millis());
        event
    };
    let layout = (Layout { group_rows: 100, page_rows: 8 }, 0);
    let both = spread_amended((0..900).map(event).collect(), &[400, 300], &[], layout, &[]);
    let range = TxId::default()..TxId::from_u128(u128::MAX);
    let walk = both.view.all((EventKind::Click, integration(0)), range, &[], None);
    let made = AtomicU64::new(0);
    let mut workers: Vec<_> = (0..THREADS).map(|_| Counted(&made)).collect();
    let mut take = |rows, _| take(rows, made.load(Ordering::SeqCst));
    run(&both.view, &walk, &Wanted::default(), &mut workers, &mut take).unwrap()
}

#[test]
fn threads_wait_for_whoever_takes_what_they_make() {
    let (mut rows, mut taken) = (0, 0);
    let ended = sweep(&mut |more, made| {
        (rows, taken) = (rows + more, taken + 1);
        assert!(made <= taken + THREADS + AHEAD, "{made} made, {taken} taken");
        // Time for threads that would not wait; those that do are not measured by it.
        std::thread::sleep(std::time::Duration::from_millis(1));
        ControlFlow::Continue(())
    });
    assert!(ended.is_continue() && rows == 900 && taken > 20, "{rows} rows in {taken} strips");
}

#[test]
fn a_sweep_that_is_broken_off_ends() {
    let mut taken = 0;
    let ended = sweep(&mut |_, _| {
        taken += 1;
        if taken == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(ended.is_break() && taken == 3);
}
