//! Sums through the ledger's door: whatever is sealed, merged, amended, deleted and reopened, figures are those of the
//! events, to the micro-dollar.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tollgate_domain::{
    Amendment, Day, Entropy, Event, EventKind, IntegrationId, KINDS_ALL, Number, Status, Text, Timestamp,
    TxId, TxIdKey,
};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::group::{Bounds, GroupQuery, GroupSource, Key, KeyValue, Measures};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::rollup::{RollupQuery, RollupRow, Step, Sums};
use tollgate_ledger::{Deletion, Ledger, Options};

const DAY_MS: i64 = 86_400_000;
/// Two days before the clocks of Berlin are put back, one week before those of New York are.
const START: i64 = 20_749 * DAY_MS;
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"];

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn integration(number: usize) -> IntegrationId {
    ["aaaaaaaaaa", "bbbbbbbbbb"][number].parse().unwrap()
}

/// One thing that happens to a ledger.
#[derive(Debug, Clone)]
enum Happens {
    Append(Vec<(usize, usize, i64, u32)>),
    Amend(Vec<(usize, u8, i64)>),
    Seal,
    Merge,
    DeleteDevice(u32),
    DeleteOlder(usize, i64),
    Reopen,
}

fn any_step() -> impl Strategy<Value = Happens> {
    let event = (0usize..2, 0usize..3, 0i64..12 * 96, any::<u32>());
    prop_oneof![
        4 => proptest::collection::vec(event, 1..60).prop_map(Happens::Append),
        3 => proptest::collection::vec((any::<usize>(), 0u8..6, -3i64..4), 1..12).prop_map(Happens::Amend),
        4 => Just(Happens::Seal),
        2 => Just(Happens::Merge),
        1 => (0u32..4).prop_map(Happens::DeleteDevice),
        1 => (0usize..2, 0i64..9).prop_map(|(owner, day)| Happens::DeleteOlder(owner, day)),
        1 => Just(Happens::Reopen),
    ]
}

struct House {
    disk: Arc<dyn Disk>,
    ledger: Ledger,
    /// By id: as amended.
    events: BTreeMap<TxId, Event>,
    appended: u64,
}

fn open(disk: &Arc<dyn Disk>) -> Ledger {
    let options = Options { log_file_bytes: 1 << 20, ..Options::default() };
    Ledger::open(disk.clone(), Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {})
        .unwrap()
        .0
}

