//! What came of a scenario: what was rejected, held against the labels.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use tollgate_domain::{Event, EventKind, Status, Text};

/// Labels of traffic that nobody should reject.
const GOOD: &[&str] = &["good", "viral"];

/// One kind of one label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Caught {
    /// Events that were made.
    pub(crate) events: u64,
    /// Events that were rejected.
    pub(crate) rejected: u64,
    /// How many events carry each reason; an event may carry several.
    pub(crate) reasons: BTreeMap<String, u64>,
}

/// One kind of event, by label.
#[derive(Debug, Default)]
struct Kind {
    labels: BTreeMap<String, Caught>,
}

/// A scenario under one set of filters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) scenario: &'static str,
    /// The filters' name.
    pub(crate) filters: &'static str,
    pub(crate) clicks: Figures,
    pub(crate) conversions: Figures,
}

/// A kind's labels, with what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Of what was rejected, the share that is labelled bad; `None` when nothing was rejected.
    pub(crate) precision: Option<f64>,
    /// Of what is labelled good, the share that was rejected; `None` when there is nothing good.
    pub(crate) false_positives: Option<f64>,
    pub(crate) labels: BTreeMap<String, Labelled>,
}

/// A label's events, with the share of them that was rejected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Labelled {
    #[serde(flatten)]
    pub(crate) caught: Caught,
    /// The share that was rejected: of an attack its recall, of good traffic its loss.
    pub(crate) rejected_share: f64,
}

/// Counts the events of one scenario.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    clicks: Kind,
    conversions: Kind,
}

impl Tally {
    /// Counts an event under the label among its extra parameters.
    pub(crate) fn count(&mut self, event: &Event) {
        let kind = match event.kind {
            EventKind::Click => &mut self.clicks,
            EventKind::Conversion => &mut self.conversions,
            EventKind::Impression => return,
        };
        let extra: BTreeMap<String, String> =
            serde_json::from_str(event.text_or_empty(Text::ExtraParameters)).unwrap_or_default();
        let label = extra.get("label").map_or("", String::as_str);
        let caught = kind.labels.entry(label.to_owned()).or_default();
        caught.events += 1;
        caught.rejected += u64::from(event.status() == Some(Status::Rejected));
        let reasons: Vec<String> =
            serde_json::from_str(event.text_or_empty(Text::Rejections)).unwrap_or_default();
        for reason in reasons {
            *caught.reasons.entry(reason).or_default() += 1;
        }
    }

    /// The figures.
    pub(crate) fn report(self, scenario: &'static str, filters: &'static str) -> Report {
        Report { scenario, filters, clicks: self.clicks.figures(), conversions: self.conversions.figures() }
    }
}

impl Kind {
    fn figures(self) -> Figures {
        let sum = |good: bool| {
            let of = self.labels.iter().filter(|(label, _)| GOOD.contains(&label.as_str()) == good);
            of.fold((0, 0), |(events, rejected), (_, caught)| {
                (events + caught.events, rejected + caught.rejected)
            })
        };
        let ((_, bad_rejected), (good, good_rejected)) = (sum(false), sum(true));
        let labels = self.labels.into_iter().map(|(label, caught)| {
            let rejected_share = share(caught.rejected, caught.events).unwrap_or_default();
            (label, Labelled { caught, rejected_share })
        });
        Figures {
            precision: share(bad_rejected, bad_rejected + good_rejected),
            false_positives: share(good_rejected, good),
            labels: labels.collect(),
        }
    }
}

/// A share, to four places: what is printed is what is compared.
fn share(part: u64, whole: u64) -> Option<f64> {
    let hundredths = (part * 20_000 + whole).checked_div(2 * whole)?;
    Some(hundredths as f64 / 10_000.0)
}

/// The head of the table whose rows [`Report`] prints.
pub(crate) const TABLE_HEAD: &str = "\
| scenario | filters | traffic | events | rejected | precision | good lost | main reasons |
|---|---|---|---|---|---|---|---|
";

impl fmt::Display for Report {
    /// Rows of a Markdown table, one for each label and kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, figures) in [("clicks", &self.clicks), ("conversions", &self.conversions)] {
            let percent = |share: Option<f64>| {
                share.map_or("–".to_owned(), |share| format!("{:.2} %", share * 100.0))
            };
            for (label, labelled) in &figures.labels {
                let good = GOOD.contains(&label.as_str());
                writeln!(
                    f,
                    "| {} | {} | {label} {kind} | {} | {} | {} | {} | {} |",
                    self.scenario,
                    self.filters,
                    labelled.caught.events,
                    percent(Some(labelled.rejected_share)),
                    if good { String::new() } else { percent(figures.precision) },
                    if good { String::new() } else { percent(figures.false_positives) },
                    labelled.caught.main_reasons(),
                )?;
            }
        }
        Ok(())
    }
}

impl Caught {
    /// The three reasons that most events carry, with how many do.
    fn main_reasons(&self) -> String {
        let mut reasons: Vec<(&String, &u64)> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let shown: Vec<String> =
            reasons.iter().take(3).map(|(reason, count)| format!("{reason} {count}")).collect();
        shown.join(", ")
    }
}
