//! Random streams, the list of everything that happened, and the comparison of a filter with what the list says.

use crate::common::*;
use crate::explained::{self, Setup};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_domain::*;
use tollgate_screening::{Counters, Verdict};

/// One event of a random stream. Its values are picked from small sets by dice, so that keys collide.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    kind: EventKind,
    /// By how much its time follows the previous one's, negative when it is late.
    step: i64,
    /// From its time to its arrival; negative when the caller's clock is ahead.
    delay: i64,
    dice: [u8; 32],
}

/// Streams of up to `length` events.
pub(crate) fn streams(length: usize) -> impl Strategy<Value = Vec<Sample>> {
    let kind = prop_oneof![5 => Just(EventKind::Click), 4 => Just(EventKind::Conversion),
        1 => Just(EventKind::Impression)];
    let step = prop_oneof![12 => 0i64..4, 6 => 0i64..40, 4 => -70i64..0, 1 => -4000i64..4000];
    let delay = prop_oneof![8 => Just(0i64), 2 => 0i64..30, 1 => -20i64..0, 1 => 0i64..4000];
    let sample = (kind, step, delay, proptest::array::uniform32(any::<u8>()))
        .prop_map(|(kind, step, delay, dice)| Sample { kind, step, delay, dice });
    proptest::collection::vec(sample, 1..length)
}

/// When a stream happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Where it begins, in milliseconds since the epoch.
    pub(crate) from: i64,
    /// The length of its steps, in milliseconds.
    pub(crate) unit: i64,
}

impl Pace {
    /// A step is some seconds long.
    pub(crate) fn seconds(seconds: i64) -> Self {
        Self { from: START, unit: seconds * 1000 + 7 }
    }
}

