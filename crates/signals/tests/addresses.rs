//! Addresses, through the public doors, against other people's data.
#![allow(clippy::unwrap_used)]

mod common;

use common::{clock, event, shared};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use tempfile::TempDir;
use tollgate_domain::{EventKind, Number, ProxyKind, Text};
use tollgate_signals::{Signals, Topic};

fn put(dir: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn copy(dir: &TempDir, name: &str, from: &Path) {
    put(dir, name, fs::read(from).unwrap());
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_most_specific_range_wins_across_kinds() {
    let dir = TempDir::new().unwrap();
    put(&dir, "ranges/data_center/cloud.txt", "10.0.0.0/8\n2001:db8::/32\n");
    put(&dir, "ranges/vpn/vpn.csv", "10.1.0.0,10.1.255.255,Some VPN,https://vpn.example\n");
    put(&dir, "ranges/tor/exits.txt", "10.1.2.3\n");
    put(&dir, "ranges/residential_proxy/list", "10.1.2.3\n10.9.0.0/16\n");
    put(&dir, "ranges/private_relay/egress.csv", "10.9.0.0/16,DE,DE-BE,Berlin,\n");
    put(
        &dir,
        "ranges/search_engine/googlebot.json",
        r#"{"prefixes":[{"ipv4Prefix":"66.249.64.0/27"},{"ipv6Prefix":"2001:4860:4801:10::/64"}]}"#,
    );
    let set = Signals::open(dir.path(), clock()).current();
    let kind = |text| set.lookup_ip(ip(text)).proxy.map(|(kind, source)| (kind, source.name.as_str()));
    assert_eq!(kind("10.200.0.1"), Some((ProxyKind::DataCenter, "ranges/data_center/cloud.txt")));
    assert_eq!(kind("10.1.9.9"), Some((ProxyKind::Vpn, "ranges/vpn/vpn.csv")));
    assert_eq!(
        kind("10.1.2.3"),
        Some((ProxyKind::Tor, "ranges/tor/exits.txt")),
        "the order of kinds decides"
    );
    assert_eq!(kind("10.9.1.1"), Some((ProxyKind::ResidentialProxy, "ranges/residential_proxy/list")));
    assert_eq!(kind("::ffff:10.1.9.9"), Some((ProxyKind::Vpn, "ranges/vpn/vpn.csv")), "IPv4 in IPv6 clothes");
    assert_eq!(kind("2001:db8::1"), Some((ProxyKind::DataCenter, "ranges/data_center/cloud.txt")));
    assert_eq!(kind("11.0.0.1"), None);
    assert_eq!(set.lookup_ip(ip("66.249.64.5")).search_engine, Some("googlebot"));
    assert_eq!(set.lookup_ip(ip("66.249.64.5")).proxy.map(|(kind, _)| kind), None);
    assert_eq!(set.source_for(Topic::Proxy(ProxyKind::Vpn)).unwrap().entries, 1);
    assert_eq!(set.source_for(Topic::Geo), None);
}

#[test]
fn shared_lists_agree_with_a_scan_over_their_lines() {
    let lists = [
        ("tor", "ip/tor-exit-nodes.lst"),
        ("vpn", "ip/x4bnet_vpn_ipv4.txt"),
        ("vpn", "ip/x4bnet_vpn_ipv6.txt"),
        ("data_center", "ip/x4bnet_datacenter_ipv4.txt"),
        ("data_center", "ip/x4bnet_datacenter_ipv6.txt"),
        ("data_center", "ip/ipcat_datacenters.csv"),
    ];
    let dir = TempDir::new().unwrap();
    let mut ranges = Vec::new();
    for (folder, file) in lists {
        let Some(path) = shared(file) else { return };
        copy(&dir, &format!("ranges/{folder}/{}", path.file_name().unwrap().to_str().unwrap()), &path);
        let kind = ProxyKind::from_code(&folder.to_uppercase()).unwrap();
        for line in fs::read_to_string(&path).unwrap().lines().filter(|line| !line.starts_with('#')) {
            ranges.push((bounds(line), kind));
        }
    }
    let set = Signals::open(dir.path(), clock()).current();
    assert!(set.sources().iter().all(|source| source.error.is_none()), "{:?}", set.sources());
    // The order of kinds of equal ranges.
    let rank = |kind| match kind {
        ProxyKind::Tor => 0,
        ProxyKind::Vpn => 1,
        _ => 2,
    };
    let probes =
        ranges.iter().step_by(997).flat_map(|((low, high), _)| [*low, *high, low + (high - low) / 2]);
    for probe in probes {
        let inside = ranges.iter().filter(|((low, high), _)| (low..=high).contains(&&probe));
        let best = inside.min_by_key(|((low, high), kind)| (high - low, rank(*kind))).map(|(_, kind)| *kind);
        assert_eq!(set.lookup_ip(address(probe)).proxy.map(|(kind, _)| kind), best, "{}", address(probe));
    }
}

/// Both families on one line of numbers, IPv4 as mapped addresses.
fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn address(number: u128) -> IpAddr {
    IpAddr::V6(number.into()).to_canonical()
}

fn bounds(line: &str) -> (u128, u128) {
    let columns: Vec<_> = line.split(',').collect();
    if columns.len() > 2 {
        return (number(ip(columns[0])), number(ip(columns[1])));
    }
    let (base, length) =
        line.split_once('/').unwrap_or((line, if line.contains(':') { "128" } else { "32" }));
    let bits = if base.contains(':') { 128 } else { 32 } - length.parse::<u32>().unwrap();
    let mask = 1_u128.checked_shl(bits).map_or(u128::MAX, |size| size - 1);
    (number(ip(base)) & !mask, number(ip(base)) | mask)
}

/// The networks of a test database's source: `{network: record}` objects in a list.
fn networks(path: &Path) -> Vec<(IpAddr, serde_json::Value)> {
    let text = fs::read_to_string(path).unwrap();
    let value: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text).unwrap();
    let all = value.into_iter().flatten();
    all.map(|(network, record)| (ip(network.split('/').next().unwrap()), record)).collect()
}

/// IPv6 networks that MMDB files map to IPv4 ones; addresses in them are not looked up as IPv4.
fn is_alias(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.segments()[..6] == [0; 6] || ip.segments()[0] == 0x2002 || ip.segments()[..2] == [0x2001, 0])
}

