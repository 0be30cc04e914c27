//! Measures what signals cost: loading a directory, a lookup, an enriched event. The argument names the signals directory;
//! user agents come from standard input, one to a line.
#![allow(clippy::disallowed_methods)]

use std::hint::black_box;
use std::io::BufRead;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tollgate_domain::{Clock, Event, EventKind, Text, Timestamp};
use tollgate_signals::{AgentCache, Signals};

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

/// Resident memory in MiB, from the kernel.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).map_or(0, |pages| (pages * 4096) >> 20)
}

fn per(name: &str, count: u64, mut step: impl FnMut(u64)) {
    let start = Instant::now();
    (0..count).for_each(&mut step);
    println!("{name}: {:.0} ns", start.elapsed().as_nanos() as f64 / count as f64);
}

fn main() -> std::io::Result<()> {
    let agents: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let before = resident();
    let start = Instant::now();
    let signals = match std::env::args().nth(1) {
        Some(dir) => Signals::open(Path::new(&dir), Arc::new(Epoch)),
        None => Signals::builtin(Arc::new(Epoch)),
    };
    let set = signals.current();
    println!(
        "load: {:?}, resident {} MiB, of it tables {} KiB",
        start.elapsed(),
        resident() - before,
        set.memory() >> 10
    );
    let mix = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    per("lookup IPv4", 5_000_000, |n| {
        black_box(set.lookup_ip(IpAddr::V4(Ipv4Addr::from_bits((mix(n) >> 32) as u32))));
    });
    per("lookup IPv6", 5_000_000, |n| {
        let bits = 0x2600_0000_u128 << 96 | u128::from(mix(n)) << 60;
        black_box(set.lookup_ip(IpAddr::V6(Ipv6Addr::from_bits(bits))));
    });
    per("agent, not cached", agents.len() as u64, |n| {
        black_box(set.agent(&agents[n as usize]));
    });
    println!("resident after {} agents: {} MiB", agents.len(), resident() - before);
    let mut cache = AgentCache::new(16_384);
    let mut event = Event::new(EventKind::Click, "abcdefghij".parse().map_err(std::io::Error::other)?);
    let integration = event.integration;
    for name in ["enrich, first pass", "enrich, cached"] {
        per(name, if name.ends_with("pass") { agents.len() as u64 } else { 2_000_000 }, |n| {
            event.reset(EventKind::Click, integration);
            event.write_text(Text::Ip, |out| {
                use std::fmt::Write;
                let _ = write!(out, "{}", Ipv4Addr::from_bits((mix(n) >> 32) as u32));
            });
            event.set_text(Text::UserAgent, &agents[n as usize % agents.len()]);
            set.enrich(&mut event, &mut cache);
            black_box(&event);
        });
    }
    per("the event alone", 2_000_000, |n| {
        event.reset(EventKind::Click, integration);
        event.write_text(Text::Ip, |out| {
            use std::fmt::Write;
            let _ = write!(out, "{}", Ipv4Addr::from_bits((mix(n) >> 32) as u32));
        });
        event.set_text(Text::UserAgent, &agents[n as usize % agents.len()]);
        black_box(&event);
    });
    Ok(())
}
