//! An integration's filter groups, compiled, and the judgement of events by them.

use crate::catalogue::{FilterType, check_stored};
use crate::counters::{Counters, Moment};
use crate::facts::window_time;
use crate::feature::{FeatureInfo, FeatureSet, Keys, KindFeatures, Kinds, NO_KEY, kind_index};
use crate::filter::{Compiler, Filter, Observation};
use crate::matching::{GroupIndex, rank};
use crate::params::Params;
use crate::sources::DataSources;
use crate::sub_ids::{SubIdLimit, SubIds};
use crate::symbols::Symbols;
use crate::verdict::{Identity, Outcome, Scratch, Verdict, Writer};
use std::collections::HashSet;
use std::sync::Arc;
use tollgate_domain::{
    Event, FilterGroup, FilterGroupId, FilterSpec, Integration, IntegrationId, Invalid, Reason, Status, Text,
    Timestamp,
};

/// Everything needed to judge one integration's events. Immutable; replaced when the configuration changes.
pub struct Plan {
    integration: IntegrationId,
    active: bool,
    monitoring: bool,
    groups: Vec<Group>,
    index: GroupIndex,
    features: [KindFeatures; 3],
    infos: Vec<FeatureInfo>,
    symbols: Symbols,
    sub_ids: SubIds,
}

pub(crate) struct Group {
    pub(crate) id: FilterGroupId,
    monitoring: bool,
    pub(crate) rules: Vec<Rule>,
    sub_id_limits: Vec<SubIdLimit>,
}

/// What the groups of a plan share.
struct Shared {
    features: FeatureSet,
    symbols: Symbols,
    sub_ids: SubIds,
}

/// A configured filter.
pub(crate) struct Rule {
    pub(crate) identity: Identity,
    pub(crate) kinds: Kinds,
    pub(crate) filter: Box<dyn Filter>,
}

/// The keys of an event that is going to be judged, computed ahead of its turn: see [`Plan::foresee`].
#[derive(Debug, Default)]
pub struct Foreseen {
    keys: Keys,
    /// Whether the keys are those of the event that is judged next with them.
    fresh: bool,
}

impl Foreseen {
    /// Forgets what was computed: the event may change, or another takes its place.
    pub fn forget(&mut self) {
        self.fresh = false;
    }
}

/// The keys of counters that judging one event may read.
#[derive(Debug, Clone, Default)]
pub struct KeySet(HashSet<u64>);

impl Plan {
    /// Compiles the active ones of an integration's groups. Violations are reported under paths like
    /// `filter_groups[k2j4h5g6f7].filters[2].params.lookback_minutes`.
    pub fn compile(integration: &Integration, groups: &[Arc<FilterGroup>]) -> Result<Self, Vec<Invalid>> {
        let mut ranked: Vec<&FilterGroup> =
            groups.iter().map(Arc::as_ref).filter(|group| group.active).collect();
        rank(&mut ranked);
        let mut shared = Shared {
            features: FeatureSet::new(integration),
            symbols: Symbols::default(),
            sub_ids: SubIds::default(),
        };
        let (mut compiled, mut errors) = (Vec::with_capacity(ranked.len()), Vec::new());
        for group in &ranked {
            let monitoring = group.monitoring_mode.unwrap_or(integration.monitoring_mode);
            match shared.compile_rules(&group.filters) {
                Ok((rules, sub_id_limits)) => {
                    compiled.push(Group { id: group.id, monitoring, rules, sub_id_limits });
                }
                Err(wrong) => errors.extend(wrong.into_iter().map(|error| {
                    Invalid::new(format!("filter_groups[{}].{}", group.id, error.field), error.message)
                })),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            integration: integration.id,
            active: integration.active,
            monitoring: integration.monitoring_mode,
            groups: compiled,
            index: GroupIndex::new(&ranked),
            features: shared.features.kinds,
            infos: shared.features.infos,
            symbols: shared.symbols,
            sub_ids: shared.sub_ids,
        })
    }

    /// The integration whose events it judges.
    pub fn integration(&self) -> IntegrationId {
        self.integration
    }

    /// Whether the integration is active.
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Whether an active group has this id, so that an event may be forced to it.
    pub fn has_group(&self, id: FilterGroupId) -> bool {
        self.groups.iter().any(|group| group.id == id)
    }

    /// The number of counter features, each of which is counted once for an event.
    pub fn features(&self) -> usize {
        self.infos.len()
    }

