//! Files that change, break and vanish while requests hold a set.
#![allow(clippy::unwrap_used)]

mod common;

use common::clock;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tollgate_domain::ProxyKind;
use tollgate_signals::{SignalSet, Signals, SourceKind};

const LIST: &str = "ranges/vpn/list.txt";

fn put(dir: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // As careful writers do: aside, then renamed.
    let aside = path.with_extension("tmp");
    fs::write(&aside, content).unwrap();
    fs::rename(aside, path).unwrap();
}

fn is_vpn(set: &SignalSet, ip: &str) -> bool {
    set.lookup_ip(ip.parse::<IpAddr>().unwrap()).proxy.is_some_and(|(kind, _)| kind == ProxyKind::Vpn)
}

#[test]
fn a_missing_directory_is_served_by_the_compiled_in_rules() {
    let dir = TempDir::new().unwrap();
    let signals = Signals::open(&dir.path().join("absent"), clock());
    let set = signals.current();
    assert_eq!(set.sources().len(), 1);
    assert_eq!(set.sources()[0].kind, SourceKind::Builtin);
    assert!(set.agent("Googlebot/2.1").bot.is_some());
    assert!(!signals.reload().is_change());
}

#[test]
fn a_broken_file_leaves_the_old_one_in_use_and_says_so() {
    let dir = TempDir::new().unwrap();
    put(&dir, LIST, "10.0.0.0/8\n");
    let signals = Signals::open(dir.path(), clock());
    let held = signals.current();
    let digest = held.sources()[1].sha256.clone();

    put(&dir, LIST, "10.0.0.0/8\n11.0.0.0/8\n<html>\n");
    let report = signals.reload();
    assert_eq!(report.failed.len(), 1);
    assert!(report.failed[0].1.contains("line 3"), "{report:?}");
    let set = signals.current();
    assert!(is_vpn(&set, "10.1.1.1") && !is_vpn(&set, "11.1.1.1"));
    let source = &set.sources()[1];
    assert_eq!(source.sha256, digest, "the digest is that of the bytes in use");
    assert!(source.in_use && source.error.as_deref().unwrap().contains("line 3"));
    assert_eq!((signals.reloads(), signals.failures()), (1, 1));

    put(&dir, LIST, "11.0.0.0/8\n");
    assert_eq!(signals.reload().loaded, [LIST]);
    let set = signals.current();
    assert!(!is_vpn(&set, "10.1.1.1") && is_vpn(&set, "11.1.1.1"));
    assert_eq!(set.sources()[1].error, None);
    assert!(is_vpn(&held, "10.1.1.1"), "who holds a set keeps it");

    fs::remove_file(dir.path().join(LIST)).unwrap();
    assert_eq!(signals.reload().removed, [LIST]);
    assert!(!is_vpn(&signals.current(), "11.1.1.1"));
}

#[test]
fn files_of_every_kind_that_are_corrupt_are_reported_and_never_fatal() {
    let dir = TempDir::new().unwrap();
    let names = [
        "geo/country.mmdb",
        "geo/geoip",
        "asn/asn.mmdb",
        "ranges/tor/list",
        "ranges/search_engine/bing.json",
        "agents/regexes.yaml",
        "agents/crawlers.json",
    ];
    for content in [&b""[..], b"\xff\xfe\x00garbage", b"{\"a\": [", b"user_agent_parsers: [{regex: '('}]"] {
        for name in names {
            put(&dir, name, content);
        }
        let signals = Signals::open(dir.path(), clock());
        let set = signals.current();
        let broken = set.sources().iter().filter(|source| source.error.is_some() && !source.in_use);
        assert_eq!(broken.count(), names.len(), "{:?}", set.sources());
        assert_eq!(signals.failures(), names.len() as u64);
        assert!(set.agent("Googlebot/2.1").bot.is_some(), "the compiled-in rules serve");
    }
}

#[test]
fn notes_and_hidden_files_are_no_data() {
    let dir = TempDir::new().unwrap();
    put(&dir, "ranges/vpn/.hidden", "garbage");
    put(&dir, "ranges/vpn/README.md", "garbage");
    put(&dir, "ranges/vpn/list.txt", "10.0.0.0/8\n");
    put(&dir, "ranges/vpn/list.txt.license", "SPDX-License-Identifier: MIT\nVersion: 2026-10-01\n");
    let signals = Signals::open(dir.path(), clock());
    let set = signals.current();
    assert_eq!(set.sources().len(), 2);
    assert_eq!((set.sources()[1].version.as_str(), set.sources()[1].licence.as_str()), ("2026-10-01", "MIT"));
}

#[test]
fn the_watcher_swaps_and_stops_with_its_handle() {
    let dir = TempDir::new().unwrap();
    put(&dir, LIST, "10.0.0.0/8\n");
    let signals = Signals::open(dir.path(), clock());
    let watch = signals.watch(Duration::from_millis(10)).unwrap();
    put(&dir, LIST, "12.0.0.0/8\n");
    let start = Instant::now();
    while !is_vpn(&signals.current(), "12.0.0.1") {
        assert!(start.elapsed() < Duration::from_secs(10), "the change was not noticed");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(watch);
    let generation = signals.generation();
    put(&dir, LIST, "13.0.0.0/8\n");
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(signals.generation(), generation);
}

#[test]
fn lookups_go_on_while_sets_are_swapped() {
    let dir = TempDir::new().unwrap();
    put(&dir, LIST, "10.0.0.0/8\n");
    let signals = Signals::open(dir.path(), clock());
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut cache = tollgate_signals::AgentCache::new(16);
            for _ in 0..20_000 {
                let set = signals.current();
                assert!(is_vpn(&set, "10.1.1.1"), "every set holds the range");
                assert!(cache.facts(&set, "Googlebot/2.1").bot.is_some());
            }
        });
        let mut round = 0;
        while !reader.is_finished() {
            round += 1;
            put(&dir, LIST, format!("# round {round}\n10.0.0.0/8\n"));
            signals.reload();
        }
        reader.join().unwrap();
    });
}
