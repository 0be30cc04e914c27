//! Metrics in Prometheus' text format, written when they are asked for.

use std::fmt::Write;
use std::sync::Arc;
use tollgate_domain::Timestamp;
use tollgate_http::server::{Tls, TlsStats};
use tollgate_intake::Intake;
use tollgate_jobs::analytics::{Analytics, JobStats};
use tollgate_jobs::app_ads_txt::{AppAdsTxt, RoundStats};
use tollgate_jobs::exports::{ExportStats, Exports};
use tollgate_jobs::postbacks::{PostbackStats, Postbacks};
use tollgate_rtb::{AuctionStats, Auctions};

/// What has figures besides the intake.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) app_ads_txt: Arc<AppAdsTxt>,
    pub(crate) postbacks: Arc<Postbacks>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) analytics: Arc<Analytics>,
    pub(crate) auctions: Arc<Auctions>,
}

/// Text under construction.
struct Exposition(String);

impl Exposition {
    /// One family; each sample is its labels (with braces, or empty) and its value.
    fn family<'a>(
        &mut self,
        kind: &str,
        name: &str,
        about: &str,
        samples: impl IntoIterator<Item = (&'a str, f64)>,
    ) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    fn gauge(&mut self, name: &str, about: &str, value: u64) {
        self.family("gauge", name, about, [("", value as f64)]);
    }

    fn counter(&mut self, name: &str, about: &str, value: u64) {
        self.family("counter", name, about, [("", value as f64)]);
    }
}

/// Everything `/metrics` says. `started` is when the process was ready.
pub(crate) fn render(intake: &Intake, shown: &Shown, started: Timestamp) -> String {
    let mut out = Exposition(String::with_capacity(8192));
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    out.family("gauge", "tollgate_build_info", "The running version.", [(version.as_str(), 1.0)]);
    let started = started.millis() as f64 / 1000.0;
    out.family("gauge", "tollgate_start_time_seconds", "When the server was ready.", [("", started)]);
    if let Some(bytes) = resident_bytes() {
        out.gauge("process_resident_memory_bytes", "Resident memory.", bytes);
    }
    judging(&mut out, intake);
    ledger(&mut out, intake);
    signals(&mut out, intake);
    if let Some(tls) = &shown.tls {
        secure(&mut out, &tls.stats());
    }
    app_ads_txt(&mut out, shown.app_ads_txt.stats());
    postbacks(&mut out, shown.postbacks.stats());
    exports(&mut out, shown.exports.stats());
    analytics(&mut out, shown.analytics.stats());
    auctions(&mut out, &shown.auctions.stats());
    out.0
}

fn judging(out: &mut Exposition, intake: &Intake) {
    let stats = intake.stats();
    let verdicts = [
        ("{verdict=\"approved\"}", stats.approved as f64),
        ("{verdict=\"rejected\"}", stats.rejected as f64),
        ("{verdict=\"monitored\"}", stats.monitored as f64),
    ];
    let about = "Events judged since the start; monitored ones were rejected under monitoring mode.";
    out.family("counter", "tollgate_events_total", about, verdicts);
    out.counter("tollgate_abstained_total", "Judgements in which a filter lacked a fact.", stats.abstained);
    out.gauge("tollgate_counter_keys", "Keys that screening counts under.", stats.counter_keys);
    out.gauge("tollgate_counter_bytes", "Memory of the screening counters.", stats.counter_bytes);
    let about = "Keys that gave way to the memory budget.";
    out.counter("tollgate_counter_evictions_total", about, stats.counter_evictions);
}

fn ledger(out: &mut Exposition, intake: &Intake) {
    let stats = intake.ledger().stats();
    out.gauge("tollgate_ledger_seq", "Highest durable seq.", stats.committed_seq);
    out.gauge("tollgate_ledger_sealed_seq", "Highest seq in a segment.", stats.sealed_seq);
    out.gauge(
        "tollgate_ledger_unsealed_rows",
        "Durable rows that are not in a segment yet.",
        stats.unsealed_rows,
    );
    out.counter("tollgate_ledger_commits_total", "Group commits since the start.", stats.commits);
    out.gauge("tollgate_ledger_segments", "Segments.", stats.segments);
    out.gauge("tollgate_ledger_segment_bytes", "Bytes of all segments.", stats.segment_bytes);
    let about = "Rows that are deleted and still in files.";
    out.gauge("tollgate_ledger_deleted_rows", about, stats.deleted_rows);
    let about = "Bytes of memory that the newest sealed rows take, kept for look-ups by id.";
    out.gauge("tollgate_ledger_near_bytes", about, stats.near_bytes);
    let about = "Segments whose sums were compared with their events since the start.";
    out.counter("tollgate_ledger_compared_sums_total", about, stats.compared_sums);
    let about = "Sums of segments that were not those of their events.";
    out.counter("tollgate_ledger_wrong_sums_total", about, stats.wrong_sums);
    let about = "Merges of segments since the start.";
    out.counter("tollgate_ledger_merges_total", about, stats.merges);
    out.counter("tollgate_ledger_merged_rows_total", "Rows that merges wrote.", stats.merged_rows);
    out.counter("tollgate_ledger_merged_bytes_total", "Bytes that merges wrote.", stats.merged_bytes);
    out.gauge("tollgate_ledger_prepared_files", "Empty log files that are ready.", stats.prepared_files);
    out.gauge("tollgate_ledger_free_bytes", "Free bytes on the ledger's disk.", stats.free_bytes);
}