    /// The active group that judges an event: the forced one if it is active, else the best match.
    pub fn group_for(&self, event: &Event, forced: Option<FilterGroupId>) -> Option<FilterGroupId> {
        self.find_group(event, forced).map(|group| group.id)
    }

    fn find_group(&self, event: &Event, forced: Option<FilterGroupId>) -> Option<&Group> {
        forced
            .and_then(|id| self.groups.iter().find(|group| group.id == id))
            .or_else(|| self.index.find(event).and_then(|rank| self.groups.get(rank)))
    }

    /// Gives the verdict on an event against what was counted before it, and counts nothing. `forced` names the group
    /// that must judge; one that is not active is ignored.
    pub fn evaluate(
        &self,
        event: &Event,
        forced: Option<FilterGroupId>,
        sources: &dyn DataSources,
        counters: &Counters,
        verdict: &mut Verdict,
    ) {
        let Verdict { outcome, scratch } = verdict;
        let Some(group) = self.prepare(event, forced, counters, outcome, scratch) else { return };
        let seen = Observation { event, tallies: &scratch.tallies, symbols: &scratch.symbols };
        for rule in group.rules.iter().filter(|rule| rule.kinds.contains(event.kind)) {
            rule.filter.evaluate(&seen, &mut self.writer(rule, sources, outcome));
        }
        outcome.finish();
    }

    /// [`Plan::evaluate`] with what was foreseen of this very event, which is used up.
    pub fn evaluate_foreseen(
        &self,
        (event, foreseen): (&Event, &mut Foreseen),
        forced: Option<FilterGroupId>,
        sources: &dyn DataSources,
        counters: &Counters,
        verdict: &mut Verdict,
    ) {
        if std::mem::take(&mut foreseen.fresh) {
            std::mem::swap(&mut verdict.scratch.keys, &mut foreseen.keys);
            verdict.scratch.foreseen = true;
        }
        self.evaluate(event, forced, sources, counters, verdict);
    }

