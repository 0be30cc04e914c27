//! `geo`: the address's country must be in a list, must not be in a list, must be that of the click.

use crate::catalogue::FilterType;
use crate::facts::{country, filled};
use crate::filter::{CVI, Compiler, Filter, Observation};
use crate::params::{Choice, Countries, Flag, Param, Params};
use crate::sources::Topic;
use crate::verdict::{Finding, Report, Value};
use tollgate_domain::{Country, Event, EventKind, Reason, Text};

const ALLOWED: Countries =
    Countries { name: "allowed", about: "The only legal countries; empty allows any." };
const BLOCKED: Countries = Countries { name: "blocked", about: "Countries that are rejected." };
const MISMATCH: Flag = Flag {
    name: "click_conversion_mismatch",
    default: false,
    about: "Reject conversions from another country than their click.",
};
const UNKNOWN: Choice = Choice {
    name: "unknown",
    default: "allow",
    options: &["allow", "reject"],
    about: "What happens to addresses whose country is not known.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "geo",
    about: "Rejects events by the country of their address.",
    kinds: CVI,
    reasons: &[Reason::GeoNotAllowed, Reason::GeoMismatch],
    params: &[
        Param::Countries(&ALLOWED),
        Param::Countries(&BLOCKED),
        Param::Flag(&MISMATCH),
        Param::Choice(&UNKNOWN),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct Geo {
    /// The countries that may pass.
    legal: CountrySet,
    /// Whether there is any list.
    listed: bool,
    mismatch: bool,
    reject_unknown: bool,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let any = params.countries(&ALLOWED).next().is_none();
    let mut legal = CountrySet([if any { u64::MAX } else { 0 }; 11]);
    params.countries(&ALLOWED).for_each(|country| legal.set(country, true));
    params.countries(&BLOCKED).for_each(|country| legal.set(country, false));
    Box::new(Geo {
        legal,
        listed: !any || params.countries(&BLOCKED).next().is_some(),
        mismatch: params.flag(&MISMATCH),
        reject_unknown: params.choice(&UNKNOWN) == "reject",
    })
}

impl Filter for Geo {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let event = seen.event;
        let finding = Finding::new(Reason::GeoNotAllowed).data(Topic::Country);
        match country(event, Text::Country) {
            Some(country) if !self.legal.contains(country) => {
                report.fire(&finding.observed(Value::Text(country)));
            }
            Some(_) => {}
            None if self.reject_unknown && filled(event, Text::Ip).is_some() => {
                report.fire(&finding.observed(Value::Text("unknown")));
            }
            None if self.listed || self.reject_unknown => report.abstain("country"),
            None => {}
        }
        if self.mismatch && event.kind == EventKind::Conversion {
            self.compare(event, report);
        }
    }
}

impl Geo {
    fn compare(&self, event: &Event, report: &mut Report<'_>) {
        match (country(event, Text::Country), country(event, Text::ClickCountry)) {
            (Some(here), Some(click)) if here != click => report.fire(
                &Finding::new(Reason::GeoMismatch)
                    .observed(Value::Text(here))
                    .threshold(Value::Text(click))
                    .data(Topic::Country),
            ),
            (Some(_), Some(_)) => {}
            (_, None) => report.abstain("click_country"),
            (None, _) => report.abstain("country"),
        }
    }
}

/// A set of countries: a bit for each pair of letters.
struct CountrySet([u64; 11]);

impl CountrySet {
    /// The place of a code of two upper-case letters.
    fn place(code: &str) -> (usize, u64) {
        let number = code.bytes().fold(0, |number, letter| number * 26 + usize::from(letter - b'A'));
        (number / 64, 1 << (number % 64))
    }

    fn set(&mut self, country: Country, member: bool) {
        let (word, bit) = Self::place(country.as_str());
        if member { self.0[word] |= bit } else { self.0[word] &= !bit }
    }

    fn contains(&self, code: &str) -> bool {
        let (word, bit) = Self::place(code);
        self.0[word] & bit != 0
    }
}