fn signals(out: &mut Exposition, intake: &Intake) {
    let signals = intake.signals();
    out.counter("tollgate_signals_reloads_total", "Data files loaded since the start.", signals.reloads());
    out.counter("tollgate_signals_failures_total", "Data files that did not parse.", signals.failures());
    let (now, set) = (intake.now(), signals.current());
    let files = set.sources().iter().filter(|source| !source.sha256.is_empty() || source.error.is_some());
    let labelled: Vec<_> = files
        .map(|source| {
            let labels = format!("{{file=\"{}\",kind=\"{}\"}}", escaped(&source.name), source.kind.name());
            let age = source.age_millis(now) as f64 / 1000.0;
            (labels, age, f64::from(u8::from(source.error.is_none())))
        })
        .collect();
    let ages = labelled.iter().map(|(labels, age, _)| (labels.as_str(), *age));
    out.family("gauge", "tollgate_signals_file_age_seconds", "Age of the data file in use.", ages);
    let states = labelled.iter().map(|(labels, _, ok)| (labels.as_str(), *ok));
    let about = "1 when the newest version of the data file is in use, 0 when it does not parse.";
    out.family("gauge", "tollgate_signals_file_ok", about, states);
}

fn secure(out: &mut Exposition, stats: &TlsStats) {
    let handshakes = [
        ("{result=\"done\"}", stats.handshakes as f64),
        ("{result=\"failed\"}", stats.handshake_failures as f64),
        ("{result=\"too_slow\"}", stats.handshake_timeouts as f64),
    ];
    out.family("counter", "tollgate_tls_handshakes_total", "TLS handshakes by their end.", handshakes);
    let about = "Certificates taken over while running.";
    out.counter("tollgate_tls_reloads_total", about, stats.reloads);
    let about = "New certificates that could not be used; the one before stayed.";
    out.counter("tollgate_tls_reload_failures_total", about, stats.reload_failures);
    let about = "1 when the certificate in the files is in use, 0 when it cannot be.";
    out.gauge("tollgate_tls_certificate_ok", about, u64::from(stats.newest_is_used));
    let expires = stats.not_after.map(|at| ("", at.millis() as f64 / 1000.0));
    let about = "When the certificate in use expires.";
    out.family("gauge", "tollgate_tls_certificate_expiry_time_seconds", about, expires);
}

fn app_ads_txt(out: &mut Exposition, stats: RoundStats) {
    let about = "app-ads.txt files that were fetched without being asked for.";
    out.counter("tollgate_app_ads_txt_files_total", about, stats.files);
    let about = "Outcomes of such checks that could not be stored.";
    out.counter("tollgate_app_ads_txt_failures_total", about, stats.failures);
}

fn postbacks(out: &mut Exposition, stats: PostbackStats) {
    out.gauge("tollgate_postbacks_pending", "Deliveries of postbacks that wait.", stats.pending);
    let oldest = stats.oldest_millis as f64 / 1000.0;
    let about = "Time since the longest-waiting delivery was due first; 0 when none is overdue.";
    out.family("gauge", "tollgate_postbacks_oldest_pending_seconds", about, [("", oldest)]);
    let about = "Rows of the ledger that were not looked at yet for what has to be sent.";
    out.gauge("tollgate_postbacks_behind", about, stats.behind);
    let ends = [
        ("{result=\"delivered\"}", stats.delivered as f64),
        ("{result=\"failed\"}", stats.failed as f64),
        ("{result=\"canceled\"}", stats.canceled as f64),
    ];
    out.family("counter", "tollgate_postbacks_total", "Deliveries by their end, since the start.", ends);
    let about = "Attempts to deliver, since the start.";
    out.counter("tollgate_postback_attempts_total", about, stats.attempts);
}

fn exports(out: &mut Exposition, stats: ExportStats) {
    out.gauge("tollgate_exports_waiting", "Exports that wait.", stats.waiting);
    out.gauge("tollgate_exports_running", "Exports that are being written.", stats.running);
    out.gauge("tollgate_export_files", "Files of exports that are kept.", stats.files);
    out.gauge("tollgate_export_bytes", "Bytes of these files.", stats.bytes);
    let ends =
        [("{result=\"completed\"}", stats.completed as f64), ("{result=\"failed\"}", stats.failed as f64)];
    out.family("counter", "tollgate_exports_total", "Exports by their end, since the start.", ends);
}

fn analytics(out: &mut Exposition, stats: JobStats) {
    let about = "Reports with amounts of money that wait to be made.";
    out.gauge("tollgate_analytics_jobs_waiting", about, stats.waiting);
    out.gauge("tollgate_analytics_jobs_running", "Such reports that are being made.", stats.running);
    let ends = [
        ("{result=\"completed\"}", stats.completed as f64),
        ("{result=\"failed\"}", stats.failed as f64),
        ("{result=\"canceled\"}", stats.canceled as f64),
    ];
    out.family(
        "counter",
        "tollgate_analytics_jobs_total",
        "Such reports by their end, since the start.",
        ends,
    );
}

fn auctions(out: &mut Exposition, stats: &AuctionStats) {
    let labelled: Vec<_> = stats
        .outcomes
        .iter()
        .map(|(outcome, count)| (format!("{{outcome=\"{}\"}}", outcome.code()), *count as f64))
        .collect();
    let samples = labelled.iter().map(|(labels, count)| (labels.as_str(), *count));
    out.family(
        "counter",
        "tollgate_auctions_total",
        "Rejected clicks that were offered to bidders.",
        samples,
    );
    let about = "Winners' notices that could not be delivered.";
    out.counter("tollgate_auction_notices_lost_total", about, stats.notices_lost);
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Resident memory as Linux tells it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}
