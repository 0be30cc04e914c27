//! `third_party_rejection`: a third party has already rejected the conversion, and says why.

use crate::catalogue::FilterType;
use crate::facts::filled;
use crate::flip::Flip;
use crate::filter::{Compiler, Filter, Judge, Observation, Report, V};
use crate::params::Params;
use crate::verdict::{Finding, Value};
use tollgate_domain::{Reason, Text};

pub(super) static TYPE: FilterType = FilterType {
    name: "third_party_rejection",
    about: "Rejects conversions that a third party has rejected.",
    kinds: V,
    reasons: &[Reason::ThirdParty],
    params: &[],
    check: FilterType::NO_CHECK,
    compile,
};

struct ThirdPartyRejection;

fn compile(_: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    Box::new(ThirdPartyRejection)
}

impl Judge for ThirdPartyRejection {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let reason = filled(seen.event, Text::ThirdPartyRejectedReason);
        report.check(
            reason.is_some(),
            || {
                let finding = Finding::new(Reason::ThirdParty);
                reason.map_or(finding, |reason| finding.observed(Value::Text(reason)))
            },
            || {
                let clause = if reason.is_some() { "if no third party had rejected it" } else { "if a third party had rejected it" };
                Flip::fact(Text::ThirdPartyRejectedReason.name(), clause)
            },
        );
    }
}
