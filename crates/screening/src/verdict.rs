//! The verdict on one event, in a buffer that is used again for the next: an approved event costs no allocation.
//!
//! Evidence is written as JSON text while filters report, because text is what the ledger keeps. It names columns but
//! never repeats addresses, user agents or device ids: those stand in the event's own columns, where truncation and
//! deletion reach them.

use crate::catalogue::FilterType;
use crate::counters::Tally;
use crate::feature::{FeatureId, FeatureInfo, Keys, Window};
use crate::sources::{DataSources, Topic};
use crate::sub_ids::SubIdFinding;
use std::fmt::{self, Write};
use std::sync::Arc;
use tollgate_domain::{Event, FilterAction, FilterGroupId, Number, Reason, Status, Text};

/// What was decided about an event, and why.
#[derive(Debug, Default)]
pub struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) scratch: Scratch,
}

/// The decision itself.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) group: Option<FilterGroupId>,
    pub(crate) monitoring: bool,
    /// Bit n stands for `Reason::ALL[n]`.
    rejections: u64,
    /// Reasons that filters have of their own, each once, in the order of the filters.
    own_codes: Vec<Arc<str>>,
    /// What was found about the sub id, where anybody limits them.
    pub(crate) sub_id: Option<SubIdFinding>,
    /// Bit n stands for `CATALOGUE[n]`.
    abstained: u64,
    abstentions: Vec<(u16, &'static str, &'static str)>,
    evidence: String,
    /// Findings and abstentions for which [`MAX_EVIDENCE`] had no room.
    omitted: u32,
}

/// The longest evidence, in bytes: rows have a bounded size, so that room can be promised before an event is judged.
pub const MAX_EVIDENCE: usize = 4096;
/// The longest list of filters' own codes, in bytes, for the same reason.
const MAX_OWN_CODES: usize = 1024;
/// Room for the end of the evidence.
const EVIDENCE_END: usize = 32;

/// Buffers of the engine that live as long as the verdict.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) keys: Keys,
    /// Whether `keys` are those of the event that comes now already.
    pub(crate) foreseen: bool,
    pub(crate) tallies: Vec<Option<Tally>>,
    pub(crate) symbols: Vec<u32>,
}

const _: () = assert!(Reason::ALL.len() <= 64, "rejections are bits of one u64");

impl Verdict {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rejected when any reason was given, in monitoring mode too.
    pub fn status(&self) -> Status {
        if self.outcome.is_rejected() { Status::Rejected } else { Status::Approved }
    }

    /// Whether the verdict is recorded but not to be enforced.
    pub fn monitoring_mode(&self) -> bool {
        self.outcome.monitoring
    }

    /// Whether the event must be treated as rejected: rejected, and not in monitoring mode.
    pub fn enforced_rejection(&self) -> bool {
        self.outcome.is_rejected() && !self.outcome.monitoring
    }

    /// The group that judged; `None` when no group is active or the integration is inactive.
    pub fn filter_group(&self) -> Option<FilterGroupId> {
        self.outcome.group
    }

    /// The codes of all reasons to reject, the primary one first.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        let own = self.outcome.own_codes.iter().map(|code| -> &str { code });
        self.rejections().map(|reason| -> &str { reason.code() }).chain(own)
    }

    /// The built-in ones among the reasons to reject, in the order of the catalogue.
    pub fn rejections(&self) -> impl Iterator<Item = Reason> {
        let bits = self.outcome.rejections;
        Reason::ALL.iter().copied().enumerate().filter(move |(n, _)| bits >> n & 1 == 1).map(|(_, r)| r)
    }

    /// The code of the reason that stands for all of them.
    pub fn primary_code(&self) -> Option<&str> {
        self.codes().next()
    }

    /// The types of filters that lacked a fact, as bits by their position in the catalogue; for a metric.
    pub fn abstained(&self) -> u64 {
        self.outcome.abstained
    }

    /// The evidence as a JSON array, `None` when no filter found anything.
    pub fn evidence(&self) -> Option<&str> {
        (!self.outcome.evidence.is_empty()).then_some(self.outcome.evidence.as_str())
    }

    /// Writes the verdict's columns: status, monitoring mode, filter group, rejections, evidence, and the sub id where it
    /// is renamed. To be called once for an evaluation.
    pub fn write_to(&self, event: &mut Event) {
        event.set_status(self.status());
        event.set_number(Number::MonitoringMode, i64::from(self.outcome.monitoring));
        match &self.outcome.group {
            Some(group) => event.set_text(Text::FilterGroupId, group.as_str()),
            None => event.clear_text(Text::FilterGroupId),
        }
        if !self.outcome.is_rejected() {
            event.clear_text(Text::Rejections);
        } else {
            event.write_text(Text::Rejections, |out| {
                for (n, code) in self.codes().enumerate() {
                    out.push_str(if n == 0 { "[\"" } else { "\",\"" });
                    out.push_str(code);
                }
                out.push_str("\"]");
            });
        }
        match self.evidence() {
            Some(evidence) => event.set_text(Text::Evidence, evidence),
            None => event.clear_text(Text::Evidence),
        }
        match &self.outcome.sub_id {
            Some(finding) => finding.write_to(event),
            None => event.clear_number(Number::NewSubId),
        }
    }
}

