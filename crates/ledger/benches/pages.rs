//! What sealing, pages and lookups cost: `cargo bench -p tollgate-ledger --bench pages -- [events] [page rows]`.
//!
//! Times are of one thread, files warm in the page cache; on a busy machine the time on a core says more than the clock.

mod history;

use history::{History, LOT, Outcome, Random, START, build, fill, integration};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use tollgate_domain::{Event, EventKind, Timestamp};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::open::OpenRows;
use tollgate_ledger::query::{Cursor, PageQuery, Predicate};
use tollgate_ledger::row;
use tollgate_ledger::segment::Layout;
use tollgate_ledger::view::View;

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
