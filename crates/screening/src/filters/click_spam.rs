//! `click_spam`: too large a share of a source's conversions come long after their click. Clicks that were never made
//! are spread evenly over time, so most of what they are credited with happens long after them. Then all conversions
//! of the source are rejected: the few that happen to come early are no better.

use super::source::Limit;
use crate::catalogue::FilterType;
use crate::facts::{click_to_conversion_millis, is_base_conversion};
use crate::feature::{FeatureId, FeatureSpec, Share, Window};
use crate::filter::{Compiler, Filter, Judge, Observation, Report, V};
use crate::params::{Choice, Integer, Param, Params, Percent};
use crate::verdict::Finding;
use std::sync::Arc;
use tollgate_domain::{Event, Reason, Text};

const CTIT: Integer = Integer {
    name: "ctit_hours",
    default: 24,
    min: 1,
    max: 168,
    about: "A conversion is too slow in more hours after its click.",
};
const THRESHOLD: Percent = Percent {
    name: "threshold_percentage",
    default: 8_000,
    about: "Conversions are rejected once the share of slow ones in the window is over this.",
};
const MIN_CONVERSIONS: Integer = Integer {
    name: "min_conversions",
    default: 50,
    min: 10,
    max: 10_000,
    about: "Conversions in the window before which nothing is rejected.",
};
const LOOKBACK: Integer =
    Integer { name: "lookback_days", default: 7, min: 1, max: 30, about: "Length of the window in days." };
const SCOPE: Choice = Choice {
    name: "scope",
    default: "sub_id",
    options: &["sub_id", "publisher"],
    about: "Whose conversions are counted: each of a publisher's sub ids, or the publisher.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "click_spam",
    about: "Rejects conversions of sources too many of whose conversions come too long after their click.",
    kinds: V,
    reasons: &[Reason::ClickSpam],
    params: &[
        Param::Integer(&CTIT),
        Param::Percent(&THRESHOLD),
        Param::Integer(&MIN_CONVERSIONS),
        Param::Integer(&LOOKBACK),
        Param::Choice(&SCOPE),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct ClickSpam {
    feature: Option<FeatureId>,
    limit: Limit,
}

const HOUR_MILLIS: i64 = 3_600_000;

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let millis = params.integer(&CTIT) * HOUR_MILLIS;
    let levels = match params.choice(&SCOPE) {
        "publisher" => vec![Text::Publisher],
        _ => vec![Text::Publisher, Text::SubId],
    };
    let feature = compiler.feature(FeatureSpec {
        kinds: compiler.kinds(),
        points: Vec::new(),
        levels,
        window: Window::Minutes(params.count(&LOOKBACK) * 24 * 60),
        share: Some(Share {
            name: format!("slower than {millis}"),
            weigh: Arc::new(move |event| is_slow(event, millis)),
        }),
    });
    let limit = Limit::new(params, &MIN_CONVERSIONS, &THRESHOLD, "slow conversions");
    Box::new(ClickSpam { feature, limit })
}

/// Whether a conversion came more than `millis` after its click; those without a click's time do not count.
fn is_slow(event: &Event, millis: i64) -> Option<bool> {
    let elapsed = click_to_conversion_millis(event).filter(|_| is_base_conversion(event))?;
    Some(elapsed > millis)
}

impl Judge for ClickSpam {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        if click_to_conversion_millis(seen.event).is_none() {
            return report.abstain("click_time");
        }
        self.limit.judge(seen, self.feature, Finding::new(Reason::ClickSpam), report);
    }
}
