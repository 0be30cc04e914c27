//! An approved event costs no allocation: neither its evaluation nor counting it under known keys.

#![allow(unsafe_code, reason = "counting allocations needs an allocator of one's own")]

mod common;

use common::*;
use serde_json::json;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tollgate_domain::*;
use tollgate_screening::Verdict;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn an_approved_event_allocates_nothing() {
    let plan = plan(json!([
        {"type": "data_validation", "params": {"publisher": {"blocked": ["x"]}}},
        {"type": "device_id"}, {"type": "bot"}, {"type": "geo", "params": {"blocked": ["KP"]}},
        {"type": "proxy"}, {"type": "proxy", "params": {"threshold_percentage": 50}},
        {"type": "duplicate_user", "params": {"allowed_duplicates": 100, "data_points":
            ["ip", "uuid", "device_id", "user_agent", "fingerprint"]}},
        {"type": "click_flooding"},
    ]));
    let texts = [
        (Text::Ip, "192.0.2.1"),
        (Text::Publisher, "p"),
        (Text::OfferId, "o"),
        (Text::Country, "DE"),
        (Text::DeviceId, "5f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        (Text::UserAgent, "Mozilla/5.0"),
    ];
    let (mut counters, mut verdict) = (counters(), Verdict::new());
    // The first events make room in the buffers and leave hits in place behind for rings.
    for n in 0..10 {
        plan.judge(&mut click(n, &texts), None, &(), &mut counters, &mut verdict);
        plan.fold(&click(n, &texts), &mut counters);
    }
    let mut event = click(11, &texts);
    // An event that is used again has room for the verdict's columns.
    event.set_text(Text::ExtraParameters, &" ".repeat(4096));
    event.reset(EventKind::Click, plan.integration());
    event.set_number(Number::RequestTime, START + 11);
    texts.iter().for_each(|(column, value)| event.set_text(*column, value));
    let before = ALLOCATIONS.with(Cell::get);
    plan.evaluate(&event, None, &(), &counters, &mut verdict);
    plan.fold(&event, &mut counters);
    plan.judge(&mut event, None, &(), &mut counters, &mut verdict);
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
    assert_eq!(verdict.status(), Status::Approved);
    assert!(verdict.evidence().is_none());
}
