//! Hostile user agents, addresses and data files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

mod common;
#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;

use common::{clock, event};
use fuzz::{Food, feed};
use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use tollgate_domain::{EventKind, Text};
use tollgate_signals::{AgentCache, MAX_AGENT_BYTES, Signals};

const AGENTS: &str = include_str!("../../../tests/corpus/agents.txt");
const TOKENS: &[&str] = &[
    "(",
    ")",
    ";",
    "/",
    "Android ",
    "iPhone OS 17_",
    "Build/",
    "bot",
    "+http://",
    "\u{e9}",
    "\u{0}",
    "Version/",
    "99999999999",
    "(compatible",
    "Mozilla/5.0 ",
    ".",
    "_",
    "Chrome/",
    " ",
];

/// The parsers of uap-core where `make data` brought them, else a few like them.
fn parsers() -> Vec<u8> {
    let fetched = std::env::var_os("TOLLGATE_TEST_SIGNALS_DIR").map(PathBuf::from);
    let fetched = fetched.and_then(|dir| fs::read(dir.join("agents/regexes.yaml")).ok());
    fetched.unwrap_or_else(|| include_bytes!("../../../tests/corpus/regexes.yaml").to_vec())
}

#[test]
fn user_agents() {
    // Files are compiled once; what an input costs after that has a bound of its own, however long it is.
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir(dir.path().join("agents")).unwrap();
    fs::write(dir.path().join("agents/regexes.yaml"), parsers()).unwrap();
    fs::write(dir.path().join("agents/crawlers.json"), r#"[{"pattern":"[qQ]uiet(one|two)"}]"#).unwrap();
    let signals = Signals::open(dir.path(), clock());
    assert!(signals.current().sources().len() > 1, "{:?}", signals.current().sources());
    let sets = [Signals::builtin(clock()).current(), signals.current()];
    let caches = || RefCell::new(AgentCache::new(64));
    let food = Food { corpus: AGENTS, tokens: TOKENS, times: 2, fixed: 4 << 20, each: 20 };
    feed(&food, caches, |cache, input| {
        let agent = String::from_utf8_lossy(input);
        for set in &sets {
            let facts = set.agent(&agent);
            for text in [&facts.browser_name, &facts.browser_version, &facts.os_name, &facts.device_model] {
                assert!(text.len() <= MAX_AGENT_BYTES, "{text}");
            }
            let mut cache = cache.borrow_mut();
            let mut event = event(EventKind::Click, Some("192.0.2.1"), Some(&agent));
            set.enrich(&mut event, &mut cache);
            assert!(cache.len() <= 64);
            assert_eq!(event.text_or_empty(Text::OsName), &*facts.os_name);
        }
    });
}

/// An operator's file that is no such file leaves the compiled-in rules; it never stops the process.
#[test]
fn data_files() {
    let corpus = include_str!("../../../tests/corpus/regexes.yaml");
    let tokens = &[
        "regex: '",
        "- ",
        ": ",
        "&a ",
        "*a",
        "(",
        "{1000}",
        "\n",
        "[",
        "\"",
        "10.0.0.0/8",
        "::/0",
        "{\"pattern\":",
    ];
    let folder = || {
        let dir = tempfile::TempDir::new().unwrap();
        for name in ["agents", "ranges/vpn", "geo"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        dir
    };
    // An expression may be compiled to some megabytes, and a file may have several.
    feed(&Food { corpus, tokens, times: 1, fixed: 256 << 20, each: 4 << 10 }, folder, |dir, input| {
        for name in ["agents/regexes.yaml", "agents/crawlers.json", "ranges/vpn/list.txt", "geo/country.mmdb"]
        {
            fs::write(dir.path().join(name), input).unwrap();
        }
        let set = Signals::open(dir.path(), clock()).current();
        assert_eq!(set.agent("curl/8.5.0").bot.as_ref().map(|bot| &*bot.name), Some("curl"));
    });
}
