//! Statements of months over a real catalog and a real ledger: each event is due once, whenever it comes, whenever it is
//! rejected, and whenever a statement is made.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{
    Actor, Catalog, FILE_NAME, OrganizationSnapshot, integration_defaults, new_app, new_integration,
};
use tollgate_domain::{
    Amendment, AppChange, Clock, Day, Entropy, Event, EventKind, IntegrationId, Number, OrganizationId,
    Orientation, Platform, Status, Text, Timestamp, TxIdKey,
};
use tollgate_jobs::account::totals;
use tollgate_jobs::analytics::Millionths;
use tollgate_jobs::statement::{Statement, StatementRequest, csv, html, statement};
use tollgate_ledger::group::Bounds;
use tollgate_ledger::sim::SimDisk;
use tollgate_ledger::{Ledger, Options};

const HOUR_MS: i64 = 3_600_000;
/// The months of 2026 in which events happen, come and are rejected.
const MONTHS: i16 = 7;
/// How long after a month its statement can be made.
const SETTLED_MS: i64 = 10 * 60 * 1000;

struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }
}

/// Counts, so that every id is another.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8;
        }
    }
}

/// An organization with two integrations and two apps.
struct Home {
    catalog: Catalog,
    organization: OrganizationId,
    integrations: Vec<IntegrationId>,
    apps: Vec<String>,
    _dir: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let (dir, entropy) = (tempfile::tempdir().unwrap(), Arc::new(Counting::default()));
        let made =
            initialise(dir.path(), &InitOptions::default(), Arc::new(TestClock), entropy.clone()).await;
        let organization = made.unwrap().organization_id;
        let catalog = Catalog::open(&dir.path().join(FILE_NAME), Arc::new(TestClock), entropy).await.unwrap();
        let actor = Actor::command_line();
        let write = catalog.write(organization, &actor, |draft| {
            let (mut integrations, mut apps) = (Vec::new(), Vec::new());
            for name in ["One", "Two"] {
                let integration = integration_defaults(draft, name);
                integrations.push(integration.id);
                new_integration(draft, integration, Vec::new())?;
                let change = AppChange {
                    nickname: Some(name.to_owned()),
                    platform: Some(Platform::Ios),
                    orientations: Some(vec![Orientation::Portrait]),
                    is_live: Some(false),
                    is_test_mode_on: Some(false),
                    is_directed_at_kids_under_13: Some(false),
                    ..AppChange::default()
                };
                apps.push(new_app(draft, &change)?.to_string());
            }
            Ok((integrations, apps))
        });
        let (integrations, apps) = write.await.unwrap();
        Self { catalog, organization, integrations, apps, _dir: dir }
    }

    fn own(&self) -> Arc<OrganizationSnapshot> {
        self.catalog.snapshot().organization(self.organization).unwrap().clone()
    }

    fn statement(&self, ledger: &Ledger, (month, zone): (i16, &str), now: Timestamp) -> Statement {
        let day = |month: i16| Day::from_civil(2026, i64::from(month), 1).unwrap();
        let request = StatementRequest {
            organization: self.organization,
            first: day(month),
            last: Day::from_number(day(month + 1).number() - 1),
            zone: zone.to_owned(),
        };
        let with = (now, &Bounds::threads(2));
        statement(&ledger.view(), &self.catalog.snapshot(), &request, with).unwrap()
    }
}

fn ledger() -> Ledger {
    let options = Options { log_file_bytes: 1 << 20, spare_files: 1, ..Options::default() };
    let (disk, entropy) = (Arc::new(SimDisk::new(1, 256 << 20)), Arc::new(Counting::default()));
    let (ledger, _) = Ledger::open(disk, entropy, TxIdKey([7; 16]), options, u64::MAX, &mut |_| {}).unwrap();
    ledger.keep().unwrap();
    ledger
}

/// What becomes of an event.
#[derive(Debug, Clone)]
struct Happens {
    kind: EventKind,
    integration: usize,
    /// The two apps, one that nobody registered, none.
    app: usize,
    at: i64,
    arrives: i64,
    rejected: Option<i64>,
    /// Whether it counts when it comes, approved or monitored.
    counts: bool,
    monitored: bool,
    /// In thousandths of micro-dollars.
    worth: i64,
}

