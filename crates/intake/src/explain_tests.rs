//! Explanations of stored events: whatever came between, they come to the verdict that was given.

use crate::explain::{Effort, ExplainError, Explained};
use crate::import::import;
use crate::test_house::House;
use crate::{Format, ImportRequest, Observer, Outcome, Progress, RefusedLine};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use tollgate_catalog::{CatalogError, Snapshot};
use tollgate_domain::{Event, EventKind, Status, Text};
use tollgate_screening::FilterOutcome;

const PERSON: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/126.0.0.0 Safari/537.36";

/// Filters that count, with windows of every sort.
fn counting(allowed: u32) -> [(&'static str, Value); 6] {
    [
        (
            "duplicate_user",
            json!({"data_points": ["ip", "user_agent"], "allowed_duplicates": allowed,
                                  "lookback_minutes": 30}),
        ),
        ("click_capping", json!({"cap": 6, "period": "hour"})),
        ("sub_id_validity", json!({"max_unique": 3})),
        ("rejection_threshold", json!({"min_conversions": 2, "max_percentage": 30, "lookback_days": 1})),
        ("attribution", json!({})),
        ("bot", json!({})),
    ]
}

impl House {
    fn explain(&self, event: Event, effort: Effort) -> Result<Explained, ExplainError<CatalogError>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let catalog = self.intake.catalog().clone();
        self.intake.explain(event, effort, |version| runtime.block_on(catalog.as_of(version)))
    }

    fn events(&self) -> Vec<Event> {
        let records = self.intake.ledger().view().scan_seq_from(1);
        records.filter_map(|record| record.unwrap().into_event()).collect()
    }
}

/// The findings of an explanation as the evidence has them: filter, reason, field, count.
fn findings(explained: &Explained) -> Vec<Value> {
    let filters = explained.explanation.filters.iter();
    let looks = filters.flat_map(|filter| filter.told.looks.iter().map(move |look| (filter.index, look)));
    let objecting = looks.filter(|(_, look)| look.objects);
    objecting
        .map(|(index, look)| {
            let count = look.counted.as_ref().map(|counted| counted.total);
            json!([index, look.reason, look.field, count])
        })
        .collect()
}

fn stored_findings(event: &Event) -> Vec<Value> {
    let evidence: Vec<Value> =
        event.text(Text::Evidence).map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default();
    let found = evidence.iter().filter(|entry| entry["action"] == "reject");
    found.map(|entry| json!([entry["filter"], entry["reason"], entry["field"], entry["count"]])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Times jump, configurations change, rows are sealed and counters pruned by time; each event is explained by what
    /// was known when it came.
    #[test]
    fn every_explanation_comes_to_the_verdict_that_was_given(steps in proptest::collection::vec(
            (0u8..16, 0u8..4, 0u8..5, 0i64..400_000), 20..80)) {
        let mut house = House::new();
        house.set_filters(&counting(1));
        let mut clicks = vec!["00000000000000000000000001".to_owned()];
        let mut conversions: Vec<String> = Vec::new();
        for (what, user, sub_id, millis) in steps {
            house.clock.0.fetch_add(millis, Ordering::Relaxed);
            let (ip, sub_id) = (format!("192.0.2.{user}"), format!("s{sub_id}"));
            let agent = if user == 3 { "curl/8" } else { PERSON };
            let common = [("offer", "o"), ("publisher", "p"), ("click_ip", &ip), ("user_agent", agent), ("sub_id", &sub_id)];
            match what {
                0 => house.set_filters(&counting(2)),
                1 => house.set_filters(&counting(1)[..3]),
                2 => house.set_filters(&[&counting(1)[..], &[("click_flooding", json!({"threshold": 3}))]].concat()),
                3 if house.stored() > 0 => drop(house.intake.ledger().seal(1_000).unwrap()),
                8 if !conversions.is_empty() => {
                    let external = &conversions[usize::from(user) % conversions.len()];
                    house.reject(external, if user == 0 { "LATE" } else { "LATER" });
                }
                4..=7 => {
                    let click = clicks[usize::from(user) % clicks.len()].clone();
                    let external = format!("e{}", conversions.len());
                    let own = [("transaction_id", &*click), ("external_transaction_id", &external)];
                    let draft = house.draft(EventKind::Conversion, &[&common[..], &own].concat());
                    house.submit(draft);
                    conversions.push(external);
                }
                _ => {
                    let draft = house.draft(EventKind::Click, &common);
                    if let (Outcome::Judged(judged), _) = house.submit(draft) {
                        clicks.push(judged.id.to_string());
                    }
                }
            }
            house.intake.ledger().commit().unwrap();
        }
        prop_assert_eq!(house.intake.stats().counter_evictions, 0);
        for event in house.events() {
            let explained = house.explain(event.clone(), Effort::default()).unwrap();
            prop_assert!(explained.agrees, "{event:?} {explained:?}");
            prop_assert_eq!(&explained.notes, &Vec::<String>::new());
            prop_assert_eq!(findings(&explained), stored_findings(&event));
        }
    }
}

#[test]
fn conversions_that_were_rejected_late_count_as_such() {
    let mut house = House::new();
    house.set_filters(&[("rejection_threshold", json!({"min_conversions": 2, "max_percentage": 30}))]);
    let convert = |house: &mut House, external: &str| {
        let said = [("offer", "o"), ("publisher", "p"), ("external_transaction_id", external)];
        let draft = house.draft(EventKind::Conversion, &said);
        let (_, draft) = house.submit(draft);
        house.commit();
        draft.event.status() == Some(Status::Rejected)
    };
    let before: Vec<bool> = ["a", "b", "c"].iter().map(|external| convert(&mut house, external)).collect();
    assert_eq!(before, [false; 3]);
    house.reject("a", "REFUNDED");
    house.seal();
    assert!(convert(&mut house, "d"), "one of three is more than 30 %");
    assert!(house.intake.ledger().seal(1_000).unwrap().is_some());
    house.reject("b", "REFUNDED");
    house.commit();
    assert!(convert(&mut house, "e"));
    for event in house.events() {
        let explained = house.explain(event.clone(), Effort::default()).unwrap();
        assert!(explained.agrees, "{explained:?}");
        assert_eq!(findings(&explained), stored_findings(&event));
        if event.text(Text::ExternalTransactionId) == Some("e") {
            let look = &explained.explanation.filters[0].told.looks[0];
            let counted = look.counted.as_ref().map(|counted| (counted.hits, counted.total));
            assert_eq!(counted, Some((Some(2), 4)));
        }
    }
}

struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn refused(&mut self, refused: &RefusedLine) -> io::Result<()> {
        panic!("{refused:?}")
    }
}

