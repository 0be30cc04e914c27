//! The groups as they are answered: joined with those of the days before, sorted, one page of them.

use crate::clickshield::query::{Page, SortKey};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write;
use tollgate_domain::{Day, row};
use tollgate_ledger::group::{Grouped, Key, KeyValue, Measures};

/// What is told of each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Total,
    Approved,
    Rejected,
    Monitored,
    Conversions,
    ConversionRate,
    Revenue,
    Payout,
}

impl Measure {
    pub(super) const ALL: [(&'static str, Self); 8] = [
        ("total", Self::Total),
        ("approved", Self::Approved),
        ("rejected", Self::Rejected),
        ("monitored", Self::Monitored),
        ("conversions", Self::Conversions),
        ("conversion_rate", Self::ConversionRate),
        ("revenue", Self::Revenue),
        ("payout", Self::Payout),
    ];

    /// Its value; shares and amounts in millionths.
    fn of(self, measures: &Measures) -> Option<i128> {
        Some(match self {
            Self::Total => measures.total.into(),
            Self::Approved => measures.approved.into(),
            Self::Rejected => measures.rejected.into(),
            Self::Monitored => measures.monitored.into(),
            Self::Conversions => measures.conversions.into(),
            Self::ConversionRate => {
                let total = i128::from(measures.total);
                let doubled = i128::from(measures.conversions) * 2 * MILLION;
                return (total > 0).then(|| (doubled + total) / (2 * total));
            }
            Self::Revenue => measures.revenue,
            Self::Payout => measures.payout,
        })
    }

    fn is_of_conversions(self) -> bool {
        matches!(self, Self::Conversions | Self::ConversionRate)
    }

    fn is_in_millionths(self) -> bool {
        matches!(self, Self::ConversionRate | Self::Revenue | Self::Payout)
    }
}

const MILLION: i128 = 1_000_000;

/// What groups are sorted by.
pub(super) struct Order {
    by: By,
    descending: bool,
}

enum By {
    Key(usize),
    Measure(Measure),
}

impl Order {
    /// The names of all that groups with these keys can be sorted by.
    pub(super) fn names(keys: &[Key]) -> Vec<&'static str> {
        keys.iter().map(|key| key.name()).chain(Measure::ALL.map(|(name, _)| name)).collect()
    }

    pub(super) fn of(sort: &SortKey, keys: &[Key]) -> Option<Self> {
        let key = keys.iter().position(|key| key.name() == sort.field).map(By::Key);
        let measure = || Measure::ALL.iter().find(|(name, _)| *name == sort.field);
        let by = key.or_else(|| measure().map(|(_, measure)| By::Measure(*measure)))?;
        Some(Self { by, descending: sort.descending })
    }

    fn compare(&self, a: &Row, b: &Row) -> Ordering {
        let order = match self.by {
            By::Key(n) => a.keys[n].cmp(&b.keys[n]),
            By::Measure(measure) => measure.of(&a.now).cmp(&measure.of(&b.now)),
        };
        if self.descending { order.reverse() } else { order }
    }
}

struct Row {
    keys: Vec<KeyValue>,
    now: Measures,
    previous: Measures,
}

/// What is answered.
pub(super) struct Report {
    keys: Vec<Key>,
    rows: Vec<Row>,
    totals: Row,
    page: Page,
    as_of: u64,
    /// Whether there are measures of the days before.
    compared: bool,
    /// Whether conversions were counted.
    conversions: bool,
}

