//! Reads user agents from standard input, one to a line, and prints class, name, browser, system and device of each:
//! the tool to hold the rules against other people's lists. An argument names a signals directory.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use tollgate_domain::{Clock, Timestamp};
use tollgate_signals::Signals;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

fn main() -> std::io::Result<()> {
    let signals = match std::env::args().nth(1) {
        Some(dir) => Signals::open(Path::new(&dir), Arc::new(Epoch)),
        None => Signals::builtin(Arc::new(Epoch)),
    };
    let set = signals.current();
    for source in set.sources() {
        eprintln!(
            "{} {} {} entries {:?} {:?}",
            source.name, source.version, source.entries, source.notes, source.error
        );
    }
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let facts = set.agent(&line);
        let (class, name) = facts.bot.as_ref().map_or(("-", "-"), |bot| (bot.class.code(), &*bot.name));
        writeln!(
            out,
            "{class}\t{name}\t{} {}\t{} {}\t{}\t{}\t{line}",
            facts.browser_name,
            facts.browser_version,
            facts.os_name,
            facts.os_version,
            facts.device_type.code(),
            facts.device_model
        )?;
    }
    Ok(())
}
