//! `signature`: the link must have been signed by someone who knows the integration's key, and not too long ago.
//!
//! Whether the signature is right was found out where the key is known, before screening; here it is a fact.

use crate::catalogue::FilterType;
use crate::filter::{C, Compiler, Filter, Observation};
use crate::params::{Flag, Integer, Param, Params};
use crate::verdict::{Finding, Report, Value};
use tollgate_domain::{Number, Reason};

const REQUIRED: Flag =
    Flag { name: "required", default: false, about: "Reject links without a signature, too." };
const MAX_AGE: Integer = Integer {
    name: "max_age_minutes",
    default: 1440,
    min: 1,
    max: 525_600,
    about: "Minutes after which a signed link is too old.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "signature",
    about: "Rejects links whose signature is wrong, missing though required, or too old.",
    kinds: C,
    reasons: &[Reason::InvalidSignature, Reason::ExpiredLink],
    params: &[Param::Flag(&REQUIRED), Param::Integer(&MAX_AGE)],
    check: FilterType::NO_CHECK,
    compile,
};

struct Signature {
    required: bool,
    max_age_minutes: i64,
}

const MINUTE_MILLIS: i64 = 60_000;

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    Box::new(Signature { required: params.flag(&REQUIRED), max_age_minutes: params.integer(&MAX_AGE) })
}

impl Filter for Signature {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let event = seen.event;
        let invalid = |what| Finding::new(Reason::InvalidSignature).observed(Value::Text(what));
        match event.number(Number::SignatureValid) {
            None if self.required => report.fire(&invalid("missing")),
            None => {}
            Some(0) => report.fire(&invalid("wrong")),
            Some(_) => {
                let Some(signed) = event.number(Number::SignedAt) else { return report.abstain("signed_at") };
                let age = event.at().millis() - signed;
                if age > self.max_age_minutes * MINUTE_MILLIS {
                    report.fire(
                        &Finding::new(Reason::ExpiredLink)
                            .field("minutes")
                            .observed(Value::Number(age / MINUTE_MILLIS))
                            .threshold(Value::Number(self.max_age_minutes)),
                    );
                }
            }
        }
    }
}
