//! `low_session_time`: too large a share of a source's conversions follow their click too quickly for humans. Then all
//! of its conversions are rejected, the slow ones too: `session_time` is there for single ones.

use super::source::{Limit, source_columns};
use crate::catalogue::FilterType;
use crate::facts::{click_to_conversion_millis, is_base_conversion};
use crate::feature::{FeatureId, FeatureSpec, Share, Window};
use crate::filter::{Compiler, Filter, Judge, Observation, Report, V};
use crate::params::{Flag, Integer, Param, Params, Percent};
use crate::verdict::Finding;
use std::sync::Arc;
use tollgate_domain::{Event, Reason};

const SECONDS: Integer = Integer {
    name: "seconds",
    default: 30,
    min: 1,
    max: 86_400,
    about: "A conversion is too quick in fewer seconds after its click.",
};
const THRESHOLD: Percent = Percent {
    name: "threshold_percentage",
    default: 5_000,
    about: "Conversions are rejected once the share of quick ones in the window is over this.",
};
const MIN_CONVERSIONS: Integer = Integer {
    name: "min_conversions",
    default: 20,
    min: 1,
    max: 1_000_000,
    about: "Conversions in the window before which nothing is rejected.",
};
const LOOKBACK: Integer = Integer {
    name: "lookback_hours",
    default: 24,
    min: 1,
    max: 720,
    about: "Length of the window in hours.",
};
const BY_SUB_ID: Flag = Flag {
    name: "by_sub_id",
    default: true,
    about: "Count a publisher's sub ids apart, not just offers and publishers.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "low_session_time",
    about: "Rejects conversions of sources too many of whose conversions follow their click too quickly.",
    kinds: V,
    reasons: &[Reason::LowSessionTime],
    params: &[
        Param::Integer(&SECONDS),
        Param::Percent(&THRESHOLD),
        Param::Integer(&MIN_CONVERSIONS),
        Param::Integer(&LOOKBACK),
        Param::Flag(&BY_SUB_ID),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct LowSessionTime {
    feature: Option<FeatureId>,
    limit: Limit,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let millis = params.integer(&SECONDS) * 1000;
    let feature = compiler.feature(FeatureSpec {
        kinds: compiler.kinds(),
        points: Vec::new(),
        levels: source_columns(params.flag(&BY_SUB_ID)),
        window: Window::Minutes(params.count(&LOOKBACK) * 60),
        share: Some(Share {
            name: format!("quicker than {millis}"),
            weigh: Arc::new(move |event| is_quick(event, millis)),
        }),
    });
    let limit = Limit::new(params, &MIN_CONVERSIONS, &THRESHOLD, "quick conversions");
    Box::new(LowSessionTime { feature, limit })
}

/// Whether a conversion came in fewer than `millis` after its click; those without a click's time do not count.
fn is_quick(event: &Event, millis: i64) -> Option<bool> {
    let elapsed = click_to_conversion_millis(event).filter(|_| is_base_conversion(event))?;
    Some(elapsed < millis)
}

impl Judge for LowSessionTime {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        if click_to_conversion_millis(seen.event).is_none() {
            return report.abstain("click_time");
        }
        self.limit.judge(seen, self.feature, Finding::new(Reason::LowSessionTime), report);
    }
}
