//! What presets do to a group: setting one alone replaces its side's filters, and a side whose filters are not those of
//! its preset is `Custom`.

use crate::fields::Given;
use tollgate_domain::{EventKind, FilterGroup, FilterSpec};
use tollgate_screening::{FilterType, PRESETS, Preset};

/// The half of a group's filters that a preset fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Click,
    Conversion,
}

impl Side {
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Click => "click_filter_preset_id",
            Self::Conversion => "conversion_filter_preset_id",
        }
    }

    fn kind(self) -> EventKind {
        match self {
            Self::Click => EventKind::Click,
            Self::Conversion => EventKind::Conversion,
        }
    }

    fn id(self, group: &mut FilterGroup) -> &mut Option<u32> {
        match self {
            Self::Click => &mut group.click_filter_preset_id,
            Self::Conversion => &mut group.conversion_filter_preset_id,
        }
    }

    fn preset(self, id: u32) -> Option<&'static Preset> {
        Preset::find(id).filter(|preset| preset.kind == self.kind())
    }
}

/// Whether a preset can be set on a side.
pub(super) fn check(side: Side, id: u32) -> Result<(), String> {
    if side.preset(id).is_some() {
        return Ok(());
    }
    let known = PRESETS.iter().filter(|preset| preset.kind == side.kind());
    let known: Vec<_> = known.map(|preset| format!("{} ({})", preset.id, preset.name)).collect();
    Err(format!("must be one of {}", known.join(", ")))
}

/// Replaces a side's filters by those of the preset that a body set alone; Custom leaves them as they are.
pub(super) fn replace(group: &mut FilterGroup, side: Side, preset: &Given<u32>) {
    let Given::Value(id) = preset else { return };
    let Some(own) = side.preset(*id).and_then(Preset::filters) else { return };
    let mut filters = std::mem::take(&mut group.filters);
    filters.retain_mut(|filter| {
        let kinds = kinds(filter);
        let rest: Vec<_> = kinds.iter().copied().filter(|kind| *kind != side.kind()).collect();
        let keep = !rest.is_empty();
        if rest.len() < kinds.len() {
            filter.applies_to = Some(rest);
        }
        keep
    });
    group.filters = filters.into_iter().chain(own).collect();
}

/// Makes `Custom` of a side's preset that says something else than its filters.
pub(super) fn settle(group: &mut FilterGroup) {
    for side in [Side::Click, Side::Conversion] {
        let preset = side.id(group).and_then(|id| side.preset(id));
        let Some(expected) = preset.and_then(Preset::filters) else { continue };
        let own = group.filters.iter().filter(|filter| kinds(filter).contains(&side.kind()));
        // What else a filter applies to is the other side's business.
        let same = |(own, expected): (&FilterSpec, &FilterSpec)| {
            let own = FilterSpec { applies_to: expected.applies_to.clone(), ..own.clone() };
            own == *expected
        };
        let differs = own.clone().count() != expected.len() || !own.zip(&expected).all(same);
        if differs {
            *side.id(group) = Preset::custom(side.kind()).map(|custom| custom.id);
        }
    }
}

/// The kinds of events a filter runs on.
fn kinds(filter: &FilterSpec) -> Vec<EventKind> {
    match &filter.applies_to {
        Some(kinds) => kinds.clone(),
        None => FilterType::find(&filter.filter_type).map_or_else(Vec::new, |found| found.kinds.to_vec()),
    }
}
