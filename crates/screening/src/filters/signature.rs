//! `signature`: the link must have been signed by someone who knows the integration's key, and not too long ago.
//!
//! Whether the signature is right was found out where the key is known, before screening; here it is a fact.

use crate::catalogue::FilterType;
use crate::flip::{Flip, div_ceil};
use crate::filter::{C, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Flag, Integer, Param, Params};
use crate::verdict::{Finding, Value};
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

impl Judge for Signature {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let invalid = |what| Finding::new(Reason::InvalidSignature).observed(Value::Text(what));
        match event.number(Number::SignatureValid) {
            None => report.check(self.required, || invalid("missing"), || REQUIRED.set(!self.required)),
            Some(0) => {
                let right = || Flip::fact("signature_valid", "if the signature were right");
                report.check(true, || invalid("wrong"), right);
            }
            Some(_) => match event.number(Number::SignedAt) {
                None => report.abstain("signed_at"),
                Some(signed) => self.check_age(event.at().millis() - signed, report),
            },
        }
    }
}

impl Signature {
    fn check_age(&self, millis: i64, report: &mut impl Report) {
        let is_old = millis > self.max_age_minutes * MINUTE_MILLIS;
        report.check(
            is_old,
            || {
                Finding::new(Reason::ExpiredLink)
                    .field("minutes")
                    .observed(Value::Number(millis / MINUTE_MILLIS))
                    .threshold(Value::Number(self.max_age_minutes))
            },
            || match is_old {
                true => MAX_AGE.at_least(div_ceil(millis, MINUTE_MILLIS)),
                false => MAX_AGE.at_most(div_ceil(millis, MINUTE_MILLIS) - 1),
            },
        );
    }
}
