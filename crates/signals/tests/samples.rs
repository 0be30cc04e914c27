//! The agent rules held against other people's lists of crawlers and browsers, which `make data` brings; docs/SIGNALS.md has
//! the figures and says which lists the rules were corrected by. Without the lists the test skips itself, visibly.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::clock;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tollgate_signals::{SignalSet, Signals};

/// The lists that every rule must do well on: the least recall of crawlers and the most false positives of browsers, in hundredths of
/// a percent.
const LEAST_RECALL: usize = 9_700;
const MOST_FALSE: usize = 30;

/// What `make data` brought for the tests.
#[allow(clippy::disallowed_methods, reason = "where the data lies is the runner's choice")]
fn fetched() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../signals");
    let dir = std::env::var_os("TOLLGATE_TEST_SIGNALS_DIR").map_or(beside, PathBuf::from);
    if dir.join("samples/browsers-matomo.txt").exists() && dir.join("agents/crawlers.json").exists() {
        return Some(dir);
    }
    println!("SKIPPED: `make data` has not filled {}", dir.display());
    None
}

/// The rules with the data files of `dir`.
fn with_files(dir: &Path) -> std::sync::Arc<SignalSet> {
    let copy = tempfile::TempDir::new().unwrap();
    fs::create_dir(copy.path().join("agents")).unwrap();
    for name in ["agents/crawlers.json", "agents/regexes.yaml"] {
        fs::copy(dir.join(name), copy.path().join(name)).unwrap();
    }
    Signals::open(copy.path(), clock()).current()
}

fn sample(dir: &Path, name: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(dir.join("samples").join(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The instances that the list of crawlers itself gives for its patterns.
fn instances(dir: &Path) -> BTreeSet<String> {
    let list: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("agents/crawlers.json")).unwrap()).unwrap();
    let entries = list.as_array().unwrap().iter();
    let agents = entries.flat_map(|entry| entry["instances"].as_array().unwrap());
    agents.map(|agent| agent.as_str().unwrap().to_owned()).collect()
}

/// How many of the agents are automata to the rules, in hundredths of a percent.
fn share(set: &SignalSet, agents: &BTreeSet<String>, what: &str) -> usize {
    let found = agents.iter().filter(|agent| set.agent(agent).bot.is_some()).count();
    let hundredths = found * 10_000 / agents.len();
    println!("{what}: {found} of {} ({}.{:02} %)", agents.len(), hundredths / 100, hundredths % 100);
    hundredths
}

#[test]
fn crawlers_are_found_and_browsers_are_not() {
    let Some(dir) = fetched() else { return };
    let (ours, files) = (Signals::builtin(clock()).current(), with_files(&dir));
    let listed = instances(&dir);
    let (detect, matomo) = (sample(&dir, "crawlers-crawlerdetect.txt"), sample(&dir, "crawlers-matomo.txt"));
    for (set, by) in [(&ours, "compiled-in rules"), (&files, "with the data files")] {
        println!("{by}");
        assert!(share(set, &listed, "  crawlers, crawler-user-agents") >= LEAST_RECALL);
        assert!(share(set, &detect, "  crawlers, crawlerdetect") >= LEAST_RECALL);
        assert!(share(set, &matomo, "  crawlers, Matomo") >= LEAST_RECALL);
        // What the list of patterns has never seen shows what is known beyond it; it is harder, and only told.
        share(
            set,
            &matomo.difference(&listed).cloned().collect(),
            "  crawlers, Matomo, not in crawler-user-agents",
        );
        for name in ["browsers-crawlerdetect.txt", "browsers-matomo.txt"] {
            let browsers = sample(&dir, name);
            assert!(browsers.len() > 15_000);
            assert!(share(set, &browsers, &format!("  {name}")) <= MOST_FALSE, "{name}");
        }
    }
}
