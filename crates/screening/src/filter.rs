//! What a filter is to the engine: something compiled from parameters, that looks at one event and reports.

use crate::counters::Tally;
use crate::feature::{FeatureId, FeatureSet, FeatureSpec, Kinds, PerKind, kind_index};
use crate::report::Recorder;
pub use crate::report::Report;
use crate::sub_ids::{SubIdLimit, SubIds};
use crate::symbols::{Symbol, SymbolColumn, Symbols};
use crate::verdict::Writer;
use tollgate_domain::{Event, EventKind};

/// A compiled filter. It is pure: what it reports depends on the observation alone, and it never allocates for an
/// event that it does not object to.
pub trait Judge: Send + Sync {
    /// Looks at an event and reports what it finds. It is called only for kinds it was compiled for.
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report);
}

/// A compiled filter as the engine holds it: one judgement, compiled for each who listens.
pub trait Filter: Send + Sync {
    /// Judges for a verdict.
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Writer<'_>);

    /// Judges for an explanation.
    fn explain(&self, seen: &Observation<'_>, report: &mut Recorder<'_>);
}

impl<T: Judge> Filter for T {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Writer<'_>) {
        self.judge(seen, report);
    }

    fn explain(&self, seen: &Observation<'_>, report: &mut Recorder<'_>) {
        self.judge(seen, report);
    }
}

/// An event and what was counted before it.
pub struct Observation<'a> {
    /// The event, with its signals and its click as columns.
    pub event: &'a Event,
    pub(crate) tallies: &'a [Option<Tally>],
    pub(crate) symbols: &'a [u32],
}

impl Observation<'_> {
    /// What was counted under the event's key of a feature before this event; `None` when the event lacks a data
    /// point of it.
    #[inline]
    pub fn tally(&self, feature: FeatureId) -> Option<Tally> {
        self.tallies.get(feature.index()).copied().flatten()
    }

    /// The event's value of a column, to be compared with sets.
    #[inline]
    pub fn symbol(&self, column: SymbolColumn) -> Symbol {
        Symbol::of(column, self.symbols)
    }
}

/// What a filter may ask for while it is compiled.
pub struct Compiler<'a> {
    pub(crate) features: &'a mut FeatureSet,
    pub(crate) symbols: &'a mut Symbols,
    pub(crate) sub_ids: &'a mut SubIds,
    pub(crate) sub_id_limits: &'a mut Vec<SubIdLimit>,
    pub(crate) kinds: Kinds,
    /// Set when the plan would need more features than there are places for.
    pub(crate) overflow: bool,
}

impl Compiler<'_> {
    /// The kinds the filter will run on.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Asks for a feature to be counted.
    pub fn feature(&mut self, spec: FeatureSpec) -> Option<FeatureId> {
        let id = self.features.intern(spec);
        self.overflow |= id.is_none();
        id
    }

    /// Asks for one feature for each kind that the filter runs on: a click and its conversion are no duplicates of
    /// each other.
    pub fn feature_per_kind(&mut self, spec: impl Fn(Kinds) -> FeatureSpec) -> PerKind<FeatureId> {
        let mut ids = [None; 3];
        for kind in self.kinds.iter() {
            ids[kind_index(kind)] = self.feature(spec(Kinds::of(&[kind])));
        }
        PerKind(ids)
    }

    /// Limits the sub ids that a publisher may have on a day to `max`; new ones beyond are renamed to `unified`.
    pub fn limit_sub_ids(&mut self, max: u32, unified: &str) {
        for kind in self.kinds.iter() {
            self.overflow |= self.sub_ids.count(kind, self.features).is_none();
        }
        self.sub_id_limits.push(SubIdLimit { kinds: self.kinds, max, unified: unified.into() });
    }
}

/// Every kind of event.
pub const CVI: &[EventKind] = tollgate_domain::KINDS_ALL;
/// Clicks.
pub const C: &[EventKind] = &[EventKind::Click];
/// Clicks and conversions.
pub const CV: &[EventKind] = &[EventKind::Click, EventKind::Conversion];
/// Clicks and impressions.
pub const CI: &[EventKind] = &[EventKind::Click, EventKind::Impression];
/// Conversions.
pub const V: &[EventKind] = &[EventKind::Conversion];
