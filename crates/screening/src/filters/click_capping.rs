//! `click_capping`: so many clicks in a period of the calendar and no more. Every click uses up the cap, whatever its
//! verdict, and periods are those of the integration's time zone over the clicks' own times.

use super::{level, level_columns};
use crate::calendar::Period;
use crate::catalogue::FilterType;
use crate::feature::{FeatureId, FeatureSpec, Window};
use crate::flip::Flip;
use crate::filter::{C, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choice, Choices, Integer, Param, Params};
use crate::verdict::{Finding, Value};
use tollgate_domain::Reason;

const CAP: Integer = Integer {
    name: "cap",
    default: 1,
    min: 1,
    max: 1_000_000_000,
    about: "Clicks in a period, beyond which the next is rejected.",
};
const PERIOD: Choice = Choice {
    name: "period",
    default: "day",
    options: Period::NAMES,
    about: "What the cap is for, in the integration's time zone.",
};
const LEVEL: Choices = level(&["offer", "publisher"]);

pub(super) static TYPE: FilterType = FilterType {
    name: "click_capping",
    about: "Rejects clicks once a period's cap is used up.",
    kinds: C,
    reasons: &[Reason::ClickCap],
    params: &[Param::Required(&Param::Integer(&CAP)), Param::Choice(&PERIOD), Param::Choices(&LEVEL)],
    check: FilterType::NO_CHECK,
    compile,
};

struct ClickCapping {
    clicks: Option<FeatureId>,
    cap: u32,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let spec = FeatureSpec {
        kinds: compiler.kinds(),
        points: Vec::new(),
        levels: level_columns(params, &LEVEL),
        window: Window::Calendar(Period::from_name(params.choice(&PERIOD))),
        share: None,
    };
    Box::new(ClickCapping { clicks: compiler.feature(spec), cap: params.count(&CAP) })
}

impl Judge for ClickCapping {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(feature) = self.clicks else { return };
        let tally = seen.tally(feature).unwrap_or_default();
        let is_used_up = tally.total >= self.cap;
        report.check(
            is_used_up,
            || {
                Finding::new(Reason::ClickCap)
                    .observed(Value::Number(tally.total.into()))
                    .threshold(Value::Number(self.cap.into()))
                    .counted(feature, tally)
            },
            || match is_used_up {
                true => CAP.at_least(i64::from(tally.total) + 1),
                false => Flip::more(u64::from(self.cap - tally.total), "clicks"),
            },
        );
    }
}
