//! The apps of a statement while it is counted. What names no app of the organization's stands in one line: anybody can make
//! up ids.

use super::{AppStatement, Part, StatementError};
use crate::analytics::{FigureError, Millionths, Names};
use std::collections::BTreeMap;
use tollgate_domain::{App, EventKind, InvalidTraffic, KINDS_ALL, Text};
use tollgate_ledger::group::{Bounds, GroupSource, Key, KeyValue};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::rollup::{RollupQuery, RollupRow, Step};
use tollgate_ledger::view::View;

/// Apps that are asked for at a time: an id is looked for among all of them.
const AT_A_TIME: usize = 500;

/// Events, and what they are worth in thousandths of micro-dollars.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    events: i64,
    thousandths: i128,
}

impl Sum {
    fn of(row: &RollupRow) -> Self {
        let thousandths = row.sums.counted_price + row.sums.counted_payout * 1000;
        Self { events: row.sums.approved + row.sums.monitored, thousandths }
    }

    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.thousandths += other.thousandths;
    }

    fn subtract(&mut self, other: Self) {
        self.events -= other.events;
        self.thousandths -= other.thousandths;
    }

    fn rounded(self) -> Part {
        Part { events: self.events, micros: Millionths::of_thousandths(self.thousandths).0 }
    }
}

#[derive(Debug, Default)]
struct Counted {
    invalid: BTreeMap<(InvalidTraffic, String), Sum>,
    net: Sum,
}

/// What was counted, by app; that of no app under an empty id.
#[derive(Debug, Default)]
pub(super) struct Apps(BTreeMap<String, Counted>);

impl Apps {
    /// Adds what counts.
    pub(super) fn count(
        &mut self,
        view: &View,
        names: &Names<'_>,
        sources: &[GroupSource],
        bounds: &Bounds,
    ) -> Result<(), StatementError> {
        let rollup = |keys: Vec<Key>, predicates: Vec<Predicate>| {
            let (sources, kinds) = (sources.to_vec(), KINDS_ALL.to_vec());
            let query = RollupQuery { sources, kinds, predicates, keys, step: Step::Month, as_of: None };
            view.rollup(&query, bounds).map_err(FigureError::from)
        };
        let mut others = Sum::default();
        for row in rollup(Vec::new(), Vec::new())? {
            others.add(Sum::of(&row));
        }
        let table = names.0.table::<App>();
        let known: Vec<&str> = table.iter().chain(table.iter_former()).map(|app| app.id.as_str()).collect();
        for some in known.chunks(AT_A_TIME) {
            let among = Predicate::parse_all(EventKind::Click, "app_id", "in", some.iter().copied());
            // Any text is a legal value of a text column.
            for row in rollup(vec![Key::Text(Text::AppId)], among.unwrap_or_default())? {
                let sum = Sum::of(&row);
                others.subtract(sum);
                if let Some(KeyValue::Text(app)) = row.keys.into_iter().next() {
                    self.0.entry(app).or_default().net.add(sum);
                }
            }
        }
        self.0.entry(String::new()).or_default().net.add(others);
        Ok(())
    }

    /// Adds an event that was rejected.
    pub(super) fn reject(&mut self, app: &str, reason: String, thousandths: i128) {
        let counted = self.0.entry(app.to_owned()).or_default();
        let place = (InvalidTraffic::of(&reason), reason);
        counted.invalid.entry(place).or_default().add(Sum { events: 1, thousandths });
    }

    /// The lines, each rounded once.
    pub(super) fn told(self, names: &Names<'_>) -> Vec<AppStatement> {
        let told = |(app, counted): (String, Counted)| AppStatement {
            name: names.app_name(&app).to_owned(),
            invalid: counted.invalid.into_iter().map(|(why, sum)| (why, sum.rounded())).collect(),
            net: counted.net.rounded(),
            app,
            ..AppStatement::default()
        };
        self.0.into_iter().map(told).collect()
    }
}
