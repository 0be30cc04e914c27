//! `language`: the browser's language must be in a list, must not be in a list, must be one of the address's country.
//!
//! Lists are compared with the user's own language, the most preferred one. A mismatch needs more: not one of the accepted
//! languages is spoken in the country.

use crate::catalogue::FilterType;
use crate::facts::{country, filled};
use crate::filter::{CV, Compiler, Filter, Observation};
use crate::languages::{Language, Languages, accepted, preferred};
use crate::params::{Flag, Param, Params};
use crate::sources::Topic;
use crate::verdict::{Finding, Report, Value};
use tollgate_domain::{Event, Reason, Text};

const ALLOWED: Languages =
    Languages { name: "allowed", about: "The only legal languages, such as de or pt-BR; empty allows any." };
const BLOCKED: Languages = Languages { name: "blocked", about: "Languages that are rejected." };
const REJECT_EMPTY: Flag =
    Flag { name: "reject_empty", default: false, about: "Reject events that name no language." };
const MISMATCH: Flag = Flag {
    name: "country_mismatch",
    default: false,
    about: "Reject browsers that accept no language of their address's country.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "language",
    about: "Rejects events by the language of their browser.",
    kinds: CV,
    reasons: &[Reason::Language],
    params: &[
        Param::Special(&ALLOWED),
        Param::Special(&BLOCKED),
        Param::Flag(&REJECT_EMPTY),
        Param::Flag(&MISMATCH),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct LanguageFilter {
    allowed: Box<[Language]>,
    blocked: Box<[Language]>,
    reject_empty: bool,
    mismatch: bool,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    Box::new(LanguageFilter {
        allowed: ALLOWED.of(params),
        blocked: BLOCKED.of(params),
        reject_empty: params.flag(&REJECT_EMPTY),
        mismatch: params.flag(&MISMATCH),
    })
}

/// Whether a list names the language, as such or as it is spoken in its country.
fn names(list: &[Language], language: Language) -> bool {
    list.binary_search(&language).is_ok() || list.binary_search(&language.anywhere()).is_ok()
}

impl Filter for LanguageFilter {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let event = seen.event;
        let finding = Finding::new(Reason::Language);
        let own = filled(event, Text::BrowserLanguages).and_then(preferred);
        let Some(own) = own else {
            if self.reject_empty {
                report.fire(&finding.observed(Value::Text("")).threshold(Value::Text("reject_empty")));
            } else {
                report.abstain("browser_languages");
            }
            return;
        };
        let rule = if names(&self.blocked, own.language) {
            Some("blocked")
        } else {
            (!self.allowed.is_empty() && !names(&self.allowed, own.language)).then_some("allowed")
        };
        if let Some(rule) = rule {
            report.fire(&finding.observed(Value::Text(own.tag)).threshold(Value::Text(rule)));
        }
        if self.mismatch {
            compare(event, own.tag, report);
        }
    }
}

/// Compares the accepted languages with those of the address's country.
fn compare(event: &Event, own: &str, report: &mut Report<'_>) {
    let Some(country) = country(event, Text::Country) else { return report.abstain("country") };
    let mut accepted = accepted(event.text_or_empty(Text::BrowserLanguages));
    if accepted.all(|accepted| accepted.language.is_spoken_in(country) == Some(false)) {
        report.fire(
            &Finding::new(Reason::Language)
                .field("country_mismatch")
                .observed(Value::Text(own))
                .threshold(Value::Text(country))
                .data(Topic::Country),
        );
    }
}
