//! `third_party_rejection`: a third party has already rejected the conversion, and says why.

use crate::catalogue::FilterType;
use crate::facts::filled;
use crate::filter::{Compiler, Filter, Observation, V};
use crate::params::Params;
use crate::verdict::{Finding, Report, Value};
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

impl Filter for ThirdPartyRejection {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        if let Some(reason) = filled(seen.event, Text::ThirdPartyRejectedReason) {
            report.fire(&Finding::new(Reason::ThirdParty).observed(Value::Text(reason)));
        }
    }
}
