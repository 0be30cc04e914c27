//! `geo`: the address's country must be in a list, must not be in a list, must be that of the click.

use crate::catalogue::FilterType;
use crate::facts::{country, filled};
use crate::flip::{Flip, List};
use crate::filter::{CVI, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choice, Countries, Flag, Param, Params};
use crate::sources::Topic;
use crate::verdict::{Finding, Value};
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
    /// The lists that say so.
    allowed: CountrySet,
    blocked: CountrySet,
    /// Whether there is any list.
    listed: bool,
    mismatch: bool,
    reject_unknown: bool,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let any = params.countries(&ALLOWED).next().is_none();
    let mut allowed = CountrySet([if any { u64::MAX } else { 0 }; 11]);
    let mut blocked = CountrySet([0; 11]);
    params.countries(&ALLOWED).for_each(|country| allowed.insert(country));
    params.countries(&BLOCKED).for_each(|country| blocked.insert(country));
    Box::new(Geo {
        legal: CountrySet(std::array::from_fn(|word| allowed.0[word] & !blocked.0[word])),
        allowed,
        blocked,
        listed: !any || params.countries(&BLOCKED).next().is_some(),
        mismatch: params.flag(&MISMATCH),
        reject_unknown: params.choice(&UNKNOWN) == "reject",
    })
}

impl Judge for Geo {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let finding = || Finding::new(Reason::GeoNotAllowed).data(Topic::Country);
        match country(event, Text::Country) {
            Some(country) => report.check(
                !self.legal.contains(country),
                || finding().observed(Value::Text(country)),
                || self.flip(country),
            ),
            None if self.reject_unknown && filled(event, Text::Ip).is_some() => {
                report.check(true, || finding().observed(Value::Text("unknown")), || UNKNOWN.set("allow"));
            }
            None if self.listed || self.reject_unknown => report.abstain("country"),
            None => report.skip("the country is not known, and no list asks for it"),
        }
        if self.mismatch && event.kind == EventKind::Conversion {
            compare(event, report);
        }
    }
}

impl Geo {
    fn flip(&self, country: &str) -> Flip {
        match (self.allowed.contains(country), self.blocked.contains(country)) {
            (true, false) => BLOCKED.with(country),
            (true, true) => BLOCKED.without(country),
            (false, false) => ALLOWED.with(country),
            (false, true) => Flip::none(format!("{country} is blocked, and not allowed either")),
        }
    }
}

/// Compares the conversion's country with its click's.
fn compare(event: &Event, report: &mut impl Report) {
    match (country(event, Text::Country), country(event, Text::ClickCountry)) {
        (Some(here), Some(click)) => report.check(
            here != click,
            || {
                Finding::new(Reason::GeoMismatch)
                    .observed(Value::Text(here))
                    .threshold(Value::Text(click))
                    .data(Topic::Country)
            },
            || match here == click {
                true => Flip::fact("click_country", "if its click had come from another country"),
                false => MISMATCH.set(false),
            },
        ),
        (_, None) => report.abstain("click_country"),
        (None, _) => report.abstain("country"),
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

    fn insert(&mut self, country: Country) {
        let (word, bit) = Self::place(country.as_str());
        self.0[word] |= bit;
    }

    fn contains(&self, code: &str) -> bool {
        let (word, bit) = Self::place(code);
        self.0[word] & bit != 0
    }
}
