//! What ten million distinct keys cost: resident memory, and the longest a checkpoint keeps the judge waiting.
#![allow(clippy::unwrap_used, reason = "a bench may fail loudly")]

use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tollgate_domain::{Event, EventKind, Number, Text};
use tollgate_screening::{Counters, Plan};

const KEYS: u64 = 10_000_000;

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn main() {
    let integration = serde_json::from_value(json!({
        "id": "abcdefghij", "organization": "0123456789abcdef01234567", "name": "bench", "active": true,
        "monitoring_mode": false, "time_zone": "UTC",
    }));
    let group = serde_json::from_value(json!({
        "id": "defaultaaa", "integration": "abcdefghij", "name": "Default", "active": true, "priority": null,
        "filters": [{"type": "duplicate_user", "applies_to": ["click"]}],
    }));
    let plan = Plan::compile(&integration.unwrap(), &[Arc::new(group.unwrap())]).unwrap();
    let mut counters = Counters::new(b"a secret of test", 1 << 30);
    let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
    let (before, start) = (resident(), Instant::now());
    for n in 0..KEYS {
        event.reset(EventKind::Click, plan.integration());
        event.set_number(Number::RequestTime, 1_790_000_000_000 + n as i64 / 100);
        event.write_text(Text::Ip, |out| {
            use std::fmt::Write;
            let _ = write!(out, "{}.{}.{}.{}", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255);
        });
        plan.fold(&event, &mut counters);
    }
    let memory = resident() - before;
    println!(
        "{} keys ({} evicted) in {:.1?}: {} MiB resident, {} bytes a key, {} MiB charged to the budget",
        counters.len(),
        counters.evicted(),
        start.elapsed(),
        memory >> 20,
        memory / KEYS,
        counters.bytes() >> 20,
    );
    let (mut longest, mut bytes, mut out) = (Duration::ZERO, 0, Vec::new());
    let start = Instant::now();
    for slot in 0..Counters::SLOTS {
        let one = Instant::now();
        out.clear();
        counters.export_slot(slot, &mut out);
        longest = longest.max(one.elapsed());
        bytes += out.len();
    }
    println!("checkpoint: {} MiB in {:.1?}, one slot at most {longest:.1?}", bytes >> 20, start.elapsed());
}