#[test]
fn mmdb_files_answer_what_their_sources_say() {
    let (Some(city), Some(isp)) =
        (shared("maxmind-test/GeoLite2-City-Test.mmdb"), shared("maxmind-test/GeoIP2-ISP-Test.mmdb"))
    else {
        return;
    };
    let dir = TempDir::new().unwrap();
    copy(&dir, "geo/city.mmdb", &city);
    copy(&dir, "asn/isp.mmdb", &isp);
    let set = Signals::open(dir.path(), clock()).current();
    assert!(set.sources().iter().all(|source| source.error.is_none()), "{:?}", set.sources());
    let mut checked = 0;
    for (ip, record) in networks(&city.with_extension("json")).into_iter().filter(|(ip, _)| !is_alias(ip)) {
        let facts = set.lookup_ip(ip);
        let code =
            ["country", "registered_country"].iter().find_map(|name| record[name]["iso_code"].as_str());
        assert_eq!(facts.country.map(|c| c.to_string()).as_deref(), code, "{ip}");
        assert_eq!(facts.city, record["city"]["names"]["en"].as_str(), "{ip}");
        checked += 1;
    }
    for (ip, record) in networks(&isp.with_extension("json")).into_iter().filter(|(ip, _)| !is_alias(ip)) {
        let facts = set.lookup_ip(ip);
        assert_eq!(facts.asn.map(u64::from), record["autonomous_system_number"].as_u64(), "{ip}");
        let name = ["isp", "organization", "autonomous_system_organization"]
            .iter()
            .find_map(|name| record[name].as_str());
        assert_eq!(facts.isp, name, "{ip}");
        checked += 1;
    }
    println!("{checked} networks compared");
    assert!(checked > 300);
}

#[test]
fn an_event_gets_its_address_facts() {
    let dir = TempDir::new().unwrap();
    put(&dir, "geo/geoip", "167772160,184549375,DE\n");
    put(&dir, "ranges/vpn/list", "10.1.0.0/16\n");
    let set = Signals::open(dir.path(), clock()).current();
    let mut cache = tollgate_signals::AgentCache::new(8);
    let mut known = event(EventKind::Click, Some("10.1.2.3"), None);
    set.enrich(&mut known, &mut cache);
    assert_eq!(known.text(Text::Country), Some("DE"));
    assert_eq!(known.text(Text::ProxyType), Some("VPN"));
    assert_eq!(known.number(Number::Asn), None);
    for address in [None, Some(""), Some("10.1.2"), Some("not an address")] {
        let mut unknown = event(EventKind::Click, address, None);
        set.enrich(&mut unknown, &mut cache);
        assert_eq!((unknown.text(Text::Country), unknown.text(Text::ProxyType)), (None, None), "{address:?}");
    }
}

#[test]
fn debian_tables_are_read_whole() {
    let (v4, v6) = (Path::new("/usr/share/tor/geoip"), Path::new("/usr/share/tor/geoip6"));
    if !v4.exists() || !v6.exists() {
        println!("SKIPPED: Debian's tor-geoipdb is not installed");
        return;
    }
    let dir = TempDir::new().unwrap();
    copy(&dir, "geo/geoip", v4);
    copy(&dir, "geo/geoip6", v6);
    let set = Signals::open(dir.path(), clock()).current();
    let country = |text| set.lookup_ip(ip(text)).country.map(|country| country.to_string());
    assert_eq!(country("8.8.8.8").as_deref(), Some("US"));
    assert_eq!(country("193.0.6.139").as_deref(), Some("NL"));
    assert_eq!(country("2001:67c:2e8:22::c100:68b").as_deref(), Some("NL"));
    assert_eq!(country("127.0.0.1"), None);
    let sources = set.sources();
    assert!(
        sources[1..].iter().all(|source| source.licence.starts_with("CC BY-SA") && source.entries > 100_000),
        "{sources:?}"
    );
}
