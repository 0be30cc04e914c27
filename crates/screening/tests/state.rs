//! The counters' state: what a restart, a merge and a budget do to it.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use serde_json::json;
use tollgate_domain::*;
use tollgate_screening::{Counters, Foreseen, Plan, SlotError, Verdict};

fn busy_plan() -> Plan {
    plan(json!([
        {"type": "duplicate_user", "params": {"data_points": ["ip", "user_agent"], "lookback_minutes": 2}},
        {"type": "duplicate_user", "params": {"lookback_minutes": 43_200, "level": ["offer", "sub_id"]}},
        {"type": "click_flooding", "params": {"window_minutes": 5, "scope": "publisher", "threshold": 3}},
        {"type": "proxy", "params": {"threshold_percentage": 10, "min_requests": 2, "lookback_hours": 1}},
        {"type": "attribution"},
    ]))
}

/// (kind, step of time, delay, user, source, proxy)
type Sample = (usize, i64, i64, u32, u8, bool);

fn stream(length: usize) -> impl Strategy<Value = Vec<Sample>> {
    let step = prop_oneof![6 => 0i64..5, 1 => 0i64..200, 1 => -300i64..0];
    let delay = prop_oneof![6 => Just(0i64), 1 => 0i64..500];
    proptest::collection::vec((0usize..3, step, delay, 0u32..30, 0u8..3, any::<bool>()), 1..length)
}

fn events(stream: &[Sample]) -> Vec<Event> {
    let mut at = 10_000;
    let all = stream.iter().enumerate().map(|(n, (kind, step, delay, user, source, proxy))| {
        at += step;
        let mut event =
            event(KINDS_ALL[*kind], at * 1000, &[(Text::UserAgent, "agent"), (Text::OfferId, "o")]);
        event.seq = n as u64 + 1;
        event.set_number(Number::ArrivalTime, START + (at + delay) * 1000);
        event.set_text(Text::Ip, &format!("192.0.2.{user}"));
        event.set_text(Text::Publisher, &format!("p{source}"));
        event.set_text(Text::ClickRealTxId, &format!("click{user}"));
        if *proxy {
            event.set_text(Text::ProxyType, "TOR");
        }
        event
    });
    all.collect()
}

/// Judges the events, which become stored rows.
fn judge(plan: &Plan, events: &mut [Event], counters: &mut Counters) {
    let mut verdict = Verdict::new();
    for event in events {
        plan.judge(event, None, &(), counters, &mut verdict);
    }
}