impl Report {
    /// `previous` are the groups of so many days before.
    pub(super) fn new(
        keys: Vec<Key>,
        now: Grouped,
        previous: Option<(Grouped, i32)>,
        order: &[Order],
        page: Page,
        conversions: bool,
    ) -> Self {
        let mut joined: BTreeMap<Vec<KeyValue>, (Measures, Measures)> = BTreeMap::new();
        for group in now.groups {
            joined.entry(group.keys).or_default().0 = group.measures;
        }
        let compared = previous.is_some();
        let mut totals = Row { keys: Vec::new(), now: now.totals, previous: Measures::default() };
        if let Some((previous, days)) = previous {
            totals.previous = previous.totals;
            for group in previous.groups {
                let keys = group.keys.into_iter().map(|key| later(key, days)).collect();
                joined.entry(keys).or_default().1 = group.measures;
            }
        }
        let row = |(keys, (now, previous))| Row { keys, now, previous };
        let mut rows: Vec<Row> = joined.into_iter().map(row).collect();
        // Equal ones stay in the order of their keys.
        rows.sort_by(|a, b| {
            order.iter().fold(Ordering::Equal, |so_far, by| so_far.then_with(|| by.compare(a, b)))
        });
        Self { keys, rows, totals, page, as_of: now.cut, compared, conversions }
    }

    /// The answer's bytes.
    pub(super) fn body(&self) -> Vec<u8> {
        let (number, size) = (u64::from(self.page.number), u64::from(self.page.size));
        let total = self.rows.len() as u64;
        let pages = total.div_ceil(size);
        let skip = usize::try_from((number - 1) * size).unwrap_or(usize::MAX);
        let mut out = b"{\"data\":[".to_vec();
        for (n, row) in self.rows.iter().skip(skip).take(self.page.size as usize).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.write(row, &mut out);
        }
        out.extend_from_slice(b"],\"totals\":");
        self.write(&self.totals, &mut out);
        let link = |number: Option<u64>| match number {
            Some(number) => format!("{{\"page[number]\":{number},\"page[size]\":{size}}}"),
            None => "null".to_owned(),
        };
        let next = link((number < pages).then_some(number + 1));
        let previous = link((number > 1).then(|| (number - 1).min(pages.max(1))));
        let as_of = self.as_of;
        // Writing to a Vec does not fail.
        let _ = write!(
            out,
            ",\"meta\":{{\"links\":{{\"next\":{next},\"prev\":{previous}}},\"total_count\":{total},\
             \"total_page\":{pages},\"as_of\":{as_of}}}}}"
        );
        out
    }

    fn write(&self, row: &Row, out: &mut Vec<u8>) {
        out.push(b'{');
        for (key, value) in self.keys.iter().zip(&row.keys) {
            row::string(key.name(), out);
            out.push(b':');
            let _ = match value {
                KeyValue::None => write!(out, "null"),
                KeyValue::Date(day) => write!(out, "\"{day}\""),
                KeyValue::Hour(hour) => write!(out, "{hour}"),
                KeyValue::Text(text) => {
                    row::string(text, out);
                    Ok(())
                }
            };
            out.push(b',');
        }
        self.measures(&row.now, out);
        if self.compared {
            out.extend_from_slice(b",\"previous\":{");
            self.measures(&row.previous, out);
            out.push(b'}');
        }
        out.push(b'}');
    }

    fn measures(&self, measures: &Measures, out: &mut Vec<u8>) {
        for (n, (name, measure)) in Measure::ALL.iter().enumerate() {
            let told = self.conversions || !measure.is_of_conversions();
            let comma = if n > 0 { "," } else { "" };
            let _ = match measure.of(measures).filter(|_| told) {
                None => write!(out, "{comma}\"{name}\":null"),
                Some(value) if measure.is_in_millionths() => {
                    write!(out, "{comma}\"{name}\":{}", decimal(value))
                }
                Some(value) => write!(out, "{comma}\"{name}\":{value}"),
            };
        }
    }
}

/// A number of millionths, with the decimals that are needed.
fn decimal(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let magnitude = millionths.unsigned_abs();
    let (whole, rest) = (magnitude / MILLION.unsigned_abs(), magnitude % MILLION.unsigned_abs());
    let text = format!("{sign}{whole}.{rest:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A key of the days before as it is called so many days later.
fn later(key: KeyValue, days: i32) -> KeyValue {
    match key {
        KeyValue::Date(day) => KeyValue::Date(Day::from_number(day.number() + days)),
        other => other,
    }
}