impl Outcome {
    pub(crate) fn reset(&mut self, group: Option<FilterGroupId>, monitoring: bool) {
        self.group = group;
        self.monitoring = monitoring;
        self.rejections = 0;
        self.own_codes.clear();
        self.sub_id = None;
        self.abstained = 0;
        self.abstentions.clear();
        self.evidence.clear();
        self.omitted = 0;
    }

    /// Keeps what was written since `before`, or counts it as omitted when there is no room.
    fn keep_evidence(&mut self, before: usize) {
        if self.evidence.len() > MAX_EVIDENCE - EVIDENCE_END {
            self.evidence.truncate(before);
            self.omitted += 1;
        }
    }

    fn is_rejected(&self) -> bool {
        self.rejections != 0 || !self.own_codes.is_empty()
    }

    /// The name that the event's sub id is stored under instead.
    pub(crate) fn unified_sub_id(&self) -> Option<&str> {
        self.sub_id.as_ref()?.unified.as_deref()
    }

    /// Rejects for a reason of a filter's own. The first ones are listed, as many as there is room for.
    fn reject_by_code(&mut self, code: &Arc<str>) {
        if self.own_codes.contains(code) {
            return;
        }
        // Each stands in quotes, after a comma.
        let length: usize = self.own_codes.iter().chain([code]).map(|code| code.len() + 3).sum();
        if length <= MAX_OWN_CODES {
            self.own_codes.push(code.clone());
        }
    }

    /// A filter lacks a fact and has no opinion.
    #[inline]
    pub(crate) fn abstain(&mut self, identity: &Identity, missing: &'static str) {
        self.abstained |= 1 << identity.position;
        self.abstentions.push((identity.index, identity.filter.name, missing));
    }

    /// Rejects without a filter.
    pub(crate) fn reject(&mut self, reason: Reason) {
        self.rejections |= 1 << reason as u64;
    }

    /// Ends the evidence: who abstained matters only where something was found.
    pub(crate) fn finish(&mut self) {
        if self.evidence.is_empty() {
            return;
        }
        let abstentions = std::mem::take(&mut self.abstentions);
        for (index, name, missing) in &abstentions {
            let before = self.evidence.len();
            let _ = write!(
                self.evidence,
                r#",{{"filter":{index},"type":"{name}","action":"abstain","missing":"{missing}"}}"#
            );
            self.keep_evidence(before);
        }
        self.abstentions = abstentions;
        if self.omitted > 0 {
            let _ = write!(self.evidence, r#",{{"omitted":{}}}"#, self.omitted);
        }
        self.evidence.push(']');
    }
}

/// A measured or configured value.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Number(i64),
    /// Hundredths of a percent.
    Percent(u32),
}

/// A measured or configured value that outlives its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Hundredths of a percent.
    Percent(u32),
    /// True or false.
    Flag(bool),
}

impl Measure {
    /// A text.
    pub(crate) fn text(text: impl fmt::Display) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<Value<'_>> for Measure {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Number(number) => Self::Number(number),
            Value::Percent(hundredths) => Self::Percent(hundredths),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(hundredths) => write!(f, "{} %", f64::from(*hundredths) / 100.0),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// What a filter found.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    reason: Reason,
    code: Option<&'a Arc<str>>,
    pub(crate) field: Option<&'a str>,
    pub(crate) observed: Option<Value<'a>>,
    pub(crate) threshold: Option<Value<'a>>,
    pub(crate) counted: Option<(FeatureId, Tally)>,
    pub(crate) topic: Option<Topic>,
}

