//! `session_time`: the time from click to conversion must lie within bounds; below them no human acts, above them the
//! click had nothing to do with it.

use crate::catalogue::FilterType;
use crate::facts::click_to_conversion_millis;
use crate::flip::{Flip, div_ceil};
use crate::filter::{Compiler, Filter, Judge, Observation, Report, V};
use crate::params::{Integer, Param, Params};
use crate::verdict::{Finding, Value};
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

impl Judge for SessionTime {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(elapsed) = click_to_conversion_millis(seen.event) else {
            return report.abstain("click_time");
        };
        let (is_short, is_long) = (elapsed < self.min_seconds * 1000, elapsed > self.max_seconds * 1000);
        report.check(
            is_short || is_long,
            || {
                Finding::new(Reason::SessionTime)
                    .field("seconds")
                    .observed(Value::Number(elapsed.div_euclid(1000)))
                    .threshold(Value::Number(if is_long { self.max_seconds } else { self.min_seconds }))
            },
            || self.flip(elapsed),
        );
    }
}

impl SessionTime {
    fn flip(&self, elapsed: i64) -> Flip {
        let (down, up) = (elapsed.div_euclid(1000), div_ceil(elapsed, 1000));
        if elapsed < self.min_seconds * 1000 {
            MIN.at_most(down)
        } else if elapsed > self.max_seconds * 1000 {
            MAX.at_least(up)
        } else if down < self.max_seconds {
            MIN.at_least(down + 1)
        } else if up > self.min_seconds {
            MAX.at_most(up - 1)
        } else {
            Flip::none("min_seconds and max_seconds are both just what was seen")
        }
    }
}
