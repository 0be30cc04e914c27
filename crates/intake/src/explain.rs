//! Why a stored event was judged as it was. The counters it was judged by are made again from the ledger: the rows before
//! it, in the order of `seq`, each counted by the configuration of its time; then the same filters look at the stored
//! facts once more, with somebody listening. Nothing is judged again and nothing is stored.

use crate::intake::Intake;
use crate::live::LiveIntegration;
use crate::rejudge::decision;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use tollgate_catalog::Snapshot;
use tollgate_domain::{Amendment, Event, FilterGroup, IntegrationId, Invalid, Number, Text, Timestamp, TxId};
use tollgate_ledger::Record;
use tollgate_ledger::scan::ScanError;
use tollgate_screening::{Counters, DataFile, Explanation, FilterExplanation, Question, restore_sub_id};

/// Rows between two looks at the clock.
const LOOK_EVERY: u64 = 4096;
/// Configurations that are compiled for one explanation.
const MAX_VERSIONS: usize = 16;

/// How much one explanation may cost.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rows that are read.
    pub rows: u64,
    /// Seconds that reading them may take.
    pub seconds: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self { rows: 2_000_000, seconds: 20 }
    }
}

/// A stored event, and why it was judged as it was.
#[derive(Debug)]
pub struct Explained {
    /// The event as it was judged and stored.
    pub event: Event,
    /// What became known of it later, the oldest first.
    pub amendments: Vec<Amendment>,
    /// What its filters saw.
    pub explanation: Explanation,
    /// The configuration that judged it.
    pub config_version: u64,
    /// Whether the explanation comes to the verdict that is stored.
    pub agrees: bool,
    /// How many earlier events were counted for it, and from which time on; `None` when no filter counts.
    pub counted: Option<(u64, Timestamp)>,
    /// What is not exact, in sentences.
    pub notes: Vec<String>,
}

/// An event could not be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError<E: std::error::Error> {
    /// History could not be read.
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
    /// The configuration of its time does not have the integration, or this version cannot compile its filters.
    #[error("configuration {version} {what}")]
    Unusable {
        /// Which.
        version: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The windows of its filters hold too many events.
    #[error("the windows of its filters hold up to {rows} events; {limit} are read for one explanation")]
    TooMany {
        /// How many.
        rows: u64,
        /// How many may be read.
        limit: u64,
    },
    /// Reading took too long.
    #[error("reading the events in the windows of its filters took more than {seconds} seconds")]
    TooSlow {
        /// How many it may take.
        seconds: u32,
    },
}

impl Intake {
    /// The durable event of an id, of any of these integrations, as it was judged.
    pub fn find(
        &self,
        integrations: impl IntoIterator<Item = IntegrationId>,
        id: TxId,
    ) -> Result<Option<Event>, ScanError> {
        let view = self.ledger().view();
        for integration in integrations {
            if let Some(event) = view.find(integration, None, id)? {
                return view.amended_to(event.seq).find(integration, Some(event.kind), id);
            }
        }
        Ok(None)
    }

    /// Explains an event that [`Intake::find`] gave. `configuration` gives the catalog as it was at a revision. This reads
    /// files.
    pub fn explain<E: std::error::Error>(
        &self,
        event: Event,
        effort: Effort,
        configuration: impl FnMut(u64) -> Result<Snapshot, E>,
    ) -> Result<Explained, ExplainError<E>> {
        let mut plans = Plans::new(self, event.integration, configuration);
        let config_version = version(&event);
        let live = plans.of(config_version)?;
        let mut asked = event.clone();
        restore_sub_id(&mut asked);
        let mut past = Past::new(self, &event);
        let counters = past.count(effort, &live, &asked, &mut plans)?;
        let groups: Vec<&FilterGroup> =
            live.entry.groups.iter().map(|group| -> &FilterGroup { group }).collect();
        let mut explanation = live.plan.explain(&Question {
            event: &asked,
            // The caller may have named the group; the stored one is the answer to that.
            forced: event.text(Text::FilterGroupId).and_then(|id| id.parse().ok()),
            groups: &groups,
            sources: &(),
            counters: &counters,
        });
        cite(&event, &mut explanation.filters);
        let agrees = is_stored(&event, &explanation);
        let notes = past.notes(agrees, plans.is_short);
        let amendments = self.ledger().view().amendments_of(&event)?;
        let counted = past.counted;
        Ok(Explained { explanation, config_version, agrees, counted, notes, amendments, event })
    }
}