impl Happens {
    fn thousandths(&self) -> i64 {
        if self.kind == EventKind::Impression { self.worth } else { self.worth * 1000 }
    }

    fn event(&self, home: &Home) -> Event {
        let mut event = Event::new(self.kind, home.integrations[self.integration]);
        event.set_number(Number::RequestTime, self.at);
        event.set_number(Number::ArrivalTime, self.arrives);
        event.set_status(if self.counts && !self.monitored { Status::Approved } else { Status::Rejected });
        event.set_number(Number::MonitoringMode, i64::from(self.monitored));
        let money = if self.kind == EventKind::Impression { Number::Price } else { Number::Payout };
        event.set_number(money, self.worth);
        let apps = [&*home.apps[0], &*home.apps[1], "nobody's"];
        apps.get(self.app).into_iter().for_each(|app| event.set_text(Text::AppId, app));
        event
    }
}

/// As the gateway does, for half of the approved ones as versions did that had no flag for what counted.
fn reject(ledger: &Ledger, event: &Event, at: i64) {
    let at = Timestamp::from_millis(at);
    let mut amendment = Amendment::of(event, at);
    amendment.record.set_status(Status::Rejected);
    amendment.record.set_number(Number::MonitoringMode, 0);
    let (is_old, was) = match event.status() {
        Some(Status::Approved) => (at.millis() % 2 == 0, "approved"),
        _ => (false, "rejected"),
    };
    amendment.record.set_number(if is_old { Number::LateRejection } else { Number::Restated }, 1);
    amendment.record.set_text(Text::Rejections, r#"["CHARGEBACK"]"#);
    let evidence = format!(r#"[{{"type":"late_rejection","was":"{was}","at":"{at}"}}]"#);
    amendment.record.set_text(Text::Evidence, &evidence);
    let promise = ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
    ledger.amend(&promise, &mut amendment);
    ledger.commit().unwrap();
}

/// The first instant of a month of 2026.
fn start(month: i16, zone: &str) -> i64 {
    let date = jiff::civil::date(2026, month as i8, 1).in_tz(zone).unwrap();
    date.timestamp().as_millisecond()
}

/// The month that has an instant.
fn month_of(time: i64, zone: &str) -> i16 {
    (1..=MONTHS).rfind(|month| start(*month, zone) <= time).unwrap_or(0)
}

/// What is due with each month and app, in thousandths of micro-dollars, and how many events: told one by one.
fn due(all: &[Happens], zone: &str) -> BTreeMap<(i16, usize), (i64, i128)> {
    let mut due: BTreeMap<(i16, usize), (i64, i128)> = BTreeMap::new();
    for one in all.iter().filter(|one| one.counts) {
        let own = month_of(one.at, zone);
        let booked = if one.arrives < start(own + 1, zone) { own } else { month_of(one.arrives, zone) };
        let rejected = one.rejected.map(|at| month_of(at, zone));
        let mut add = |month: i16, sign: i64| {
            // What names no app of the organization's stands in one line.
            let sum = due.entry((month, one.app.min(2))).or_default();
            *sum = (sum.0 + sign, sum.1 + i128::from(sign * one.thousandths()));
        };
        if rejected.is_none_or(|rejected| rejected > booked) {
            add(booked, 1);
        }
        if let Some(rejected) = rejected.filter(|rejected| *rejected > booked) {
            add(rejected, -1);
        }
    }
    due
}

/// An instant: at, next to or somewhere after the start of a month.
fn instant(zone: &'static str) -> impl Strategy<Value = i64> {
    let near = select(vec![-2 * HOUR_MS, -HOUR_MS, -1, 0, 1, HOUR_MS / 2]);
    let offset = prop_oneof![near, 0..28 * 24 * HOUR_MS];
    (2..MONTHS, offset).prop_map(move |(month, offset)| start(month, zone) + offset)
}

fn happens(zone: &'static str, unit: i64) -> impl Strategy<Value = Happens> {
    let kinds = select(vec![
        EventKind::Click,
        EventKind::Conversion,
        EventKind::Conversion,
        EventKind::Conversion,
        EventKind::Impression,
    ]);
    let times = (instant(zone), prop_oneof![Just(None), instant(zone).prop_map(Some)], instant(zone));
    let fate = (prop::bool::weighted(0.5), prop::bool::weighted(0.8), prop::bool::weighted(0.2));
    (kinds, (0..2usize, 0..4usize), times, fate, 1..4000i64).prop_map(
        move |(kind, (integration, app), (at, late, rejected), (is_rejected, counts, monitored), worth)| {
            // Clocks of callers may be some minutes ahead.
            let arrives = late.map_or(at + worth, |late| late.max(at - 5 * 60 * 1000));
            let can_be = is_rejected && counts && kind == EventKind::Conversion;
            Happens {
                kind,
                integration,
                app,
                at,
                arrives,
                rejected: can_be.then_some(rejected.max(arrives)),
                counts,
                monitored: counts && monitored,
                worth: worth * unit,
            }
        },
    )
}

type Story = (&'static str, Vec<Happens>, Vec<i64>);

/// A zone, events, and moments at which statements are made.
fn story() -> impl Strategy<Value = Story> {
    let zones = select(vec!["America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]);
    (zones, select(vec![1, 1000])).prop_flat_map(|(zone, unit)| {
        let events = prop::collection::vec(happens(zone, unit), 1..25);
        let moments = prop::collection::vec(instant(zone), 0..4);
        (Just(zone), events, moments)
    })
}

/// Makes the statements of all months that are over and compares what is due, by app.
fn check(home: &Home, ledger: &Ledger, (zone, all, now): (&str, &[Happens], i64)) {
    let expected = due(all, zone);
    let apps = [&*home.apps[0], &*home.apps[1], ""];
    for month in (1..=MONTHS).filter(|month| start(month + 1, zone) + SETTLED_MS <= now) {
        let made = home.statement(ledger, (month, zone), Timestamp::from_millis(now));
        for (number, app) in apps.iter().enumerate() {
            let (events, thousandths) = expected.get(&(month, number)).copied().unwrap_or_default();
            let told =
                made.apps.iter().find(|told| told.app == *app).map(|told| told.due).unwrap_or_default();
            let micros = Millionths::of_thousandths(thousandths).0;
            assert_eq!((told.events, told.micros), (events, micros), "{month} {app:?} at {now}: {made:#?}");
        }
    }
}

fn tell(home: &Home, (zone, all, moments): &Story) {
    let ledger = ledger();
    let mut stored: Vec<Event> = all.iter().map(|one| one.event(home)).collect();
    // Comes, is rejected, statements are made; what comes at one moment with a statement comes first.
    let mut steps: Vec<(i64, u8, usize)> = Vec::new();
    for (n, one) in all.iter().enumerate() {
        steps.push((one.arrives, 0, n));
        steps.extend(one.rejected.map(|at| (at, 1, n)));
    }
    let ends = (2..=MONTHS).map(|month| start(month, zone) + SETTLED_MS);
    steps.extend(moments.iter().copied().chain(ends).map(|at| (at, 2, 0)));
    steps.push((start(MONTHS, zone) + 90 * 24 * HOUR_MS, 2, 0));
    steps.sort_unstable();
    for (now, step, n) in steps {
        match step {
            0 => {
                let promise = ledger.promise(1, stored[n].text_bytes() as u64).unwrap();
                ledger.append(&promise, &mut stored[n], |_| {});
                ledger.commit().unwrap();
            }
            1 => reject(&ledger, &stored[n], now),
            _ => {
                check(home, &ledger, (zone, all, now));
                // Half of all later questions find sums, and amendments of rows that are sealed.
                if now % 2 == 0 {
                    ledger.seal(u64::MAX / 2).unwrap();
                }
            }
        }
    }
    let end = Timestamp::from_millis(start(MONTHS, zone) + 90 * 24 * HOUR_MS);
    let due_of =
        |month| home.statement(&ledger, (month, zone), end).apps.into_iter().map(|app| app.due.micros);
    let sum: i128 = (1..=MONTHS).flat_map(due_of).sum();
    let earned = totals(&ledger.view(), &home.own(), &Bounds::threads(1)).unwrap().earned.0;
    // Each line is rounded once; where nothing is to be rounded the account and the statements are the same.
    let is_whole = all.iter().all(|one| one.thousandths() % 1000 == 0);
    let most = if is_whole { 0 } else { i128::from(MONTHS) * 3 };
    assert!((sum - earned).abs() <= most, "{sum} are due and {earned} were earned");
}

#[test]
fn every_event_is_due_once_whenever_it_comes_and_whenever_it_is_rejected() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = runtime.block_on(Home::new());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    });
    let told = runner.run(&story(), |story| {
        tell(&home, &story);
        Ok(())
    });
    told.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn what_comes_late_is_shown_with_its_month_and_due_with_the_one_it_came_in() {
    const ZONE: &str = "America/Los_Angeles";
    let (home, ledger) = (Home::new().await, ledger());
    let one = |at: i64, arrives: i64, rejected: Option<i64>| Happens {
        kind: EventKind::Conversion,
        integration: 0,
        app: 0,
        at,
        arrives,
        rejected,
        counts: true,
        monitored: false,
        worth: 1_000_000,
    };
    let (april, may) = (start(4, ZONE), start(5, ZONE));
    let all = [
        one(april - 1, april - 1, None),
        one(april - 2, april, None),
        one(april - 3, april + HOUR_MS, Some(may)),
        one(april - 4, april + HOUR_MS, Some(may - 1)),
        one(april, april, None),
    ];
    for one in &all {
        let mut event = one.event(&home);
        let promise = ledger.promise(1, event.text_bytes() as u64).unwrap();
        ledger.append(&promise, &mut event, |_| {});
        ledger.commit().unwrap();
        one.rejected.into_iter().for_each(|at| reject(&ledger, &event, at));
    }
    let now = Timestamp::from_millis(start(7, ZONE));
    let told = |month: i16| String::from_utf8(csv(&home.statement(&ledger, (month, ZONE), now))).unwrap();
    let app = &home.apps[0];
    let march = format!(
        "month,app_id,app,figure,reason,rejected_on,events,usd\n\
         2026-03,{app},One,gross,,,4,4\n\
         2026-03,{app},One,givt,,,0,0\n\
         2026-03,{app},One,sivt,,,0,0\n\
         2026-03,{app},One,terms,,,2,2\n\
         2026-03,{app},One,terms by reason,CHARGEBACK,,2,2\n\
         2026-03,{app},One,net,,,2,2\n\
         2026-03,{app},One,taken back later,,,0,0\n\
         2026-03,{app},One,came later,,,1,1\n\
         2026-03,{app},One,taken back of earlier months,,,0,0\n\
         2026-03,{app},One,came of earlier months,,,0,0\n\
         2026-03,{app},One,due,,,1,1\n\
         2026-03,{app},One,taken back,CHARGEBACK,2026-04-30,1,1\n\
         2026-03,{app},One,taken back,CHARGEBACK,2026-05-01,1,1\n"
    );
    assert_eq!(told(3), march);
    for line in [
        "net,,,1,1",
        "came later,,,0,0",
        "taken back of earlier months,,,0,0",
        "came of earlier months,,,2,2",
        "came of 2026-03,,,2,2",
        "due,,,3,3",
    ] {
        assert!(told(4).contains(&format!("2026-04,{app},One,{line}\n")), "{line}: {}", told(4));
    }
    for line in [
        "due,,,-1,-1",
        "taken back of earlier months,,,1,1",
        "taken back of 2026-03,CHARGEBACK,2026-05-01,1,1",
    ] {
        assert!(told(5).contains(&format!("2026-05,{app},One,{line}\n")), "{line}: {}", told(5));
    }
    let page = |month: i16| html(&home.statement(&ledger, (month, ZONE), now));
    assert!(page(3).contains("Came after the month: due with the month it came in"));
    assert!(page(4).contains("Of 2026-03, came in this month"));
}
