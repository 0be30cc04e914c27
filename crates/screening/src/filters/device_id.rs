//! `device_id`: the advertising id must have its form, 8-4-4-4-12 hexadecimal digits.

use crate::catalogue::FilterType;
use crate::facts::{is_device_id, is_zero_device_id};
use crate::filter::{CV, Compiler, Filter, Observation};
use crate::params::{Flag, Param, Params};
use crate::verdict::{Finding, Report, Value};
use tollgate_domain::{Reason, Text};

const BLOCK_EMPTY: Flag = Flag { name: "block_empty", default: true, about: "Reject events without one." };
const BLOCK_ZERO: Flag = Flag {
    name: "block_zero",
    default: true,
    about: "Reject the all-zero id that devices with limited ad tracking send.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "device_id",
    about: "Rejects device ids that are not 8-4-4-4-12 hexadecimal digits, empty or all zeros.",
    kinds: CV,
    reasons: &[Reason::InvalidDeviceId],
    params: &[Param::Flag(&BLOCK_EMPTY), Param::Flag(&BLOCK_ZERO)],
    check: FilterType::NO_CHECK,
    compile,
};

struct DeviceId {
    block_empty: bool,
    block_zero: bool,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    Box::new(DeviceId { block_empty: params.flag(&BLOCK_EMPTY), block_zero: params.flag(&BLOCK_ZERO) })
}

impl Filter for DeviceId {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let id = seen.event.text_or_empty(Text::DeviceId);
        let wrong = if id.is_empty() {
            self.block_empty.then_some("empty")
        } else if !is_device_id(id) {
            Some("malformed")
        } else {
            (self.block_zero && is_zero_device_id(id)).then_some("all zeros")
        };
        if let Some(wrong) = wrong {
            report.fire(&Finding::new(Reason::InvalidDeviceId).observed(Value::Text(wrong)));
        }
    }
}
