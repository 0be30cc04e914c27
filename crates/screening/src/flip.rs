//! What would have made a filter come out the other way: one change, for machines and as the end of a sentence.
//!
//! Filters name it beside what they found; nothing of it is made unless somebody asks for an explanation. A flip speaks of
//! one look of one filter: other looks and other filters may still object.

use crate::params::{Choice, Choices, Countries, Flag, Integer, Percent, Texts};
use crate::special::Limit;
use crate::verdict::Measure;
use std::fmt::Display;

/// What would have made a look come out the other way.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    /// The change.
    pub change: Change,
    /// The change in words, as in "It would have passed …".
    pub(crate) clause: String,
}

/// The change that flips a look.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Another value of one of the filter's parameters.
    Parameter {
        /// Where it stands below `params`, as in `publisher.blocked`.
        path: String,
        /// What it would have to be.
        to: Setting,
    },
    /// So many more events counted before it, under the same key and within the window.
    Events {
        /// How many.
        more: u64,
        /// What kind of events these are, in words.
        of: &'static str,
    },
    /// Another fact about the event or its click.
    Fact {
        /// The fact's field.
        field: &'static str,
    },
    /// No single change would do; the words say why.
    None,
}

/// What a parameter would have to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// This or more.
    AtLeast(Measure),
    /// This or less.
    AtMost(Measure),
    /// Exactly this.
    Is(Measure),
    /// A list that holds this.
    With(Measure),
    /// A list in which nothing matches this.
    Without(Measure),
}

impl Flip {
    /// A parameter that is nested in another one, or has a form of its own.
    pub(crate) fn parameter(path: impl Into<String>, to: Setting) -> Self {
        let path = path.into();
        let clause = match &to {
            Setting::AtLeast(value) => format!("with {path} {value} or more"),
            Setting::AtMost(value) => format!("with {path} {value} or less"),
            Setting::Is(value) => format!("with {path} {value}"),
            Setting::With(value) => format!("with {value} in {path}"),
            Setting::Without(value) => format!("without {value} in {path}"),
        };
        Self { change: Change::Parameter { path, to }, clause }
    }

    /// So many more events; `of` names their kind.
    pub(crate) fn more(more: u64, of: &'static str) -> Self {
        let clause = format!("if {more} more {of} had been counted before it");
        Self { change: Change::Events { more, of }, clause }
    }

    /// Another fact; `clause` continues "It would have passed".
    pub(crate) fn fact(field: &'static str, clause: impl Into<String>) -> Self {
        Self { change: Change::Fact { field }, clause: clause.into() }
    }

    /// No single change would do; `why` is a sentence without its full stop.
    pub(crate) fn none(why: impl Into<String>) -> Self {
        Self { change: Change::None, clause: why.into() }
    }

    /// For a count that objects when it is beyond `limit`, which stands in `param`.
    pub(crate) fn beyond(param: &Integer, total: u32, limit: u32, of: &'static str) -> Self {
        match total.checked_sub(limit) {
            Some(1..) => param.at_least(total.into()),
            _ => Self::more(u64::from(limit) + 1 - u64::from(total), of),
        }
    }
}

/// Rounds up what `div_euclid` rounds down.
pub(crate) fn div_ceil(number: i64, by: i64) -> i64 {
    number.div_euclid(by) + i64::from(number.rem_euclid(by) != 0)
}

impl Integer {
    /// The parameter with this value or more.
    pub(crate) fn at_least(&self, value: i64) -> Flip {
        at_least(self.name, value, self.max)
    }

    /// The parameter with this value or less.
    pub(crate) fn at_most(&self, value: i64) -> Flip {
        if value < self.min {
            return Flip::none(format!("{} is at least {}", self.name, self.min));
        }
        Flip::parameter(self.name, Setting::AtMost(Measure::Number(value)))
    }
}

impl Limit {
    /// The parameter with this value or more.
    pub(crate) fn at_least(&self, value: i64) -> Flip {
        at_least(self.name, value, self.max.into())
    }
}

fn at_least(name: &str, value: i64, max: i64) -> Flip {
    if value > max {
        return Flip::none(format!("{name} is at most {max}"));
    }
    Flip::parameter(name, Setting::AtLeast(Measure::Number(value)))
}

impl Percent {
    /// The parameter with so many hundredths of a percent or more.
    pub(crate) fn at_least(&self, hundredths: u64) -> Flip {
        match u32::try_from(hundredths) {
            Ok(value @ ..=10_000) => Flip::parameter(self.name, Setting::AtLeast(Measure::Percent(value))),
            _ => Flip::none(format!("{} is at most 100", self.name)),
        }
    }

    /// The parameter with so many hundredths of a percent or less.
    pub(crate) fn at_most(&self, hundredths: u64) -> Flip {
        let value = u32::try_from(hundredths).unwrap_or(10_000).min(10_000);
        Flip::parameter(self.name, Setting::AtMost(Measure::Percent(value)))
    }
}

impl Flag {
    /// The parameter with this value.
    pub(crate) fn set(&self, value: bool) -> Flip {
        Flip::parameter(self.name, Setting::Is(Measure::Flag(value)))
    }
}

impl Choice {
    /// The parameter with this word.
    pub(crate) fn set(&self, word: &'static str) -> Flip {
        Flip::parameter(self.name, Setting::Is(Measure::text(word)))
    }
}

/// A parameter that is a list.
pub(crate) trait List {
    fn name(&self) -> &'static str;

    /// The list without whatever matches `value`.
    fn without(&self, value: impl Display) -> Flip {
        Flip::parameter(self.name(), Setting::Without(Measure::text(value)))
    }

    /// The list with `value`.
    fn with(&self, value: impl Display) -> Flip {
        Flip::parameter(self.name(), Setting::With(Measure::text(value)))
    }
}

impl List for Texts {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl List for Countries {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl List for Choices {
    fn name(&self) -> &'static str {
        self.name
    }
}