    /// Computes the keys of events that are judged next, and reads what lies under them. Their counters are all over the
    /// memory: what several events need is waited for once instead of one after the other.
    pub fn foresee<'e>(
        &self,
        events: impl Iterator<Item = (&'e Event, &'e mut Foreseen)>,
        counters: &Counters,
    ) {
        let mut ready: Vec<(&Event, &mut Foreseen)> = events.collect();
        for (event, foreseen) in &mut ready {
            let features = &self.features[kind_index(event.kind)];
            let at = counters.moment(event).at;
            foreseen.keys.compute(features, event, None, at, &counters.hasher());
            foreseen.fresh = true;
        }
        let read = ready.iter().fold(0, |read, (_, foreseen)| read ^ counters.approach(&foreseen.keys));
        std::hint::black_box(read);
        ready.iter_mut().for_each(|(_, foreseen)| counters.locate(&mut foreseen.keys));
        for (event, foreseen) in &ready {
            self.touch(event, &foreseen.keys, &counters.moment(event), counters);
        }
    }

    /// Finds the group that judges, and looks up what its filters are going to ask for.
    pub(crate) fn prepare(
        &self,
        event: &Event,
        forced: Option<FilterGroupId>,
        counters: &Counters,
        outcome: &mut Outcome,
        scratch: &mut Scratch,
    ) -> Option<&Group> {
        let moment = counters.moment(event);
        self.look_up(event, None, &moment, counters, scratch);
        let group = self.find_group(event, forced).filter(|_| self.active);
        // An inactive integration is no experiment: its rejection is enforced.
        let monitoring = group.map_or(self.monitoring && self.active, |group| group.monitoring);
        outcome.reset(group.map(|group| group.id), monitoring);
        let limits = group.map_or(&[][..], |group| &group.sub_id_limits);
        outcome.sub_id = self.sub_ids.judge(event, &scratch.tallies, limits);
        if let Some(unified) = outcome.unified_sub_id() {
            self.look_up(event, Some(unified), &moment, counters, scratch);
        }
        if !self.active {
            outcome.reject(Reason::IntegrationInactive);
        }
        self.symbols.look_up(event, &mut scratch.symbols);
        group
    }

    /// What a filter writes its objections with.
    #[inline]
    pub(crate) fn writer<'a>(
        &'a self,
        rule: &'a Rule,
        sources: &'a dyn DataSources,
        outcome: &'a mut Outcome,
    ) -> Writer<'a> {
        Writer { outcome, features: &self.infos, sources, identity: &rule.identity }
    }

    /// Counts an event that [`Plan::evaluate`] has just judged into `verdict`, whatever the verdict.
    pub fn count_judged(&self, event: &Event, verdict: &Verdict, counters: &mut Counters) {
        self.count(event, &verdict.scratch.keys, counters, |_| true);
    }

    /// Judges an event: evaluates it, writes the verdict's columns into it, and counts it whatever the verdict. `seq`
    /// must stand on the event if the counters are ever restored from a checkpoint.
    pub fn judge(
        &self,
        event: &mut Event,
        forced: Option<FilterGroupId>,
        sources: &dyn DataSources,
        counters: &mut Counters,
        verdict: &mut Verdict,
    ) {
        self.evaluate(event, forced, sources, counters, verdict);
        verdict.write_to(event);
        self.count(event, &verdict.scratch.keys, counters, |_| true);
    }

    /// Counts a judged event from its stored row, exactly as `judge` did. Slots that include its `seq` already are left
    /// alone.
    pub fn fold(&self, event: &Event, counters: &mut Counters) {
        self.fold_keys(event, counters, |_| true);
    }

    /// Counts a judged event like [`Plan::fold`], but under the keys of `wanted` alone: so counters stay small that are
    /// made for one event.
    pub fn fold_for(&self, wanted: &KeySet, event: &Event, counters: &mut Counters) {
        self.fold_keys(event, counters, |key| wanted.0.contains(&key));
    }

    /// The keys that judging an event may read: under the sub id that was sent, and under every name that any group
    /// gives to those that are too many.
    pub fn keys(&self, event: &Event, counters: &Counters) -> KeySet {
        let limits = self.groups.iter().flat_map(|group| &group.sub_id_limits);
        let unified = limits.map(|limit| Some(&*limit.unified)).collect::<HashSet<_>>();
        let (mut all, mut keys) = (KeySet::default(), Keys::default());
        let at = counters.moment(event).at;
        for name in unified.into_iter().chain([None]) {
            keys.compute(&self.features[kind_index(event.kind)], event, name, at, &counters.hasher());
            all.0.extend(keys.keys.iter().filter(|key| **key != NO_KEY));
        }
        all
    }

    /// The earliest time of events that an event may be judged by: its own, less the longest window that any counter of
    /// its kind has, and less that window's bucket. `None` when nothing is counted.
    pub fn counts_since(&self, event: &Event) -> Option<Timestamp> {
        let recipes = &self.features[kind_index(event.kind)].recipes;
        let minutes = recipes.iter().map(|recipe| i64::from(recipe.window_minutes)).max()?;
        // A bucket has as many seconds as the window has minutes.
        Some(window_time(event).plus_millis(-(minutes * 60 + minutes) * 1000))
    }

    fn fold_keys(&self, event: &Event, counters: &mut Counters, wanted: impl Fn(u64) -> bool) {
        let mut keys = std::mem::take(&mut counters.keys);
        let at = counters.moment(event).at;
        keys.compute(&self.features[kind_index(event.kind)], event, None, at, &counters.hasher());
        counters.locate(&mut keys);
        self.count(event, &keys, counters, wanted);
        counters.keys = keys;
    }

    /// Counts that an event, which was counted as one that was not rejected, is rejected after all. `record` has the
    /// columns and the time that the event counts by, the rejection, and a `seq` of its own. Windows that have let go of
    /// the event stay as they are.
    pub fn count_late_rejection(&self, record: &Event, counters: &mut Counters) {
        self.turn(record, counters, |_| true);
    }

    /// Counts a late rejection like [`Plan::count_late_rejection`], but under the keys of `wanted` alone.
    pub fn count_late_rejection_for(&self, wanted: &KeySet, record: &Event, counters: &mut Counters) {
        self.turn(record, counters, |key| wanted.0.contains(&key));
    }

    fn turn(&self, record: &Event, counters: &mut Counters, wanted: impl Fn(u64) -> bool) {
        let mut before = record.clone();
        before.set_status(Status::Approved);
        before.clear_text(Text::Rejections);
        let mut keys = std::mem::take(&mut counters.keys);
        let moment = counters.moment(record);
        let features = &self.features[kind_index(record.kind)];
        keys.compute(features, record, None, moment.at, &counters.hasher());
        counters.locate(&mut keys);
        counters.advance(record, &moment);
        for (recipe, (key, place)) in features.recipes.iter().zip(keys.keys.iter().zip(&keys.places)) {
            let turns = recipe.share.as_ref().is_some_and(|share| {
                ((share.weigh)(&before), (share.weigh)(record)) == (Some(false), Some(true))
            });
            if turns && *key != NO_KEY && wanted(*key) {
                let moment = keys.moment(recipe, &moment);
                counters.turn(record.seq, (*place, *key), recipe.window_minutes, &moment);
            }
        }
        counters.keys = keys;
    }

    /// Computes the event's keys, with the sub id `unified` if that is given, and reads what was counted under them.
    fn look_up(
        &self,
        event: &Event,
        unified: Option<&str>,
        moment: &Moment,
        counters: &Counters,
        scratch: &mut Scratch,
    ) {
        let features = &self.features[kind_index(event.kind)];
        let foreseen = std::mem::take(&mut scratch.foreseen) && unified.is_none();
        if !foreseen {
            scratch.keys.compute(features, event, unified, moment.at, &counters.hasher());
            std::hint::black_box(counters.approach(&scratch.keys));
        }
        scratch.tallies.clear();
        scratch.tallies.resize(self.infos.len(), None);
        counters.locate(&mut scratch.keys);
        if !foreseen {
            self.touch(event, &scratch.keys, moment, counters);
        }
        let found = scratch.keys.keys.iter().zip(&scratch.keys.places);
        for (recipe, (key, place)) in features.recipes.iter().zip(found) {
            if *key != NO_KEY {
                let moment = scratch.keys.moment(recipe, moment);
                scratch.tallies[recipe.feature.index()] =
                    Some(counters.read(*place, *key, recipe.window_minutes, &moment));
            }
        }
    }

    /// Reads what counting under located keys needs, so that the cache misses of several overlap.
    fn touch(&self, event: &Event, keys: &Keys, moment: &Moment, counters: &Counters) {
        let recipes = &self.features[kind_index(event.kind)].recipes;
        let known = recipes.iter().zip(keys.keys.iter().zip(&keys.places));
        let touched = known
            .filter(|(_, (key, _))| **key != NO_KEY)
            .map(|(recipe, (key, place))| counters.touch(*place, *key, &keys.moment(recipe, moment)));
        std::hint::black_box(touched.fold(0, u32::wrapping_add));
    }

    /// Counts an event whose columns are complete under those of the keys computed for it that are wanted.
    #[inline]
    fn count(&self, event: &Event, keys: &Keys, counters: &mut Counters, wanted: impl Fn(u64) -> bool) {
        let moment = counters.moment(event);
        counters.advance(event, &moment);
        let recipes = &self.features[kind_index(event.kind)].recipes;
        for (recipe, (key, place)) in recipes.iter().zip(keys.keys.iter().zip(&keys.places)) {
            let hit = match &recipe.share {
                None => Some(true),
                Some(share) => (share.weigh)(event),
            };
            if let Some(hit) = hit.filter(|_| *key != NO_KEY && wanted(*key)) {
                let moment = keys.moment(recipe, &moment);
                counters.add(event.seq, (*place, *key), recipe.window_minutes, &moment, hit);
            }
        }
    }
}

