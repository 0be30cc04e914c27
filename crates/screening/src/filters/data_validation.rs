//! `data_validation`: a field's value must be in a list, must not be in a list, must not be empty.
//!
//! An absent value is an empty one. Whether empty is legal is decided by `reject_empty` alone: an allowed list says
//! nothing about it.

use crate::catalogue::FilterType;
use crate::flip::{Flip, Setting};
use crate::filter::{CVI, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Flag, Object, Param, Params, Texts};
use crate::symbols::{Symbol, SymbolColumn, SymbolSet};
use crate::verdict::{Finding, Measure, Value};
use tollgate_domain::{Reason, Text};

const ALLOWED: Texts =
    Texts { name: "allowed", max_items: 10_000, about: "The only legal values; empty allows any." };
const BLOCKED: Texts = Texts { name: "blocked", max_items: 10_000, about: "Values that are rejected." };
const REJECT_EMPTY: Flag =
    Flag { name: "reject_empty", default: false, about: "Reject events without a value." };

const FIELD: &[Param] = &[Param::Texts(&ALLOWED), Param::Texts(&BLOCKED), Param::Flag(&REJECT_EMPTY)];

const ADVERTISER: Object = Object { name: "advertiser", params: FIELD, about: "The advertiser's id." };
const PUBLISHER: Object = Object { name: "publisher", params: FIELD, about: "The publisher's id." };
const OFFER: Object = Object { name: "offer", params: FIELD, about: "The offer's id." };
const SUB_ID: Object = Object { name: "sub_id", params: FIELD, about: "The publisher's first sub id." };
const APP_ID: Object = Object { name: "app_id", params: FIELD, about: "The app's id." };

const FIELDS: [(&Object, Text); 5] = [
    (&ADVERTISER, Text::Advertiser),
    (&PUBLISHER, Text::Publisher),
    (&OFFER, Text::OfferId),
    (&SUB_ID, Text::SubId),
    (&APP_ID, Text::AppId),
];

pub(super) static TYPE: FilterType = FilterType {
    name: "data_validation",
    about: "Rejects events whose ids are outside a list, in a list, or empty.",
    kinds: CVI,
    reasons: &[Reason::DataValidation],
    params: &[
        Param::Object(&ADVERTISER),
        Param::Object(&PUBLISHER),
        Param::Object(&OFFER),
        Param::Object(&SUB_ID),
        Param::Object(&APP_ID),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct DataValidation {
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    column: Text,
    symbols: SymbolColumn,
    allowed: SymbolSet,
    blocked: SymbolSet,
    reject_empty: bool,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let fields = FIELDS.iter().map(|(object, column)| {
        let params = params.object(object);
        let symbols = compiler.symbols.column(*column);
        Field {
            name: object.name,
            column: *column,
            symbols,
            allowed: compiler.symbols.set(symbols, params.texts(&ALLOWED)),
            blocked: compiler.symbols.set(symbols, params.texts(&BLOCKED)),
            reject_empty: params.flag(&REJECT_EMPTY),
        }
    });
    let constrains = |f: &Field| f.reject_empty || !f.allowed.is_empty() || !f.blocked.is_empty();
    Box::new(DataValidation { fields: fields.filter(constrains).collect() })
}

impl Judge for DataValidation {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        for field in &self.fields {
            let value = seen.symbol(field.symbols);
            let rule = field.broken(value);
            report.check(
                rule.is_some(),
                || {
                    let finding = Finding::new(Reason::DataValidation)
                        .field(field.name)
                        .observed(Value::Text(seen.event.text_or_empty(field.column)));
                    rule.map_or(finding, |rule| finding.threshold(Value::Text(rule)))
                },
                || field.flip(value, rule, seen.event.text_or_empty(field.column)),
            );
        }
    }
}

impl Field {
    /// The rule that a value breaks.
    fn broken(&self, value: Symbol) -> Option<&'static str> {
        if value.is_empty() {
            self.reject_empty.then_some(REJECT_EMPTY.name)
        } else if self.blocked.contains(value) {
            Some(BLOCKED.name)
        } else {
            self.is_outside(value).then_some(ALLOWED.name)
        }
    }

    /// Whether there is a list of the only legal values that lacks this one.
    fn is_outside(&self, value: Symbol) -> bool {
        !self.allowed.is_empty() && !self.allowed.contains(value)
    }

    fn flip(&self, value: Symbol, rule: Option<&str>, text: &str) -> Flip {
        let path = |param: &str| format!("{}.{param}", self.name);
        let text = || Measure::text(text);
        match rule {
            _ if value.is_empty() => {
                Flip::parameter(path(REJECT_EMPTY.name), Setting::Is(Measure::Flag(!self.reject_empty)))
            }
            None => Flip::parameter(path(BLOCKED.name), Setting::With(text())),
            Some(rule) if rule == ALLOWED.name => Flip::parameter(path(rule), Setting::With(text())),
            Some(_) if self.is_outside(value) => Flip::none(format!("{} is blocked, and not allowed either", text())),
            Some(rule) => Flip::parameter(path(rule), Setting::Without(text())),
        }
    }
}