impl<'a> Finding<'a> {
    /// Something that gives `reason`.
    pub fn new(reason: Reason) -> Self {
        Self { reason, code: None, field: None, observed: None, threshold: None, counted: None, topic: None }
    }

    /// Gives a code of the filter's own instead of the reason's: upper-case letters, digits and underscores.
    pub fn code(self, code: &'a Arc<str>) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The field the finding is about.
    pub fn field(self, field: &'a str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// What was seen. Never an address, a user agent or a device id.
    pub fn observed(self, value: Value<'a>) -> Self {
        Self { observed: Some(value), ..self }
    }

    /// What would have been the limit.
    pub fn threshold(self, value: Value<'a>) -> Self {
        Self { threshold: Some(value), ..self }
    }

    /// The counter it rests on: its window, its key's columns and its count become evidence.
    pub fn counted(self, feature: FeatureId, tally: Tally) -> Self {
        Self { counted: Some((feature, tally)), ..self }
    }

    /// The data it rests on.
    pub fn data(self, topic: Topic) -> Self {
        Self { topic: Some(topic), ..self }
    }

    /// The code of the reason that it gives.
    pub(crate) fn reason_code(&self) -> &'a str {
        self.code.map_or(self.reason.code(), |code| code)
    }
}

/// Writes what filters object to into a verdict.
pub struct Writer<'a> {
    pub(crate) outcome: &'a mut Outcome,
    pub(crate) features: &'a [FeatureInfo],
    pub(crate) sources: &'a dyn DataSources,
    pub(crate) identity: &'a Identity,
}

/// Which filter reports.
pub(crate) struct Identity {
    /// The filter's index in its group as configured, disabled filters included.
    pub(crate) index: u16,
    pub(crate) filter: &'static FilterType,
    /// The type's position in the catalogue.
    pub(crate) position: u8,
    pub(crate) action: FilterAction,
}

impl Writer<'_> {
    /// The filter objects.
    #[cold]
    pub(crate) fn fire(&mut self, finding: &Finding<'_>) {
        let (flagged, action) = match self.identity.action {
            FilterAction::Reject => (false, "reject"),
            FilterAction::Flag => (true, "flag"),
        };
        if !flagged {
            match finding.code {
                Some(code) => self.outcome.reject_by_code(code),
                None => self.outcome.reject(finding.reason),
            }
        }
        let before = self.outcome.evidence.len();
        let out = &mut self.outcome.evidence;
        out.push(if out.is_empty() { '[' } else { ',' });
        let _ = write!(
            out,
            r#"{{"filter":{},"type":"{}","action":"{action}","reason":"{}""#,
            self.identity.index,
            self.identity.filter.name,
            finding.reason_code()
        );
        if let Some(field) = finding.field {
            member(out, "field", Value::Text(field));
        }
        if let Some(observed) = finding.observed {
            member(out, "observed", observed);
        }
        if let Some(threshold) = finding.threshold {
            member(out, "threshold", threshold);
        }
        if let Some((feature, tally)) = finding.counted {
            let count = tally.total;
            if let Some(info) = self.features.get(feature.index()) {
                let _ = match info.window {
                    Window::Minutes(minutes) => write!(out, r#","window_minutes":{minutes}"#),
                    Window::Calendar(period) => write!(out, r#","window":"{}""#, period.name()),
                };
                let _ = write!(out, r#","key":{},"count":{count}"#, info.key_json);
            }
        }
        if let Some(source) = finding.topic.and_then(|topic| self.sources.source(topic)) {
            out.push_str(r#","data":{"file":"#);
            json_text(out, source.file);
            member(out, "version", Value::Text(source.version));
            out.push('}');
        }
        out.push('}');
        self.outcome.keep_evidence(before);
    }
}

fn member(out: &mut String, name: &str, value: Value<'_>) {
    let _ = write!(out, r#","{name}":"#);
    match value {
        Value::Text(text) => json_text(out, text),
        Value::Number(number) => drop(write!(out, "{number}")),
        Value::Percent(hundredths) => drop(write!(out, "{}.{:02}", hundredths / 100, hundredths % 100)),
    }
}

/// The longest text evidence repeats, in bytes.
const MAX_TEXT: usize = 200;

fn json_text(out: &mut String, text: &str) {
    out.push('"');
    for (at, c) in text.char_indices() {
        if at + c.len_utf8() > MAX_TEXT {
            break;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
