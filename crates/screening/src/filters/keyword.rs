//! `keyword`: the search keyword is on a list, or comes from a source again and again. Keywords are compared as a whole,
//! without regard to case.

use super::{level, level_columns};
use crate::catalogue::FilterType;
use crate::facts::filled;
use crate::feature::{FeatureId, FeatureSpec, Window};
use crate::flip::{Flip, List};
use crate::filter::{C, Compiler, Filter, Judge, Observation, Report};
use crate::folded::FoldedSet;
use crate::params::{Choices, Integer, Param, Params, Texts};
use crate::special::Limit;
use crate::verdict::{Finding, Value};
use tollgate_domain::{Reason, Text};

const BLOCKED: Texts = Texts { name: "blocked", max_items: 10_000, about: "Keywords that are rejected." };
const ALLOWED: Limit = Limit {
    name: "allowed_duplicates",
    min: 0,
    max: 1_000_000,
    about: "How often a keyword may have been seen in the window already; null for any number.",
};
const LOOKBACK: Integer = Integer {
    name: "lookback_hours",
    default: 24,
    min: 1,
    max: 720,
    about: "With allowed_duplicates: length of the window in hours.",
};
const LEVEL: Choices = level(&["offer", "publisher"]);

pub(super) static TYPE: FilterType = FilterType {
    name: "keyword",
    about: "Rejects clicks with keywords on a list, or with keywords that are repeated too often.",
    kinds: C,
    reasons: &[Reason::Keyword],
    params: &[
        Param::Texts(&BLOCKED),
        Param::Special(&ALLOWED),
        Param::Integer(&LOOKBACK),
        Param::Choices(&LEVEL),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct Keyword {
    blocked: FoldedSet,
    repeated: Option<(FeatureId, u32)>,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let repeated = ALLOWED.of(params).and_then(|allowed| {
        let spec = FeatureSpec {
            kinds: compiler.kinds(),
            points: vec![Text::Keyword],
            levels: level_columns(params, &LEVEL),
            window: Window::Minutes(params.count(&LOOKBACK) * 60),
            share: None,
        };
        Some((compiler.feature(spec)?, allowed))
    });
    Box::new(Keyword { blocked: FoldedSet::new(params.texts(&BLOCKED)), repeated })
}

impl Judge for Keyword {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(keyword) = filled(seen.event, Text::Keyword) else {
            return report.abstain("keyword");
        };
        let is_blocked = self.blocked.contains(keyword);
        report.check(
            is_blocked,
            || Finding::new(Reason::Keyword).field("blocked").observed(Value::Text(keyword)),
            || if is_blocked { BLOCKED.without(keyword) } else { BLOCKED.with(keyword) },
        );
        if let Some((feature, allowed)) = self.repeated
            && let Some(tally) = seen.tally(feature)
        {
            report.check(
                tally.total > allowed,
                || {
                    Finding::new(Reason::Keyword)
                        .field("allowed_duplicates")
                        .observed(Value::Number(tally.total.into()))
                        .threshold(Value::Number(allowed.into()))
                        .counted(feature, tally)
                },
                || match tally.total > allowed {
                    true => ALLOWED.at_least(tally.total.into()),
                    false => Flip::more(u64::from(allowed - tally.total) + 1, "clicks"),
                },
            );
        }
    }
}
