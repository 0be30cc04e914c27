//! The grouped report: how many events of each combination of up to three keys, what became of them, and what they paid.
//!
//! Keys are codes of dictionaries that the whole query shares; every thread counts in a table of its own, and the tables are
//! added up at the end. Sums are whole micro-dollars. The number of groups is bounded.

mod bounds;
mod clock;
mod codes;
mod counter;
mod mix;
#[cfg(test)]
mod tests;

use crate::query::Predicate;
use crate::rollup;
use crate::scan::ScanError;
use crate::segment::Wanted;
use crate::sweep;
use crate::view::View;
pub use bounds::{Bounds, Stop};
pub(crate) use clock::Clock;
pub use codes::Dictionary;
pub(crate) use codes::{Codes, NONE};
use counter::{Counted, Counter, Tables};
pub(crate) use mix::Mix;
use std::ops::ControlFlow;
use tollgate_domain::{Column, Day, EventKind, IntegrationId, Number, Text, TxId};

/// What events are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The day in the integration's time zone.
    Date,
    /// The hour of the day in the integration's time zone.
    Hour,
    /// The integration.
    Integration,
    /// The primary reason.
    Rejection,
    /// The value of a text column.
    Text(Text),
}

/// The text columns that events can be grouped by.
const TEXTS: &[Text] = &[
    Text::Advertiser,
    Text::Publisher,
    Text::OfferId,
    Text::SubId,
    Text::Country,
    Text::City,
    Text::Isp,
    Text::ProxyType,
    Text::BrowserName,
    Text::OsName,
    Text::DeviceType,
    Text::AppId,
    Text::AdLocation,
    Text::Campaign,
    Text::Creative,
];

impl Key {
    /// Every key, in the order they are told in.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Date, Self::Hour, Self::Integration, Self::Rejection];
        others.into_iter().chain(TEXTS.iter().copied().map(Self::Text))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Hour => "hour",
            Self::Integration => "integration_id",
            Self::Rejection => "rejection",
            Self::Text(column) => column.name(),
        }
    }

    /// The key of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|key| key.name() == name)
    }

    /// The stored column that it is read from.
    pub(crate) fn column(self) -> Option<Column> {
        match self {
            Self::Date | Self::Hour => Some(Column::Number(Number::RequestTime)),
            Self::Integration => None,
            Self::Rejection => Some(Column::Text(Text::Rejections)),
            Self::Text(column) => Some(Column::Text(column)),
        }
    }
}

/// One integration's part of a grouped report.
#[derive(Debug, Clone)]
pub struct GroupSource {
    /// The integration.
    pub integration: IntegrationId,
    /// Smallest id that belongs to the range.
    pub from: TxId,
    /// First id after the range.
    pub to: TxId,
    /// What days and hours are told in.
    pub zone: jiff::tz::TimeZone,
}

/// What a grouped report counts.
#[derive(Debug, Clone)]
pub struct GroupQuery {
    /// Where the events are.
    pub sources: Vec<GroupSource>,
    /// The kind of events that are counted, and what they must satisfy.
    pub counted: (EventKind, Vec<Predicate>),
    /// What conversions must satisfy that are counted beside them; `None` counts none.
    pub conversions: Option<Vec<Predicate>>,
    /// Up to [`GroupQuery::MAX_KEYS`] keys. Without any there is one group.
    pub keys: Vec<Key>,
    /// Only rows and amendments with at most this `seq`.
    pub as_of: Option<u64>,
}

impl GroupQuery {
    /// Keys that events are grouped by at most.
    pub const MAX_KEYS: usize = 3;
    /// Groups that a report has at most; few in tests, so that these reach it.
    pub const MAX_GROUPS: usize = if cfg!(test) { 1000 } else { 200_000 };
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// Events without one.
    None,
    /// A day.
    Date(Day),
    /// An hour, from 0 to 23.
    Hour(u8),
    /// Text, or an integration's id.
    Text(String),
}

/// What became of the events of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measures {
    /// All of them.
    pub total: u64,
    /// Those that were approved.
    pub approved: u64,
    /// Those that were rejected.
    pub rejected: u64,
    /// Those that would have been rejected, had it not been under monitoring mode.
    pub monitored: u64,
    /// Conversions with the same keys, whatever became of them, where they were asked for.
    pub conversions: u64,
    /// What advertisers pay for all of them, in micro-dollars.
    pub revenue: i128,
    /// What publishers get for all of them, in micro-dollars.
    pub payout: i128,
}