impl House {
    fn new(folder: &Path) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder).unwrap());
        let ledger = open(&disk);
        ledger.keep().unwrap();
        Self { disk, ledger, events: BTreeMap::new(), appended: 0 }
    }

    fn append(&mut self, (owner, kind, slot, random): (usize, usize, i64, u32)) {
        let mut event = Event::new(KINDS_ALL[kind], integration(owner));
        let millis = START + slot * 900_000 + i64::from(random % 900_000);
        event.set_number(Number::RequestTime, millis);
        let pick = |shift: u32, n: u32| random >> shift & (n - 1);
        for (column, name, code) in [
            (Text::AppId, "app", pick(0, 4)),
            (Text::AdLocation, "location", pick(2, 2)),
            (Text::AdType, "type", pick(3, 2)),
            (Text::Country, "C", pick(4, 4)),
            (Text::Campaign, "campaign", pick(6, 4)),
            (Text::Creative, "creative", pick(8, 2)),
            (Text::Publisher, "publisher", pick(9, 4)),
            (Text::OfferId, "offer", pick(11, 4)),
            (Text::EventId, "event", pick(13, 2)),
        ] {
            if code > 0 {
                event.set_text(column, &format!("{name} {code}"));
            }
        }
        event.set_text(Text::DeviceId, &format!("device {}", pick(15, 4)));
        event.set_status(if pick(17, 4) == 0 { Status::Rejected } else { Status::Approved });
        if pick(17, 4) == 0 {
            event.set_text(Text::Rejections, r#"["BOT","VPN"]"#);
            event.set_number(Number::MonitoringMode, i64::from(pick(19, 2)));
        }
        event.set_number(Number::Revenue, i64::from(random % 7919) - 300);
        event.set_number(Number::Payout, i64::from(random % 6007));
        event.set_number(Number::Price, i64::from(random % 90_001));
        event.set_number(Number::VideoCompleted, i64::from(pick(21, 2)));
        let promise = self.ledger.promise(1, event.text_bytes() as u64).unwrap();
        self.ledger.append(&promise, &mut event, |_| {});
        self.appended += 1;
        self.events.insert(event.id, event);
    }

    fn amend(&mut self, (which, what, money): (usize, u8, i64)) {
        let at = which % self.events.len().max(1);
        let Some(event) = self.events.values_mut().nth(at) else { return };
        let mut amendment = Amendment::of(event, Timestamp::from_millis(START));
        let record = &mut amendment.record;
        match what {
            0 => record.set_status(Status::Rejected),
            1 => record.set_status(Status::Approved),
            2 => record.set_text(Text::Rejections, r#"["LATE"]"#),
            3 => record.set_number(Number::Revenue, money),
            4 => record.set_number(Number::MonitoringMode, money & 1),
            _ => record.set_number(Number::Price, money * 1001),
        }
        amendment.apply_to(event);
        let promise = self.ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
        self.ledger.amend(&promise, &mut amendment);
    }

    fn take(&mut self, step: &Happens) {
        match step {
            Happens::Append(events) => events.iter().for_each(|event| self.append(*event)),
            Happens::Amend(amendments) => amendments.iter().for_each(|amendment| self.amend(*amendment)),
            Happens::Seal => drop(self.ledger.seal(u64::MAX / 2).unwrap()),
            Happens::Merge => drop(self.ledger.merge(&mut || true).unwrap()),
            Happens::DeleteDevice(device) => {
                let text = format!("device {device}");
                let integrations = vec![integration(0)];
                self.events.retain(|_, event| {
                    event.integration != integrations[0] || event.text(Text::DeviceId) != Some(text.as_str())
                });
                let which = Deletion::Naming { integrations, column: Text::DeviceId, text };
                self.ledger.delete(&which).unwrap().unwrap();
            }
            Happens::DeleteOlder(owner, day) => {
                let before = Timestamp::from_millis(START + day * DAY_MS + 12_345_678);
                let (owner, kind) = (integration(*owner), EventKind::Click);
                self.events.retain(|_, event| {
                    event.kind != kind || event.integration != owner || event.at() >= before
                });
                self.ledger.delete(&Deletion::Older(vec![(owner, kind, before)])).unwrap().unwrap();
            }
            Happens::Reopen => {
                self.ledger = open(&self.disk);
                self.ledger.keep().unwrap();
            }
        }
        self.ledger.commit().unwrap();
    }
}

#[derive(Debug, Clone)]
struct Question {
    keys: Vec<Key>,
    zone: usize,
    step: Step,
    owners: Vec<usize>,
    from: i64,
    to: i64,
    country: bool,
}

fn any_question() -> impl Strategy<Value = Question> {
    let all = [
        Key::Date,
        Key::Hour,
        Key::Integration,
        Key::Rejection,
        Key::Text(Text::AppId),
        Key::Text(Text::Country),
        Key::Text(Text::Campaign),
        Key::Text(Text::Creative),
        Key::Text(Text::Publisher),
        Key::Text(Text::SubId),
        Key::Text(Text::AdType),
        Key::Text(Text::OfferId),
    ];
    let keys = proptest::sample::subsequence(all.to_vec(), 0..4);
    let step = prop_oneof![Just(Step::Day), Just(Step::Week), Just(Step::Month)];
    let owners = proptest::sample::subsequence(vec![0usize, 1], 1..3);
    // Mostly on borders of slots.
    let time = (-5i64..1160, prop_oneof![4 => Just(0i64), 1 => 1i64..900_000])
        .prop_map(|(slot, in_slot)| slot * 900_000 + in_slot);
    (keys, 0..ZONES.len(), step, owners, time.clone(), time, any::<bool>()).prop_map(
        |(keys, zone, step, owners, one, two, country)| {
            let (from, to) = (START + one.min(two), START + one.max(two));
            Question { keys, zone, step, owners, from, to, country }
        },
    )
}

impl Question {
    fn sources(&self) -> Vec<GroupSource> {
        let at = |millis| TxId::first_at(Timestamp::from_millis(millis));
        let zone = jiff::tz::TimeZone::get(ZONES[self.zone]).unwrap();
        let source = |owner: &usize| GroupSource {
            integration: integration(*owner),
            from: at(self.from),
            to: at(self.to),
            zone: zone.clone(),
        };
        self.owners.iter().map(source).collect()
    }

    fn predicates(&self) -> Vec<Predicate> {
        let country = || Predicate::parse(EventKind::Click, "country", Some("ne"), "C 2").unwrap();
        self.country.then(country).into_iter().collect()
    }

    /// What jiff and a plain list say, however slowly.
    fn expected<'e>(&self, events: impl Iterator<Item = &'e Event>) -> Vec<RollupRow> {
        let zone = jiff::tz::TimeZone::get(ZONES[self.zone]).unwrap();
        let mut rows: BTreeMap<(EventKind, Vec<KeyValue>), Sums> = BTreeMap::new();
        for event in events {
            let at = event.at().millis();
            let owned = self.owners.iter().any(|owner| integration(*owner) == event.integration);
            let matches = !self.country || event.text(Text::Country) != Some("C 2");
            if !owned || !matches || at < self.from || at >= self.to {
                continue;
            }
            let keys = self.keys.iter().map(|key| self.value(*key, event, &zone)).collect();
            add(rows.entry((event.kind, keys)).or_default(), event);
        }
        rows.into_iter().map(|((kind, keys), sums)| RollupRow { kind, keys, sums }).collect()
    }

    fn value(&self, key: Key, event: &Event, zone: &jiff::tz::TimeZone) -> KeyValue {
        let text = |text: Option<&str>| text.map_or(KeyValue::None, |text| KeyValue::Text(text.to_owned()));
        let local = jiff::Timestamp::from_millisecond(event.at().millis()).unwrap().to_zoned(zone.clone());
        match key {
            Key::Date => {
                let date = match self.step {
                    Step::Day => local.date(),
                    Step::Week => {
                        let since_monday = local.date().weekday().to_monday_zero_offset();
                        local.date().checked_sub(jiff::Span::new().days(since_monday)).unwrap()
                    }
                    Step::Month => local.date().first_of_month(),
                };
                KeyValue::Date(Day::parse("date", &date.to_string()).unwrap())
            }
            Key::Hour => KeyValue::Hour(local.hour() as u8),
            Key::Integration => text(Some(event.integration.as_str())),
            Key::Rejection => text(event.primary_reason()),
            Key::Text(column) => text(event.text(column)),
        }
    }
}

