//! `install_time`: an install's times must be in order, and the click must have come before the install began. A click
//! that comes after it was injected by something that saw the installation start.

use crate::catalogue::FilterType;
use crate::facts::conversion_millis;
use crate::flip::{Flip, div_ceil};
use crate::filter::{Compiler, Filter, Judge, Observation, Report, V};
use crate::params::{Integer, Param, Params};
use crate::verdict::{Finding, Value};
use tollgate_domain::{Event, Number, Reason};

const TOLERANCE: Integer = Integer {
    name: "tolerance_seconds",
    default: 5,
    min: 5,
    max: 99,
    about: "Seconds by which two times may be in the wrong order, since clocks differ.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "install_time",
    about: "Rejects installs whose times are out of order, or whose click came after the install began.",
    kinds: V,
    reasons: &[Reason::WrongInstallTime, Reason::ClickInjection],
    params: &[Param::Integer(&TOLERANCE)],
    check: FilterType::NO_CHECK,
    compile,
};

struct InstallTime {
    tolerance_seconds: i64,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    Box::new(InstallTime { tolerance_seconds: params.integer(&TOLERANCE) })
}

impl Judge for InstallTime {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let early = self.out_of_order(event);
        report.check(
            early.is_some(),
            || self.finding(Reason::WrongInstallTime, early.unwrap_or_else(|| worst(event))),
            || self.flip(worst(event)),
        );
        match (event.number(Number::ClickTime), event.number(Number::BeginInstallTime)) {
            (Some(click), Some(begin)) => {
                let late = (Number::ClickTime, click.saturating_sub(begin));
                report.check(
                    self.is_too_much(late.1),
                    || self.finding(Reason::ClickInjection, late),
                    || self.flip(late),
                );
            }
            (_, None) => report.abstain("begin_install_time"),
            (None, _) => report.abstain("click_time"),
        }
    }
}

/// A time, and by how many milliseconds it is on the wrong side of another; negative on the right side.
type Gap = (Number, i64);

/// How far each step's time lies before the latest of the steps that should precede it. Steps whose time is not known are
/// passed over.
fn gaps(event: &Event) -> impl Iterator<Item = Gap> {
    let steps = [
        (Number::LandingPageTime, event.number(Number::LandingPageTime)),
        (Number::BeginInstallTime, event.number(Number::BeginInstallTime)),
        (Number::FinishInstallTime, event.number(Number::FinishInstallTime)),
        (Number::ConversionTime, Some(conversion_millis(event))),
    ];
    let mut latest = i64::MIN;
    steps.into_iter().filter_map(|(column, time)| Some((column, time?))).map(move |(column, time)| {
        let gap = latest.saturating_sub(time);
        latest = latest.max(time);
        (column, gap)
    })
}

impl InstallTime {
    /// Whether so many milliseconds in the wrong order are more than clocks may differ.
    fn is_too_much(&self, millis: i64) -> bool {
        millis > self.tolerance_seconds * 1000
    }

    /// The first of the times that is too far out of order.
    fn out_of_order(&self, event: &Event) -> Option<Gap> {
        gaps(event).find(|(_, millis)| self.is_too_much(*millis))
    }

    fn finding(&self, reason: Reason, (column, millis): Gap) -> Finding<'static> {
        Finding::new(reason)
            .field(column.name())
            .observed(Value::Number(millis / 1000))
            .threshold(Value::Number(self.tolerance_seconds))
    }

    fn flip(&self, (column, millis): Gap) -> Flip {
        let seconds = div_ceil(millis, 1000);
        match self.is_too_much(millis) {
            true => TOLERANCE.at_least(seconds),
            false if seconds > TOLERANCE.min => TOLERANCE.at_most(seconds - 1),
            false => {
                let clause = format!("if its times were more than {} seconds out of order", self.tolerance_seconds);
                Flip::fact(column.name(), clause)
            }
        }
    }
}

/// The time that is farthest out of order.
fn worst(event: &Event) -> Gap {
    // The conversion's time is always there.
    gaps(event).max_by_key(|(_, millis)| *millis).unwrap_or((Number::ConversionTime, i64::MIN))
}
