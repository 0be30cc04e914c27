//! The catalogue of filter types, and the checks that a configured filter must pass before it is saved.
//!
//! A new type is one file in `filters/` and one line in `filters/mod.rs`; everything here follows from what that file
//! declares.

use crate::filter::{Compiler, Filter};
pub use crate::filters::CATALOGUE;
use crate::params::{Param, Params, check_all};
use serde_json::{Map, Value};
use std::collections::HashSet;
use tollgate_domain::{EventKind, FilterSpec, Invalid, Reason};

/// A type of filter: a row of the table in the design.
pub struct FilterType {
    /// The name in `type`.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// The kinds of events it may run on.
    pub kinds: &'static [EventKind],
    /// The reasons it may give.
    pub reasons: &'static [Reason],
    /// Its parameters.
    pub params: &'static [Param],
    /// Rules between parameters: gets legal parameters and the path they stand at.
    pub check: fn(&Params<'_>, &str, &mut Vec<Invalid>),
    /// Turns legal parameters into something that judges.
    pub compile: fn(&Params<'_>, &mut Compiler<'_>) -> Box<dyn Filter>,
}

impl FilterType {
    /// No rules between parameters.
    pub(crate) const NO_CHECK: fn(&Params<'_>, &str, &mut Vec<Invalid>) = |_, _, _| {};

    /// The type of a name.
    pub fn find(name: &str) -> Option<&'static FilterType> {
        CATALOGUE.iter().copied().find(|filter| filter.name == name)
    }

    /// Its position in the catalogue, which is the number of its bit in a verdict's abstentions.
    pub fn position(&self) -> usize {
        CATALOGUE.iter().position(|filter| filter.name == self.name).unwrap_or(CATALOGUE.len())
    }
}

/// Checks configured filters as a whole before they are saved. Every violation is reported, under paths like
/// `filters[2].params.lookback_minutes`.
pub fn validate(filters: &[FilterSpec]) -> Result<(), Vec<Invalid>> {
    check_each(filters, |spec, path, errors| {
        let before = errors.len();
        check_filter(spec, path, errors);
        if errors.len() == before {
            check_lists(&spec.params, &format!("{path}.params"), errors);
        }
    })
}

/// Checks whether filters can judge. Stored ones may break what [`validate`] demands beside that.
pub(crate) fn check_stored(filters: &[FilterSpec]) -> Result<(), Vec<Invalid>> {
    check_each(filters, check_filter)
}

fn check_each(
    filters: &[FilterSpec],
    check: impl Fn(&FilterSpec, &str, &mut Vec<Invalid>),
) -> Result<(), Vec<Invalid>> {
    let mut errors = Vec::new();
    for (index, spec) in filters.iter().enumerate() {
        check(spec, &format!("filters[{index}]"), &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What is blocked must not be allowed, too: whoever says both means one of the two. Stored filters may say it.
fn check_lists(params: &Map<String, Value>, path: &str, errors: &mut Vec<Invalid>) {
    let list =
        |name| params.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let allowed: HashSet<&str> = list("allowed").collect();
    for (index, _) in list("blocked").enumerate().filter(|(_, value)| allowed.contains(value)) {
        errors.push(Invalid::new(format!("{path}.blocked[{index}]"), "must not stand in allowed, too"));
    }
    for (name, inner) in params {
        if let Some(inner) = inner.as_object() {
            check_lists(inner, &format!("{path}.{name}"), errors);
        }
    }
}

fn check_filter(spec: &FilterSpec, path: &str, errors: &mut Vec<Invalid>) {
    let Some(filter) = FilterType::find(&spec.filter_type) else {
        let known: Vec<_> = CATALOGUE.iter().map(|filter| filter.name).collect();
        let message = format!("is not a known filter type; known are {}", known.join(", "));
        return errors.push(Invalid::new(format!("{path}.type"), message));
    };
    check_kinds(filter, spec.applies_to.as_deref(), path, errors);
    let path = format!("{path}.params");
    let before = errors.len();
    check_all(filter.params, &path, &spec.params, errors);
    // Rules between parameters can only be understood when each of them is legal.
    if errors.len() == before {
        (filter.check)(&Params::new(&spec.params), &path, errors);
    }
}

fn check_kinds(filter: &FilterType, kinds: Option<&[EventKind]>, path: &str, errors: &mut Vec<Invalid>) {
    let Some(kinds) = kinds else { return };
    if kinds.is_empty() {
        errors.push(Invalid::new(format!("{path}.applies_to"), "must name at least one kind"));
    }
    for (index, kind) in kinds.iter().enumerate() {
        let path = format!("{path}.applies_to[{index}]");
        if !filter.kinds.contains(kind) {
            let known: Vec<_> = filter.kinds.iter().copied().map(EventKind::name).collect();
            let message = format!("{} runs on {} only", filter.name, known.join(", "));
            errors.push(Invalid::new(path, message));
        } else if kinds[..index].contains(kind) {
            errors.push(Invalid::new(path, "is named twice"));
        }
    }
}
