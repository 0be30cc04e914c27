//! `sub_id_validity`: the sub id must have a form. Beside that a publisher may have only so many of them on a day; new ones
//! beyond are not rejected but renamed, and the event is judged under the new name.

use crate::catalogue::FilterType;
use crate::flip::Flip;
use crate::filter::{CV, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Flag, Integer, Param, Params};
use crate::special::Word;
use crate::verdict::{Finding, Value};
use tollgate_domain::{Invalid, Reason, Text};

/// The longest value that a field may have.
const LONGEST: i64 = 1024;

const ONLY_NUMBERS: Flag =
    Flag { name: "only_numbers", default: false, about: "Reject sub ids with anything but digits." };
const MIN_LENGTH: Integer = Integer {
    name: "min_length",
    default: 0,
    min: 0,
    max: LONGEST,
    about: "The shortest legal sub id in characters; one that is missing has none.",
};
const MAX_LENGTH: Integer = Integer {
    name: "max_length",
    default: 0,
    min: 0,
    max: LONGEST,
    about: "The longest legal sub id in characters; 0 for any length.",
};
const MAX_UNIQUE: Integer = Integer {
    name: "max_unique",
    default: 0,
    min: 0,
    max: 1_000_000,
    about: "How many different sub ids a publisher may have on a day; new ones beyond are renamed. 0 for any number.",
};
const UNIFIED_NAME: Word = Word {
    name: "unified_name",
    default: "TOO_MANY_UNIQUE_SUB_ID",
    pattern: r"^[^\x00-\x1f\x7f]+$",
    is_legal: |text| !text.bytes().any(|byte| byte.is_ascii_control()),
    must: "must be a text of 1 to 255 bytes without control characters",
    about: "The sub id that those beyond max_unique get; what was sent is kept in invalid_sub_id.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "sub_id_validity",
    about: "Rejects malformed sub ids, and renames those that are too many.",
    kinds: CV,
    reasons: &[Reason::InvalidSubId],
    params: &[
        Param::Flag(&ONLY_NUMBERS),
        Param::Integer(&MIN_LENGTH),
        Param::Integer(&MAX_LENGTH),
        Param::Integer(&MAX_UNIQUE),
        Param::Special(&UNIFIED_NAME),
    ],
    check,
    compile,
};

fn check(params: &Params<'_>, path: &str, errors: &mut Vec<Invalid>) {
    let max = params.integer(&MAX_LENGTH);
    if max > 0 && params.integer(&MIN_LENGTH) > max {
        errors.push(Invalid::new(format!("{path}.min_length"), "must not be greater than max_length"));
    }
}

struct SubIdValidity {
    only_numbers: bool,
    min_length: usize,
    max_length: usize,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    if params.count(&MAX_UNIQUE) > 0 {
        compiler.limit_sub_ids(params.count(&MAX_UNIQUE), UNIFIED_NAME.of(params));
    }
    Box::new(SubIdValidity {
        only_numbers: params.flag(&ONLY_NUMBERS),
        min_length: params.count(&MIN_LENGTH) as usize,
        max_length: match params.count(&MAX_LENGTH) {
            0 => usize::MAX,
            max => max as usize,
        },
    })
}

impl Judge for SubIdValidity {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let sub_id = seen.event.text_or_empty(Text::SubId);
        let finding = Finding::new(Reason::InvalidSubId);
        if self.only_numbers {
            let is_number = sub_id.bytes().all(|byte| byte.is_ascii_digit());
            report.check(
                !is_number,
                || finding.field(ONLY_NUMBERS.name).observed(Value::Text(sub_id)),
                || match is_number {
                    true => Flip::fact("sub_id", "if the sub id held anything but digits"),
                    false => ONLY_NUMBERS.set(false),
                },
            );
        }
        let length = sub_id.chars().count();
        let is_long = length > self.max_length;
        report.check(
            is_long || length < self.min_length,
            || {
                let (field, bound) = match is_long {
                    true => (MAX_LENGTH.name, self.max_length),
                    false => (MIN_LENGTH.name, self.min_length),
                };
                finding
                    .field(field)
                    .observed(Value::Number(length as i64))
                    .threshold(Value::Number(bound as i64))
            },
            || self.flip(length),
        );
    }
}

impl SubIdValidity {
    fn flip(&self, length: usize) -> Flip {
        if length > self.max_length {
            MAX_LENGTH.at_least(length as i64)
        } else if length < self.min_length {
            MIN_LENGTH.at_most(length as i64)
        } else if length < self.max_length {
            MIN_LENGTH.at_least(length as i64 + 1)
        } else if length > self.min_length.max(1) {
            MAX_LENGTH.at_most(length as i64 - 1)
        } else {
            Flip::none("min_length and max_length are both just what was seen")
        }
    }
}
