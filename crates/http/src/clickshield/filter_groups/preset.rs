//! Presets: ready-made sets of filters for one side of a group. `Custom` stands for "whatever the filters are", `Off`
//! for none. The ready-made sets between them need filter types that the catalogue does not have yet and are refused.

use crate::fields::Given;
use tollgate_domain::{EventKind, FilterGroup};
use tollgate_screening::FilterType;

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

    const fn custom(self) -> u32 {
        match self {
            Self::Click => 1,
            Self::Conversion => 101,
        }
    }

    const fn off(self) -> u32 {
        match self {
            Self::Click => 9,
            Self::Conversion => 109,
        }
    }

    /// The ids of the ready-made sets.
    const fn ready_made(self) -> &'static [u32] {
        match self {
            Self::Click => &[2, 3, 4, 5, 6, 7, 8],
            Self::Conversion => &[102, 103],
        }
    }
}

/// Whether a preset can be set on a side.
pub(super) fn check(side: Side, id: u32) -> Result<(), String> {
    let (custom, off) = (side.custom(), side.off());
    if id == custom || id == off {
        Ok(())
    } else if side.ready_made().contains(&id) {
        Err(format!(
            "preset {id} needs filter types that this version does not have; use {custom} (Custom) or {off} (Off)"
        ))
    } else {
        Err(format!("must be {custom} (Custom) or {off} (Off)"))
    }
}

/// Replaces a side's filters by those of the preset that a body set alone.
pub(super) fn replace(group: &mut FilterGroup, side: Side, preset: &Given<u32>) {
    if *preset != Given::Value(side.off()) {
        return;
    }
    let filters = std::mem::take(&mut group.filters);
    group.filters = filters
        .into_iter()
        .filter_map(|mut filter| {
            let kinds = kinds(&filter);
            let rest: Vec<_> = kinds.iter().copied().filter(|kind| *kind != side.kind()).collect();
            if rest.len() < kinds.len() {
                filter.applies_to = Some(rest.clone());
            }
            (!rest.is_empty()).then_some(filter)
        })
        .collect();
}

/// A group that says `Off` about a side that has filters becomes `Custom` there.
pub(super) fn settle(group: &mut FilterGroup) {
    let has = |side: Side| group.filters.iter().any(|filter| kinds(filter).contains(&side.kind()));
    let (click, conversion) = (has(Side::Click), has(Side::Conversion));
    if click && group.click_filter_preset_id == Some(Side::Click.off()) {
        group.click_filter_preset_id = Some(Side::Click.custom());
    }
    if conversion && group.conversion_filter_preset_id == Some(Side::Conversion.off()) {
        group.conversion_filter_preset_id = Some(Side::Conversion.custom());
    }
}

/// The kinds of events a filter runs on.
fn kinds(filter: &tollgate_domain::FilterSpec) -> Vec<EventKind> {
    match &filter.applies_to {
        Some(kinds) => kinds.clone(),
        None => FilterType::find(&filter.filter_type).map_or_else(Vec::new, |found| found.kinds.to_vec()),
    }
}
