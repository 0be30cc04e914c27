//! `duplicate_user`: the same address, user id, device id, user agent or fingerprint comes too often.
//!
//! Kinds are counted apart: a conversion is no duplicate of its click. Events after a conversion are neither counted nor
//! judged: a user who does more comes no more often. A user agent identifies nobody by itself, so it
//! counts together with the address. The all-zero device id identifies nobody at all: the filter abstains.

use super::{level, level_columns};
use crate::catalogue::FilterType;
use crate::facts::is_base_conversion;
use crate::feature::{FeatureId, FeatureSpec, PerKind, Share, Window};
use crate::flip::Flip;
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choices, Integer, Param, Params};
use crate::verdict::{Finding, Value};
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, Reason, Text};

const DATA_POINTS: Choices = Choices {
    name: "data_points",
    default: &["ip"],
    options: &["ip", "uuid", "device_id", "user_agent", "fingerprint"],
    min_items: 1,
    about: "What tells one user from another; each is counted by itself.",
};
const ALLOWED: Integer = Integer {
    name: "allowed_duplicates",
    default: 1,
    min: 0,
    max: 1000,
    about: "How often a value may have been seen in the window already.",
};
const LOOKBACK: Integer = Integer {
    name: "lookback_minutes",
    default: 1440,
    min: 1,
    max: 43_200,
    about: "Length of the window in minutes.",
};
const LEVEL: Choices = level(&["offer"]);

pub(super) static TYPE: FilterType = FilterType {
    name: "duplicate_user",
    about: "Rejects users that come more often than allowed.",
    kinds: CV,
    reasons: &[
        Reason::DuplicateIp,
        Reason::DuplicateUuid,
        Reason::DuplicateDeviceId,
        Reason::DuplicateUserAgent,
        Reason::DuplicateFingerprint,
    ],
    params: &[
        Param::Choices(&DATA_POINTS),
        Param::Integer(&ALLOWED),
        Param::Integer(&LOOKBACK),
        Param::Choices(&LEVEL),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

/// A data point's name, reason and columns.
type Point = (&'static str, Reason, &'static [Text]);

const POINTS: [Point; 5] = [
    ("ip", Reason::DuplicateIp, &[Text::Ip]),
    ("uuid", Reason::DuplicateUuid, &[Text::Uuid]),
    ("device_id", Reason::DuplicateDeviceId, &[Text::DeviceId]),
    ("user_agent", Reason::DuplicateUserAgent, &[Text::UserAgent, Text::Ip]),
    ("fingerprint", Reason::DuplicateFingerprint, &[Text::Fingerprint]),
];

struct DuplicateUser {
    points: Vec<(Point, PerKind<FeatureId>)>,
    allowed: u32,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let points = POINTS.iter().filter(|(name, ..)| params.chosen(&DATA_POINTS, name)).map(|point| {
        let features = compiler.feature_per_kind(|kind| FeatureSpec {
            kinds: kind,
            points: point.2.to_vec(),
            levels: level_columns(params, &LEVEL),
            window: Window::Minutes(params.count(&LOOKBACK)),
            share: kind
                .contains(EventKind::Conversion)
                .then(|| Share { name: "conversion".to_owned(), weigh: Arc::new(counts) }),
        });
        (*point, features)
    });
    Box::new(DuplicateUser { points: points.collect(), allowed: params.count(&ALLOWED) })
}

/// Leaves events after a conversion uncounted.
fn counts(event: &Event) -> Option<bool> {
    is_base_conversion(event).then_some(true)
}

impl Judge for DuplicateUser {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        if seen.event.kind == EventKind::Conversion && !is_base_conversion(seen.event) {
            return;
        }
        for ((name, reason, _), features) in &self.points {
            let Some(feature) = features.get(seen.event.kind) else { continue };
            let Some(tally) = seen.tally(feature) else {
                report.abstain(name);
                continue;
            };
            report.check(
                tally.total > self.allowed,
                || {
                    Finding::new(*reason)
                        .field(name)
                        .observed(Value::Number(tally.total.into()))
                        .threshold(Value::Number(self.allowed.into()))
                        .counted(feature, tally)
                },
                || Flip::beyond(&ALLOWED, tally.total, self.allowed, "events"),
            );
        }
    }
}