/// The texts that columns take, by dice; "-" is absent.
const TEXTS: &[(Text, &[&str])] = &[
    (Text::Ip, &["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "2001:db8::1", "", "-"]),
    (Text::OfferId, &["o1", "o1", "o1", "o1", "o1", "o1", "o2", "", "-"]),
    (Text::Publisher, &["p1", "p1", "p1", "p1", "p1", "p1", "p2", "", "-"]),
    (Text::SubId, &["s1", "s1", "s1", "s1", "s1", "s1", "s2", "", "-"]),
    (Text::Advertiser, &["a1", "a2", "-"]),
    (Text::AppId, &["app", "", "-"]),
    (Text::ProxyType, &["-", "-", "VPN", "DATA_CENTER", "RESIDENTIAL_PROXY", "PRIVATE_RELAY", "unheard of"]),
    (Text::Country, &["DE", "FR", "US", "", "-"]),
    (Text::ClickCountry, &["DE", "FR", "", "-"]),
    (Text::UserAgent, &["agent 1", "agent 2", "", "-"]),
    (Text::BotClass, &["-", "-", "crawlers", "headless", "emulators", "libraries", "contradiction"]),
    (Text::SearchEngine, &["-", "google", ""]),
    (Text::Uuid, &["u1", "u2", "", "-"]),
    (Text::Fingerprint, &["f1", "f2", "", "-"]),
    (Text::DeviceId, DEVICES),
    (Text::ThirdPartyRejectedReason, &["-", "", "fraud"]),
    (Text::ClickRealTxId, &["c1", "c2", "c3", "", "-"]),
    (Text::EventId, &["-", "-", "-", "", "level 1", "level 2"]),
    (Text::ClickStatus, &["-", "approved", "rejected"]),
    (Text::OsName, &["Android", "Android", "iOS", "Windows", "Linux", "", "-"]),
    (Text::OsVersion, &["10", "9.9", "4.4.4", "16.5.1", "XP", "8.1", "", "-"]),
    (Text::BrowserName, &["Chrome", "Chrome Mobile", "IE", "Netscape", "", "-"]),
    (Text::BrowserVersion, &["126.0.0", "79.0.3945", "80", "11.0", "", "-"]),
    (Text::EventName, &["-", "-", "-", "", "level up"]),
];

const DEVICES: &[&str] = &[
    "5f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "5F2504E0-4F89-41D3-9A0C-0305E82C3301",
    "00000000-0000-0000-0000-000000000000",
    "5f2504e04f8941d39a0c0305e82c3301",
    "5f2504e0-4f89-41d3-9a0c-0305e82c330g",
    "5f2504e0-4f89-41d3-9a0c-0305e82c33011",
    "5f2504e-04f89-41d3-9a0c-0305e82c3301",
    "5f2504e0-4f89-41d3-9a0c-0305e82c33é",
    "",
    "-",
];

/// The times that columns take, by dice, in milliseconds before the event's own.
const TIMES: &[(Number, &[Option<i64>])] = &[
    (Number::ConversionTime, &[None, None, Some(0), Some(1000), Some(-2000)]),
    (
        Number::ClickTime,
        &[
            None,
            Some(0),
            Some(-5000),
            Some(10_000),
            Some(29_999),
            Some(30_000),
            Some(31_000),
            Some(3_600_000),
            Some(3_600_001),
            Some(100_000_000),
            Some(200_000_000),
            Some(4_000_000_000),
        ],
    ),
    (Number::LandingPageTime, &[None, Some(9000), Some(60_000), Some(-9000)]),
    (Number::BeginInstallTime, &[None, Some(5001), Some(30_000), Some(-4000), Some(-200_000)]),
    (Number::FinishInstallTime, &[None, Some(0), Some(10_000), Some(40_000), Some(-5001)]),
];

/// The stream's events.
pub(crate) fn events(stream: &[Sample], pace: Pace) -> Vec<Event> {
    let mut at = pace.from;
    let all = stream.iter().enumerate().map(|(n, sample)| {
        at += sample.step * pace.unit;
        let mut dice = sample.dice.iter().map(|die| usize::from(*die));
        let mut event = Event::new(sample.kind, integration().id);
        event.seq = n as u64 + 1;
        event.set_number(Number::RequestTime, at);
        event.set_number(Number::ArrivalTime, at + sample.delay * pace.unit);
        for (column, values) in TEXTS {
            let value = values[dice.next().unwrap() % values.len()];
            if value != "-" {
                event.set_text(*column, value);
            }
        }
        for (column, values) in TIMES.iter().filter(|_| sample.kind == EventKind::Conversion) {
            if let Some(before) = values[dice.next().unwrap() % values.len()] {
                event.set_number(*column, at - before);
            }
        }
        event
    });
    all.collect()
}

/// Which events count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// So many minutes before the event, in sixty buckets.
    Minutes(i64),
    /// `hour`, `day`, `week` or `month` in a zone.
    Calendar(&'static str, &'static str),
}

/// A key and what else decides whether two events count together.
pub(crate) type Key = Vec<String>;

/// Everything that was processed, in order.
#[derive(Default)]
pub(crate) struct History {
    /// The events as stored, each with the latest arrival up to then.
    seen: Vec<(Event, i64)>,
    clock: i64,
}

fn seconds(event: &Event, column: Number) -> i64 {
    event.number(column).unwrap().div_euclid(1000)
}

/// The time an event counts at: its own, but not later than its arrival.
fn counted_at(event: &Event) -> i64 {
    seconds(event, Number::RequestTime).min(seconds(event, Number::ArrivalTime))
}

impl History {
    /// The events that count when `event` is judged: `key` gives what an event counts under, or looks under. Those that
    /// `counts` refuses were never counted.
    pub(crate) fn window(
        &self,
        event: &Event,
        window: Window,
        key: impl Fn(&Event) -> Option<Key>,
        counts: impl Fn(&Event) -> bool,
    ) -> Vec<&Event> {
        let Some(own) = key(event) else { return Vec::new() };
        let (length, name) = match window {
            Window::Minutes(minutes) => (minutes, None),
            Window::Calendar(period, zone) => (longest_minutes(period), Some((period, zone))),
        };
        let period = |event: &Event| name.map(|(period, zone)| civil(counted_at(event), period, zone));
        let (mut kept, mut touched) = (Vec::<&Event>::new(), None);
        let forgotten =
            |touched: Option<i64>, clock| touched.is_none_or(|touched| clock >= touched + length * 60);
        let bucket = |event: &Event| counted_at(event) / length;
        for (seen, clock) in &self.seen {
            if !counts(seen) || key(seen).as_ref() != Some(&own) || period(seen) != period(event) {
                continue;
            }
            let newest = kept.iter().map(|kept| counted_at(kept)).max();
            // Where the server's clock was set back by a window, the hits lie ahead.
            let now = seconds(seen, Number::ArrivalTime);
            let ahead = name.is_none() && newest.is_some_and(|newest| newest >= now + length * 60);
            if forgotten(touched, *clock) || ahead {
                kept.clear();
            }
            let newest = kept.iter().map(|kept| bucket(kept)).max();
            if name.is_none() && newest.is_some_and(|newest| bucket(seen) <= newest - 60) {
                continue;
            }
            kept.push(seen);
            let newest = newest.unwrap_or(0).max(bucket(seen));
            kept.retain(|kept| name.is_some() || bucket(kept) > newest - 60);
            touched = Some(*clock);
        }
        if forgotten(touched, self.clock) {
            return Vec::new();
        }
        let here = bucket(event);
        kept.retain(|kept| name.is_some() || (here - 59..=here).contains(&bucket(kept)));
        kept
    }
}

fn longest_minutes(period: &str) -> i64 {
    match period {
        "hour" => 60,
        "day" => 25 * 60,
        "week" => 7 * 24 * 60 + 60,
        _ => 31 * 24 * 60 + 60,
    }
}

/// The period's name on the calendar.
fn civil(seconds: i64, period: &str, zone: &str) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap().in_tz(zone).unwrap();
    match period {
        "hour" => at.strftime("%F %H %:z").to_string(),
        "day" => at.strftime("%F").to_string(),
        "week" => at.strftime("%G week %V").to_string(),
        _ => at.strftime("%Y-%m").to_string(),
    }
}

