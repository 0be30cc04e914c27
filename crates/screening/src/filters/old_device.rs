//! `old_device`: the operating system or the browser is so old that hardly anybody uses it, as on farms of discarded
//! phones and in lists of copied user agents. Like `proxy`, either every such event is rejected, or only those of a
//! source whose share of them is over a threshold.

use super::source::{Limit, source_columns};
use crate::catalogue::FilterType;
use crate::feature::{FeatureId, FeatureSpec, PerKind, Share, Window};
use crate::flip::{Flip, Setting};
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Flag, Integer, Param, Params, Percent};
use crate::sources::Topic;
use crate::verdict::{Finding, Measure, Value};
use crate::versions::{Age, Minimum, Minimums, Versions};
use std::sync::Arc;
use tollgate_domain::{Event, Reason, Text};

/// Reduced user agents freeze versions: Android at 10, Windows at 10, Mac OS X at 10.15.7. No default may be beyond.
const SYSTEMS: Versions = Versions {
    name: "min_os_versions",
    default: &[("Android", "7"), ("iOS", "12"), ("Mac OS X", "10.11"), ("Windows", "7")],
    about: "The oldest version of each operating system that is no finding, by the names of the reports. What is not \
            named is never too old.",
};
const BROWSERS: Versions = Versions {
    name: "min_browser_versions",
    default: &[
        ("Chrome", "70"),
        ("Chrome Mobile", "70"),
        ("Chrome Mobile WebView", "60"),
        ("Edge", "79"),
        ("Firefox", "68"),
        ("Firefox Mobile", "68"),
        ("IE", "11"),
        ("Mobile Safari", "11"),
        ("Opera", "60"),
        ("Safari", "11"),
        ("Samsung Internet", "10"),
    ],
    about: "The oldest version of each browser that is no finding, by the names of the reports. What is not named is \
            never too old.",
};
const THRESHOLD: Percent = Percent {
    name: "threshold_percentage",
    default: 0,
    about: "0 rejects every old device; else old devices are rejected once their share in the window is over this.",
};
const MIN_CLICKS: Integer = Integer {
    name: "min_clicks",
    default: 100,
    min: 1,
    max: 1_000_000,
    about: "With a threshold: events in the window before which nothing is rejected.",
};
const LOOKBACK: Integer = Integer {
    name: "lookback_hours",
    default: 24,
    min: 1,
    max: 720,
    about: "With a threshold: length of the window in hours.",
};
const BY_SUB_ID: Flag = Flag {
    name: "by_sub_id",
    default: false,
    about: "With a threshold: count a publisher's sub ids apart, not just offers and publishers.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "old_device",
    about: "Rejects outdated systems and browsers, all of them or those of sources with too large a share of them.",
    kinds: CV,
    reasons: &[Reason::OldDevice],
    params: &[
        Param::Special(&SYSTEMS),
        Param::Special(&BROWSERS),
        Param::Percent(&THRESHOLD),
        Param::Integer(&MIN_CLICKS),
        Param::Integer(&LOOKBACK),
        Param::Flag(&BY_SUB_ID),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct OldDevice {
    oldest: Arc<Oldest>,
    /// The threshold mode.
    limit: Option<(PerKind<FeatureId>, Limit)>,
}

/// The oldest versions that are no finding.
struct Oldest {
    systems: Minimums,
    browsers: Minimums,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let oldest = Arc::new(Oldest { systems: SYSTEMS.of(params), browsers: BROWSERS.of(params) });
    let limit = (params.hundredths(&THRESHOLD) > 0).then(|| {
        let features = compiler.feature_per_kind(|kind| {
            let oldest = oldest.clone();
            FeatureSpec {
                kinds: kind,
                points: Vec::new(),
                levels: source_columns(params.flag(&BY_SUB_ID)),
                window: Window::Minutes(params.count(&LOOKBACK) * 60),
                share: Some(Share {
                    name: format!(
                        "older than {}and {}",
                        oldest.systems.identity(),
                        oldest.browsers.identity()
                    ),
                    weigh: Arc::new(move |event| oldest.judge(event).map(|old| old.is_some())),
                }),
            }
        });
        (features, Limit::new(params, &MIN_CLICKS, &THRESHOLD, "old devices"))
    });
    Box::new(OldDevice { oldest, limit })
}

/// What is too old: the version's column and what it should have been at least.
type Old<'a> = (Text, &'a Minimum);

impl Oldest {
    /// Whether the system, or else the browser, is too old; `None` when neither is known.
    fn judge(&self, event: &Event) -> Option<Option<Old<'_>>> {
        let facts = [
            (&self.systems, Text::OsName, Text::OsVersion),
            (&self.browsers, Text::BrowserName, Text::BrowserVersion),
        ];
        let mut known = None;
        for (minimums, name, version) in facts {
            match minimums.judge(event.text_or_empty(name), event.text_or_empty(version)) {
                Age::Outdated(minimum) => return Some(Some((version, minimum))),
                Age::Recent => known = Some(None),
                Age::Unknown => {}
            }
        }
        known
    }

    /// What would let an old device pass where all of them are rejected.
    fn flip(&self, event: &Event, (column, minimum): Old<'_>) -> Flip {
        let browser = (event.text_or_empty(Text::BrowserName), event.text_or_empty(Text::BrowserVersion));
        let is_system = column == Text::OsVersion;
        if is_system && matches!(self.browsers.judge(browser.0, browser.1), Age::Outdated(_)) {
            return Flip::none("both the system and the browser are too old");
        }
        let table = if is_system { SYSTEMS.name } else { BROWSERS.name };
        let version = Measure::text(event.text_or_empty(column));
        Flip::parameter(format!("{table}.{}", minimum.name), Setting::AtMost(version))
    }
}

impl Judge for OldDevice {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let Some(old) = self.oldest.judge(event) else { return report.abstain("os_version") };
        let Some((column, minimum)) = old else {
            return report.skip("neither the system nor the browser is too old");
        };
        let finding = Finding::new(Reason::OldDevice).field(column.name()).data(Topic::Agents);
        match &self.limit {
            None => report.check(
                true,
                || {
                    finding
                        .observed(Value::Text(event.text_or_empty(column)))
                        .threshold(Value::Text(&minimum.text))
                },
                || self.oldest.flip(event, (column, minimum)),
            ),
            Some((features, limit)) => limit.judge(seen, features.get(event.kind), finding, report),
        }
    }
}
