//! Clocks that jump, the callers' and the server's: counters stay what somebody who looks at the clock would expect. And
//! what gives way first where memory is short.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::json;
use tollgate_domain::*;
use tollgate_screening::Counters;

const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// A judge that takes a second click of an address within an hour for a duplicate.
fn once_an_hour() -> Judge {
    let params = json!({"allowed_duplicates": 0, "lookback_minutes": 60});
    Judge::new(plan(json!([{"type": "duplicate_user", "applies_to": ["click"], "params": params}])))
}

/// Whether a click of `ip` that says it happened at `at` and arrived at `arrival` is a duplicate.
fn is_duplicate(judge: &mut Judge, ip: &str, at: i64, arrival: i64) -> bool {
    let mut click = click(at, &[(Text::Ip, ip)]);
    click.set_number(Number::ArrivalTime, START + arrival);
    !judge.reasons(&mut click).is_empty()
}

#[test]
fn a_server_clock_that_was_ahead_for_a_while_stops_no_counter() {
    let mut judge = once_an_hour();
    assert!(!is_duplicate(&mut judge, "192.0.2.1", 0, 0));
    assert!(!is_duplicate(&mut judge, "192.0.2.1", YEAR, YEAR), "a year later, as the server has it");
    for ip in ["192.0.2.1", "192.0.2.2"] {
        assert!(
            !is_duplicate(&mut judge, ip, 1_000, 1_000),
            "{ip}: the clock was set right, and counting begins afresh"
        );
        assert!(is_duplicate(&mut judge, ip, 2_000, 2_000), "{ip}");
        assert!(!is_duplicate(&mut judge, ip, 2 * HOUR, 2 * HOUR), "{ip}: an hour is an hour");
        assert!(is_duplicate(&mut judge, ip, 2 * HOUR + 1_000, 2 * HOUR + 1_000), "{ip}");
    }
}

#[test]
fn a_server_clock_that_is_set_back_a_little_forgets_nothing() {
    let mut judge = once_an_hour();
    assert!(!is_duplicate(&mut judge, "192.0.2.1", 0, 0));
    assert!(
        !is_duplicate(&mut judge, "192.0.2.1", -HOUR / 2, -HOUR / 2),
        "what is to come was not before it"
    );
    assert!(is_duplicate(&mut judge, "192.0.2.1", 1_000, 1_000), "both are counted");
    assert_eq!(judge.counters.len(), 1);
}

#[test]
fn no_caller_moves_the_time_of_the_others() {
    let mut judge = once_an_hour();
    assert!(!is_duplicate(&mut judge, "192.0.2.1", YEAR, 0), "a caller's future is now");
    assert!(is_duplicate(&mut judge, "192.0.2.1", 1_000, 1_000));
    assert!(!is_duplicate(&mut judge, "192.0.2.1", -YEAR, 2_000), "his past is his own");
    assert!(is_duplicate(&mut judge, "192.0.2.1", 3_000, 3_000));
    for extreme in [i64::MIN, i64::MAX - START, -START, 0] {
        is_duplicate(&mut judge, "192.0.2.9", extreme, 4_000);
    }
    assert!(is_duplicate(&mut judge, "192.0.2.9", 5_000, 5_000));
}

/// A cap of the day is counted at the day's beginning, and is no older for it than what was counted this minute.
#[test]
fn a_cap_in_use_outlives_users_who_left() {
    let filters = json!([
        {"type": "click_capping", "params": {"cap": 10, "period": "day", "level": ["publisher"]}},
        {"type": "duplicate_user", "applies_to": ["click"], "params": {"data_points": ["ip"]}},
    ]);
    let mut judge = Judge { counters: Counters::new(KEY, 4 << 20), ..Judge::new(plan(filters)) };
    for n in 0..120_000 {
        let ip = format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
        let reasons = judge.reasons(&mut click(n, &[(Text::Ip, &ip), (Text::Publisher, "p")]));
        assert_eq!(!reasons.is_empty(), n >= 10, "click {n}");
    }
    assert!(judge.counters.evicted() > 50_000, "{}", judge.counters.evicted());
}