/// A key over columns: absent when one of `points` is, while `levels` may be.
pub(crate) fn key(event: &Event, points: &[Text], levels: &[Text]) -> Option<Key> {
    let mut key = Vec::new();
    for column in points {
        let value =
            event.text(*column).filter(|value| !value.is_empty() && !value.starts_with("00000000-"))?;
        key.push(if *column == Text::DeviceId { value.to_ascii_lowercase() } else { value.to_owned() });
    }
    key.extend(levels.iter().map(|column| event.text_or_empty(*column).to_owned()));
    Some(key)
}

/// The text of a column, empty when absent.
pub(crate) fn text(event: &Event, column: Text) -> &str {
    event.text(column).unwrap_or("")
}

/// What a filter should find, in the order of its evidence: reasons, and counts where it counts.
pub(crate) type Expected = Vec<(&'static str, Option<usize>)>;

/// Checks the only filter of a group.
pub(crate) fn check(
    filter: Value,
    zone: &str,
    stream: Vec<Event>,
    expect: impl Fn(&History, &Event) -> Expected,
) -> Result<(), TestCaseError> {
    check_all(json!([filter]), zone, stream, expect)
}

/// Checks the only filter of a group that looks at the event alone; `expect` also says whether it abstains.
pub(crate) fn check_facts(
    filter: Value,
    stream: &[Sample],
    expect: impl Fn(&Event) -> (Expected, bool),
) -> Result<(), TestCaseError> {
    let stream = events(stream, Pace { from: START, unit: 1007 });
    run(json!([filter]), "UTC", stream, |_, event| {
        let (expected, abstains) = expect(event);
        (expected, Some(abstains))
    })
}

/// Runs a group's filters over a stream and compares each verdict with what `expect` makes of history. The counters are
/// stored and restored three times on the way; in the end all rows are folded into new ones, which must hold the same.
pub(crate) fn check_all(
    filters: Value,
    zone: &str,
    stream: Vec<Event>,
    expect: impl Fn(&History, &Event) -> Expected,
) -> Result<(), TestCaseError> {
    run(filters, zone, stream, |history, event| (expect(history, event), None))
}

fn run(
    filters: Value,
    zone: &str,
    stream: Vec<Event>,
    expect: impl Fn(&History, &Event) -> (Expected, Option<bool>),
) -> Result<(), TestCaseError> {
    let setup = Setup { filters: &filters, zone };
    let plan = setup.plan();
    let (mut counters, mut verdict, mut history) = (counters(), Verdict::new(), History::default());
    let (pause, last) = (stream.len() / 4 + 1, stream.len().saturating_sub(1));
    for (n, mut event) in stream.into_iter().enumerate() {
        if n % pause == pause - 1 && !counters.is_empty() {
            counters = restart(&counters);
        }
        history.clock = history.clock.max(seconds(&event, Number::ArrivalTime));
        let (expected, abstains) = expect(&history, &event);
        plan.evaluate(&event, None, &(), &counters, &mut verdict);
        let told = explained::agrees(&setup, &plan, (&event, &counters), &verdict)?;
        if n == last {
            let rows: Vec<_> = history.seen.iter().map(|(row, _)| row).collect();
            explained::flips(&setup, &told, &event, &rows)?;
        }
        plan.judge(&mut event, None, &(), &mut counters, &mut verdict);
        let found = findings(&verdict);
        let found: Vec<_> = found.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        prop_assert_eq!(&found, &expected, "event {} {:?}", n, event);
        let abstained = verdict.abstained() != 0;
        prop_assert!(
            abstains.is_none_or(|abstains| abstains == abstained),
            "abstained: {abstained}, {event:?}"
        );
        let mut reasons: Vec<_> = expected.iter().map(|(reason, _)| *reason).collect();
        reasons.dedup();
        prop_assert_eq!(verdict.rejections().map(Reason::code).collect::<Vec<_>>(), reasons);
        history.seen.push((event, history.clock));
    }
    let mut folded = crate::common::counters();
    history.seen.iter().for_each(|(row, _)| plan.fold(row, &mut folded));
    let same = (counters.is_empty() && folded.is_empty()) || export(&counters) == export(&folded);
    prop_assert!(same, "folding stored rows gives other counters");
    Ok(())
}

/// What the evidence says.
fn findings(verdict: &Verdict) -> Vec<(String, Option<usize>)> {
    let evidence: Vec<Value> =
        verdict.evidence().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default();
    let found = evidence.iter().filter(|entry| entry["action"] == "reject");
    found
        .map(|entry| {
            let count = entry["count"].as_u64().map(|count| count as usize);
            (entry["reason"].as_str().unwrap().to_owned(), count)
        })
        .collect()
}

fn restart(counters: &Counters) -> Counters {
    let (mut restored, mut slot) = (crate::common::counters(), Vec::new());
    for n in 0..Counters::SLOTS {
        slot.clear();
        counters.export_slot(n, &mut slot);
        restored.import_slot(n, &slot).unwrap();
    }
    restored
}
