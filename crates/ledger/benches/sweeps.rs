//! What reading everything costs: `cargo bench -p tollgate-ledger --bench sweeps -- [events]`.
//!
//! Rows of one integration, files warm in the page cache, what is written thrown away. Each line is the best of three
//! rounds.

#[allow(dead_code, reason = "pages are measured with more of it")]
mod history;

use history::{History, Outcome, START, build, integration};
use jiff::tz::TimeZone;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;
use tollgate_domain::row::Field;
use tollgate_domain::{EventKind, Timestamp, TxId};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::export::{Encoding, ExportQuery, Format};
use tollgate_ledger::group::{Bounds, GroupQuery, GroupSource, Key};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::segment::Layout;
use tollgate_ledger::view::View;

/// The columns of a customary export.
const TWELVE: [&str; 12] = [
    "real_tx_id",
    "request_time",
    "status",
    "rejection",
    "publisher",
    "offer_id",
    "sub_id",
    "country",
    "ip",
    "user_agent",
    "is_bot",
    "payout",
];

fn export(view: &View, name: &str, format: Format, fields: Vec<Field>, filter: Option<&str>) -> Outcome<()> {
    let kind = EventKind::Click;
    let predicates = filter.map(|country| Predicate::parse(kind, "country", None, country)).transpose()?;
    let query = ExportQuery {
        kind,
        integration: integration(0),
        from: TxId::default(),
        to: TxId::first_at(Timestamp::from_millis(START * 2)),
        predicates: predicates.into_iter().collect(),
        as_of: None,
    };
    let organization = "0123456789abcdef01234567".parse()?;
    let encoding = Encoding { format, fields, extra_parameters: Vec::new(), organization };
    for threads in [1, 2] {
        let mut best = f64::MAX;
        let mut rows = 0;
        let mut bytes = 0;
        for _ in 0..3 {
            let started = Instant::now();
            let told = view.export(&query, &encoding, threads, &mut std::io::sink(), &mut |_| {
                ControlFlow::Continue(())
            })?;
            (rows, bytes, best) = (told.rows, told.bytes, best.min(started.elapsed().as_secs_f64()));
        }
        println!(
            "{name:<32} {threads} threads {:>10.0} rows/s {:>7.0} MB/s  ({rows} rows)",
            rows as f64 / best,
            bytes as f64 / best / 1e6
        );
    }
    Ok(())
}

fn group(view: &View, name: &str, keys: &[&str]) -> Outcome<()> {
    let (from, to) = (TxId::default(), TxId::first_at(Timestamp::from_millis(START * 2)));
    let query = GroupQuery {
        sources: vec![GroupSource {
            integration: integration(0),
            from,
            to,
            zone: TimeZone::get("Europe/Berlin")?,
        }],
        counted: (EventKind::Click, Vec::new()),
        conversions: None,
        keys: keys.iter().filter_map(|name| Key::from_name(name)).collect(),
        as_of: None,
    };
    for threads in [1, 2] {
        let (mut best, mut rows, mut groups) = (f64::MAX, 0, 0);
        for _ in 0..3 {
            let started = Instant::now();
            let grouped = view.group(&query, &Bounds::threads(threads))?;
            (rows, groups, best) =
                (grouped.totals.total, grouped.groups.len(), best.min(started.elapsed().as_secs_f64()));
        }
        println!(
            "{name:<32} {threads} threads {:>10.0} rows/s  ({rows} rows, {groups} groups)",
            rows as f64 / best
        );
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let events = std::env::args().skip(1).find_map(|arg| arg.parse::<u64>().ok()).unwrap_or(3_000_000);
    let folder = tempfile::tempdir()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path())?);
    let History { view, .. } = build(&disk, events, Layout::default())?;
    let csv = Format::Csv { delimiter: b',', safe_cells: false };
    let twelve = || TWELVE.iter().filter_map(|name| Field::from_name(name)).collect::<Vec<_>>();
    let all = || Field::of_kind(EventKind::Click).collect::<Vec<_>>();
    export(&view, "CSV, 12 columns", csv, twelve(), None)?;
    export(&view, "CSV, all columns", csv, all(), None)?;
    export(&view, "CSV, 12 columns, one country", csv, twelve(), Some("C7"))?;
    export(&view, "NDJSON, 12 columns", Format::Ndjson, twelve(), None)?;
    export(&view, "Parquet, 12 columns", Format::Parquet, twelve(), None)?;
    group(&view, "group by country", &["country"])?;
    group(&view, "group by sub_id", &["sub_id"])?;
    group(&view, "group by date, country, publisher", &["date", "country", "publisher"])
}