fn add(sums: &mut Sums, event: &Event) {
    let money = |column| i128::from(event.number(column).unwrap_or(0));
    sums.total += 1;
    sums.revenue += money(Number::Revenue);
    sums.payout += money(Number::Payout);
    match (event.status().unwrap(), event.flag(Number::MonitoringMode)) {
        (Status::Approved, _) => sums.approved += 1,
        (Status::Rejected, true) => sums.monitored += 1,
        (Status::Rejected, false) => {
            sums.rejected += 1;
            return;
        }
    }
    sums.installs += i64::from(event.kind == EventKind::Conversion && event.text(Text::EventId).is_none());
    sums.completed += i64::from(event.flag(Number::VideoCompleted));
    sums.counted_revenue += money(Number::Revenue);
    sums.counted_payout += money(Number::Payout);
    sums.counted_price += money(Number::Price);
}

/// Asks the ledger both ways.
fn check(house: &House, question: &Question, as_of: Option<(u64, &BTreeMap<TxId, Event>)>) {
    let (view, kinds) = (house.ledger.view(), KINDS_ALL.to_vec());
    let (cut, events) = as_of.map_or((None, &house.events), |(cut, events)| (Some(cut), events));
    let expected = question.expected(events.values());
    let (sources, keys, predicates) = (question.sources(), question.keys.clone(), question.predicates());
    let query = RollupQuery {
        sources: sources.clone(),
        kinds,
        predicates: predicates.clone(),
        keys: keys.clone(),
        step: question.step,
        as_of: cut,
    };
    let found = view.rollup(&query, &Bounds::threads(2)).unwrap();
    assert_eq!(found, expected, "{question:?}");
    if question.step != Step::Day {
        return;
    }
    let query = GroupQuery {
        sources,
        counted: (EventKind::Click, predicates.clone()),
        conversions: Some(predicates),
        keys,
        as_of: cut,
    };
    let mut grouped: BTreeMap<Vec<KeyValue>, Measures> = BTreeMap::new();
    for row in expected {
        let measures = grouped.entry(row.keys);
        match row.kind {
            EventKind::Click => measures.or_default().add(&row.sums.measures()),
            EventKind::Conversion => measures.or_default().conversions += row.sums.total as u64,
            EventKind::Impression => {}
        }
    }
    let found = view.group(&query, &Bounds::threads(2)).unwrap();
    let found: BTreeMap<_, _> = found.groups.into_iter().map(|group| (group.keys, group.measures)).collect();
    assert_eq!(found, grouped, "{question:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn figures_are_those_of_the_events_whatever_happened_to_them(
        steps in proptest::collection::vec(any_step(), 1..24),
        questions in proptest::collection::vec(any_question(), 12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut house = House::new(folder.path());
        let mut questions = questions.iter().cycle();
        let mut earlier = None;
        for (number, step) in steps.iter().enumerate() {
            if matches!(step, Happens::DeleteDevice(_) | Happens::DeleteOlder(..)) {
                // What is deleted is deleted from former cuts too.
                earlier = None;
            }
            house.take(step);
            check(&house, questions.next().unwrap(), None);
            if let Some((cut, events)) = &earlier {
                check(&house, questions.next().unwrap(), Some((*cut, events)));
            }
            if number % 3 == 0 {
                earlier = Some((house.ledger.committed(), house.events.clone()));
            }
        }
        let damaged = Ledger::inspect(house.disk.clone(), true).unwrap().damaged;
        prop_assert_eq!(damaged, Vec::<String>::new());
    }
}

/// Names of the files of sums.
fn rollups(folder: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder.join("segments")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".rollup")).collect()
}

