//! `isp`: the address belongs to a provider on a list, by name or by the number of its autonomous system. Names are
//! compared as a whole, without regard to case.

use crate::catalogue::FilterType;
use crate::facts::filled;
use crate::flip::{Flip, List, Setting};
use crate::filter::{CVI, Compiler, Filter, Judge, Observation, Report};
use crate::folded::FoldedSet;
use crate::params::{Param, Params, Texts};
use crate::sources::Topic;
use crate::special::Integers;
use crate::verdict::{Finding, Measure, Value};
use tollgate_domain::{Number, Reason, Text};

const NAMES: Texts =
    Texts { name: "names", max_items: 10_000, about: "Providers that are rejected, by their whole names." };
const ASNS: Integers = Integers {
    name: "asns",
    min: 0,
    max: u32::MAX,
    max_items: 10_000,
    about: "Autonomous systems that are rejected, by number.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "isp",
    about: "Rejects addresses of providers on a list.",
    kinds: CVI,
    reasons: &[Reason::BlockedIsp],
    params: &[Param::Texts(&NAMES), Param::Special(&ASNS)],
    check: FilterType::NO_CHECK,
    compile,
};

struct Isp {
    names: FoldedSet,
    /// In order.
    asns: Box<[u32]>,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let mut asns: Vec<u32> = ASNS.of(params).collect();
    asns.sort_unstable();
    Box::new(Isp { names: FoldedSet::new(params.texts(&NAMES)), asns: asns.into() })
}

impl Judge for Isp {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let (name, asn) = (filled(seen.event, Text::Isp), seen.event.number(Number::Asn));
        let finding = || Finding::new(Reason::BlockedIsp).data(Topic::Network);
        let listed_asn =
            asn.filter(|asn| u32::try_from(*asn).is_ok_and(|asn| self.asns.binary_search(&asn).is_ok()));
        if let Some(name) = name.filter(|name| self.names.contains(name)) {
            report.check(
                true,
                || finding().field("isp").observed(Value::Text(name)),
                || match listed_asn {
                    None => NAMES.without(name),
                    Some(asn) => Flip::none(format!("both {name} and AS{asn} are listed")),
                },
            );
        } else if let Some(asn) = listed_asn {
            report.check(
                true,
                || finding().field("asn").observed(Value::Number(asn)),
                || Flip::parameter(ASNS.name, Setting::Without(Measure::Number(asn))),
            );
        } else if name.is_none() && !self.names.is_empty() {
            report.abstain("isp");
        } else if asn.is_none() && !self.asns.is_empty() {
            report.abstain("asn");
        } else if let Some(name) = name {
            report.check(false, || finding().field("isp").observed(Value::Text(name)), || NAMES.with(name));
        } else {
            report.skip("the address's provider is not known, and none is listed by name");
        }
    }
}
