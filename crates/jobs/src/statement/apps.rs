//! The apps of a statement while it is counted. What names no app of the organization's stands in one line: anybody can make
//! up ids.

use super::late::TakenBack;
use super::{AppStatement, Month, Part, StatementError};
use crate::analytics::{FigureError, Millionths, Names};
use std::collections::BTreeMap;
use tollgate_domain::{
    App, Column, Day, EventKind, InvalidTraffic, KINDS_ALL, Number, Text, Timestamp, TxId,
};
use tollgate_ledger::group::{Bounds, GroupSource, Key, KeyValue};
use tollgate_ledger::query::{FieldRef, Operand, Operator, Predicate};
use tollgate_ledger::rollup::{RollupQuery, RollupRow, Step};
use tollgate_ledger::view::View;

/// Apps that are asked for at a time: an id is looked for among all of them.
const AT_A_TIME: usize = 500;

/// Events, and what they are worth in thousandths of micro-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    events: i64,
    thousandths: i128,
}

impl Sum {
    fn of(row: &RollupRow) -> Self {
        let thousandths = row.sums.counted_price + row.sums.counted_payout * 1000;
        Self { events: row.sums.approved + row.sums.monitored, thousandths }
    }

    /// One event of so many micro-dollars.
    fn one(micros: i128) -> Self {
        Self { events: 1, thousandths: micros * 1000 }
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
    later: Sum,
    came_later: Sum,
    earlier: Sum,
    came: BTreeMap<Day, Sum>,
}

impl Counted {
    fn due(&self) -> Sum {
        let mut due = self.net;
        due.add(self.later);
        due.subtract(self.came_later);
        due.subtract(self.earlier);
        self.came.values().for_each(|sum| due.add(*sum));
        due
    }

    fn told(self, app: String, names: &Names<'_>) -> AppStatement {
        AppStatement {
            name: names.app_name(&app).to_owned(),
            due: self.due().rounded(),
            invalid: self.invalid.into_iter().map(|(why, sum)| (why, sum.rounded())).collect(),
            net: self.net.rounded(),
            later: self.later.rounded(),
            came_later: self.came_later.rounded(),
            earlier: self.earlier.rounded(),
            came: self.came.into_iter().map(|(month, sum)| (month, sum.rounded())).collect(),
            app,
        }
    }
}

/// Where what counts is read from.
pub(super) struct Reading<'r> {
    pub(super) view: &'r View,
    pub(super) names: &'r Names<'r>,
    pub(super) bounds: &'r Bounds,
}

impl Reading<'_> {
    /// Hands over what counts of events that arrived as the predicates say, by app and month; that of no app under an
    /// empty id.
    fn each(
        &self,
        sources: &[GroupSource],
        arrived: &[Predicate],
        put: &mut dyn FnMut(String, Day, Sum),
    ) -> Result<(), StatementError> {
        let rollup = |keys: Vec<Key>, mut predicates: Vec<Predicate>| {
            predicates.extend_from_slice(arrived);
            let (sources, kinds) = (sources.to_vec(), KINDS_ALL.to_vec());
            let query = RollupQuery { sources, kinds, predicates, keys, step: Step::Month, as_of: None };
            let rows = self.view.rollup(&query, self.bounds).map_err(FigureError::from)?;
            Ok::<_, StatementError>(rows.into_iter().filter_map(placed))
        };
        let mut others: BTreeMap<Day, Sum> = BTreeMap::new();
        for (month, _, sum) in rollup(vec![Key::Date], Vec::new())? {
            others.entry(month).or_default().add(sum);
        }
        // Mostly nothing comes late, and then no app has any of it.
        if others.is_empty() {
            return Ok(());
        }
        let table = self.names.0.table::<App>();
        let known: Vec<&str> = table.iter().chain(table.iter_former()).map(|app| app.id.as_str()).collect();
        for some in known.chunks(AT_A_TIME) {
            // Any text is a legal value of a text column.
            let among = Predicate::parse_all(EventKind::Click, "app_id", "in", some.iter().copied());
            let keys = vec![Key::Date, Key::Text(Text::AppId)];
            for (month, app, sum) in rollup(keys, among.unwrap_or_default())? {
                others.entry(month).or_default().subtract(sum);
                put(app, month, sum);
            }
        }
        others.retain(|_, sum| *sum != Sum::default());
        others.into_iter().for_each(|(month, sum)| put(String::new(), month, sum));
        Ok(())
    }
}

/// The month, the app and the sum of a row, where anything of it counts.
fn placed(row: RollupRow) -> Option<(Day, String, Sum)> {
    let sum = Some(Sum::of(&row)).filter(|sum| *sum != Sum::default())?;
    let mut keys = row.keys.into_iter();
    let Some(KeyValue::Date(month)) = keys.next() else { return None };
    let app = match keys.next() {
        Some(KeyValue::Text(app)) => app,
        _ => String::new(),
    };
    Some((month, app, sum))
}

fn arrived(operator: Operator, time: Timestamp) -> Predicate {
    let field = FieldRef::Stored(Column::Number(Number::ArrivalTime));
    Predicate { field, operator, operand: Operand::Numbers(vec![time.millis()]) }
}

/// What was counted, by app; that of no app under an empty id.
#[derive(Debug, Default)]
pub(super) struct Apps(BTreeMap<String, Counted>);

impl Apps {
    fn of(&mut self, app: impl Into<String>) -> &mut Counted {
        self.0.entry(app.into()).or_default()
    }

    /// Adds what counts: of the month's events, and of those that came in it, of whatever month.
    pub(super) fn count(
        &mut self,
        reading: &Reading<'_>,
        sources: &[GroupSource],
        month: &Month,
    ) -> Result<(), StatementError> {
        reading.each(sources, &[], &mut |app, _, sum| self.of(app).net.add(sum))?;
        let after = [arrived(Operator::Gte, month.to)];
        reading.each(sources, &after, &mut |app, _, sum| self.of(app).came_later.add(sum))?;
        let before = |source: &GroupSource| GroupSource {
            from: TxId::default(),
            to: TxId::first_at(month.from),
            ..source.clone()
        };
        let earlier: Vec<GroupSource> = sources.iter().map(before).collect();
        let within = [arrived(Operator::Gte, month.from), arrived(Operator::Lt, month.to)];
        reading.each(&earlier, &within, &mut |app, of, sum| {
            self.of(app).came.entry(of).or_default().add(sum);
        })
    }

    /// Adds an event that was rejected.
    pub(super) fn reject(&mut self, app: &str, reason: String, thousandths: i128) {
        let place = (InvalidTraffic::of(&reason), reason);
        self.of(app).invalid.entry(place).or_default().add(Sum { events: 1, thousandths });
    }

    /// Adds what was taken back, where that makes a difference to what is due: of this month and rejected later, or of an
    /// earlier one and rejected in this.
    pub(super) fn take_back(&mut self, late: &TakenBack, names: &Names<'_>, month: &Month) {
        let (app, sum) = (names.known_app(&late.app), Sum::one(late.earned));
        let is_later = late.rejected.is_some_and(|rejected| rejected >= month.to);
        if late.is_taken_off(month) {
            self.of(app).earlier.add(sum);
        } else if month.has(late.booked()) && is_later {
            let counted = self.of(app);
            match month.has(late.at) {
                true => counted.later.add(sum),
                false => counted.came.entry(month.month_of(late.at)).or_default().add(sum),
            }
        }
    }

    /// The lines, each rounded once.
    pub(super) fn told(self, names: &Names<'_>) -> Vec<AppStatement> {
        self.0.into_iter().map(|(app, counted)| counted.told(app, names)).collect()
    }
}
