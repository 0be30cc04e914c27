//! User agents, through the public doors.

#![allow(clippy::unwrap_used)]

mod common;

use common::{clock, shared};
use std::fs;
use tollgate_domain::BotClass;
use tollgate_signals::Signals;

/// The user agents of the shared log, and how often each occurs.
fn logged_agents() -> Option<Vec<String>> {
    let text = fs::read(shared("apache-combined-10k.log")?).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    Some(text.lines().filter_map(|line| line.split('"').nth(5)).map(str::to_owned).collect())
}

#[test]
fn ordinary_browsers_are_no_automata() {
    let set = Signals::builtin(clock()).current();
    for agent in include_str!("../src/agent/ordinary.txt").lines() {
        let facts = set.agent(agent);
        assert_eq!(facts.bot, None, "{agent}");
        assert!(!facts.os_name.is_empty() || agent.contains("MIDP"), "{agent}");
    }
}

#[test]
fn a_real_log_holds_about_two_thousand_crawler_lines() {
    let Some(agents) = logged_agents() else { return };
    let set = Signals::builtin(clock()).current();
    let mut classes = std::collections::BTreeMap::new();
    for agent in &agents {
        let class = set.agent(agent).bot.as_ref().map_or("", |bot| bot.class.code());
        *classes.entry(class).or_insert(0) += 1;
    }
    println!("{} lines, by class: {classes:?}", agents.len());
    let crawlers = classes[BotClass::Crawler.code()];
    assert!((1_800..=2_700).contains(&crawlers), "{crawlers}");
}
