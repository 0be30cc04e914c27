//! Conditions over an event's columns, as operators write them: trees of `all`, `any` and `not` over comparisons.
//!
//! A condition is read, type-checked against the column table and compiled when it is saved. It holds, does not hold, or
//! cannot be told because a fact is missing; what is missing never makes it hold (Kleene's logic).

mod field;
mod read;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use read::read;
pub(crate) use schema::{CONDITION, definitions};

use field::Field;
use regex::Regex;
use std::cmp::Ordering;
use tollgate_domain::{Column, Event, Number, Text};

/// A condition that can be asked of any event.
#[derive(Debug)]
pub(crate) enum Condition {
    /// Every one of these holds.
    All(Box<[Condition]>),
    /// One of these holds.
    Any(Box<[Condition]>),
    /// This one does not hold.
    Not(Box<Condition>),
    /// A comparison.
    Compare(Comparison),
}

/// A field, and what is asked of its value.
#[derive(Debug)]
pub(crate) struct Comparison {
    field: Field,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Text(TextOp, TextOperand),
    /// In order.
    TextIn(Box<[Box<str>]>),
    Matches(Regex),
    Number(Order, NumberOperand),
    /// In order.
    NumberIn(Box<[i64]>),
}

#[derive(Debug)]
enum TextOperand {
    Value(Box<str>),
    Field(Field),
}

#[derive(Debug)]
enum NumberOperand {
    Value(i64),
    Field(Field),
}

/// What is asked of two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextOp {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
}

/// What is asked of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What came of asking.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer<'a> {
    /// It holds, and this comparison was the first to say so; `None` where only negations did.
    Holds(Option<&'a Comparison>),
    /// It does not hold.
    Fails,
    /// It cannot be told without this field.
    Unknown(&'static str),
}

impl Condition {
    /// Asks the condition of an event.
    pub(crate) fn ask(&self, event: &Event) -> Answer<'_> {
        match self {
            Self::All(conditions) => ask_all(conditions, event),
            Self::Any(conditions) => ask_any(conditions, event),
            Self::Not(condition) => match condition.ask(event) {
                Answer::Holds(_) => Answer::Fails,
                Answer::Fails => Answer::Holds(None),
                unknown @ Answer::Unknown(_) => unknown,
            },
            Self::Compare(comparison) => comparison.ask(event),
        }
    }
}

fn ask_all<'a>(conditions: &'a [Condition], event: &Event) -> Answer<'a> {
    let mut answer = Answer::Holds(None);
    for condition in conditions {
        answer = match (answer, condition.ask(event)) {
            (_, Answer::Fails) => return Answer::Fails,
            (Answer::Unknown(field), _) | (_, Answer::Unknown(field)) => Answer::Unknown(field),
            (Answer::Holds(first), Answer::Holds(then)) => Answer::Holds(first.or(then)),
            (Answer::Fails, _) => Answer::Fails,
        };
    }
    answer
}

fn ask_any<'a>(conditions: &'a [Condition], event: &Event) -> Answer<'a> {
    let mut answer = Answer::Fails;
    for condition in conditions {
        match condition.ask(event) {
            holds @ Answer::Holds(_) => return holds,
            unknown @ Answer::Unknown(_) if matches!(answer, Answer::Fails) => answer = unknown,
            Answer::Fails | Answer::Unknown(_) => {}
        }
    }
    answer
}

impl Comparison {
    /// The name of its field.
    pub(crate) fn field(&self) -> &'static str {
        self.field.name
    }

    /// The field's number, when it is one.
    pub(crate) fn number(&self, event: &Event) -> Option<i64> {
        self.field.number(event)
    }

    fn ask(&self, event: &Event) -> Answer<'_> {
        match self.holds(event) {
            Ok(true) => Answer::Holds(Some(self)),
            Ok(false) => Answer::Fails,
            Err(missing) => Answer::Unknown(missing),
        }
    }

    /// Whether it holds, or the field that is missing.
    fn holds(&self, event: &Event) -> Result<bool, &'static str> {
        let text = |field: &Field| -> Result<_, &'static str> { field.text(event).ok_or(field.name) };
        let number = |field: &Field| -> Result<_, &'static str> { field.number(event).ok_or(field.name) };
        Ok(match &self.test {
            Test::Text(op, TextOperand::Value(value)) => op.holds(text(&self.field)?, value),
            Test::Text(op, TextOperand::Field(other)) => op.holds(text(&self.field)?, text(other)?),
            Test::TextIn(values) => {
                let text = text(&self.field)?;
                values.binary_search_by(|value| (**value).cmp(text)).is_ok()
            }
            Test::Matches(regex) => regex.is_match(text(&self.field)?),
            Test::Number(order, NumberOperand::Value(value)) => order.holds(number(&self.field)?, *value),
            Test::Number(order, NumberOperand::Field(other)) => {
                order.holds(number(&self.field)?, number(other)?)
            }
            Test::NumberIn(values) => values.binary_search(&number(&self.field)?).is_ok(),
        })
    }
}

impl TextOp {
    fn holds(self, text: &str, other: &str) -> bool {
        match self {
            Self::Equal => text == other,
            Self::NotEqual => text != other,
            Self::Contains => text.contains(other),
            Self::StartsWith => text.starts_with(other),
        }
    }
}

impl Order {
    fn holds(self, number: i64, other: i64) -> bool {
        let order = number.cmp(&other);
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// What a verdict itself writes, and what is written after it: no condition may ask for these.
const LATER: &[Column] = &[
    Column::Text(Text::FilterGroupId),
    Column::Text(Text::Rejections),
    Column::Text(Text::Evidence),
    Column::Text(Text::RedirectedTo),
    Column::Text(Text::InvalidSubId),
    Column::Number(Number::Status),
    Column::Number(Number::MonitoringMode),
    Column::Number(Number::NewSubId),
    Column::Number(Number::BodyHash),
    Column::Number(Number::ConfigVersion),
    Column::Number(Number::RtbOutcome),
    Column::Number(Number::RtbPrice),
    Column::Number(Number::RtbMs),
];