fn version(event: &Event) -> u64 {
    event.number(Number::ConfigVersion).unwrap_or_default() as u64
}

/// The integration's filters at the times of its events.
struct Plans<'a, F> {
    intake: &'a Intake,
    integration: IntegrationId,
    configuration: F,
    known: BTreeMap<u64, Arc<LiveIntegration>>,
    /// Whether there were too many, so that some events count by another one's filters.
    is_short: bool,
}

impl<'a, F> Plans<'a, F> {
    fn new(intake: &'a Intake, integration: IntegrationId, configuration: F) -> Self {
        Self { intake, integration, configuration, known: BTreeMap::new(), is_short: false }
    }

    /// The filters of a configuration.
    fn of<E>(&mut self, version: u64) -> Result<Arc<LiveIntegration>, ExplainError<E>>
    where
        E: std::error::Error,
        F: FnMut(u64) -> Result<Snapshot, E>,
    {
        let room = self.known.len() < MAX_VERSIONS;
        let nearest = self.known.range(..version).next_back().or_else(|| self.known.iter().next());
        let nearest = nearest.map(|(_, live)| live.clone());
        let unknown = match (self.known.entry(version), nearest) {
            (Entry::Occupied(known), _) => return Ok(known.get().clone()),
            (Entry::Vacant(_), Some(nearest)) if !room => {
                self.is_short = true;
                return Ok(nearest);
            }
            (Entry::Vacant(unknown), _) => unknown,
        };
        let current = self.intake.live().get(self.integration).cloned();
        if let Some(current) = current.filter(|current| current.config_version == version) {
            return Ok(unknown.insert(current).clone());
        }
        let snapshot =
            (self.configuration)(version).map_err(|error| ExplainError::Configuration { version, error })?;
        let unusable = |what: String| ExplainError::Unusable { version, what };
        let entry = snapshot
            .integration(self.integration)
            .ok_or_else(|| unusable("does not have its integration".to_owned()))?;
        let told = |wrong: &Invalid| wrong.to_string();
        let live = LiveIntegration::compile(entry, version).map_err(|wrong| {
            let wrong: Vec<_> = wrong.iter().map(told).collect();
            unusable(format!("has filters that this version does not know: {}", wrong.join("; ")))
        })?;
        Ok(unknown.insert(Arc::new(live)).clone())
    }
}

/// What came before an event.
struct Past<'a> {
    intake: &'a Intake,
    event: &'a Event,
    is_imported: bool,
    /// Imported events that were counted for one that was not.
    imported: u64,
    counted: Option<(u64, Timestamp)>,
}

impl<'a> Past<'a> {
    fn new(intake: &'a Intake, event: &'a Event) -> Self {
        Self { intake, event, is_imported: intake.ledger().is_imported(event), imported: 0, counted: None }
    }

