//! `click_flooding`: one address, sub id or publisher sends too many clicks or impressions in a window. Kinds are
//! counted apart; a sub id belongs to its publisher.

use crate::catalogue::FilterType;
use crate::feature::{FeatureId, FeatureSpec, PerKind, Window};
use crate::flip::Flip;
use crate::filter::{CI, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choice, Integer, Param, Params};
use crate::verdict::{Finding, Value};
use tollgate_domain::{Reason, Text};

const THRESHOLD: Integer = Integer {
    name: "threshold",
    default: 500,
    min: 1,
    max: 100_000,
    about: "Events in the window, beyond which the next is rejected.",
};
const WINDOW: Integer = Integer {
    name: "window_minutes",
    default: 60,
    min: 1,
    max: 1440,
    about: "Length of the window in minutes.",
};
const SCOPE: Choice = Choice {
    name: "scope",
    default: "ip",
    options: &["ip", "sub_id", "publisher"],
    about: "Whose events are counted.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "click_flooding",
    about: "Rejects events beyond a number in a window.",
    kinds: CI,
    reasons: &[Reason::ClickFlooding],
    params: &[Param::Integer(&THRESHOLD), Param::Integer(&WINDOW), Param::Choice(&SCOPE)],
    check: FilterType::NO_CHECK,
    compile,
};

struct ClickFlooding {
    features: PerKind<FeatureId>,
    threshold: u32,
    scope: &'static str,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let (scope, point, levels): (_, _, &[Text]) = match params.choice(&SCOPE) {
        "sub_id" => ("sub_id", Text::SubId, &[Text::Publisher]),
        "publisher" => ("publisher", Text::Publisher, &[]),
        _ => ("ip", Text::Ip, &[]),
    };
    let features = compiler.feature_per_kind(|kind| FeatureSpec {
        kinds: kind,
        points: vec![point],
        levels: levels.to_vec(),
        window: Window::Minutes(params.count(&WINDOW)),
        share: None,
    });
    Box::new(ClickFlooding { features, threshold: params.count(&THRESHOLD), scope })
}

impl Judge for ClickFlooding {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(feature) = self.features.get(seen.event.kind) else { return };
        let Some(tally) = seen.tally(feature) else { return report.abstain(self.scope) };
        report.check(
            tally.total > self.threshold,
            || {
                Finding::new(Reason::ClickFlooding)
                    .field(self.scope)
                    .observed(Value::Number(tally.total.into()))
                    .threshold(Value::Number(self.threshold.into()))
                    .counted(feature, tally)
            },
            || Flip::beyond(&THRESHOLD, tally.total, self.threshold, "events"),
        );
    }
}
