//! `rejection_threshold`: too many of a source's conversions were rejected, so that the rest of its traffic is too.
//!
//! What this filter alone rejected does not count as rejected, or a source that was over the threshold once would stay
//! there for as long as it sends anything. A conversion that is rejected late counts as rejected from then on, at the time
//! it happened.

use super::source::Limit;
use super::{level, level_columns};
use crate::catalogue::FilterType;
use crate::facts::is_base_conversion;
use crate::feature::{FeatureId, FeatureSpec, Kinds, Share, Window};
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choices, Integer, Param, Params, Percent};
use crate::verdict::Finding;
use std::sync::Arc;
use tollgate_domain::{Event, Reason, Status, Text};

const MAX: Percent = Percent {
    name: "max_percentage",
    default: 7_000,
    about: "Events are rejected once the share of rejected conversions in the window is over this.",
};
const MIN_CONVERSIONS: Integer = Integer {
    name: "min_conversions",
    default: 20,
    min: 1,
    max: 1_000_000,
    about: "Conversions in the window before which nothing is rejected.",
};
const LOOKBACK: Integer =
    Integer { name: "lookback_days", default: 7, min: 1, max: 30, about: "Length of the window in days." };
/// A sub id belongs to its publisher: the same name elsewhere is another source.
const LEVEL: Choices = level(&["sub_id"]);

pub(super) static TYPE: FilterType = FilterType {
    name: "rejection_threshold",
    about: "Rejects the traffic of sources too many of whose conversions were rejected.",
    kinds: CV,
    reasons: &[Reason::RejectionThreshold],
    params: &[
        Param::Percent(&MAX),
        Param::Integer(&MIN_CONVERSIONS),
        Param::Integer(&LOOKBACK),
        Param::Choices(&LEVEL),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct RejectionThreshold {
    feature: Option<FeatureId>,
    limit: Limit,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let mut levels = level_columns(params, &LEVEL);
    if levels.contains(&Text::SubId) {
        levels.push(Text::Publisher);
    }
    let feature = compiler.feature(FeatureSpec {
        // Clicks only look at it.
        kinds: Kinds::of(CV),
        points: Vec::new(),
        levels,
        window: Window::Minutes(params.count(&LOOKBACK) * 24 * 60),
        share: Some(Share { name: "rejected".to_owned(), weigh: Arc::new(was_rejected) }),
    });
    let limit = Limit::new(params, &MIN_CONVERSIONS, &MAX, "rejected conversions");
    Box::new(RejectionThreshold { feature, limit })
}

/// Whether a conversion was rejected for anything but its source's former rejections; `None` for what is none.
pub fn was_rejected(event: &Event) -> Option<bool> {
    let alone = || event.text(Text::Rejections) == Some(r#"["REJECTION_THRESHOLD"]"#);
    is_base_conversion(event).then(|| event.status() == Some(Status::Rejected) && !alone())
}

impl Judge for RejectionThreshold {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        self.limit.judge(seen, self.feature, Finding::new(Reason::RejectionThreshold), report);
    }
}