    /// The counters as they stood before the event, under its own keys. `asked` is the event as it came.
    fn count<E, F>(
        &mut self,
        effort: Effort,
        live: &LiveIntegration,
        asked: &Event,
        plans: &mut Plans<'_, F>,
    ) -> Result<Counters, ExplainError<E>>
    where
        E: std::error::Error,
        F: FnMut(u64) -> Result<Snapshot, E>,
    {
        let mut counters = self.intake.empty_counters();
        let Some(since) = live.plan.counts_since(asked) else { return Ok(counters) };
        let earlier = self.intake.ledger().view().earlier(self.event.integration, since, self.event.seq)?;
        let rows = earlier.rows_at_most()?;
        if rows > effort.rows {
            return Err(ExplainError::TooMany { rows, limit: effort.rows });
        }
        let wanted = live.plan.keys(asked, &counters);
        let deadline = self.intake.now().plus_millis(i64::from(effort.seconds) * 1000);
        let mut counted = 0;
        for (row, number) in earlier.events()?.zip(0u64..) {
            let record = row?;
            if number.is_multiple_of(LOOK_EVERY) && self.intake.now() > deadline {
                return Err(ExplainError::TooSlow { seconds: effort.seconds });
            }
            match &record {
                Record::Event(row) if self.counts(row) => {
                    counted += 1;
                    plans.of(version(row))?.plan.fold_for(&wanted, row, &mut counters);
                }
                // What an import counts knows of no amendment.
                Record::Amendment(late) if !self.is_imported => {
                    let live = plans.of(version(&late.record))?;
                    live.plan.count_late_rejection_for(&wanted, &late.record, &mut counters);
                }
                _ => {}
            }
        }
        self.counted = Some((counted, since));
        Ok(counters)
    }

    /// Whether the event was judged by counters that held `row`. An import judges by counters of its own, and all of its
    /// events arrive at one moment.
    fn counts(&mut self, row: &Event) -> bool {
        let is_imported = self.intake.ledger().is_imported(row);
        if self.is_imported {
            return is_imported && row.number(Number::ArrivalTime) == self.event.number(Number::ArrivalTime);
        }
        self.imported += u64::from(is_imported);
        true
    }

    /// What is not exact.
    fn notes(&self, agrees: bool, is_short: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_imported && self.counted.is_some() {
            notes.push(
                "It was imported: its file was judged by counters of its own, made again here from the events that \
                 this import stored. Lines of the file that were stored before are not among them."
                    .to_owned(),
            );
        }
        if self.imported > 0 {
            notes.push(format!(
                "{} imported events are counted from their place in the order on; while their import ran, up to 4,096 \
                 of them at a time were not counted yet.",
                self.imported
            ));
        }
        if is_short {
            notes.push(format!(
                "The configuration changed often in these windows: more than {MAX_VERSIONS} versions are not read, \
                 and events of the others count by the filters of the version before."
            ));
        }
        if !agrees {
            notes.push(
                "What was seen here does not come to the verdict that is stored. The stored verdict and its evidence \
                 hold. Counters can differ where they gave way to their memory budget, or where the server was \
                 started again after filters were added."
                    .to_owned(),
            );
        }
        notes
    }
}

/// Whether the explanation comes to the verdict that is stored.
fn is_stored(event: &Event, explanation: &Explanation) -> bool {
    let mut again = event.clone();
    restore_sub_id(&mut again);
    explanation.verdict.write_to(&mut again);
    decision(event) == decision(&again)
}

/// Cites the data files that the stored evidence names: they are those that were in use.
fn cite(event: &Event, filters: &mut [FilterExplanation]) {
    let Some(evidence) = event.text(Text::Evidence) else { return };
    // Evidence is JSON that was written here.
    let evidence: Vec<serde_json::Value> = serde_json::from_str(evidence).unwrap_or_default();
    for filter in filters {
        for look in filter.told.looks.iter_mut().filter(|look| look.objects) {
            let is_this = |entry: &&serde_json::Value| {
                entry["filter"] == filter.index
                    && entry["reason"] == look.reason.as_str()
                    && entry["field"].as_str() == look.field.as_deref()
            };
            let data = evidence.iter().find(is_this).map(|entry| &entry["data"]);
            let text = |name: &str| data.and_then(|data| data[name].as_str()).map(str::to_owned);
            look.data = text("file").zip(text("version")).map(|(file, version)| DataFile { file, version });
        }
    }
}
