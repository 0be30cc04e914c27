//! Counter features: what is counted, apart from who looks at the count.
//!
//! A feature is identified by what it counts (kinds, data points, levels, window, share), not by the filter that wants
//! it. So filters that look at the same thing share one counter, and an edited threshold or a moved filter keeps its
//! history. The identity's text is part of every stored key: never change how it is written.

use crate::calendar::{Calendar, Period};
use crate::counters::Moment;
use crate::folded::folded;
use siphasher::sip128::{Hasher128, SipHasher13 as WideHasher};
use std::collections::HashMap;
use std::fmt::Write;
use std::hash::Hasher;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, Integration, IntegrationId, KINDS_ALL, Text};

/// A set of event kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// The set of the listed kinds.
    pub fn of(kinds: &[EventKind]) -> Self {
        Self(kinds.iter().fold(0, |mask, kind| mask | 1 << *kind as u8))
    }

    /// Whether `kind` is in the set.
    pub fn contains(self, kind: EventKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// The kinds of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = EventKind> {
        KINDS_ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

/// One value for each of some kinds.
#[derive(Debug, Clone, Copy)]
pub struct PerKind<T>(pub(crate) [Option<T>; 3]);

impl<T: Copy> PerKind<T> {
    /// The value of a kind.
    #[inline]
    pub fn get(&self, kind: EventKind) -> Option<T> {
        self.0[kind_index(kind)]
    }
}

/// The kind's position in arrays by kind.
#[inline]
pub(crate) fn kind_index(kind: EventKind) -> usize {
    kind as usize - 1
}

/// Splits a feature's events into those that hit and those that miss, so that a share of them can be asked for.
#[derive(Clone)]
pub struct Share {
    /// The condition's name and arguments: part of the feature's identity.
    pub name: String,
    /// The condition.
    pub weigh: Weigh,
}

/// Whether a judged event hits; `None` leaves it uncounted. It may look at columns only (the verdict's included), since
/// a stored row must weigh what its event did.
pub type Weigh = Arc<dyn Fn(&Event) -> Option<bool> + Send + Sync>;

/// Which events count together with the one that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Those of the last minutes, 1 to 16,777,215.
    Minutes(u32),
    /// Those of the same period of the calendar, in the integration's time zone, whatever their order.
    Calendar(Period),
}

impl Window {
    /// How long a key is remembered, in minutes.
    fn minutes(self) -> u32 {
        match self {
            Self::Minutes(minutes) => minutes,
            Self::Calendar(period) => period.longest_minutes(),
        }
    }
}

/// What to count.
#[derive(Clone)]
pub struct FeatureSpec {
    /// The kinds of events that count, together.
    pub kinds: Kinds,
    /// Columns whose values make the key; an event that lacks one (or has it empty) is not counted.
    pub points: Vec<Text>,
    /// Columns that narrow the key; absent and empty are the same value here.
    pub levels: Vec<Text>,
    /// Which events count together.
    pub window: Window,
    /// What share is asked for, if any.
    pub share: Option<Share>,
}

impl FeatureSpec {
    fn identity(&self, zone: &str) -> String {
        let mut out = String::from("1");
        for kind in self.kinds.iter() {
            let _ = write!(out, "|{}", kind.name());
        }
        for column in &self.points {
            let _ = write!(out, "|point {}", column.name());
        }
        for column in &self.levels {
            let _ = write!(out, "|level {}", column.name());
        }
        let _ = match self.window {
            Window::Minutes(minutes) => write!(out, "|{minutes} min"),
            Window::Calendar(period) => write!(out, "|{} {zone}", period.name()),
        };
        if let Some(share) = &self.share {
            let _ = write!(out, "|share {}", share.name);
        }
        out
    }
}

/// A feature's place in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureId(u16);

