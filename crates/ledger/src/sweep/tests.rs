//! How far threads of a sweep get ahead, and how it ends early.

use super::run::AHEAD;
use super::*;
use crate::query::{Fields, Predicate};
use crate::scan::ScanError;
use crate::segment::{Layout, Wanted};
use crate::view_tests::{DAY_MS, integration, spread_amended};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_domain::{Column, Event, EventKind, Number, Text, Timestamp, TxId};

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

/// The greatest strip, in bytes of the texts that its rows have.
struct Widest;

impl Worker for Widest {
    type Made = u64;

    fn work(&mut self, strip: &Strip) -> Result<u64, ScanError> {
        let of_part = |part: &Part| match &part.stored {
            Stored::Columns(columns) => {
                let text = |row| columns.row(row).text(Text::UserAgent).map_or(0, str::len) as u64;
                (0..columns.rows()).map(text).sum::<u64>()
            }
            Stored::Events(events) => events.iter().map(|event| event.text_bytes() as u64).sum(),
        };
        Ok(strip.parts.iter().map(of_part).sum())
    }
}

#[test]
fn strips_of_wide_rows_have_fewer_of_them() {
    const WIDTH: u64 = 9000;
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, integration(0));
        let time = Timestamp::from_millis(20_000 * DAY_MS + n);
        event.id = TxId::new(time, n as u128);
        event.set_text(Text::UserAgent, &"w".repeat(WIDTH as usize - n as usize % 2));
        event
    };
    let layout = (Layout { group_rows: 40, page_rows: 2 }, 0);
    let both = spread_amended((0..120).map(event).collect(), &[80], &[], layout, &[]);
    let range = TxId::default()..TxId::from_u128(u128::MAX);
    let walk = both.view.all((EventKind::Click, integration(0)), range, &[], None);
    let wanted = Wanted { columns: vec![Column::Text(Text::UserAgent)], ..Wanted::default() };
    let (mut all, mut widest) = (0, 0);
    let mut take = |bytes: u64, _| {
        (all, widest) = (all + bytes, widest.max(bytes));
        ControlFlow::Continue(())
    };
    let _ = run(&both.view, &walk, &wanted, &mut [Widest], &mut take).unwrap();
    assert_eq!(all, 120 * WIDTH - 60);
    assert!(widest <= STRIP_BYTES + 3 * WIDTH, "{widest} bytes in one strip");
}

/// What is read, whether it matches or not.
struct Read;

impl Worker for Read {
    type Made = (u64, usize);

    fn work(&mut self, strip: &Strip) -> Result<(u64, usize), ScanError> {
        Ok((strip.read, strip.parts.iter().map(Part::rows).sum()))
    }
}

#[test]
fn segments_of_which_nothing_came_then_are_not_read() {
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, integration(0));
        let time = Timestamp::from_millis(20_000 * DAY_MS + n);
        event.id = TxId::new(time, n as u128);
        event.set_number(Number::RequestTime, time.millis());
        // Every tenth comes a day later.
        event.set_number(Number::ArrivalTime, time.millis() + if n % 10 == 0 { DAY_MS } else { 0 });
        event
    };
    // So small that they would be read whole.
    let layout = (Layout { group_rows: 100, page_rows: 8 }, 0);
    let both = spread_amended((0..100).map(event).collect(), &[5; 20], &[], layout, &[]);
    let range = TxId::default()..TxId::from_u128(u128::MAX);
    for (operator, expected) in [("gte", (50, 10)), ("gt", (45, 9)), ("lt", (100, 90)), ("eq", (50, 1))] {
        let time = Timestamp::from_millis(20_001 * DAY_MS).to_string();
        let came = Predicate::parse(EventKind::Click, "arrival_time", Some(operator), &time).unwrap();
        let predicates = [came];
        let walk = both.view.all((EventKind::Click, integration(0)), range.clone(), &predicates, None);
        let mut all = (0, 0);
        let mut take = |(read, rows), _| {
            all = (all.0 + read, all.1 + rows);
            ControlFlow::Continue(())
        };
        let _ = run(&both.view, &walk, &Wanted::default(), &mut [Read], &mut take).unwrap();
        assert_eq!(all, expected, "{operator}");
    }
}
