//! `device_id`: the advertising id must have its form, 8-4-4-4-12 hexadecimal digits.

use crate::catalogue::FilterType;
use crate::facts::{is_device_id, is_zero_device_id};
use crate::flip::Flip;
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Flag, Param, Params};
use crate::verdict::{Finding, Value};
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

impl Judge for DeviceId {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let id = seen.event.text_or_empty(Text::DeviceId);
        let (form, objects) = if id.is_empty() {
            (Form::Empty, self.block_empty)
        } else if !is_device_id(id) {
            (Form::Malformed, true)
        } else if is_zero_device_id(id) {
            (Form::Zero, self.block_zero)
        } else {
            (Form::Sound, false)
        };
        report.check(
            objects,
            || Finding::new(Reason::InvalidDeviceId).observed(Value::Text(form.name())),
            || match form {
                Form::Empty => BLOCK_EMPTY.set(!objects),
                Form::Zero => BLOCK_ZERO.set(!objects),
                Form::Malformed => {
                    Flip::fact("device_id", "if the device id were 8-4-4-4-12 hexadecimal digits")
                }
                Form::Sound => Flip::fact("device_id", "if the device id were malformed"),
            },
        );
    }
}

/// What a device id looks like.
#[derive(Clone, Copy)]
enum Form {
    Empty,
    Malformed,
    Zero,
    Sound,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::Zero => "all zeros",
            Self::Sound => "well-formed",
        }
    }
}