#[test]
fn imported_events_are_explained_by_their_own_import() {
    let mut house = House::new();
    house.set_filters(&counting(1));
    let common =
        [("offer", "o"), ("publisher", "p"), ("click_ip", "192.0.2.1"), ("user_agent", "Mozilla/5.0")];
    for _ in 0..3 {
        let draft = house.draft(EventKind::Click, &common);
        house.submit(draft);
    }
    house.intake.ledger().commit().unwrap();
    let running = house.intake.ledger().start(std::sync::Arc::new(|error| panic!("{error}"))).unwrap();
    for day in [1, 2] {
        let mut file = tempfile::tempfile().unwrap();
        writeln!(file, "click_time,offer,publisher,click_ip,user_agent").unwrap();
        for second in 0..4 {
            writeln!(file, "2023-11-0{day} 10:00:0{second},o,p,192.0.2.1,Mozilla/5.0").unwrap();
        }
        let request = ImportRequest {
            integration: house.integration,
            kind: EventKind::Click,
            format: Format::Csv,
            map: None,
            set: Vec::new(),
        };
        house.clock.0.fetch_add(1000, Ordering::Relaxed);
        let summary = import(&house.intake, &request, &file, &mut Silent).unwrap();
        assert_eq!(summary.stored(), 4);
    }
    let draft = house.draft(EventKind::Click, &common);
    house.submit(draft);
    house.intake.ledger().wait_committed(house.intake.ledger().assigned());
    let events = house.events();
    assert_eq!(events.len(), 12);
    let rejected = |event: &Event| event.text_or_empty(Text::Rejections).contains("DUPLICATE_IP");
    assert_eq!(events.iter().filter(|event| rejected(event)).count(), 1 + 2 + 2 + 1);
    for (n, event) in events.into_iter().enumerate() {
        let (is_imported, evidence) = ((3..11).contains(&n), stored_findings(&event));
        let explained = house.explain(event, Effort::default()).unwrap();
        assert!(explained.agrees, "{n} {explained:?}");
        assert_eq!(findings(&explained), evidence, "{n}");
        assert_eq!(
            explained.notes.iter().any(|note| note.starts_with("It was imported")),
            is_imported,
            "{n}"
        );
    }
    running.stop();
}

#[test]
fn what_costs_too_much_is_refused() {
    let mut house = House::new();
    house.set_filters(&counting(1));
    let common = [("offer", "o"), ("publisher", "p"), ("click_ip", "192.0.2.1"), ("user_agent", "curl/8")];
    for _ in 0..3 {
        let draft = house.draft(EventKind::Click, &common);
        house.submit(draft);
    }
    house.intake.ledger().commit().unwrap();
    let last = house.events().pop().unwrap();
    let effort = Effort { rows: 2, ..Effort::default() };
    let refused = house.explain(last.clone(), effort).unwrap_err().to_string();
    assert_eq!(refused, "the windows of its filters hold up to 3 events; 2 are read for one explanation");

    let mut unknown = last.clone();
    unknown.set_number(tollgate_domain::Number::ConfigVersion, 1_000_000);
    let none = |_| -> Result<Snapshot, Infallible> { Ok(Snapshot::default()) };
    let refused = house.intake.explain(unknown, Effort::default(), none).unwrap_err().to_string();
    assert_eq!(refused, "configuration 1000000 does not have its integration");

    let explained = house.explain(last, Effort::default()).unwrap();
    assert_eq!(explained.counted.map(|(events, _)| events), Some(2));
    let outcomes: Vec<_> = explained.explanation.filters.iter().map(|filter| filter.outcome).collect();
    let [rejected, passed, other] =
        [FilterOutcome::Rejected, FilterOutcome::Passed, FilterOutcome::OtherKind];
    assert_eq!(outcomes, [rejected, passed, passed, passed, other, rejected]);
}
