//! `tollgate generate`, by its own binary: the same history for the same seed, stored as every event is.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod support;

use serde_json::Value;
use support::*;

const DAYS: (&str, &str) = ("2026-01-01", "2026-01-03");

fn generate(home: &Made, seed: &str) {
    let made =
        run(&["generate", "--data-dir", &home.data(), "--events", "3000", "--days", "3", "--seed", seed]);
    assert!(made.status.success(), "{}", stderr(&made));
    assert!(stdout(&made).starts_with("3000 events of "), "{}", stdout(&made));
}

/// The rows of a table, without what differs between installations.
fn rows(home: &Made, table: &str) -> Vec<Value> {
    let server = home.serve();
    let mut rows = home.report(&server, table, DAYS);
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.retain(|name, _| name != "integration_id" && name != "organization");
    }
    rows
}

#[test]
fn the_same_seed_makes_the_same_history_in_any_directory() {
    let (one, two, other) = (Made::new(), Made::new(), Made::new());
    for (home, seed) in [(&one, "1"), (&two, "1"), (&other, "2")] {
        generate(home, seed);
    }
    let tables = ["click-table", "conversion-table", "impression-table"];
    let [one, two, other] = [one, two, other].map(|home| tables.map(|table| rows(&home, table)));
    assert_eq!(one, two);
    assert_ne!(one, other);
    assert_eq!(one.iter().map(Vec::len).sum::<usize>(), 3000);
    let rejected = one[0].iter().filter(|row| row["status"] == "rejected").count();
    assert!(
        one[0].len() > 2500 && (200..400).contains(&rejected),
        "{} clicks, {rejected} rejected",
        one[0].len()
    );
    assert!(one[1].iter().all(|row| row["click_real_tx_id"].is_string()), "{:?}", one[1].first());
}

#[test]
fn a_made_up_history_is_sound_and_an_unknown_integration_is_refused() {
    let home = Made::new();
    generate(&home, "3");
    home.examine(&[]);
    let wrong =
        run(&["generate", "--data-dir", &home.data(), "--events", "1", "--integration", "aaaaaaaaaa"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).contains("--integration: there is no integration aaaaaaaaaa"),
        "{}",
        stderr(&wrong)
    );
}
