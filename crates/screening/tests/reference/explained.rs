//! What an explanation must hold whatever the filter: it finds what the verdict found, and the change that it names for
//! a look flips that look, while a smaller one does not.

use crate::common::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use tollgate_domain::*;
use tollgate_screening::*;

/// A group's filters, and the zone of its integration.
pub(crate) struct Setup<'a> {
    pub(crate) filters: &'a Value,
    pub(crate) zone: &'a str,
}

impl Setup<'_> {
    pub(crate) fn group(&self) -> FilterGroup {
        FilterGroup::clone(&group("defaultaaa", json!({"filters": self.filters})))
    }

    pub(crate) fn plan(&self) -> Plan {
        let integration = Integration { time_zone: self.zone.to_owned(), ..integration() };
        Plan::compile(&integration, &[self.group().into()]).unwrap()
    }

    fn explain(&self, plan: &Plan, event: &Event, counters: &Counters) -> Explanation {
        let group = self.group();
        plan.explain(&Question { event, forced: None, groups: &[&group], sources: &(), counters })
    }
}

/// Compares an explanation with the verdict on the same event.
pub(crate) fn agrees(
    setup: &Setup<'_>,
    plan: &Plan,
    (event, counters): (&Event, &Counters),
    verdict: &Verdict,
) -> Result<Explanation, TestCaseError> {
    let told = setup.explain(plan, event, counters);
    prop_assert_eq!(told.verdict.evidence(), verdict.evidence());
    prop_assert!(told.verdict.codes().eq(verdict.codes()));
    prop_assert_eq!(told.verdict.abstained(), verdict.abstained());
    let evidence: Vec<Value> =
        verdict.evidence().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default();
    let looks =
        told.filters.iter().flat_map(|filter| filter.told.looks.iter().map(move |look| (filter, look)));
    let objecting: Vec<_> = looks.filter(|(_, look)| look.objects).collect();
    let fired: Vec<_> = evidence.iter().filter(|entry| entry["action"] != "abstain").collect();
    prop_assert_eq!(objecting.len(), fired.len());
    for ((filter, look), entry) in objecting.into_iter().zip(fired) {
        prop_assert_eq!(&json!(filter.index), &entry["filter"]);
        prop_assert_eq!(&json!(look.reason), &entry["reason"]);
        prop_assert_eq!(&json!(look.field), &entry["field"]);
        prop_assert_eq!(&json!(look.counted.as_ref().map(|counted| counted.total)), &entry["count"]);
        prop_assert!(same(&look.observed, &entry["observed"]), "{look:?} {entry}");
        prop_assert!(same(&look.threshold, &entry["threshold"]), "{look:?} {entry}");
    }
    Ok(told)
}

fn same(measure: &Option<Measure>, said: &Value) -> bool {
    match measure {
        None => said.is_null(),
        Some(Measure::Text(text)) => said.as_str() == Some(text),
        Some(Measure::Number(number)) => said.as_i64() == Some(*number),
        Some(Measure::Percent(hundredths)) => said.as_f64() == Some(f64::from(*hundredths) / 100.0),
        Some(Measure::Flag(flag)) => said.as_bool() == Some(*flag),
    }
}

/// Applies what the explanation of `event` names to each look, with `history` stored before it.
pub(crate) fn flips(
    setup: &Setup<'_>,
    told: &Explanation,
    event: &Event,
    history: &[&Event],
) -> Result<(), TestCaseError> {
    for filter in &told.filters {
        for look in &filter.told.looks {
            match &look.flip.change {
                Change::Parameter { path, to } => {
                    let changed = change(setup.filters, filter.index, path, to);
                    let again = judged_with(setup, &changed, event, history);
                    prop_assert_eq!(
                        objections(&again, filter.index, look, path),
                        objections(told, filter.index, look, path) + if look.objects { -1 } else { 1 },
                        "{:?} {} of {:?}",
                        look,
                        changed,
                        event
                    );
                    if let Some(less) =
                        one_less(to).and_then(|to| legal(setup.filters, filter.index, path, &to))
                    {
                        let again = judged_with(setup, &less, event, history);
                        let (before, after) = (
                            objections(told, filter.index, look, path),
                            objections(&again, filter.index, look, path),
                        );
                        prop_assert_eq!(before, after, "{:?} with only {}", look, less);
                    }
                }
                Change::Events { more: more @ ..=300, .. } if is_newest(event, history) => {
                    let plan = setup.plan();
                    let mut counters = folded(&plan, history);
                    let mut stored = event.clone();
                    told.verdict.write_to(&mut stored);
                    for _ in 0..*more {
                        plan.fold(&hit(&filter.filter_type, &stored), &mut counters);
                    }
                    let again = setup.explain(&plan, event, &counters);
                    let objects =
                        |now: &Look| now.objects && now.reason == look.reason && now.field == look.field;
                    prop_assert!(again.filters[filter.index].told.looks.iter().any(objects), "{look:?}");
                }
                _ => {}
            }
            prop_assert!(look.sentence(filter.action).ends_with('.'));
        }
    }
    Ok(())
}

