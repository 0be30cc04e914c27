//! What sealing, pages and lookups cost: `cargo bench -p tollgate-ledger --bench pages -- [events] [page rows]`.
//!
//! The history is deterministic: clicks of four integrations over five days, about 20 present columns and 350 bytes a
//! row, sealed in lots of 262,144. Times are of one thread, files warm in the page cache; on a busy machine the time on a
//! core says more than the clock.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tollgate_domain::{Event, EventKind, IntegrationId, Number, Status, Text, Timestamp, TxId};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::open::OpenRows;
use tollgate_ledger::query::{Cursor, PageQuery, Predicate};
use tollgate_ledger::row;
use tollgate_ledger::segment::{self, FooterCache, Layout, Segment, SegmentMeta};
use tollgate_ledger::view::View;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const LOT: u64 = 262_144;
const DAYS: u64 = 5;
const START: i64 = 1_700_006_400_000;

/// A small generator of the SplitMix family: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, small numbers much more often than great ones.
    fn skewed(&mut self, n: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (unit * unit * unit * n as f64) as u64
    }
}

const INTEGRATIONS: [&str; 4] = ["aaaaaaaaaa", "mmmmmmmmmm", "pppppppppp", "zzzzzzzzzz"];

fn integration(number: u64) -> IntegrationId {
    // Literals of the right form.
    INTEGRATIONS[number as usize].parse().unwrap_or_else(|_| unreachable!())
}