fn restore(slots: &[Vec<u8>], budget: usize) -> Counters {
    let mut counters = Counters::new(KEY, budget);
    slots.iter().enumerate().for_each(|(n, slot)| counters.import_slot(n, slot).unwrap());
    counters
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn folding_stored_rows_leads_to_the_state_of_judging(stream in stream(300), tight: bool) {
        // The tight budget holds two or three keys of a slot, so keys are evicted.
        let budget = if tight { 1 } else { PLENTY };
        let (plan, mut rows) = (busy_plan(), events(&stream));
        let (mut judged, mut folded) = (Counters::new(KEY, budget), Counters::new(KEY, budget));
        judge(&plan, &mut rows, &mut judged);
        rows.iter().for_each(|row| plan.fold(row, &mut folded));
        prop_assert_eq!(export(&judged), export(&folded));
        prop_assert_eq!((judged.len(), judged.seq()), (folded.len(), folded.seq()));

        // Evaluating counts nothing, and judging twice gives the same verdicts.
        let mut again = Counters::new(KEY, budget);
        let mut verdict = Verdict::new();
        for row in &rows {
            let mut copy = row.clone();
            plan.evaluate(row, None, &(), &again, &mut verdict);
            let before = verdict.evidence().map(str::to_owned);
            plan.judge(&mut copy, None, &(), &mut again, &mut verdict);
            prop_assert_eq!(&copy, row);
            prop_assert_eq!(before.as_deref(), verdict.evidence());
        }
    }

    /// Events whose counters are read ahead, some at a time, are judged as if each came alone; renamed sub ids too.
    #[test]
    fn what_is_foreseen_changes_no_verdict(stream in stream(200), together in 1usize..20, stale: bool) {
        let plan = plan(json!([
            {"type": "duplicate_user", "params": {"data_points": ["ip"], "lookback_minutes": 2, "level": ["sub_id"]}},
            {"type": "sub_id_validity", "params": {"max_unique": 2}},
            {"type": "click_capping", "params": {"cap": 9, "period": "hour", "level": ["publisher"]}},
        ]));
        let mut alone = events(&stream);
        for (n, event) in alone.iter_mut().enumerate() {
            event.set_text(Text::SubId, &format!("s{}", n % 5));
        }
        let mut ahead = alone.clone();
        let (mut state, mut read) = (counters(), counters());
        judge(&plan, &mut alone, &mut state);
        let mut verdict = Verdict::new();
        let mut foreseen: Vec<Foreseen> = (0..together).map(|_| Foreseen::default()).collect();
        for events in ahead.chunks_mut(together) {
            plan.foresee(events.iter().zip(&mut foreseen), &read);
            for (n, (event, foreseen)) in events.iter_mut().zip(&mut foreseen).enumerate() {
                if stale && n % 3 == 1 {
                    foreseen.forget();
                }
                plan.evaluate_foreseen((event, foreseen), None, &(), &read, &mut verdict);
                verdict.write_to(event);
                plan.count_judged(event, &verdict, &mut read);
            }
        }
        prop_assert_eq!(&ahead, &alone);
        prop_assert_eq!(export(&read), export(&state));
    }

    /// Slots are copied at different moments; a restart folds from the oldest on.
    #[test]
    fn a_fuzzy_checkpoint_restores_the_state(stream in stream(300), from in 0usize..200, pace in 1usize..60) {
        let (plan, mut rows) = (busy_plan(), events(&stream));
        let mut counters = counters();
        let mut verdict = Verdict::new();
        let mut slots = Vec::new();
        for (n, row) in rows.iter_mut().enumerate() {
            for _ in 0..if n >= from { pace * 20 } else { 0 } {
                if slots.len() < Counters::SLOTS {
                    let mut slot = Vec::new();
                    counters.export_slot(slots.len(), &mut slot);
                    slots.push(slot);
                }
            }
            plan.judge(row, None, &(), &mut counters, &mut verdict);
        }
        while slots.len() < Counters::SLOTS {
            let mut slot = Vec::new();
            counters.export_slot(slots.len(), &mut slot);
            slots.push(slot);
        }
        let mut restored = restore(&slots, PLENTY);
        let after = restored.resume_after();
        rows.iter().filter(|row| row.seq > after).for_each(|row| plan.fold(row, &mut restored));
        prop_assert_eq!(export(&restored), export(&counters));
    }

    /// In time order and without forgetting, counting two halves apart and merging them is counting them in a row.
    #[test]
    fn merging_adds_up(stream in stream(200), half in 0usize..200) {
        let plan = busy_plan();
        let mut rows = events(&stream);
        rows.sort_by_key(Event::at);
        for row in &mut rows {
            row.seq = 0;
            row.set_number(Number::ArrivalTime, START + 20_000_000);
        }
        let (first, second) = rows.split_at_mut(half.min(stream.len()));
        let (mut one, mut two, mut both) = (counters(), counters(), counters());
        judge(&plan, first, &mut one);
        judge(&plan, second, &mut two);
        rows.iter().for_each(|row| plan.fold(row, &mut both));
        prop_assert!(one.merge(two).is_ok());
        prop_assert_eq!(one.len(), both.len());
        // What the next events see is the same; how it is held may differ.
        let mut verdict = Verdict::new();
        for user in 0..30 {
            let mut row = event(EventKind::Click, 20_000_000, &[(Text::Ip, &format!("192.0.2.{user}")),
                (Text::OfferId, "o"), (Text::UserAgent, "agent"), (Text::Publisher, "p1")]);
            row.set_number(Number::RequestTime, rows.last().unwrap().at().millis());
            plan.evaluate(&row, None, &(), &one, &mut verdict);
            let merged = verdict.evidence().map(str::to_owned);
            plan.evaluate(&row, None, &(), &both, &mut verdict);
            prop_assert_eq!(merged.as_deref(), verdict.evidence());
        }
    }

    /// A damaged file is refused, whatever is wrong with it; nothing panics.
    #[test]
    fn damage_is_refused(stream in stream(60), cut in any::<proptest::sample::Index>(), byte: u8,
                         at in any::<proptest::sample::Index>()) {
        let (plan, mut rows, mut counters) = (busy_plan(), events(&stream), counters());
        judge(&plan, &mut rows, &mut counters);
        let mut restored = Counters::new(KEY, PLENTY);
        for n in (0..Counters::SLOTS).step_by(16) {
            let mut slot = Vec::new();
            counters.export_slot(n, &mut slot);
            prop_assert!(restored.import_slot(n, &slot[..cut.index(slot.len())]).is_err());
            let place = at.index(slot.len());
            slot[place] = byte;
            let _ = restored.import_slot(n, &slot);
        }
        rows.iter().for_each(|row| plan.fold(row, &mut restored));
        export(&restored);
    }
}