/// How many looks of a filter object. Where a parameter also decides what another look finds, only looks for the same
/// reason.
fn objections(told: &Explanation, filter: usize, look: &Look, path: &str) -> i32 {
    let alone = ["window_days", "allowed_duplicates", "tolerance_seconds"].contains(&path);
    let looks = told.filters[filter].told.looks.iter();
    looks.filter(|now| now.objects && (!alone || now.reason == look.reason)).count() as i32
}

fn folded(plan: &Plan, history: &[&Event]) -> Counters {
    let mut counters = counters();
    history.iter().for_each(|row| plan.fold(row, &mut counters));
    counters
}

fn judged_with(setup: &Setup<'_>, filters: &Value, event: &Event, history: &[&Event]) -> Explanation {
    let setup = Setup { filters, zone: setup.zone };
    let plan = setup.plan();
    setup.explain(&plan, event, &folded(&plan, history))
}

/// Whether nothing came later, so that more events of its time would be counted.
fn is_newest(event: &Event, history: &[&Event]) -> bool {
    let times = |event: &Event| {
        let arrival = event.number(Number::ArrivalTime).unwrap();
        (event.at().millis().min(arrival), arrival)
    };
    let (at, arrival) = times(event);
    history.iter().all(|row| times(row).0 <= at && times(row).1 <= arrival)
}

/// A stored event under the same keys that hits what a filter asks the share of.
fn hit(filter: &str, event: &Event) -> Event {
    let mut event = event.clone();
    event.seq = 0;
    if ["click_spam", "low_session_time", "rejection_threshold"].contains(&filter) {
        event.kind = EventKind::Conversion;
        event.clear_text(Text::EventId);
        event.clear_text(Text::EventName);
        event.set_status(Status::Rejected);
        event.set_text(Text::Rejections, r#"["BOT"]"#);
        let at = event.number(Number::ConversionTime).unwrap_or(event.at().millis());
        event.set_number(Number::ClickTime, if filter == "click_spam" { at - 200 * 3_600_000 } else { at });
    }
    event
}

/// The filters with one parameter changed.
fn change(filters: &Value, index: usize, path: &str, to: &Setting) -> Value {
    let mut filters = filters.clone();
    let spec = &mut filters[index];
    let schema = catalogue_json_schema();
    let of_type = schema["oneOf"].as_array().unwrap().iter().find(|of| of["title"] == spec["type"]).unwrap();
    let mut declared = &of_type["properties"]["params"];
    if spec["params"].is_null() {
        spec["params"] = json!({});
    }
    let mut place = &mut spec["params"];
    for name in path.splitn(2, '.') {
        declared = &declared["properties"][name];
        place = &mut place[name];
        if place.is_null() && !declared["default"].is_null() {
            *place = declared["default"].clone();
        }
    }
    match to {
        Setting::AtLeast(value) | Setting::AtMost(value) | Setting::Is(value) => *place = written(value),
        Setting::With(value) => {
            if place.is_null() {
                *place = json!([]);
            }
            place.as_array_mut().unwrap().push(written(value));
        }
        Setting::Without(value) => {
            let value = written(value);
            place.as_array_mut().unwrap().retain(|listed| !matches(listed, &value));
        }
    }
    filters
}

fn written(measure: &Measure) -> Value {
    match measure {
        Measure::Text(text) => json!(text),
        Measure::Number(number) => json!(number),
        Measure::Percent(hundredths) => json!(f64::from(*hundredths) / 100.0),
        Measure::Flag(flag) => json!(flag),
    }
}

/// Whether a listed value is one that `value` matches: as a whole, by the name of a group, or as a language of any
/// country.
fn matches(listed: &Value, value: &Value) -> bool {
    let folded = |text: &str| text.trim().to_lowercase();
    match (listed.as_str().or(listed["name"].as_str()), value.as_str()) {
        (Some(listed), Some(value)) => {
            let (listed, value) = (folded(listed), folded(value));
            listed == value || value.split_once('-').is_some_and(|(language, _)| listed == language)
        }
        _ => listed == value,
    }
}

/// A number that lies just outside of what a change asks for.
fn one_less(to: &Setting) -> Option<Setting> {
    match to {
        Setting::AtLeast(Measure::Number(n)) => Some(Setting::Is(Measure::Number(n - 1))),
        Setting::AtMost(Measure::Number(n)) => Some(Setting::Is(Measure::Number(n + 1))),
        Setting::AtLeast(Measure::Percent(n)) => Some(Setting::Is(Measure::Percent(n.checked_sub(1)?))),
        Setting::AtMost(Measure::Percent(n)) => Some(Setting::Is(Measure::Percent(n + 1))),
        _ => None,
    }
}

/// The changed filters, if they may be saved.
fn legal(filters: &Value, index: usize, path: &str, to: &Setting) -> Option<Value> {
    let changed = change(filters, index, path, to);
    validate(&specs(changed.clone())).is_ok().then_some(changed)
}