impl Shared {
    /// Compiles a group's filters, and what they say of sub ids.
    fn compile_rules(
        &mut self,
        filters: &[FilterSpec],
    ) -> Result<(Vec<Rule>, Vec<SubIdLimit>), Vec<Invalid>> {
        check_stored(filters)?;
        let (mut rules, mut sub_id_limits) = (Vec::with_capacity(filters.len()), Vec::new());
        for (index, spec) in filters.iter().enumerate().filter(|(_, spec)| spec.enabled) {
            // `check_stored` has refused unknown types.
            let Some(filter_type) = FilterType::find(&spec.filter_type) else { continue };
            let kinds = Kinds::of(spec.applies_to.as_deref().unwrap_or(filter_type.kinds));
            let mut compiler = Compiler {
                features: &mut self.features,
                symbols: &mut self.symbols,
                sub_ids: &mut self.sub_ids,
                sub_id_limits: &mut sub_id_limits,
                kinds,
                overflow: false,
            };
            let filter = (filter_type.compile)(&Params::new(&spec.params), &mut compiler);
            let (Ok(index), false) = (u16::try_from(index), compiler.overflow) else {
                let message =
                    "is one too many for the integration: there are 65,535 filters and counters at most";
                return Err(vec![Invalid::new(format!("filters[{index}]"), message)]);
            };
            let position = filter_type.position() as u8;
            let identity = Identity { index, filter: filter_type, position, action: spec.action };
            rules.push(Rule { identity, kinds, filter });
        }
        Ok((rules, sub_id_limits))
    }
}
