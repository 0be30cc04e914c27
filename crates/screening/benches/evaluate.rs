//! What one judgement costs: 100 rules with 10 counter features, and the filters of every type that `bench/run.py --filters`
//! measures; approved clicks of 100,000 users.
#![allow(clippy::unwrap_used, reason = "a bench may fail loudly")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use tollgate_domain::{Event, EventKind, FilterGroup, Integration, Number, Text};
use tollgate_screening::{Counters, Plan, Verdict};

const USERS: u64 = 100_000;
const CALLS: usize = 400_000;

fn hundred_rules() -> Plan {
    let mut filters: Vec<Value> = Vec::new();
    for n in 0..40 {
        let blocked: Vec<_> = (0..20).map(|v| format!("bad-{n}-{v}")).collect();
        filters.push(json!({"type": "data_validation", "params": {
            "publisher": {"blocked": blocked}, "sub_id": {"blocked": [format!("worse-{n}")]}}}));
    }
    for code in ["AF", "KP", "IR", "SY", "CU"].iter().cycle().take(15) {
        filters.push(json!({"type": "geo", "params": {"blocked": [code]}}));
    }
    filters.extend((0..10).map(|_| json!({"type": "bot"})));
    filters.extend((0..5).map(|_| json!({"type": "device_id"})));
    filters.extend((0..10).map(|_| json!({"type": "proxy"})));
    // Ten features, each looked at by two filters.
    for threshold in [1000, 900] {
        for point in ["ip", "uuid", "device_id", "user_agent", "fingerprint"] {
            filters.push(json!({"type": "duplicate_user", "params": {
                "data_points": [point], "allowed_duplicates": threshold}}));
        }
        for scope in ["ip", "sub_id", "publisher"] {
            filters.push(json!({"type": "click_flooding", "params": {
                "scope": scope, "threshold": 100 * threshold}}));
        }
        for level in [["offer", "publisher"], ["offer", "sub_id"]] {
            filters.push(json!({"type": "proxy", "params": {
                "level": level, "threshold_percentage": 60, "min_requests": threshold}}));
        }
    }
    assert_eq!(filters.len(), 100);
    // Kinds are counted apart; the bench counts clicks.
    for filter in &mut filters {
        filter["applies_to"] = json!(["click"]);
    }
    let plan = compile(filters);
    assert_eq!(plan.features(), 10);
    plan
}

/// Every type of filter, once.
fn every_type() -> Plan {
    compile(serde_json::from_str(include_str!("../../../bench/every_filter.json")).unwrap())
}

fn compile(filters: Vec<Value>) -> Plan {
    let integration: Integration = serde_json::from_value(json!({
        "id": "abcdefghij", "organization": "0123456789abcdef01234567", "name": "bench", "active": true,
        "monitoring_mode": false, "time_zone": "UTC",
    }))
    .unwrap();
    let group: FilterGroup = serde_json::from_value(json!({
        "id": "defaultaaa", "integration": "abcdefghij", "name": "Default", "active": true, "priority": null,
        "filters": filters,
    }))
    .unwrap();
    Plan::compile(&integration, &[Arc::new(group)]).unwrap()
}

fn click(n: u64) -> Event {
    // A fixed mix of bits, so that users come in no particular order.
    let user = (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % USERS;
    let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
    event.seq = n + 1;
    let time = 1_790_000_000_000 + n as i64;
    event.set_number(Number::RequestTime, time);
    event.set_number(Number::ArrivalTime, time);
    event.set_text(Text::Ip, &format!("10.{}.{}.{}", user >> 16 & 255, user >> 8 & 255, user & 255));
    event.set_text(Text::OfferId, &format!("offer-{}", user % 50));
    event.set_text(Text::Publisher, &format!("publisher-{}", user % 200));
    event.set_text(Text::SubId, &format!("sub-{}", user % 5000));
    event.set_text(Text::Uuid, &format!("user-{user}"));
    event.set_text(Text::Fingerprint, &format!("{user:032x}"));
    event.set_text(Text::DeviceId, &format!("5f2504e0-4f89-41d3-9a0c-{user:012x}"));
    event.set_text(Text::Country, "DE");
    event.set_text(Text::OsName, "Android");
    event.set_text(Text::OsVersion, "14");
    event.set_text(Text::BrowserName, "Chrome Mobile");
    event.set_text(Text::BrowserVersion, "126.0.0.0");
    event.set_text(
        Text::UserAgent,
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    );
    event
}

fn counters() -> Counters {
    Counters::new(b"secret of benchs", 1 << 30)
}

/// Times single calls, which is what p50 and p99 are about; criterion only knows means.
fn percentiles(name: &str, mut call: impl FnMut(u64) -> u64) {
    let mut nanos: Vec<u64> = (0..CALLS as u64).map(&mut call).collect();
    nanos.sort_unstable();
    let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize];
    println!(
        "{name}: p50 {} ns, p90 {} ns, p99 {} ns, p99.9 {} ns, max {} ns",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

fn judge(c: &mut Criterion) {
    measure(c, "100 rules", &hundred_rules());
    measure(c, "every type", &every_type());
}

fn measure(c: &mut Criterion, name: &str, plan: &Plan) {
    let (mut verdict, mut state) = (Verdict::new(), counters());
    percentiles(&format!("{name}: judge (evaluate + write + count), growing state"), |n| {
        let mut event = click(n);
        let start = Instant::now();
        plan.judge(&mut event, None, &(), &mut state, &mut verdict);
        let nanos = start.elapsed().as_nanos() as u64;
        assert!(verdict.evidence().is_none(), "the bench is about approved events");
        black_box(event);
        nanos
    });
    println!("{name}: state: {} keys, {} bytes charged", state.len(), state.bytes());

    percentiles(&format!("{name}: evaluate alone, warm state"), |n| {
        let event = click(n + CALLS as u64);
        let start = Instant::now();
        plan.evaluate(&event, None, &(), &state, &mut verdict);
        start.elapsed().as_nanos() as u64
    });

    let mut n = 2 * CALLS as u64;
    let mut next = || {
        n += 1;
        click(n)
    };
    c.bench_function(&format!("{name}: judge"), |b| {
        let judge = |event: &mut Event| plan.judge(event, None, &(), &mut state, &mut verdict);
        b.iter_batched_ref(&mut next, judge, BatchSize::SmallInput)
    });
    c.bench_function(&format!("{name}: fold"), |b| {
        b.iter_batched_ref(&mut next, |event| plan.fold(event, &mut state), BatchSize::SmallInput)
    });
}

criterion_group!(benches, judge);
criterion_main!(benches);
