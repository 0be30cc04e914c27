//! User agents, through the public doors.

#![allow(clippy::unwrap_used)]

mod common;

use common::{clock, event, shared};
use std::fs;
use tollgate_domain::{BotClass, EventKind, Number, Text};
use tollgate_signals::{AgentCache, DeviceType, MAX_AGENT_BYTES, Signals};

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
        assert_ne!(facts.device_type, DeviceType::Bot, "{agent}");
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
    assert!((1_800..=2_400).contains(&crawlers), "{crawlers}");
}

#[test]
fn automata_are_told_by_class_and_name() {
    let set = Signals::builtin(clock()).current();
    let chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";
    let emulator = format!("Mozilla/5.0 (Linux; Android 13; sdk_gphone64_x86_64 Build/TE1A) {chrome}");
    let iphone_android =
        format!("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X; Android 13) {chrome}");
    let table = [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawlers", "Googlebot"),
        ("Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)", "crawlers", "Ezooms"),
        ("SomethingNew/1.0 (+https://crawl.example/about)", "crawlers", "crawl.example"),
        ("python-requests/2.31.0", "libraries", "python-requests"),
        ("curl/8.5.0", "libraries", "curl"),
        ("okhttp/4.12.0", "libraries", "okhttp"),
        ("Go-http-client/1.1", "libraries", "Go-http-client"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
            "headless",
            "HeadlessChrome",
        ),
        (&emulator, "emulators", "sdk_gphone64_x86_64"),
        (&iphone_android, "contradiction", "iphone_and_android"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15",
            "contradiction",
            "safari_on_windows",
        ),
        ("", "empty_user_agent", "empty"),
        ("  -  ", "empty_user_agent", "empty"),
    ];
    for (agent, class, name) in table {
        let facts = set.agent(agent);
        let bot = facts.bot.as_ref().unwrap_or_else(|| panic!("{agent}"));
        assert_eq!((bot.class.code(), &*bot.name), (class, name), "{agent}");
    }
}

#[test]
fn browsers_systems_and_devices_have_names() {
    let set = Signals::builtin(clock()).current();
    let table = [
        ("Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.86", "Edge 131.0.2903|Windows 10|desktop|"),
        ("rv:11.0) like Gecko", "IE 11.0|Windows 7|desktop|"),
        ("Version/18.1.1 Safari", "Safari 18.1.1|Mac OS X 10.15.7|desktop|Mac"),
        ("CPU iPhone OS 18_1_1", "Mobile Safari 18.1.1|iOS 18.1.1|mobile|iPhone"),
        ("CriOS/", "Chrome Mobile iOS 131.0.6778|iOS 18.1|mobile|iPhone"),
        (
            "Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile",
            "Chrome Mobile 131.0.0|Android 10|mobile|",
        ),
        ("SamsungBrowser", "Samsung Internet 26.0|Android 14|mobile|SM-S918B"),
        ("CPH2581", "Chrome Mobile WebView 131.0.6778|Android 15|mobile|CPH2581"),
        ("FBAN/FBIOS", "Facebook 490.0.0|iOS 17.6.1|mobile|iPhone"),
        ("GT-I9300", "Android 4.3|Android 4.3|mobile|GT-I9300"),
        ("(iPad;", "Mobile Safari 17.7|iOS 17.7|tablet|iPad"),
        ("SMART-TV", " |Tizen 6.5|tv|"),
        ("Lumia 650", "Edge Mobile 15.15254|Windows Phone 10.0|mobile|"),
    ];
    let samples = include_str!("../src/agent/ordinary.txt");
    for (part, expected) in table {
        let agent = samples.lines().find(|line| line.contains(part)).unwrap();
        let facts = set.agent(agent);
        let (browser, version) = (&facts.browser_name, &facts.browser_version);
        let (os, os_version) = (&facts.os_name, &facts.os_version);
        let got = format!(
            "{browser} {version}|{os} {os_version}|{}|{}",
            facts.device_type.code(),
            facts.device_model
        );
        assert_eq!(got, expected, "{agent}");
    }
    assert_eq!(set.agent("Googlebot/2.1").device_type, DeviceType::Bot);
}