impl FeatureId {
    /// The place as an index.
    #[inline]
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How the key of a feature is computed for one kind of event.
pub(crate) struct Recipe {
    pub(crate) feature: FeatureId,
    pub(crate) window_minutes: u32,
    pub(crate) share: Option<Share>,
    /// Position of the calendar period in `KindFeatures::periods`.
    period: Option<u8>,
    /// Integration and identity, hashed without a key.
    prefix: [u64; 2],
    /// Positions of the columns in `KindFeatures::columns`.
    columns: Box<[u8]>,
    /// The positions that must be present, as bits.
    required: u64,
}

/// The features that one kind of event counts for.
pub(crate) struct KindFeatures {
    calendar: Calendar,
    /// The calendar periods that its keys need.
    periods: Vec<Period>,
    columns: Vec<Text>,
    pub(crate) recipes: Vec<Recipe>,
}

/// What evidence says about a feature.
#[derive(Debug)]
pub(crate) struct FeatureInfo {
    pub(crate) window: Window,
    /// Names of the key's columns, as a JSON array.
    pub(crate) key_json: String,
}

/// All features of a plan, each once.
pub(crate) struct FeatureSet {
    integration: IntegrationId,
    zone: String,
    ids: HashMap<String, FeatureId>,
    pub(crate) infos: Vec<FeatureInfo>,
    pub(crate) kinds: [KindFeatures; 3],
}

impl FeatureSet {
    pub(crate) fn new(integration: &Integration) -> Self {
        let calendar = Calendar::of(&integration.time_zone);
        Self {
            integration: integration.id,
            zone: integration.time_zone.clone(),
            ids: HashMap::new(),
            infos: Vec::new(),
            kinds: std::array::from_fn(|_| KindFeatures::new(calendar.clone())),
        }
    }

    /// The place of a feature, made if it is new. `None` when there are too many (65,535).
    pub(crate) fn intern(&mut self, mut spec: FeatureSpec) -> Option<FeatureId> {
        spec.levels.sort_unstable();
        spec.levels.dedup();
        spec.levels.retain(|level| !spec.points.contains(level));
        let identity = spec.identity(&self.zone);
        if let Some(id) = self.ids.get(&identity) {
            return Some(*id);
        }
        let id = FeatureId(u16::try_from(self.infos.len()).ok()?);
        let mut hasher = WideHasher::new();
        hasher.write(self.integration.as_bytes());
        hasher.write(identity.as_bytes());
        let hash = hasher.finish128();
        for kind in spec.kinds.iter() {
            self.kinds[kind_index(kind)].add(id, &spec, [hash.h1, hash.h2]);
        }
        let names: Vec<_> = spec.points.iter().chain(&spec.levels).map(|column| column.name()).collect();
        let key_json = serde_json::Value::from(names).to_string();
        self.infos.push(FeatureInfo { window: spec.window, key_json });
        self.ids.insert(identity, id);
        Some(id)
    }
}

impl KindFeatures {
    fn new(calendar: Calendar) -> Self {
        Self { calendar, periods: Vec::new(), columns: Vec::new(), recipes: Vec::new() }
    }

    fn period(&mut self, window: Window) -> Option<u8> {
        let Window::Calendar(period) = window else { return None };
        let known = self.periods.iter().position(|known| *known == period);
        let place = known.unwrap_or_else(|| {
            self.periods.push(period);
            self.periods.len() - 1
        });
        // There are four periods.
        Some(place as u8)
    }

    fn add(&mut self, feature: FeatureId, spec: &FeatureSpec, prefix: [u64; 2]) {
        let mut position = |column: &Text| {
            let known = self.columns.iter().position(|c| c == column);
            known.unwrap_or_else(|| {
                self.columns.push(*column);
                self.columns.len() - 1
            }) as u8
        };
        let points: Vec<u8> = spec.points.iter().map(&mut position).collect();
        let levels: Vec<u8> = spec.levels.iter().map(&mut position).collect();
        let period = self.period(spec.window);
        self.recipes.push(Recipe {
            feature,
            window_minutes: spec.window.minutes(),
            share: spec.share.clone(),
            period,
            prefix,
            required: points.iter().fold(0, |mask, place| mask | 1 << place),
            columns: points.into_iter().chain(levels).collect(),
        });
    }
}

/// Marks a key that does not exist because the event lacks a data point.
pub(crate) const NO_KEY: u64 = 0;

/// The keys of one event, by recipe, in a buffer that is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    values: Vec<u64>,
    /// The calendar periods that the event lies in, and their hashes.
    periods: Vec<(u32, u64)>,
    pub(crate) keys: Vec<u64>,
    /// Where each key was when it was last looked for, filled by the counters.
    pub(crate) places: Vec<u32>,
}

