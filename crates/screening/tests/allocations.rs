//! An approved event costs no allocation: neither its evaluation nor counting it under known keys.

#![allow(unsafe_code, reason = "counting allocations needs an allocator of one's own")]
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::{Value, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tollgate_domain::*;
use tollgate_screening::{CATALOGUE, Plan, Verdict};

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

/// Every filter type, so that each of them has something to do and nothing to object to.
fn every_filter() -> Value {
    let filters = json!([
        {"type": "signature"},
        {"type": "data_validation", "params": {"publisher": {"blocked": ["x"]}}},
        {"type": "sub_id_validity", "params": {"only_numbers": true, "min_length": 1, "max_unique": 5}},
        {"type": "device_id"}, {"type": "bot"}, {"type": "geo", "params": {"blocked": ["KP"]}},
        {"type": "proxy"}, {"type": "proxy", "params": {"threshold_percentage": 50}},
        {"type": "isp", "params": {"names": ["Hosting GmbH"], "asns": [64496]}},
        {"type": "language", "params": {"blocked": ["ja"], "country_mismatch": true}},
        {"type": "old_device"}, {"type": "old_device", "params": {"threshold_percentage": 50, "by_sub_id": true}},
        {"type": "referrer", "params": {"categories": ["fraud", "adult"], "keywords": ["casino"]}},
        {"type": "keyword", "params": {"blocked": ["free"], "allowed_duplicates": 100}},
        {"type": "duplicate_user", "params": {"allowed_duplicates": 100, "data_points":
            ["ip", "uuid", "device_id", "user_agent", "fingerprint"]}},
        {"type": "click_flooding"},
        {"type": "click_capping", "params": {"cap": 1000, "period": "month"}},
        {"type": "third_party_rejection"},
        {"type": "attribution"},
        {"type": "session_time"},
        {"type": "install_time"},
        {"type": "low_session_time"},
        {"type": "click_spam"},
        {"type": "conversion_rate", "params": {"min_clicks": 1, "low": 0, "high": 100, "block_clicks": true}},
        {"type": "rejection_threshold"},
        {"type": "custom", "params": {"when": {"field": "publisher", "op": "eq", "value": "x"}}},
    ]);
    for filter in CATALOGUE {
        let named = |spec: &Value| spec["type"] == filter.name;
        assert!(filters.as_array().unwrap().iter().any(named), "{} is not tried", filter.name);
    }
    filters
}

#[test]
fn an_approved_event_allocates_nothing() {
    for kind in KINDS_ALL {
        approve(*kind);
    }
}

fn approve(kind: EventKind) {
    let plan = plan(every_filter());
    let texts = [
        (Text::Ip, "192.0.2.1"),
        (Text::Publisher, "p"),
        (Text::OfferId, "o"),
        (Text::Country, "DE"),
        (Text::DeviceId, "5f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        (Text::UserAgent, "Mozilla/5.0"),
        (Text::OsName, "Android"),
        (Text::OsVersion, "14"),
        (Text::BrowserName, "Chrome Mobile"),
        (Text::BrowserVersion, "126.0.0"),
        (Text::BrowserLanguages, "de-DE,de;q=0.9,en;q=0.8"),
        (Text::SubId, "12345"),
        (Text::Isp, "Telekom"),
        (Text::Keyword, "Insurance"),
        (Text::Referer, "https://news.example/article"),
        (Text::Uuid, "user"),
        (Text::Fingerprint, "f1"),
    ];
    // Conversions name no click: each would have one of its own, and a new key takes memory.
    let fill = |event: &mut Event, n: i64| {
        event.reset(kind, plan.integration());
        event.set_number(Number::RequestTime, START + n);
        texts.iter().for_each(|(column, value)| event.set_text(*column, value));
        if kind == EventKind::Conversion {
            event.set_number(Number::ClickTime, START - 60_000);
            event.set_number(Number::BeginInstallTime, START - 50_000);
            event.set_number(Number::FinishInstallTime, START - 40_000);
        }
    };
    check(&plan, kind, fill);
}

fn check(plan: &Plan, kind: EventKind, mut fill: impl FnMut(&mut Event, i64)) {
    let (mut counters, mut verdict) = (counters(), Verdict::new());
    // An event that is used again has room for the verdict's columns.
    let mut event = Event::new(kind, plan.integration());
    event.set_text(Text::ExtraParameters, &" ".repeat(4096));
    // The first events make room in the buffers and leave hits in place behind for rings.
    for n in 0..10 {
        fill(&mut event, n);
        plan.judge(&mut event, None, &(), &mut counters, &mut verdict);
        plan.fold(&event, &mut counters);
    }
    fill(&mut event, 11);
    let before = ALLOCATIONS.with(Cell::get);
    plan.evaluate(&event, None, &(), &counters, &mut verdict);
    plan.fold(&event, &mut counters);
    plan.judge(&mut event, None, &(), &mut counters, &mut verdict);
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0, "{}", kind.name());
    assert_eq!(verdict.status(), Status::Approved, "{:?}", verdict.evidence());
    assert!(verdict.evidence().is_none());
}