#[test]
fn an_empty_user_agent_is_a_fact_and_an_absent_one_is_not() {
    let set = Signals::builtin(clock()).current();
    let mut cache = AgentCache::new(8);
    let mut class = |kind, agent| {
        let mut event = event(kind, None, agent);
        set.enrich(&mut event, &mut cache);
        (event.text(Text::BotClass).map(str::to_owned), event.number(Number::IsBot))
    };
    for kind in [EventKind::Click, EventKind::Conversion, EventKind::Impression] {
        assert_eq!(class(kind, None), (None, None));
        assert_eq!(class(kind, Some("")), (Some("empty_user_agent".to_owned()), Some(1)));
    }
}

#[test]
fn hostile_user_agents_cost_bounded_work() {
    let set = Signals::builtin(clock()).current();
    let mut cache = AgentCache::new(100);
    for n in 0..1_000 {
        let agent = format!("{n} {}", "\u{e9}(((;;;Android;\u{0}".repeat(1 + n));
        assert!(set.agent(&agent).device_model.len() <= MAX_AGENT_BYTES);
        cache.facts(&set, &agent);
        assert!(cache.len() <= 100, "{}", cache.len());
    }
    let long = format!("Mozilla/5.0 {}Googlebot", " ".repeat(MAX_AGENT_BYTES));
    assert_ne!(set.agent(&long).bot.as_ref().map(|bot| &*bot.name), Some("Googlebot"), "the end is cut");
}

#[test]
fn a_crawler_list_adds_names_and_never_takes_browsers() {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir(dir.path().join("agents")).unwrap();
    let list = r#"[{"pattern":"Quietwalker\\/"},{"pattern":"[qQ]uiet(one|two)"},{"pattern":"AP3A\\.240617\\.008"},{"pattern":"Mobile"}]"#;
    fs::write(dir.path().join("agents/crawlers.json"), list).unwrap();
    let set = Signals::open(dir.path(), clock()).current();
    let quiet = "Mozilla/5.0 (Windows NT 10.0) Quietwalker/2";
    assert_eq!(set.agent(quiet).bot.as_ref().map(|bot| &*bot.name), Some("Quietwalker"));
    assert!(set.agent("Mozilla/5.0 (Windows NT 10.0) quiettwo").bot.is_some());
    let source = &set.sources()[1];
    assert_eq!((source.entries, source.notes.len()), (2, 2), "{source:?}");
    for agent in include_str!("../src/agent/ordinary.txt").lines() {
        assert_eq!(set.agent(agent).bot, None, "{agent}");
    }
}

/// What `make data` brought, where it ran.
fn fetched() -> Option<std::path::PathBuf> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../signals");
    if dir.join("agents/crawlers.json").exists() && dir.join("agents/regexes.yaml").exists() {
        return Some(dir);
    }
    println!("SKIPPED: `make data` has not filled {}", dir.display());
    None
}

#[test]
fn fetched_rules_agree_with_ours_on_crawlers_and_browsers() {
    let Some(dir) = fetched() else { return };
    let copy = tempfile::TempDir::new().unwrap();
    fs::create_dir(copy.path().join("agents")).unwrap();
    for name in ["agents/crawlers.json", "agents/regexes.yaml"] {
        fs::copy(dir.join(name), copy.path().join(name)).unwrap();
    }
    let (ours, both) = (Signals::builtin(clock()).current(), Signals::open(copy.path(), clock()).current());
    for agent in include_str!("../src/agent/ordinary.txt").lines() {
        assert_eq!(both.agent(agent).bot, None, "{agent}");
    }
    let list: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("agents/crawlers.json")).unwrap()).unwrap();
    let entries = list.as_array().unwrap().iter();
    let instances: Vec<_> = entries.flat_map(|entry| entry["instances"].as_array().unwrap()).collect();
    let found = |set: &tollgate_signals::SignalSet| {
        instances.iter().filter(|agent| set.agent(agent.as_str().unwrap()).bot.is_some()).count()
    };
    let (ours, both) = (found(&ours), found(&both));
    println!("of {} crawlers: {ours} by the compiled-in rules, {both} with the files", instances.len());
    assert!(ours * 100 >= instances.len() * 97 && both * 100 >= instances.len() * 99);
}