impl Measures {
    /// Adds another group's.
    pub fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.monitored += other.monitored;
        self.conversions += other.conversions;
        self.revenue += other.revenue;
        self.payout += other.payout;
    }
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// A value for each key.
    pub keys: Vec<KeyValue>,
    /// What became of its events.
    pub measures: Measures,
}

/// A grouped report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouped {
    /// The groups that have any event, by their keys.
    pub groups: Vec<Group>,
    /// All of them together.
    pub totals: Measures,
    /// The cut: nothing with a greater `seq` was counted.
    pub cut: u64,
}

/// A grouped report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The history could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// There are too many groups.
    #[error(
        "there are more than {} groups; ask for fewer keys, a shorter time range or a filter",
        GroupQuery::MAX_GROUPS
    )]
    TooMany,
    /// Too many events would have to be read.
    #[error(
        "more than {rows} events would have to be read; ask for a shorter time range, or for fewer integrations"
    )]
    TooWide {
        /// How many may be read.
        rows: u64,
    },
    /// Whoever asked wants it no more.
    #[error("the report was broken off")]
    Stopped,
}

/// A query, its keys, and the codes of their values.
struct Asked<'q> {
    query: &'q GroupQuery,
    keys: &'q [Key],
    dictionary: Dictionary,
}

impl View {
    /// Counts events by keys within `bounds`; the calling thread waits.
    pub fn group(&self, query: &GroupQuery, bounds: &Bounds) -> Result<Grouped, GroupError> {
        let keys = &query.keys[..query.keys.len().min(GroupQuery::MAX_KEYS)];
        let asked = Asked { query, keys, dictionary: Dictionary::default() };
        let mut tables = Tables::new(bounds.threads.max(1));
        for source in &query.sources {
            let (kind, predicates) = &query.counted;
            self.count(&asked, source, (*kind, predicates), &mut tables, bounds)?;
            if let Some(predicates) = &query.conversions {
                let kind = EventKind::Conversion;
                tables.as_conversions(|tables| {
                    self.count(&asked, source, (kind, predicates), tables, bounds)
                })?;
            }
        }
        let cut = query.as_of.map_or(self.cut(), |cut| cut.min(self.cut()));
        let mut groups = tables.groups(keys, &asked.dictionary)?;
        groups.sort_unstable_by(|a, b| a.keys.cmp(&b.keys));
        let mut totals = Measures::default();
        groups.iter().for_each(|group| totals.add(&group.measures));
        Ok(Grouped { groups, totals, cut })
    }

    fn count(
        &self,
        asked: &Asked<'_>,
        source: &GroupSource,
        (kind, predicates): (EventKind, &[Predicate]),
        tables: &mut Tables,
        bounds: &Bounds,
    ) -> Result<(), GroupError> {
        let Asked { query, keys, dictionary } = asked;
        let of_sums = rollup::Asked {
            kind,
            integration: source.integration,
            range: source.from..source.to,
            zone: &source.zone,
            keys,
            step: rollup::Step::Day,
            predicates,
        };
        let mut groups = rollup::Groups::default();
        let rest = rollup::ready(self, &of_sums, query.as_of, dictionary, bounds, &mut groups)?;
        tables.add(groups)?;
        let walk = self.all((kind, source.integration), source.from..source.to, predicates, query.as_of);
        let columns = keys.iter().filter_map(|key| key.column()).chain(tables.columns().iter().copied());
        let wanted = Wanted { ids: false, seqs: false, columns: columns.collect() };
        let mut counters: Vec<Counter<'_>> = tables
            .each()
            .map(|table| Counter::new(keys, source.integration, Clock::new(&source.zone), dictionary, table))
            .collect();
        let mut refused = None;
        let mut take = |strip: Counted, _| {
            let fits = if strip.fits { bounds.spend(strip.read) } else { Err(GroupError::TooMany) };
            refused = fits.err();
            if refused.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let _ = sweep::run(&rest, &walk, &wanted, &mut counters, &mut take)?;
        refused.map_or(Ok(()), Err)
    }
}
