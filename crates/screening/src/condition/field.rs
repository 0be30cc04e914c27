//! The fields that a condition may ask for: columns of the event, and what is known of its click.

use super::LATER;
use tollgate_domain::{Column, ColumnType, Event, Number, Text};

/// What a stored conversion tells of its click, by the names that conditions use.
const OF_CLICK: [(&str, Column); 4] = [
    ("click.real_tx_id", Column::Text(Text::ClickRealTxId)),
    ("click.status", Column::Text(Text::ClickStatus)),
    ("click.country", Column::Text(Text::ClickCountry)),
    ("click.click_time", Column::Number(Number::ClickTime)),
];

/// A field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Its name in conditions.
    pub(super) name: &'static str,
    column: Column,
    absent: Absent,
}

/// What it means that an event has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// Nothing is known.
    Unknown,
    /// The caller left it empty.
    Empty,
    /// Somebody looked and found nothing, provided that there was this to look at.
    EmptyWith(Text),
}

impl Field {
    /// The field of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::all().find(|field| field.name == name)
    }

    /// Every field.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let own =
            Column::all().filter(|column| !LATER.contains(column)).map(|column| (column.name(), column));
        own.chain(OF_CLICK).map(|(name, column)| Self { name, column, absent: Absent::of(column) })
    }

    /// How its values are written and compared.
    pub(super) fn column_type(self) -> ColumnType {
        self.column.column_type()
    }

    /// The event's text; `None` when it is not known, or no text.
    pub(super) fn text(self, event: &Event) -> Option<&str> {
        let Column::Text(column) = self.column else { return None };
        event.text(column).or_else(|| match self.absent {
            Absent::Unknown => None,
            Absent::Empty => Some(""),
            Absent::EmptyWith(cause) => event.text(cause).is_some().then_some(""),
        })
    }

    /// The event's number; `None` when it is not known, or no number.
    pub(super) fn number(self, event: &Event) -> Option<i64> {
        let Column::Number(column) = self.column else { return None };
        event.number(column)
    }
}

impl Absent {
    fn of(column: Column) -> Self {
        match column {
            Column::Text(Text::ProxyType | Text::SearchEngine) => Self::EmptyWith(Text::Ip),
            Column::Text(Text::BotClass | Text::BotName) => Self::EmptyWith(Text::UserAgent),
            // Nobody looked at the user agent of an event without the column.
            Column::Text(Text::UserAgent) | Column::Number(_) => Self::Unknown,
            Column::Text(column) if column.is_given() => Self::Empty,
            Column::Text(Text::ClickRealTxId | Text::ExtraParameters) => Self::Empty,
            Column::Text(_) => Self::Unknown,
        }
    }
}