impl Keys {
    /// Computes the keys of `event`, which counts at `at`, and under the sub id `unified` if that is given. Each column's
    /// value is hashed once, however many features use it.
    pub(crate) fn compute(
        &mut self,
        features: &KindFeatures,
        event: &Event,
        unified: Option<&str>,
        at: u32,
        hasher: &KeyHasher,
    ) {
        self.values.clear();
        self.keys.clear();
        self.periods.clear();
        self.periods.extend(features.periods.iter().map(|period| {
            let period = features.calendar.period(*period, at);
            (period, hasher.number(period))
        }));
        let mut present = 0u64;
        for (position, column) in features.columns.iter().enumerate() {
            let value = match unified {
                Some(unified) if *column == Text::SubId => unified,
                _ => identifying_value(event, *column),
            };
            present |= u64::from(!value.is_empty()) << position;
            self.values.push(if value.is_empty() { 0 } else { hasher.text(*column, value) });
        }
        for recipe in &features.recipes {
            if recipe.required & !present != 0 {
                self.keys.push(NO_KEY);
                continue;
            }
            let values = recipe.columns.iter().map(|column| self.values[usize::from(*column)]);
            let period = recipe.period.map(|place| self.periods[usize::from(place)].1);
            self.keys.push(hasher.parts(recipe.prefix, values.chain(period)));
        }
    }

    /// When an event counts for a feature: all events of a calendar period count at the same time, so that they lie in
    /// one bucket.
    #[inline]
    pub(crate) fn moment(&self, recipe: &Recipe, moment: &Moment) -> Moment {
        let at = recipe.period.map_or(moment.at, |place| self.periods[usize::from(place)].0);
        Moment { at, ..*moment }
    }
}

/// The column's value as far as it tells one user or source from another. The all-zero device id does not: every
/// device with limited ad tracking has it.
fn identifying_value(event: &Event, column: Text) -> &str {
    let value = event.text_or_empty(column);
    if column == Text::DeviceId && crate::facts::is_zero_device_id(value) { "" } else { value }
}

/// The keyed hash that turns values into counter keys, so that nobody outside can choose colliding ones: SipHash of
/// each value, mixed with the feature's prefix by multiplications with secret factors. The mix need not be strong by
/// itself, since what goes into it cannot be chosen without knowing the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyHasher {
    values: siphasher::sip::SipHasher13,
    factors: [u64; 2],
}

impl KeyHasher {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let values = siphasher::sip::SipHasher13::new_with_key(key);
        // Odd, so that a multiplication loses nothing.
        let factor = |name: &[u8]| values.hash(name) | 1;
        Self { values, factors: [factor(b"tollgate factor 1"), factor(b"tollgate factor 2")] }
    }

    #[inline]
    fn text(&self, column: Text, value: &str) -> u64 {
        // Devices and vendors disagree on the case of advertising ids.
        let mut lower = [0; 36];
        match value.len() {
            36 if column == Text::DeviceId => {
                lower.copy_from_slice(value.as_bytes());
                lower.make_ascii_lowercase();
                self.values.hash(&lower)
            }
            _ if column == Text::Keyword => self.folded(value),
            _ => self.values.hash(value.as_bytes()),
        }
    }

    /// The hash of what people type, who disagree on case and space.
    fn folded(&self, value: &str) -> u64 {
        let (mut hasher, mut buffer, mut filled) = (self.values, [0; 64], 0);
        for c in folded(value) {
            if filled + c.len_utf8() > buffer.len() {
                hasher.write(&buffer[..filled]);
                filled = 0;
            }
            filled += c.encode_utf8(&mut buffer[filled..]).len();
        }
        hasher.write(&buffer[..filled]);
        hasher.finish()
    }

    #[inline]
    fn number(&self, number: u32) -> u64 {
        self.values.hash(&number.to_le_bytes())
    }

    #[inline]
    fn parts(&self, prefix: [u64; 2], values: impl Iterator<Item = u64>) -> u64 {
        let mixed = fold_multiply(prefix[0] ^ self.factors[1], self.factors[0]) ^ prefix[1];
        let mixed = values.fold(mixed, |mixed, value| fold_multiply(mixed, self.factors[0]) ^ value);
        fold_multiply(mixed, self.factors[1]).max(NO_KEY + 1)
    }

    /// Tells keys made with one secret from keys made with another.
    pub(crate) fn check(&self) -> u64 {
        self.values.hash(b"tollgate counters")
    }
}

/// Both halves of the product, folded into one.
#[inline]
fn fold_multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
