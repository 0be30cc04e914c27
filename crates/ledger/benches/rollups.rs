//! What sums cost and save: `cargo bench -p tollgate-ledger --bench rollups -- [events]`.
//!
//! A year of clicks, conversions and impressions of one integration, sealed through the ledger as they come; then a year
//! of daily figures by app and country, from the sums and, by a key that none has, from the events.

#[allow(dead_code, reason = "other measurements use more of it")]
mod history;

use history::{Outcome, Random, integration};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tollgate_domain::{Entropy, Event, KINDS_ALL, Number, Status, Text, Timestamp, TxId, TxIdKey};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::group::{Bounds, GroupSource, Key};
use tollgate_ledger::rollup::{RollupQuery, Step};
use tollgate_ledger::{Ledger, Options};

const YEAR_MS: i64 = 365 * 86_400_000;
const START: i64 = 20_454 * 86_400_000;
const LOT: u64 = 262_144;
/// Events that are promised and committed together.
const TOGETHER: u64 = 1000;

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn fill(event: &mut Event, time: i64, random: &mut Random) {
    let bits = random.next();
    event.reset(KINDS_ALL[(bits % 3) as usize], integration(0));
    event.id = TxId::default();
    event.set_number(Number::RequestTime, time);
    event.set_number(Number::ArrivalTime, time);
    let mut code = |event: &mut Event, column, prefix: &str, n: u64| {
        let unit = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        let value = (unit * unit * unit * n as f64) as u64;
        event.write_text(column, |out| out.push_str(&format!("{prefix}{value}")));
    };
    code(event, Text::AppId, "app-", 50);
    code(event, Text::AdLocation, "place-", 4);
    code(event, Text::AdType, "type-", 3);
    code(event, Text::Country, "C", 60);
    code(event, Text::Campaign, "campaign-", 40);
    code(event, Text::Creative, "creative-", 8);
    code(event, Text::Publisher, "pub-", 300);
    code(event, Text::OfferId, "", 500);
    code(event, Text::SubId, "source_", 5000);
    event.write_text(Text::DeviceId, |out| out.push_str(&format!("{bits:016x}")));
    event.set_status(if bits >> 60 == 0 { Status::Rejected } else { Status::Approved });
    if bits >> 60 == 0 {
        event.set_text(Text::Rejections, r#"["DUPLICATE_IP"]"#);
    }
    event.set_number(Number::Price, (bits >> 8 & 1023) as i64 * 1000);
    event.set_number(Number::Payout, (bits >> 20 & 63) as i64 * 10_000);
}

/// A ledger of so many events, and how long sealing them took.
fn build(disk: Arc<dyn Disk>, events: u64) -> Outcome<(Ledger, Duration)> {
    let options = Options { max_open_bytes: 4 << 30, ..Options::default() };
    let opened = Ledger::open(disk, Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {})?;
    let (ledger, mut random, mut sealing) = (opened.0, Random(7), Duration::ZERO);
    let mut event = Event::new(KINDS_ALL[0], integration(0));
    for first in (0..events).step_by(TOGETHER as usize) {
        ledger.keep()?;
        let promise = ledger.promise(TOGETHER, 0)?;
        for number in first..(first + TOGETHER).min(events) {
            let time = START + (i128::from(number) * i128::from(YEAR_MS) / i128::from(events)) as i64;
            fill(&mut event, time, &mut random);
            ledger.append(&promise, &mut event, |_| {});
        }
        ledger.commit()?;
        drop(promise);
        if (first + TOGETHER) % LOT < TOGETHER || first + TOGETHER >= events {
            let started = Instant::now();
            while ledger.seal(LOT)?.is_some() {}
            sealing += started.elapsed();
        }
    }
    Ok((ledger, sealing))
}

fn ask(ledger: &Ledger, name: &str, keys: &[Key], zone: &str) -> Outcome<()> {
    let at = |millis| TxId::first_at(Timestamp::from_millis(millis));
    let query = RollupQuery {
        sources: vec![GroupSource {
            integration: integration(0),
            from: at(START),
            to: at(START + YEAR_MS),
            zone: TimeZone::get(zone)?,
        }],
        kinds: KINDS_ALL.to_vec(),
        predicates: Vec::new(),
        keys: keys.to_vec(),
        step: Step::Day,
        as_of: None,
    };
    let view = ledger.view();
    // What is asked of a whole year at once has more groups than a report tells.
    let bounds = Bounds { groups: usize::MAX, ..Bounds::threads(2) };
    let mut best = f64::MAX;
    let mut rows = 0;
    for _ in 0..3 {
        let started = Instant::now();
        rows = view.rollup(&query, &bounds)?.len();
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!("{name:<44} {:>8.1} ms  ({rows} rows)", best * 1e3);
    Ok(())
}

fn main() -> Outcome<()> {
    let events = std::env::args().skip(1).find_map(|arg| arg.parse::<u64>().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path())?);
    let (ledger, sealing) = build(disk, events)?;
    let metas: Vec<_> = ledger.view().segments().iter().map(|segment| segment.meta().clone()).collect();
    let (bytes, sums): (u64, u64) =
        metas.iter().fold((0, 0), |(bytes, sums), meta| (bytes + meta.bytes, sums + meta.rollup_bytes()));
    println!(
        "{events} events in {} segments: sealed with sums in {:.2} us a row; {:.1} bytes a row, and {:.1} of sums",
        metas.len(),
        sealing.as_secs_f64() * 1e6 / events as f64,
        bytes as f64 / events as f64,
        sums as f64 / events as f64,
    );
    let (app, country) = (Key::Text(Text::AppId), Key::Text(Text::Country));
    ask(&ledger, "a year by day", &[Key::Date], "America/Los_Angeles")?;
    ask(
        &ledger,
        "a year by day, app, country; Los Angeles",
        &[Key::Date, app, country],
        "America/Los_Angeles",
    )?;
    ask(&ledger, "a year by day, app, country; UTC", &[Key::Date, app, country], "UTC")?;
    ask(&ledger, "a year by app and creative", &[app, Key::Text(Text::Creative)], "UTC")?;
    ask(
        &ledger,
        "a year by day and device type, from events",
        &[Key::Date, Key::Text(Text::DeviceType)],
        "UTC",
    )?;
    let started = Instant::now();
    let wrong = (0..metas.len()).filter(|_| !ledger.compare_sums(&|| true)).count() as u64
        + ledger.stats().wrong_sums;
    println!("all sums compared with the events in {:.1} s, {wrong} wrong", started.elapsed().as_secs_f64());
    Ok(())
}
