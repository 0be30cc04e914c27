//! `session_time`: the time from click to conversion must lie within bounds; below them no human acts, above them the
//! click had nothing to do with it.

use crate::catalogue::FilterType;
use crate::facts::click_to_conversion_millis;
use crate::filter::{Compiler, Filter, Observation, V};
use crate::params::{Integer, Param, Params};
use crate::verdict::{Finding, Report, Value};
use tollgate_domain::{Invalid, Reason};

/// 90 days, the longest attribution window.
const LONGEST: i64 = 7_776_000;

const MIN: Integer = Integer {
    name: "min_seconds",
    default: 30,
    min: 0,
    max: LONGEST,
    about: "The shortest legal time in seconds.",
};
const MAX: Integer = Integer {
    name: "max_seconds",
    default: 2_592_000,
    min: 1,
    max: LONGEST,
    about: "The longest legal time in seconds.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "session_time",
    about: "Rejects conversions too soon or too late after their click.",
    kinds: V,
    reasons: &[Reason::SessionTime],
    params: &[Param::Integer(&MIN), Param::Integer(&MAX)],
    check,
    compile,
};

fn check(params: &Params<'_>, path: &str, errors: &mut Vec<Invalid>) {
    if params.integer(&MIN) > params.integer(&MAX) {
        errors.push(Invalid::new(format!("{path}.min_seconds"), "must not be greater than max_seconds"));
    }
}

struct SessionTime {
    min_seconds: i64,
    max_seconds: i64,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    Box::new(SessionTime { min_seconds: params.integer(&MIN), max_seconds: params.integer(&MAX) })
}

impl Filter for SessionTime {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let Some(elapsed) = click_to_conversion_millis(seen.event) else {
            return report.abstain("click_time");
        };
        let threshold = if elapsed < self.min_seconds * 1000 {
            self.min_seconds
        } else if elapsed > self.max_seconds * 1000 {
            self.max_seconds
        } else {
            return;
        };
        report.fire(
            &Finding::new(Reason::SessionTime)
                .field("seconds")
                .observed(Value::Number(elapsed.div_euclid(1000)))
                .threshold(Value::Number(threshold)),
        );
    }
}
