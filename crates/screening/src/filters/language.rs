//! `language`: the browser's language must be in a list, must not be in a list, must be one of the address's country.
//!
//! Lists are compared with the user's own language, the most preferred one. A mismatch needs more: not one of the accepted
//! languages is spoken in the country.

use crate::catalogue::FilterType;
use crate::facts::{country, filled};
use crate::flip::{Flip, Setting};
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::languages::{Language, Languages, accepted, preferred};
use crate::params::{Flag, Param, Params};
use crate::sources::Topic;
use crate::verdict::{Finding, Measure, Value};
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

impl Judge for LanguageFilter {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let finding = Finding::new(Reason::Language);
        let own = filled(event, Text::BrowserLanguages).and_then(preferred);
        let Some(own) = own else {
            if self.reject_empty {
                report.check(
                    true,
                    || finding.observed(Value::Text("")).threshold(Value::Text(REJECT_EMPTY.name)),
                    || REJECT_EMPTY.set(false),
                );
            } else {
                report.abstain("browser_languages");
            }
            return;
        };
        let rule = self.broken(own.language);
        report.check(
            rule.is_some(),
            || {
                let finding = finding.observed(Value::Text(own.tag));
                rule.map_or(finding, |rule| finding.threshold(Value::Text(rule)))
            },
            || self.flip(own.language, rule),
        );
        if self.mismatch {
            compare(event, own.tag, report);
        }
    }
}

impl LanguageFilter {
    /// The list that a language breaks.
    fn broken(&self, language: Language) -> Option<&'static str> {
        if names(&self.blocked, language) {
            Some(BLOCKED.name)
        } else {
            self.is_outside(language).then_some(ALLOWED.name)
        }
    }

    /// Whether there is a list of the only legal languages that lacks this one.
    fn is_outside(&self, language: Language) -> bool {
        !self.allowed.is_empty() && !names(&self.allowed, language)
    }

    fn flip(&self, language: Language, rule: Option<&'static str>) -> Flip {
        let anywhere = || Measure::text(language.anywhere());
        match rule {
            None => Flip::parameter(BLOCKED.name, Setting::With(anywhere())),
            Some(rule) if rule == ALLOWED.name => Flip::parameter(rule, Setting::With(anywhere())),
            Some(_) if self.is_outside(language) => {
                Flip::none(format!("{language} is blocked, and not allowed either"))
            }
            Some(rule) => Flip::parameter(rule, Setting::Without(Measure::text(language))),
        }
    }
}

/// Compares the accepted languages with those of the address's country.
fn compare(event: &Event, own: &str, report: &mut impl Report) {
    let Some(country) = country(event, Text::Country) else { return report.abstain("country") };
    let mut accepted = accepted(event.text_or_empty(Text::BrowserLanguages));
    let is_foreign = accepted.all(|accepted| accepted.language.is_spoken_in(country) == Some(false));
    report.check(
        is_foreign,
        || {
            Finding::new(Reason::Language)
                .field(MISMATCH.name)
                .observed(Value::Text(own))
                .threshold(Value::Text(country))
                .data(Topic::Country)
        },
        || match is_foreign {
            true => MISMATCH.set(false),
            false => Flip::fact("browser_languages", format!("if the browser accepted no language of {country}")),
        },
    );
}
