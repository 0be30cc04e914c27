//! `attribution`: the conversion must have a click, one that was not rejected and is not too old, and be its only one.
//!
//! Events after the conversion carry an `event_id` or an `event_name`; each of them counts once for a click, beside the
//! conversion itself.

use crate::catalogue::FilterType;
use crate::facts::{click_to_conversion_millis, filled};
use crate::feature::{FeatureId, FeatureSpec, Window};
use crate::flip::{Flip, div_ceil};
use crate::filter::{Compiler, Filter, Judge, Observation, Report, V};
use crate::params::{Flag, Integer, Param, Params};
use crate::verdict::{Finding, Value};
use tollgate_domain::{Reason, Status, Text};

const REQUIRE_CLICK: Flag =
    Flag { name: "require_click", default: false, about: "Reject conversions without a click." };
const WINDOW: Integer = Integer {
    name: "window_days",
    default: 30,
    min: 1,
    max: 90,
    about: "Days after the click within which a conversion counts.",
};
const ONE_PER_CLICK: Flag = Flag {
    name: "one_per_click",
    default: true,
    about: "Reject a click's second conversion within the window.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "attribution",
    about: "Rejects conversions without a click, with a rejected or too old one, and repeated ones.",
    kinds: V,
    reasons: &[Reason::NoClick, Reason::DuplicateConversion, Reason::OutOfWindow, Reason::RejectedClick],
    params: &[Param::Flag(&REQUIRE_CLICK), Param::Integer(&WINDOW), Param::Flag(&ONE_PER_CLICK)],
    check: FilterType::NO_CHECK,
    compile,
};

struct Attribution {
    require_click: bool,
    window_days: i64,
    conversions: Option<FeatureId>,
}

const DAY_MILLIS: i64 = 86_400_000;

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let kinds = compiler.kinds();
    let one_per_click = params.flag(&ONE_PER_CLICK).then(|| FeatureSpec {
        kinds,
        points: vec![Text::ClickRealTxId],
        levels: vec![Text::EventId, Text::EventName],
        window: Window::Minutes(params.count(&WINDOW) * 24 * 60),
        share: None,
    });
    Box::new(Attribution {
        require_click: params.flag(&REQUIRE_CLICK),
        window_days: params.integer(&WINDOW),
        conversions: one_per_click.and_then(|spec| compiler.feature(spec)),
    })
}

impl Judge for Attribution {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let has_click = filled(event, Text::ClickRealTxId).is_some();
        report.check(
            !has_click && self.require_click,
            || Finding::new(Reason::NoClick),
            || match (has_click, self.require_click) {
                (false, required) => REQUIRE_CLICK.set(!required),
                (true, true) => Flip::fact("click_real_tx_id", "if its click were not known"),
                (true, false) => Flip::none("it has a click, and none is required"),
            },
        );
        if let Some(feature) = self.conversions
            && let Some(tally) = seen.tally(feature)
        {
            report.check(
                tally.total > 0,
                || {
                    Finding::new(Reason::DuplicateConversion)
                        .observed(Value::Number(tally.total.into()))
                        .threshold(Value::Number(0))
                        .counted(feature, tally)
                },
                || match tally.total {
                    0 => Flip::more(1, "conversion of the click"),
                    _ => ONE_PER_CLICK.set(false),
                },
            );
        }
        match click_to_conversion_millis(event) {
            Some(elapsed) => self.check_window(elapsed, report),
            None => report.abstain("click_time"),
        }
        if let Some(status) = event.text(Text::ClickStatus) {
            let is_rejected = status == Status::Rejected.name();
            report.check(
                is_rejected,
                || Finding::new(Reason::RejectedClick).observed(Value::Text(status)),
                || Flip::fact("click_status", format!("if its click had {}been rejected", if is_rejected { "not " } else { "" })),
            );
        }
    }
}

impl Attribution {
    fn check_window(&self, elapsed: i64, report: &mut impl Report) {
        let is_late = elapsed > self.window_days * DAY_MILLIS;
        report.check(
            is_late,
            || {
                Finding::new(Reason::OutOfWindow)
                    .field("seconds")
                    .observed(Value::Number(elapsed / 1000))
                    .threshold(Value::Number(self.window_days * DAY_MILLIS / 1000))
            },
            || match is_late {
                true => WINDOW.at_least(div_ceil(elapsed, DAY_MILLIS)),
                false => WINDOW.at_most(div_ceil(elapsed, DAY_MILLIS) - 1),
            },
        );
    }
}
