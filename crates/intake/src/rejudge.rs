//! Judging history again: folds the ledger in the order of `seq` and compares every verdict that was answered with what
//! the same plans say now. That they agree is what makes backtests, restarts and audits possible.

use crate::intake::Intake;
use crate::live::LiveIntegration;
use crate::shard::{SHARDS, shard_of};
use std::collections::BTreeMap;
use tollgate_catalog::Snapshot;
use tollgate_domain::{Event, IntegrationId, Number, Text, TxId};
use tollgate_ledger::Record;
use tollgate_ledger::scan::ScanError;
use tollgate_screening::{DataSource, DataSources, Topic, Verdict, restore_sub_id};

/// Differences that are kept with their details.
const KEPT: usize = 10;
/// Compiled configurations that are kept: a history has as many as it has changes.
const MAX_COMPILED: usize = 256;

/// What judging again found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejudged {
    /// Events that were judged again.
    pub judged: u64,
    /// Events that were imported: they count, but were judged by the counters of their import.
    pub imported: u64,
    /// Events whose integration the configuration of their time does not have.
    pub unknown: u64,
    /// How many verdicts differ.
    pub different: u64,
    /// The first of these.
    pub first: Vec<Difference>,
}

/// A verdict that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The event's place in the order.
    pub seq: u64,
    /// Its id.
    pub id: TxId,
    /// What is stored.
    pub stored: String,
    /// What judging again says.
    pub again: String,
}

/// History could not be judged again.
#[derive(Debug, thiserror::Error)]
pub enum RejudgeError<E: std::error::Error> {
    /// It could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The configuration of its time could not be read.
    #[error("configuration {version}: {error}")]
    Configuration {
        /// Which.
        version: u64,
        /// Why.
        error: E,
    },
}

/// Evidence is not compared, so no data file is cited.
struct NoSources;

impl DataSources for NoSources {
    fn source(&self, _: Topic) -> Option<DataSource<'_>> {
        None
    }
}

impl Intake {
    /// Judges every event again. `configuration` gives the catalog as it was at a revision.
    pub fn rejudge<E: std::error::Error>(
        &self,
        mut configuration: impl FnMut(u64) -> Result<Snapshot, E>,
    ) -> Result<Rejudged, RejudgeError<E>> {
        let mut counters: Vec<_> = (0..SHARDS).map(|_| self.empty_counters()).collect();
        let mut configurations =
            Configurations { read: &mut configuration, snapshot: None, known: BTreeMap::new() };
        let (mut found, mut verdict) = (Rejudged::default(), Verdict::new());
        for record in self.ledger().view().scan_seq_from(1) {
            let record = record?;
            let version = record.columns().number(Number::ConfigVersion).unwrap_or_default() as u64;
            let Some(live) = configurations.of(version, record.columns().integration)? else {
                found.unknown += 1;
                continue;
            };
            let counters = &mut counters[shard_of(record.columns().integration)];
            let mut event = match record {
                Record::Event(event) => event,
                Record::Amendment(amendment) => {
                    if amendment.record.flag(Number::LateRejection) {
                        live.plan.count_late_rejection(&amendment.record, counters);
                    }
                    continue;
                }
            };
            if self.ledger().is_imported(&event) {
                found.imported += 1;
                live.plan.fold(&event, counters);
                continue;
            }
            found.judged += 1;
            let stored = event.clone();
            restore_sub_id(&mut event);
            // The caller may have named the group; the stored one is the answer to that.
            let forced = event.text(Text::FilterGroupId).and_then(|id| id.parse().ok());
            live.plan.evaluate(&event, forced, &NoSources, counters, &mut verdict);
            verdict.write_to(&mut event);
            live.plan.count_judged(&stored, &verdict, counters);
            found.compare(&stored, &event);
        }
        Ok(found)
    }
}

/// The integrations' filters at the times of their events.
struct Configurations<'a, F> {
    read: &'a mut F,
    /// The catalog that was read last; neighbours mostly have the same.
    snapshot: Option<(u64, Snapshot)>,
    known: BTreeMap<(u64, IntegrationId), Option<LiveIntegration>>,
}

impl<F> Configurations<'_, F> {
    /// The filters of an integration at a revision; `None` where that does not have it, or they do not compile.
    fn of<E>(&mut self, version: u64, id: IntegrationId) -> Result<Option<&LiveIntegration>, RejudgeError<E>>
    where
        E: std::error::Error,
        F: FnMut(u64) -> Result<Snapshot, E>,
    {
        if !self.known.contains_key(&(version, id)) {
            if self.known.len() >= MAX_COMPILED {
                self.known.clear();
            }
            let snapshot = match self.snapshot.take() {
                Some((read, snapshot)) if read == version => snapshot,
                _ => (self.read)(version).map_err(|error| RejudgeError::Configuration { version, error })?,
            };
            let compile = |entry| LiveIntegration::compile(entry, version).ok();
            self.known.insert((version, id), snapshot.integration(id).and_then(compile));
            self.snapshot = Some((version, snapshot));
        }
        Ok(self.known.get(&(version, id)).and_then(Option::as_ref))
    }
}

impl Rejudged {
    fn compare(&mut self, stored: &Event, again: &Event) {
        let (stored_says, again_says) = (decision(stored), decision(again));
        if stored_says == again_says {
            return;
        }
        self.different += 1;
        if self.first.len() < KEPT {
            let difference = Difference {
                seq: stored.seq,
                id: stored.id,
                stored: format!("{stored_says:?}"),
                again: format!("{again_says:?}"),
            };
            self.first.push(difference);
        }
    }
}

/// What was decided: status, whether it is enforced, reasons, group.
pub(crate) fn decision(event: &Event) -> (&str, bool, &str, &str) {
    (
        event.status().map_or("", |status| status.name()),
        event.flag(Number::MonitoringMode),
        event.text_or_empty(Text::Rejections),
        event.text_or_empty(Text::FilterGroupId),
    )
}