#[test]
fn sums_come_and_go_with_what_they_sum_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(folder.path());
    for lot in 0..2u32 {
        let events = (0..40).map(|n| (0, 1, 10, n * 77_777 + lot)).collect();
        house.take(&Happens::Append(events));
        house.take(&Happens::Seal);
    }
    assert_eq!(rollups(folder.path()).len(), 2);
    house.take(&Happens::Amend(vec![(3, 0, 0), (4, 2, 0)]));
    house.take(&Happens::Seal);
    let with_overlay = rollups(folder.path());
    assert!(with_overlay.len() > 2 && with_overlay.iter().any(|name| name.contains(".overlay-1.rollup")));
    house.take(&Happens::Merge);
    let merged = rollups(folder.path());
    assert_eq!(merged.len(), 2, "{merged:?}");
    assert!(merged.is_disjoint(&with_overlay));
    house.take(&Happens::DeleteOlder(0, 9));
    house.take(&Happens::DeleteDevice(1));
    house.take(&Happens::Merge);
    assert_eq!(rollups(folder.path()).len(), 2);
    house.take(&Happens::Reopen);
    assert_eq!(rollups(folder.path()).len(), 2);
}

#[test]
fn a_year_is_summed_up_without_reading_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(folder.path());
    house.take(&Happens::Append((0..300).map(|n| (0, 0, i64::from(n) * 3, n * 7_654_321)).collect()));
    house.take(&Happens::Amend((0..30).map(|n| (n * 9, 0, 0)).collect()));
    house.take(&Happens::Seal);
    let keys = vec![Key::Date, Key::Text(Text::AppId), Key::Text(Text::Country)];
    let (from, to) = (START, START + 20 * DAY_MS);
    let question = Question { keys, zone: 2, step: Step::Day, owners: vec![0], from, to, country: false };
    let query = RollupQuery {
        sources: question.sources(),
        kinds: KINDS_ALL.to_vec(),
        predicates: Vec::new(),
        keys: question.keys.clone(),
        step: Step::Day,
        as_of: None,
    };
    let none = Bounds { rows: 0, ..Bounds::threads(1) };
    let found = house.ledger.view().rollup(&query, &none).unwrap();
    assert_eq!(found, question.expected(house.events.values()));
    let unknown = RollupQuery { keys: vec![Key::Text(Text::SubId)], ..query };
    assert!(house.ledger.view().rollup(&unknown, &none).is_err(), "what is not summed up is read");
}

#[test]
fn segments_without_sums_get_some_and_wrong_ones_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(folder.path());
    for lot in 0..3u32 {
        house.take(&Happens::Append((0..50).map(|n| (0, 0, 10, n * 7_654_321 + lot)).collect()));
        house.take(&Happens::Seal);
    }
    let go_on = || true;
    assert!((0..3).all(|_| house.ledger.compare_sums(&go_on)));
    let stats = house.ledger.stats();
    assert_eq!((stats.compared_sums, stats.wrong_sums), (3, 0));
    let segments = folder.path().join("segments");
    let of = |name: &str| segments.join(name);
    let names: Vec<String> = rollups(folder.path()).into_iter().collect();
    // Whole and sound, but of other events.
    std::fs::copy(of(&names[0]), of(&names[1])).unwrap();
    (0..3).for_each(|_| assert!(house.ledger.compare_sums(&go_on)));
    assert!(house.ledger.stats().wrong_sums > 0);
    assert!(!Ledger::inspect(house.disk.clone(), true).unwrap().damaged.is_empty());
    let question = Question {
        keys: vec![Key::Text(Text::Publisher)],
        zone: 0,
        step: Step::Day,
        owners: vec![0],
        from: START,
        to: START + DAY_MS,
        country: false,
    };
    // A file that is gone is no answer, and the events are one.
    std::fs::remove_file(of(&names[1])).unwrap();
    check(&house, &question, None);
    assert_eq!(house.ledger.sum_up(&go_on).unwrap(), 0, "all have some, as far as the manifest knows");
}
