//! `conversion_rate`: a source's conversions are too few for its clicks, as with clicks that nobody made, or too many,
//! as with conversions that nobody made. Rates begin anew with each interval of the calendar, so a source that was
//! rejected recovers with the next.

use super::source::source_columns;
use crate::calendar::Period;
use crate::catalogue::FilterType;
use crate::facts::is_base_conversion;
use crate::feature::{FeatureId, FeatureSpec, Kinds, Share, Window};
use crate::flip::Flip;
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choice, Flag, Integer, Param, Params, Percent};
use crate::verdict::{Finding, Value};
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

impl Judge for ConversionRate {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(feature) = self.feature else { return };
        if !self.block_clicks && seen.event.kind != EventKind::Conversion {
            return report.skip("clicks are not judged by the rate of their source");
        }
        let tally = seen.tally(feature).unwrap_or_default();
        let rate = Rate { conversions: tally.hits, clicks: tally.total.saturating_sub(tally.hits) };
        let (is_low, is_high) = (rate.is_below(self.low), rate.is_above(self.high));
        let (reason, threshold) = match is_high {
            true => (Reason::ConversionRateHigh, self.high),
            false => (Reason::ConversionRateLow, self.low),
        };
        report.check(
            self.counts(&rate) && (is_low || is_high),
            || {
                Finding::new(reason)
                    .observed(Value::Percent(rate.hundredths()))
                    .threshold(Value::Percent(threshold))
                    .counted(feature, tally)
            },
            || self.flip(&rate),
        );
    }
}

impl ConversionRate {
    /// Whether there are enough events for the rate to say something.
    fn counts(&self, rate: &Rate) -> bool {
        rate.clicks >= self.min_clicks && rate.conversions >= self.min_conversions
    }

    fn flip(&self, rate: &Rate) -> Flip {
        let (is_low, is_high) = (rate.is_below(self.low), rate.is_above(self.high));
        let hundredths = u64::from(rate.hundredths());
        let (few_clicks, few_conversions) =
            (rate.clicks < self.min_clicks, rate.conversions < self.min_conversions);
        match (is_low || is_high, few_clicks, few_conversions) {
            (true, false, false) if is_low => LOW.at_most(hundredths),
            (true, false, false) => match rate.hundredths_up() {
                up @ ..=10_000 => HIGH.at_least(up),
                _ => MIN_CLICKS.at_least(i64::from(rate.clicks) + 1),
            },
            (true, true, false) => MIN_CLICKS.at_most(rate.clicks.into()),
            (true, false, true) => MIN_CONVERSIONS.at_most(rate.conversions.into()),
            (false, false, false) if hundredths < u64::from(self.high) => LOW.at_least(hundredths + 1),
            (false, false, false) if hundredths > u64::from(self.low) => HIGH.at_most(hundredths - 1),
            (false, false, false) => Flip::none("low and high are both just what was seen"),
            _ => Flip::none(format!(
                "rates say something from {} clicks and {} conversions on; there were {} and {}",
                self.min_clicks, self.min_conversions, rate.clicks, rate.conversions
            )),
        }
    }
}

/// A source's conversions and clicks.
struct Rate {
    conversions: u32,
    clicks: u32,
}

impl Rate {
    /// Whether there are fewer conversions than `threshold` hundredths of a percent of the clicks.
    fn is_below(&self, threshold: u32) -> bool {
        u64::from(self.conversions) * 10_000 < u64::from(threshold) * u64::from(self.clicks)
    }

    /// Whether there are more.
    fn is_above(&self, threshold: u32) -> bool {
        u64::from(self.conversions) * 10_000 > u64::from(threshold) * u64::from(self.clicks)
    }

    /// In hundredths of a percent, rounded down; 0 without clicks.
    fn hundredths(&self) -> u32 {
        let rate = (u64::from(self.conversions) * 10_000).checked_div(self.clicks.into()).unwrap_or(0);
        u32::try_from(rate).unwrap_or(u32::MAX)
    }

    /// In hundredths of a percent, rounded up.
    fn hundredths_up(&self) -> u64 {
        (u64::from(self.conversions) * 10_000).div_ceil(u64::from(self.clicks).max(1))
    }
}
