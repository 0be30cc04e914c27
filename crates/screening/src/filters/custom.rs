//! `custom`: a condition that operators write themselves holds. It abstains while a fact is missing that would decide.

use crate::catalogue::FilterType;
use crate::condition::{Answer, CONDITION, Condition, read};
use crate::flip::Flip;
use crate::filter::{CVI, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Param, Params, Special};
use crate::special::Word;
use crate::verdict::{Finding, Value};
use std::sync::Arc;
use tollgate_domain::Reason;

const CODE: Word = Word {
    name: "code",
    default: "CUSTOM",
    pattern: "^[A-Z][A-Z0-9_]{0,63}$",
    is_legal: is_code,
    must: "must be 1 to 64 upper-case letters, digits and underscores that begin with a letter, and no other reason's",
    about: "The reason that is given.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "custom",
    about: "Rejects events for which a condition holds.",
    kinds: CVI,
    reasons: &[Reason::Custom],
    params: &[Param::Required(&Param::Special(&CONDITION)), Param::Special(&CODE)],
    check: FilterType::NO_CHECK,
    compile,
};

/// Whether a text may be the code of a custom filter: those of other reasons say something else.
fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    let legal = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let formed =
        bytes.len() <= 64 && bytes.first().is_some_and(u8::is_ascii_uppercase) && bytes.iter().all(legal);
    formed && Reason::from_code(text).is_none_or(|reason| reason == Reason::Custom)
}

struct Custom {
    /// Always there: what is saved has been read before.
    when: Option<Condition>,
    /// Its own code, unless it is that of all custom filters.
    code: Option<Arc<str>>,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let when = params.value(CONDITION.name()).and_then(|value| read(value, CONDITION.name()).ok());
    let code = CODE.of(params);
    Box::new(Custom { when, code: (code != CODE.default).then(|| code.into()) })
}

impl Judge for Custom {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let Some(when) = &self.when else { return report.abstain("when") };
        let answer = when.ask(seen.event);
        let first = match answer {
            Answer::Unknown(field) => return report.abstain(field),
            Answer::Holds(first) => first,
            Answer::Fails => None,
        };
        let holds = matches!(answer, Answer::Holds(_));
        report.check(
            holds,
            || {
                let mut finding = Finding::new(Reason::Custom);
                if let Some(code) = &self.code {
                    finding = finding.code(code);
                }
                if let Some(first) = first {
                    finding = finding.field(first.field());
                    // Texts may be addresses, user agents or ids; they stand in their own columns.
                    if let Some(number) = first.number(seen.event) {
                        finding = finding.observed(Value::Number(number));
                    }
                }
                finding
            },
            || {
                let field = first.map_or(CONDITION.name(), |first| first.field());
                Flip::fact(field, format!("if its condition {}", if holds { "did not hold" } else { "held" }))
            },
        );
    }
}
