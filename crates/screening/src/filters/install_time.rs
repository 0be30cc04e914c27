//! `install_time`: an install's times must be in order, and the click must have come before the install began. A click
//! that comes after it was injected by something that saw the installation start.

use crate::catalogue::FilterType;
use crate::facts::conversion_millis;
use crate::filter::{Compiler, Filter, Observation, V};
use crate::params::{Integer, Param, Params};
use crate::verdict::{Finding, Report, Value};
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

impl Filter for InstallTime {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let event = seen.event;
        if let Some((column, early)) = self.out_of_order(event) {
            self.fire(Reason::WrongInstallTime, column, early, report);
        }
        match (event.number(Number::ClickTime), event.number(Number::BeginInstallTime)) {
            (Some(click), Some(begin)) if self.is_later(click, begin) => {
                self.fire(Reason::ClickInjection, Number::ClickTime, click.saturating_sub(begin), report);
            }
            (Some(_), Some(_)) => {}
            (_, None) => report.abstain("begin_install_time"),
            (None, _) => report.abstain("click_time"),
        }
    }
}

impl InstallTime {
    /// Whether `first` is later than `second` by more than clocks may differ.
    fn is_later(&self, first: i64, second: i64) -> bool {
        first.saturating_sub(second) > self.tolerance_seconds * 1000
    }

    /// The first of the times that lies before an earlier step's, and by how many milliseconds. Steps whose time is not
    /// known are passed over.
    fn out_of_order(&self, event: &Event) -> Option<(Number, i64)> {
        let steps = [
            (Number::LandingPageTime, event.number(Number::LandingPageTime)),
            (Number::BeginInstallTime, event.number(Number::BeginInstallTime)),
            (Number::FinishInstallTime, event.number(Number::FinishInstallTime)),
            (Number::ConversionTime, Some(conversion_millis(event))),
        ];
        let mut latest = i64::MIN;
        for (column, time) in steps {
            let Some(time) = time else { continue };
            if self.is_later(latest, time) {
                return Some((column, latest.saturating_sub(time)));
            }
            latest = latest.max(time);
        }
        None
    }

    fn fire(&self, reason: Reason, column: Number, millis: i64, report: &mut Report<'_>) {
        report.fire(
            &Finding::new(reason)
                .field(column.name())
                .observed(Value::Number(millis / 1000))
                .threshold(Value::Number(self.tolerance_seconds)),
        );
    }
}