fn fill(event: &mut Event, seq: u64, total: u64, random: &mut Random) {
    let owner = [0, 0, 0, 0, 0, 0, 1, 1, 2, 3][(random.next() % 10) as usize];
    event.reset(EventKind::Click, integration(owner));
    let time = START + (seq as i128 * i128::from(DAYS) * 86_400_000 / i128::from(total)) as i64;
    let time = time - random.skewed(4000) as i64;
    event.id = TxId::new(Timestamp::from_millis(time), u128::from(random.next()) << 16);
    event.seq = seq;
    if random.next().is_multiple_of(4) {
        event.key = u128::from(random.next());
        event.write_text(Text::ExternalTransactionId, |out| {
            out.push_str(&format!("{:016x}{:016x}", random.next(), random.next()));
        });
    }
    let mut code = |event: &mut Event, column, prefix: &str, n| {
        let value = random.skewed(n);
        event.write_text(column, |out| out.push_str(&format!("{prefix}{value}")));
        value
    };
    code(event, Text::Advertiser, "adv-", 40);
    code(event, Text::Publisher, "pub-", 300);
    code(event, Text::OfferId, "", 500);
    code(event, Text::SubId, "source_", 5000);
    code(event, Text::Campaign, "campaign-", 200);
    code(event, Text::Country, "C", 60);
    code(event, Text::City, "City of ", 2000);
    code(event, Text::Isp, "Internet Provider ", 800);
    let agent = code(event, Text::DeviceModel, "SM-G", 400);
    event.write_text(Text::UserAgent, |out| {
        out.push_str(&format!("Mozilla/5.0 (Linux; Android 14; SM-G{agent}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36", 100 + agent % 30));
    });
    event.set_text(Text::BrowserName, "Chrome Mobile");
    event.write_text(Text::BrowserVersion, |out| out.push_str(&format!("{}.0.0", 100 + agent % 30)));
    event.set_text(Text::OsName, "Android");
    event.set_text(Text::OsVersion, "14");
    event.set_text(Text::DeviceType, "mobile");
    event.set_text(Text::FilterGroupId, "dddddddddd");
    let bits = random.next();
    event.write_text(Text::Ip, |out| {
        out.push_str(&format!(
            "{}.{}.{}.{}",
            1 + bits % 220,
            bits >> 8 & 255,
            bits >> 16 & 255,
            bits >> 24 & 255
        ));
    });
    if bits >> 60 == 0 {
        event.set_text(Text::Rejections, r#"["DUPLICATE_IP"]"#);
        event.write_text(Text::Evidence, |out| {
            out.push_str(&format!(
                r#"[{{"filter":"duplicate_user","observed":{},"threshold":5}}]"#,
                bits >> 40 & 63
            ))
        });
        event.set_status(Status::Rejected);
    } else {
        event.set_status(Status::Approved);
    }
    event.set_number(Number::RequestTime, time);
    event.set_number(Number::ArrivalTime, time + (bits >> 50) as i64);
    event.set_number(Number::Asn, (bits % 3000) as i64);
    event.set_number(Number::IsBot, i64::from(bits >> 58 == 0));
    event.set_number(Number::Payout, (bits % 50) as i64 * 10_000);
    event.set_number(Number::ConfigVersion, 17);
}

struct History {
    view: View,
    /// Ids of the first integration, newest first.
    ids: Vec<TxId>,
    externals: Vec<(TxId, String)>,
}

fn build(disk: &Arc<dyn Disk>, events: u64, layout: Layout) -> Outcome<History> {
    let cache = FooterCache::new(64 << 20);
    let mut random = Random(7);
    let mut event = Event::new(EventKind::Click, integration(0));
    let (mut segments, mut ids, mut externals) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sealing, mut sealed, mut row_bytes, mut file_bytes) = (Duration::ZERO, 0u64, 0, 0);
    let mut seq = 1;
    while seq <= events {
        let mut open = OpenRows::new();
        let first = seq;
        while seq <= events && seq < first + LOT {
            let mut frame = Vec::new();
            let from = seq;
            while seq <= events && seq < from + 100 {
                fill(&mut event, seq, events, &mut random);
                let start = frame.len();
                frame.extend_from_slice(&[0; 4]);
                row::encode(&event, &mut frame);
                let length = (frame.len() - start - 4) as u32;
                frame[start..start + 4].copy_from_slice(&length.to_le_bytes());
                if event.integration == integration(0) {
                    ids.push(event.id);
                    if let Some(external) = event.text(Text::ExternalTransactionId).filter(|_| seq % 64 == 0)
                    {
                        externals.push((event.id, external.to_owned()));
                    }
                }
                seq += 1;
            }
            open.push(frame.into(), from, seq - 1);
        }
        row_bytes += open.bytes();
        let snapshot = open.snapshot();
        let started = Instant::now();
        for group in snapshot.groups(u64::MAX)? {
            let name = SegmentMeta::file_name(group.kind, group.day, segments.len() as u64);
            let meta = segment::write_as(layout, &**disk, &name, group.kind, group.day, &group.rows)?;
            segment::publish(&**disk, &[&name])?;
            (sealed, file_bytes) = (sealed + meta.rows, file_bytes + meta.bytes);
            segments.push(Arc::new(Segment::open(disk.clone(), meta, cache.clone())));
        }
        sealing += started.elapsed();
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    println!(
        "sealing            {:>9.0} rows/s  ({:.2} us a row), {:.0} bytes a row in the log, {:.0} in {} segments",
        sealed as f64 / sealing.as_secs_f64(),
        sealing.as_secs_f64() * 1e6 / sealed as f64,
        row_bytes as f64 / sealed as f64,
        file_bytes as f64 / sealed as f64,
        segments.len(),
    );
    let view = View::new(segments.into(), OpenRows::new().snapshot(), events);
    Ok(History { view, ids, externals })
}

/// Nanoseconds this thread has run, waiting for a core not counted.
fn cpu_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes only to `time`, which outlives it.
    #[allow(unsafe_code)]
    unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time);
    }
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Runs `work` for `times` different arguments and prints the distribution: of time, and of the time it had a core.
fn measure(name: &str, times: usize, mut work: impl FnMut(usize) -> Outcome<usize>) -> Outcome<()> {
    let (mut taken, mut ran) = (Vec::with_capacity(times), Vec::with_capacity(times));
    let mut rows = 0;
    for i in 0..times {
        let (started, ran_before) = (Instant::now(), cpu_nanos());
        rows += black_box(work(i)?);
        taken.push(started.elapsed().as_secs_f64() * 1e3);
        ran.push((cpu_nanos() - ran_before) as f64 / 1e6);
    }
    let at = |times: &mut [f64], q: f64| {
        times.sort_unstable_by(f64::total_cmp);
        times[((times.len() - 1) as f64 * q) as usize]
    };
    println!(
        "{name:<36} p50 {:>8.3} ms  p99 {:>8.3} ms  max {:>8.3} ms; on a core p99 {:>8.3} ms  ({rows} rows)",
        at(&mut taken, 0.5),
        at(&mut taken, 0.99),
        at(&mut taken, 1.0),
        at(&mut ran, 0.99),
    );
    Ok(())
}

