//! What the tests of this crate share: short ways to write groups, plans and events.
#![allow(dead_code, unreachable_pub, reason = "every test binary compiles this and uses a part of it")]
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

use serde_json::{Value, json};
use std::sync::Arc;
use tollgate_domain::*;
use tollgate_screening::{Counters, Plan, Verdict};

/// A time in 2026; streams begin here.
pub const START: i64 = 1_790_000_000_000;
/// Memory for counters that no test exhausts by accident.
pub const PLENTY: usize = 1 << 30;
pub const KEY: &[u8; 16] = b"a secret of test";

pub fn integration() -> Integration {
    serde_json::from_value(json!({
        "id": "abcdefghij", "organization": "0123456789abcdef01234567", "name": "test", "active": true,
        "monitoring_mode": false, "time_zone": "UTC",
    }))
    .unwrap()
}

/// A group from its members beside the usual ones.
pub fn group(id: &str, members: Value) -> Arc<FilterGroup> {
    let mut group = json!({
        "id": id, "integration": "abcdefghij", "name": id, "active": true, "priority": null, "filters": [],
    });
    group.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Arc::new(serde_json::from_value(group).unwrap())
}

/// The plan of a Default group with these filters.
pub fn plan(filters: Value) -> Plan {
    Plan::compile(&integration(), &[group("defaultaaa", json!({"filters": filters}))]).unwrap()
}

pub fn specs(filters: Value) -> Vec<FilterSpec> {
    serde_json::from_value(filters).unwrap()
}

/// An event at `START + millis` that arrives at once.
pub fn event(kind: EventKind, millis: i64, texts: &[(Text, &str)]) -> Event {
    let mut event = Event::new(kind, integration().id);
    event.set_number(Number::RequestTime, START + millis);
    event.set_number(Number::ArrivalTime, START + millis);
    for (column, value) in texts {
        event.set_text(*column, value);
    }
    event
}

pub fn click(millis: i64, texts: &[(Text, &str)]) -> Event {
    event(EventKind::Click, millis, texts)
}

/// A judge: a plan with counters of its own.
pub struct Judge {
    pub plan: Plan,
    pub counters: Counters,
    pub verdict: Verdict,
}

impl Judge {
    pub fn new(plan: Plan) -> Self {
        Self { plan, counters: counters(), verdict: Verdict::new() }
    }

    /// Judges and gives the codes of all reasons, the primary one first.
    pub fn reasons(&mut self, event: &mut Event) -> Vec<&'static str> {
        self.plan.judge(event, None, &(), &mut self.counters, &mut self.verdict);
        self.verdict.rejections().map(Reason::code).collect()
    }

    /// The evidence of the last verdict.
    pub fn evidence(&self) -> Vec<Value> {
        self.verdict.evidence().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default()
    }
}

pub fn counters() -> Counters {
    Counters::new(KEY, PLENTY)
}

/// The whole state as bytes.
pub fn export(counters: &Counters) -> Vec<u8> {
    let mut out = Vec::new();
    (0..Counters::SLOTS).for_each(|slot| counters.export_slot(slot, &mut out));
    out
}
