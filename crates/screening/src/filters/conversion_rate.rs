//! `conversion_rate`: a source's conversions are too few for its clicks, as with clicks that nobody made, or too many,
//! as with conversions that nobody made. Rates begin anew with each interval of the calendar, so a source that was
//! rejected recovers with the next.

use super::source::source_columns;
use crate::calendar::Period;
use crate::catalogue::FilterType;
use crate::facts::is_base_conversion;
use crate::feature::{FeatureId, FeatureSpec, Kinds, Share, Window};
use crate::filter::{CV, Compiler, Filter, Observation};
use crate::params::{Choice, Flag, Integer, Param, Params, Percent};
use crate::verdict::{Finding, Report, Value};
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, Invalid, Reason};

const LOW: Percent = Percent {
    name: "low",
    default: 50,
    about: "Conversions per clicks below which the rate is too low; 0 is never.",
};
const HIGH: Percent = Percent {
    name: "high",
    default: 2_000,
    about: "Conversions per clicks above which the rate is too high.",
};
const MIN_CLICKS: Integer = Integer {
    name: "min_clicks",
    default: 100,
    min: 1,
    max: 1_000_000,
    about: "Clicks in the interval before which nothing is rejected.",
};
const MIN_CONVERSIONS: Integer = Integer {
    name: "min_conversions",
    default: 2,
    min: 0,
    max: 1_000_000,
    about: "Conversions in the interval before which nothing is rejected.",
};
const INTERVAL: Choice = Choice {
    name: "interval",
    default: "day",
    options: Period::NAMES,
    about: "The interval, in the integration's time zone. Weeks begin on Monday.",
};
const BY_SUB_ID: Flag = Flag {
    name: "by_sub_id",
    default: false,
    about: "Count a publisher's sub ids apart, not just offers and publishers.",
};
const BLOCK_CLICKS: Flag = Flag {
    name: "block_clicks",
    default: false,
    about: "Reject the source's clicks too, not just its conversions.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "conversion_rate",
    about: "Rejects conversions of sources that convert too rarely or too often.",
    kinds: CV,
    reasons: &[Reason::ConversionRateLow, Reason::ConversionRateHigh],
    params: &[
        Param::Percent(&LOW),
        Param::Percent(&HIGH),
        Param::Integer(&MIN_CLICKS),
        Param::Integer(&MIN_CONVERSIONS),
        Param::Choice(&INTERVAL),
        Param::Flag(&BY_SUB_ID),
        Param::Flag(&BLOCK_CLICKS),
    ],
    check,
    compile,
};

fn check(params: &Params<'_>, path: &str, errors: &mut Vec<Invalid>) {
    if params.hundredths(&LOW) > params.hundredths(&HIGH) {
        errors.push(Invalid::new(format!("{path}.low"), "must not be greater than high"));
    }
}

struct ConversionRate {
    feature: Option<FeatureId>,
    /// In hundredths of a percent.
    low: u32,
    /// In hundredths of a percent.
    high: u32,
    min_clicks: u32,
    min_conversions: u32,
    block_clicks: bool,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let feature = compiler.feature(FeatureSpec {
        // Both make the rate, whichever of them is judged.
        kinds: Kinds::of(CV),
        points: Vec::new(),
        levels: source_columns(params.flag(&BY_SUB_ID)),
        window: Window::Calendar(Period::from_name(params.choice(&INTERVAL))),
        share: Some(Share { name: "conversions".to_owned(), weigh: Arc::new(converts) }),
    });
    Box::new(ConversionRate {
        feature,
        low: params.hundredths(&LOW),
        high: params.hundredths(&HIGH),
        min_clicks: params.count(&MIN_CLICKS),
        min_conversions: params.count(&MIN_CONVERSIONS),
        block_clicks: params.flag(&BLOCK_CLICKS),
    })
}

/// Tells conversions from clicks.
fn converts(event: &Event) -> Option<bool> {
    match event.kind {
        EventKind::Click => Some(false),
        EventKind::Conversion => is_base_conversion(event).then_some(true),
        EventKind::Impression => None,
    }
}

impl Filter for ConversionRate {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let judges = self.block_clicks || seen.event.kind == EventKind::Conversion;
        let Some(feature) = self.feature.filter(|_| judges) else { return };
        let tally = seen.tally(feature).unwrap_or_default();
        let (conversions, clicks) = (tally.hits, tally.total.saturating_sub(tally.hits));
        if clicks < self.min_clicks || conversions < self.min_conversions {
            return;
        }
        let (conversions, clicks) = (u64::from(conversions) * 10_000, u64::from(clicks));
        let (reason, threshold) = if conversions < u64::from(self.low) * clicks {
            (Reason::ConversionRateLow, self.low)
        } else if conversions > u64::from(self.high) * clicks {
            (Reason::ConversionRateHigh, self.high)
        } else {
            return;
        };
        let rate = conversions.checked_div(clicks).unwrap_or(0);
        report.fire(
            &Finding::new(reason)
                .observed(Value::Percent(u32::try_from(rate).unwrap_or(u32::MAX)))
                .threshold(Value::Percent(threshold))
                .counted(feature, tally),
        );
    }
}
