//! `attribution`: the conversion must have a click, one that was not rejected and is not too old, and be its only one.
//!
//! Events after the conversion carry an `event_id`; each id counts once for a click, beside the conversion itself.

use crate::catalogue::FilterType;
use crate::facts::{click_to_conversion_millis, filled};
use crate::feature::{FeatureId, FeatureSpec, Window};
use crate::filter::{Compiler, Filter, Observation, V};
use crate::params::{Flag, Integer, Param, Params};
use crate::verdict::{Finding, Report, Value};
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
        levels: vec![Text::EventId],
        window: Window::Minutes(params.count(&WINDOW) * 24 * 60),
        share: None,
    });
    Box::new(Attribution {
        require_click: params.flag(&REQUIRE_CLICK),
        window_days: params.integer(&WINDOW),
        conversions: one_per_click.and_then(|spec| compiler.feature(spec)),
    })
}

impl Filter for Attribution {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let event = seen.event;
        if filled(event, Text::ClickRealTxId).is_none() && self.require_click {
            report.fire(&Finding::new(Reason::NoClick));
        }
        if let Some(feature) = self.conversions
            && let Some(tally) = seen.tally(feature)
            && tally.total > 0
        {
            report.fire(
                &Finding::new(Reason::DuplicateConversion)
                    .observed(Value::Number(tally.total.into()))
                    .threshold(Value::Number(0))
                    .counted(feature, tally),
            );
        }
        match click_to_conversion_millis(event) {
            Some(elapsed) if elapsed > self.window_days * DAY_MILLIS => report.fire(
                &Finding::new(Reason::OutOfWindow)
                    .field("seconds")
                    .observed(Value::Number(elapsed / 1000))
                    .threshold(Value::Number(self.window_days * DAY_MILLIS / 1000)),
            ),
            Some(_) => {}
            None => report.abstain("click_time"),
        }
        if event.text(Text::ClickStatus) == Some(Status::Rejected.name()) {
            report.fire(&Finding::new(Reason::RejectedClick).observed(Value::Text(Status::Rejected.name())));
        }
    }
}
