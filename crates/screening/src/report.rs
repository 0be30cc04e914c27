//! Where filters say what they found. Each filter's judgement is written once, for whoever listens: the verdict, which
//! wants objections alone and as fast as can be, or an explanation, which wants to know of every look.

use crate::feature::{FeatureInfo, Window};
use crate::flip::{Change, Flip};
use crate::sources::DataSource;
use crate::verdict::{Finding, Measure, Writer};
use tollgate_domain::{Event, FilterAction, Text};

/// Who listens to a filter.
pub trait Report {
    /// The filter lacks a fact, named by `missing`, and has no opinion.
    fn abstain(&mut self, missing: &'static str);

    /// The filter looked at something and objects or not. What it saw, and what would have made it come out the other
    /// way, are made only for those who want to know.
    fn check<'f>(
        &mut self,
        objects: bool,
        finding: impl FnOnce() -> Finding<'f>,
        flip: impl FnOnce() -> Flip,
    );

    /// The filter has nothing to look at in this event; `why` says so in a sentence.
    fn skip(&mut self, why: &'static str);
}

impl Report for Writer<'_> {
    #[inline]
    fn abstain(&mut self, missing: &'static str) {
        self.outcome.abstain(self.identity, missing);
    }

    #[inline]
    fn check<'f>(
        &mut self,
        objects: bool,
        finding: impl FnOnce() -> Finding<'f>,
        _flip: impl FnOnce() -> Flip,
    ) {
        if objects {
            self.fire(&finding());
        }
    }

    #[inline]
    fn skip(&mut self, _why: &'static str) {}
}

/// One thing that a filter looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Whether the filter objects.
    pub objects: bool,
    /// The reason that it gives, or would give.
    pub reason: String,
    /// The field it is about.
    pub field: Option<String>,
    /// What was seen.
    pub observed: Option<Measure>,
    /// What it was compared with.
    pub threshold: Option<Measure>,
    /// The counter it rests on.
    pub counted: Option<Counted>,
    /// The data file it rests on.
    pub data: Option<DataFile>,
    /// What would have made it come out the other way.
    pub flip: Flip,
}

/// A data file that a look rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Its name.
    pub file: String,
    /// Its version: whatever tells one edition from another.
    pub version: String,
}

impl From<DataSource<'_>> for DataFile {
    fn from(source: DataSource<'_>) -> Self {
        Self { file: source.file.to_owned(), version: source.version.to_owned() }
    }
}

/// What a look read from a counter, before the event itself was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// Which events count together.
    pub window: Window,
    /// The columns of the key with the event's own values; a missing value is empty.
    pub key: Vec<(Text, String)>,
    /// Events in the window.
    pub total: u32,
    /// How many of them are of the sort whose share is asked for, where a share is.
    pub hits: Option<u32>,
}

impl Look {
    /// What would have made it come out the other way, in a sentence. `action` is the filter's.
    pub fn sentence(&self, action: FilterAction) -> String {
        let verb = match (self.objects, action) {
            (true, _) => "passed",
            (false, FilterAction::Reject) => "been rejected",
            (false, FilterAction::Flag) => "been flagged",
        };
        let clause = &self.flip.clause;
        match (&self.flip.change, &self.counted) {
            (Change::None, _) => format!("No single change would have it {verb}: {clause}."),
            (Change::Events { .. }, Some(Counted { window: Window::Minutes(minutes), .. })) => {
                format!("It would have {verb} {clause} within {}.", duration(*minutes))
            }
            (Change::Events { .. }, Some(Counted { window: Window::Calendar(period), .. })) => {
                format!("It would have {verb} {clause} in the same {}.", period.name())
            }
            _ => match &self.data {
                Some(data) if self.objects => {
                    format!("It would have {verb} {clause}, or if {} said otherwise.", data.file)
                }
                _ => format!("It would have {verb} {clause}."),
            },
        }
    }
}

/// Minutes as people say them.
pub fn duration(minutes: u32) -> String {
    let (number, unit) = match minutes {
        m if m.is_multiple_of(24 * 60) => (m / (24 * 60), "day"),
        m if m.is_multiple_of(60) => (m / 60, "hour"),
        m => (m, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// What a filter said while somebody wanted to know of every look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// Everything it looked at, in order.
    pub looks: Vec<Look>,
    /// The facts that it lacked.
    pub missing: Vec<&'static str>,
    /// Why it had nothing to look at.
    pub skipped: Vec<&'static str>,
}

/// Listens for an explanation: keeps every look, and passes objections on to a verdict.
pub struct Recorder<'a> {
    pub(crate) writer: Writer<'a>,
    /// The event as it is judged, under the sub id that counts.
    pub(crate) event: &'a Event,
    /// The name that the event's sub id is stored under instead, if any.
    pub(crate) unified: Option<&'a str>,
    pub(crate) told: Told,
}

impl Report for Recorder<'_> {
    fn abstain(&mut self, missing: &'static str) {
        self.writer.abstain(missing);
        self.told.missing.push(missing);
    }

    fn check<'f>(
        &mut self,
        objects: bool,
        finding: impl FnOnce() -> Finding<'f>,
        flip: impl FnOnce() -> Flip,
    ) {
        let finding = finding();
        self.told.looks.push(Look {
            objects,
            reason: finding.reason_code().to_owned(),
            field: finding.field.map(str::to_owned),
            observed: finding.observed.map(Measure::from),
            threshold: finding.threshold.map(Measure::from),
            counted: self.counted(&finding),
            data: finding.topic.and_then(|topic| self.writer.sources.source(topic)).map(DataFile::from),
            flip: flip(),
        });
        if objects {
            self.writer.fire(&finding);
        }
    }

    fn skip(&mut self, why: &'static str) {
        self.told.skipped.push(why);
    }
}

impl Recorder<'_> {
    fn counted(&self, finding: &Finding<'_>) -> Option<Counted> {
        let (feature, tally) = finding.counted?;
        let info: &FeatureInfo = self.writer.features.get(feature.index())?;
        let value = |column: &Text| match self.unified {
            Some(unified) if *column == Text::SubId => unified.to_owned(),
            _ => self.event.text_or_empty(*column).to_owned(),
        };
        Some(Counted {
            window: info.window,
            key: info.key.iter().map(|column| (*column, value(column))).collect(),
            total: tally.total,
            hits: info.has_share.then_some(tally.hits),
        })
    }
}