fn open_rows() -> Outcome<()> {
    let mut random = Random(9);
    let mut event = Event::new(EventKind::Click, integration(0));
    let mut open = OpenRows::new();
    let mut frames = Vec::new();
    for seq in 1..=LOT {
        fill(&mut event, seq, LOT * 20, &mut random);
        let mut frame = vec![0; 4];
        row::encode(&event, &mut frame);
        let length = (frame.len() - 4) as u32;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frames.push(bytes::Bytes::from(frame));
    }
    let started = Instant::now();
    for (seq, frame) in (1..).zip(frames) {
        open.push(frame, seq, seq);
    }
    println!(
        "open rows: push of one-row frames    {:.3} us each",
        started.elapsed().as_secs_f64() * 1e6 / LOT as f64
    );
    let view = View::new(Vec::new().into(), open.snapshot(), LOT);
    let all = Timestamp::from_millis(0)..Timestamp::from_millis(START * 2);
    let query = PageQuery::new(EventKind::Click, integration(0), all.start, all.end);
    measure("open rows: first page, cold", 1, |_| Ok(view.page(&query)?.rows.len()))?;
    measure("open rows: first page", 200, |_| Ok(view.page(&query)?.rows.len()))
}

fn main() -> Outcome<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let events = numbers.next().unwrap_or(5_000_000);
    let layout = Layout::default();
    let layout =
        Layout { page_rows: numbers.next().map_or(layout.page_rows, |rows| rows as usize), ..layout };
    println!("{events} events, pages of {} rows", layout.page_rows);
    let folder = tempfile::tempdir()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path())?);
    let History { view, ids, externals } = build(&disk, events, layout)?;
    let all = Timestamp::from_millis(0)..Timestamp::from_millis(START * 2);
    let query = PageQuery::new(EventKind::Click, integration(0), all.start, all.end);
    let after = |id| PageQuery { cursor: Cursor::After(id), ..query.clone() };
    let page = |query: &PageQuery| Ok(view.page(query)?.rows.len());
    measure("first page, cold footer", 1, |_| page(&query))?;
    measure("first page", 300, |_| page(&query))?;
    let near = |i: usize| after(ids[99 + i * 100]);
    measure("pages 2 to 301", 300, |i| page(&near(i)))?;
    let deep = (ids.len() / 2).min(1_000_000);
    measure(&format!("300 pages from page {} on", deep / 100), 300, |i| page(&after(ids[deep + i * 100])))?;
    let mut random = Random(3);
    let mut any = || ids[(random.next() % ids.len() as u64) as usize];
    measure("pages anywhere, first time", 1000, |_| page(&after(any())))?;
    measure("pages before, anywhere", 300, |_| {
        page(&PageQuery { cursor: Cursor::Before(any()), ..query.clone() })
    })?;
    measure("find by id, anywhere", 1000, |_| {
        Ok(usize::from(view.find(integration(0), None, any())?.is_some()))
    })?;
    measure("find by external id and day", 200, |i| {
        let (id, external) = &externals[i * 7919 % externals.len()];
        let day = id.time().day();
        let next = day.start().plus_millis(86_400_000);
        Ok(usize::from(
            view.find_external(integration(0), EventKind::Click, day.start(), next, external)?.is_some(),
        ))
    })?;
    for (name, operator, text) in [
        ("status", None, "rejected"),
        ("publisher", None, "pub-7"),
        ("payout", Some("gte"), "0.49"),
        ("user_agent", Some("contains"), "SM-G399)"),
        ("publisher", None, "nobody"),
    ] {
        let predicate = Predicate::parse(EventKind::Click, name, operator, text)?;
        let filtered = PageQuery { predicates: vec![predicate], ..query.clone() };
        measure(&format!("first page, {name} {text}"), 5, |_| page(&filtered))?;
    }
    let started = Instant::now();
    let rows = view.scan_seq_from(1).take(500_000).collect::<Result<Vec<_>, _>>()?.len();
    println!("scan in seq order  {:>9.0} rows/s", rows as f64 / started.elapsed().as_secs_f64());
    open_rows()
}