#[test]
fn slots_say_why_they_do_not_fit() {
    let mut slot = Vec::new();
    counters().export_slot(7, &mut slot);
    let mut other = Counters::new(b"another secret!!", PLENTY);
    assert_eq!(other.import_slot(7, &slot), Err(SlotError::OtherKey));
    assert!(matches!(counters().import_slot(8, &slot), Err(SlotError::Damaged(_))));
    assert!(matches!(counters().import_slot(usize::MAX, &slot), Err(SlotError::Damaged(_))));
    slot[0] = 9;
    assert_eq!(counters().import_slot(7, &slot), Err(SlotError::Version(9)));
    assert!(counters().merge(other).is_err());
}

#[test]
fn a_budget_bounds_memory_and_the_oldest_give_way() {
    let plan = plan(json!([{"type": "duplicate_user", "applies_to": ["click"], "params": {
        "allowed_duplicates": 0}}]));
    let budget = 4 << 20;
    let mut counters = Counters::new(KEY, budget);
    let mut verdict = Verdict::new();
    let mut send = |n: i64, counters: &mut Counters| {
        let mut click = click(n, &[(Text::Ip, &format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255))]);
        plan.judge(&mut click, None, &(), counters, &mut verdict);
        verdict.status() == Status::Rejected
    };
    for n in 0..120_000 {
        send(n, &mut counters);
    }
    assert!(counters.bytes() <= budget, "{} of {budget}", counters.bytes());
    assert_eq!(counters.evicted() + counters.len() as u64, 120_000);
    assert!(counters.len() > 45_000, "{}", counters.len());
    // A key's clicks are seen again if it is one of the newest, and forgotten if it is one of the oldest.
    let mut seen = |range: std::ops::Range<i64>| range.filter(|n| send(*n, &mut counters)).count();
    assert_eq!(seen(119_000..119_100), 100);
    assert_eq!(seen(0..100), 0);
}

/// Which keys give way depends on what is held, not on how: a restored table, laid out otherwise, evicts the same.
#[test]
fn eviction_survives_a_restart() {
    let plan = busy_plan();
    let (mut random, mut stream) = (1u32, Vec::new());
    for _ in 0..20_000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let user = if random >> 31 == 0 { random >> 8 & 7 } else { random >> 8 & 4095 };
        stream.push((
            (random >> 28) as usize % 3,
            i64::from(random >> 24 & 1),
            0,
            user,
            0,
            random >> 25 & 1 == 0,
        ));
    }
    let mut rows = events(&stream);
    let budget = Counters::SLOTS * 200;
    let mut counters = Counters::new(KEY, budget);
    judge(&plan, &mut rows[..9_000], &mut counters);
    let mut slots = Vec::new();
    for n in 0..Counters::SLOTS {
        let mut slot = Vec::new();
        counters.export_slot(n, &mut slot);
        slots.push(slot);
        judge(&plan, &mut rows[9_000 + n..9_001 + n], &mut counters);
    }
    judge(&plan, &mut rows[9_000 + Counters::SLOTS..], &mut counters);
    assert!(counters.evicted() > 1000, "{}", counters.evicted());
    let mut restored = restore(&slots, budget);
    let after = restored.resume_after();
    rows.iter().filter(|row| row.seq > after).for_each(|row| plan.fold(row, &mut restored));
    assert_eq!(export(&restored), export(&counters));
}

#[test]
fn expired_keys_are_swept() {
    let plan = plan(json!([{"type": "click_flooding", "params": {"window_minutes": 1}}]));
    let (mut counters, mut verdict) = (counters(), Verdict::new());
    for n in 0..200_000 {
        // A thousand new addresses a second for 200 seconds; a minute's worth is alive.
        let mut click = click(n, &[(Text::Ip, &format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255))]);
        plan.judge(&mut click, None, &(), &mut counters, &mut verdict);
    }
    assert!(counters.len() < 110_000, "{}", counters.len());
    assert_eq!(counters.evicted(), 0);
}
