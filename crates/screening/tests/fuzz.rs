//! Hostile filters: what is refused is refused by name, and what is not judges any event within bounds.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;
#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;

use common::*;
use fuzz::{Food, feed};
use serde_json::json;
use std::cell::Cell;
use tollgate_domain::{Event, EventKind, FilterSpec, KINDS_ALL, Number, Text};
use tollgate_screening::{MAX_EVIDENCE, Plan, validate};

const TOKENS: &[&str] = &[
    "{\"not\":",
    "{\"all\":[",
    "]}",
    "}",
    "{",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "\"\"",
    "1e99",
    "-1",
    "0.005",
    "\"value\":[1],",
    "\"op\":\"matches\",",
    "\"field\":\"country\",",
    "(a*)*",
    "(((((",
    "{0,999}",
    "[^a]{1,500}",
    "\\\\p{L}",
    "\\ud800",
    "\u{e9}",
    "\"type\":\"custom\",",
    "\"enabled\":false,",
];

/// An event of whose texts each is as long as a caller can make it.
fn event_of(kind: EventKind, input: &[u8]) -> Event {
    let mut event = event(kind, 0, &[]);
    let text = String::from_utf8_lossy(input);
    let text = &text[..text.floor_char_boundary(1024)];
    for column in Text::ALL.iter().filter(|column| column.kinds().contains(&kind)) {
        event.set_text(*column, text);
    }
    for (n, column) in Number::ALL.iter().filter(|column| column.kinds().contains(&kind)).enumerate() {
        event.set_number(*column, [START, i64::MIN, i64::MAX, 0, -1][n % 5]);
    }
    event.set_number(Number::RequestTime, START);
    event
}

#[test]
fn filters() {
    let corpus = include_str!("../../../tests/corpus/filters.txt");
    // An expression is compiled to at most some megabytes, a condition has at most ten of them.
    let food = Food { corpus, tokens: TOKENS, times: 50, fixed: 64 << 20, each: 8 << 10 };
    let (refused, judged) = (Cell::new(0), Cell::new(0));
    let work = |(): &(), input: &[u8]| {
        let Ok(specs) = serde_json::from_slice::<Vec<FilterSpec>>(input) else { return };
        match validate(&specs) {
            Err(errors) => {
                refused.set(refused.get() + 1);
                assert!(!errors.is_empty());
                let told: usize = errors.iter().map(|error| error.field.len() + error.message.len()).sum();
                assert!(told <= (64 << 10) + 100 * input.len(), "{told} bytes about {}", input.len());
                assert!(errors.iter().all(|error| error.field.starts_with("filters[")), "{errors:?}");
            }
            Ok(()) => {
                judged.set(judged.get() + 1);
                judge(&specs, input);
            }
        }
    };
    feed(&food, || (), work);
    println!("{} lists of filters were refused, {} judged", refused.get(), judged.get());
    assert!(refused.get() > 100 && judged.get() > 100, "what is fed is hardly ever a list of filters");
}

fn judge(specs: &[FilterSpec], input: &[u8]) {
    let groups = [group("defaultaaa", json!({"filters": specs}))];
    let mut judge = Judge::new(Plan::compile(&integration(), &groups).unwrap());
    for kind in KINDS_ALL {
        for _ in 0..3 {
            let mut event = event_of(*kind, input);
            judge.reasons(&mut event);
            assert!(judge.verdict.evidence().is_none_or(|text| text.len() <= MAX_EVIDENCE));
        }
    }
}
